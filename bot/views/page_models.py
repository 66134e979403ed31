"""What the page's templates are given: frozen values, text cut and made visible; the template escapes it."""

from dataclasses import dataclass, field

from bot.views.page_run_models import AgentLane, ChangesSection, GapRow, OfferedSection, RunRow, SimilarSection
from bot.views.page_values import Count, Countdown, Glyph, Link, When


@dataclass(frozen=True, slots=True)
class Strip:
    """A line under the header that says what is wrong with what is seen here. ``tone``: info, warn or bad."""

    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A label at the top. ``tone`` is empty, ok, irr or comp."""

    text: str
    tone: str = ""
    glyph: Glyph | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the short facts under the title."""

    name: str
    value: str
    note: str = ""
    at: When | None = None


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something that a person must still do. ``left`` stands inside the sentence when there is a deadline."""

    glyph: Glyph
    lead: str
    detail: str
    left: Countdown | None = None


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One effect. ``undo`` says how far it can be taken back, ``left`` the open window.

    ``suggestion`` stands beside unclassified, ``origins`` say which arguments came from untrusted content.
    """

    glyph: Glyph
    tool: str
    did: str
    rejected: bool
    target: str
    outcome: str
    outcome_note: str
    unknown: bool
    at: When | None
    undo: str
    undo_tone: str
    undo_note: str
    left: Countdown | None
    substitute: str
    suggestion: str = ""
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EffectGroup:
    """Effects of one class. ``more`` says how many are left out."""

    glyph: Glyph
    name: str
    count: int
    meaning: str
    rows: tuple[EffectRow, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Mitigation:
    """A restraint that holds or may hold."""

    glyph: Glyph
    title: str
    certain: bool
    ends: str
    left: Countdown | None
    then: str
    by: str
    state: str
    change: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the four stages of an action. ``tone``: happened, na, waits, todo or no."""

    tone: str
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One step of what people and Pullcord did. ``entries`` names the places in the chain, ``hash`` their last code.

    Of an action: ``change`` is what it set from what to what, ``history`` what was read back and said of it since,
    ``glass`` that its requester went alone.
    """

    at: When
    glyph: Glyph
    machine: bool
    who: str
    what: str
    note: str
    hash: str
    entries: str
    distrusted: bool
    stages: tuple[Stage, ...] = ()
    change: str = ""
    history: tuple[str, ...] = ()
    glass: str = ""


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """All that ``incident.html`` shows, in its order."""

    id: str
    head_title: str
    severity: str
    severe: bool
    tags: tuple[Tag, ...]
    title: str
    strips: tuple[Strip, ...]
    lead: str
    counts: tuple[Count, ...]
    asides: str
    more_runs: tuple[Link, ...]
    facts: tuple[Fact, ...]
    open_items: tuple[OpenItem, ...]
    open_note: str
    effects_note: str
    groups: tuple[EffectGroup, ...]
    no_effects: str
    reads: str
    mitigations: tuple[Mitigation, ...]
    agent: AgentLane | None
    agent_absent: str
    people: tuple[PersonRow, ...]
    people_note: str
    chain: str
    chain_ok: bool | None
    changes: ChangesSection
    similar: SimilarSection
    offered: OfferedSection | None
    captured: str
    gaps: tuple[GapRow, ...]
    gaps_note: str
    runs: tuple[RunRow, ...]
    runs_note: str
    evidence: str
    as_of: When
    slack: Link | None = None


@dataclass(frozen=True, slots=True)
class ListRow:
    """One incident in the list."""

    id: str
    href: str
    severity: str
    severe: bool
    agent: str
    title: str
    note: str
    state: Tag
    fires: bool
    counts: tuple[Count, ...]
    spoken: str
    none: str
    left: Countdown | None
    who: str
    nobody: bool
    who_note: str
    age: str


@dataclass(frozen=True, slots=True)
class ListGroup:
    """Incidents of one state."""

    key: str
    name: str
    meaning: str
    rows: tuple[ListRow, ...]


@dataclass(frozen=True, slots=True)
class ListPage:
    """All that ``incidents.html`` shows."""

    total: int
    summary: str
    groups: tuple[ListGroup, ...]
    agents: tuple[str, ...]
    windows: bool
    as_of: When
    older: Link | None = None
    strips: tuple[Strip, ...] = field(default=())
