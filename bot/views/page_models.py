"""What the page's templates are given: frozen values, text cut and made visible; the template escapes it."""

from dataclasses import dataclass, field

from bot.views.page_values import Countdown, Glyph, When


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
class Count:
    """One number of the blast radius, with its shape."""

    glyph: Glyph
    text: str


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something that a person must still do. ``left`` stands inside the sentence when there is a deadline."""

    glyph: Glyph
    lead: str
    detail: str
    left: Countdown | None = None


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One effect. ``undo`` says how far it can be taken back, ``left`` the open window."""

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


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a step lies on the run's scale: ``x`` and ``width`` as SVG lengths."""

    x: str
    width: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row of the agent's lane. ``down`` opens a nested list after it, ``up`` closes so many."""

    glyph: Glyph | None
    kind: str
    effect: str
    depth: int
    name: str
    note: str
    spoken: str
    bar: Bar | None
    length: str
    down: bool = False
    up: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the scale at ``x``."""

    x: str
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link within our own pages, or to Slack."""

    text: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class AgentLane:
    """The steps of one run, with its own scale."""

    run: str
    span: str
    steps: str
    note: str
    rows: tuple[StepRow, ...]
    ticks: tuple[Tick, ...]
    runs: tuple[Link, ...]
    pages: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the four stages of an action. ``tone``: happened, na, waits, todo or no."""

    tone: str
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One step of what people and Pullcord did. ``entries`` names the places in the chain, ``hash`` their last code."""

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


@dataclass(frozen=True, slots=True)
class GapRow:
    """Something that was not recorded, and how to turn it on."""

    field: str
    hint: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of this incident."""

    link: Link
    how: str
    ended: When | None
    models: str
    spoken: str
    counts: tuple[Count, ...]
    evidence: str


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
    more_runs: str
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
    gaps: tuple[GapRow, ...]
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
