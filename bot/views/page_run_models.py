"""What the templates are given about runs: their steps, what changed, who else was hit. Text is cut, never escaped."""

from dataclasses import dataclass

from bot.views.page_values import Count, Glyph, Link, When


@dataclass(frozen=True, slots=True)
class Bar:
    """Where a step lies on the run's scale: ``x`` and ``width`` as SVG lengths."""

    x: str
    width: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row of the agent's lane. ``down`` opens a nested list after it, ``up`` closes so many.

    ``href`` leads to what was recorded of it; ``opens`` says that this is one step, which can be shown in place, and
    not a fold of many. ``agent`` is named where several agents took part; ``again`` when the row above has the same.
    ``flag`` says that an argument came from untrusted content. ``beside`` marks a row that is only here because of
    what is below it.
    """

    glyph: Glyph | None
    kind: str
    effect: str
    depth: int
    name: str
    note: str
    spoken: str
    bar: Bar | None
    length: str
    href: str
    opens: bool = True
    agent: str = ""
    flag: str = ""
    again: bool = False
    beside: bool = False
    down: bool = False
    up: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the scale at ``x``."""

    x: str
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class AgentLane:
    """The steps of one run, with its own scale. ``filters`` choose which, ``source`` says where they were read.

    ``notes`` say what was cut or is only partly there; ``empty`` why no row is shown.
    """

    run: str
    href: str
    span: str
    steps: str
    source: str
    note: str
    notes: tuple[str, ...]
    rows: tuple[StepRow, ...]
    ticks: tuple[Tick, ...]
    filters: tuple[Link, ...]
    runs: tuple[Link, ...]
    pages: tuple[Link, ...]
    empty: str = ""


@dataclass(frozen=True, slots=True)
class GapRow:
    """Something that was not recorded, and how to turn it on."""

    field: str
    hint: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run of this incident. ``source`` says where it was read, ``captured`` how much of it was there."""

    link: Link
    how: str
    ended: When | None
    models: str
    spoken: str
    counts: tuple[Count, ...]
    evidence: str
    source: str
    captured: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One thing that is not as in the recent good runs. ``tone``: swap, added or gone."""

    what: str
    name: str
    before: str
    after: str
    tone: str
    detail: str
    since: When | None
    runs: str
    diff: Link | None


@dataclass(frozen=True, slots=True)
class ChangesSection:
    """What changed since the last good runs, of one run. ``lead`` is an answer also where there are no rows."""

    note: str
    lead: str
    rows: tuple[ChangeRow, ...]
    foot: str
    others: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class LineRow:
    """One recorded run in a list: reachable, with how it ended and what it did."""

    link: Link
    ended: When | None
    status: str
    bad: bool
    model: str
    agent: str
    counts: tuple[Count, ...]
    spoken: str
    why: str


@dataclass(frozen=True, slots=True)
class SimilarGroupRows:
    """Runs that share one thing with a run of this incident. ``more`` are folded away, ``left`` are not listed."""

    kind: str
    words: str
    runs: str
    note: str
    counts: tuple[Count, ...]
    spoken: str
    lines: tuple[LineRow, ...]
    more: tuple[LineRow, ...]
    left: str


@dataclass(frozen=True, slots=True)
class SimilarSection:
    """Who else was hit."""

    total: int
    note: str
    lead: str
    groups: tuple[SimilarGroupRows, ...]
    ask: str


@dataclass(frozen=True, slots=True)
class OfferedSection:
    """Runs to choose from where no alert names one."""

    note: str
    lines: tuple[LineRow, ...]
    left: str
    ask: str
