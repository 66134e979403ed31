"""The incident: what people work on. A projection of its timeline, never written directly."""

from enum import StrEnum

from pydantic import Field

from bot.domain.action import Execution
from bot.domain.alert import Alert
from bot.domain.base import Utc, Value
from bot.domain.effect import Effect
from bot.domain.profile import Difference, RunLine, SimilarGroup
from bot.domain.run import RunSummary


class IncidentState(StrEnum):
    """Contained is not resolved: contained = nothing more can go wrong and each irreversible effect is covered."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CONTAINED = "contained"
    RESOLVED = "resolved"


class AlertState(StrEnum):
    """What the sources say: at least one alert fires, or all are over."""

    FIRING = "firing"
    CLEARED = "cleared"


class AttachedRun(Value):
    """A run of this incident with its frozen evidence."""

    summary: RunSummary
    evidence: str
    evidence_bytes: int
    source: str
    alerted: bool
    catalogue: str
    attached_at: Utc
    parts: int
    parts_seen: int = 0
    source_note: str = ""


class MissingRun(Value):
    """A run that should be here and is not, or that no alert named (``trace_id`` None)."""

    trace_id: str | None
    reason: str
    since: Utc
    until: Utc | None = None


class Compared(Value):
    """What differs in one run from recent good ones (``ChangesFound``)."""

    trace_id: str
    compared: int
    changes: tuple[Difference, ...]
    note: str
    at: Utc
    unrecorded: tuple[str, ...] = ()


class Similar(Value):
    """Which other runs look like one of this incident (``SimilarRunsFound``); ``groups`` without those added since."""

    trace_id: str
    groups: tuple[SimilarGroup, ...]
    runs: int
    searched: int
    at: Utc


class Offered(Value):
    """Runs to choose from where no alert names one (``RunsOffered``)."""

    start: Utc
    end: Utc
    lines: tuple[RunLine, ...]
    total: int


class Page(Value):
    """One page that went out or was tried."""

    step: int
    user: str
    how: str
    delivered: bool
    detail: str
    at: Utc


class Said(Value):
    """The latest thing that a person or Pullcord did, for the card's last line."""

    text: str
    at: Utc


class Incident(Value):
    """An incident as its timeline tells it up to entry ``seq``. ``head`` is the code of that entry."""

    id: str
    number: int
    seq: int
    head: str
    state: IncidentState
    alert_state: AlertState
    severity: str
    severity_why: str = ""
    agent: str | None
    name: str
    drill: bool = False
    summary: str = ""
    opened_at: Utc
    opened_by: str
    alerts: tuple[Alert, ...] = ()
    runs: tuple[AttachedRun, ...] = ()
    missing: tuple[MissingRun, ...] = ()
    effects: tuple[Effect, ...] = ()
    compared: tuple[Compared, ...] = ()
    similar: tuple[Similar, ...] = ()
    offered: Offered | None = None
    added: tuple[str, ...] = ()
    """Trace ids that people added; each is read like an alerted one."""
    executions: tuple[Execution, ...] = ()
    pages: tuple[Page, ...] = ()
    escalation_ended: str | None = None
    acknowledged_by: str | None = None
    acknowledged_at: Utc | None = None
    commander: str | None = None
    commander_at: Utc | None = None
    contained_at: Utc | None = None
    resolved_by: str | None = None
    resolved_at: Utc | None = None
    resolution: str | None = None
    notes: int = 0
    channel: str | None = None
    channel_name: str | None = None
    root_ts: str | None = None
    announced_channel: str | None = None
    announced_ts: str | None = None
    degraded: tuple[str, ...] = ()
    last: Said | None = None
    head_posted: int = 0

    @property
    def open(self) -> bool:
        """True until it is resolved."""
        return self.state is not IncidentState.RESOLVED

    @property
    def alerted_traces(self) -> frozenset[str]:
        """Trace ids that alerts of this incident named."""
        return frozenset(a.trace_id for a in self.alerts if a.trace_id)

    @property
    def wanted_traces(self) -> frozenset[str]:
        """Trace ids that alerts named or people added: runs that belong here, read or not."""
        return self.alerted_traces | frozenset(self.added)

    def compared_run(self, trace_id: str) -> Compared | None:
        """What differs in this run, or None when it was not compared (yet)."""
        return next((c for c in self.compared if c.trace_id == trace_id), None)

    def similar_to(self, trace_id: str) -> Similar | None:
        """Which runs look like this one, or None when that was not looked for (yet)."""
        return next((s for s in self.similar if s.trace_id == trace_id), None)

    def execution(self, execution_id: str) -> Execution | None:
        """The execution with this id, or None."""
        return next((e for e in self.executions if e.id == execution_id), None)

    def run(self, trace_id: str) -> AttachedRun | None:
        """The attached run of this trace, or None."""
        return next((r for r in self.runs if r.summary.trace_id == trace_id), None)

    def effects_of(self, trace_id: str) -> tuple[Effect, ...]:
        """All tool calls of one run, in order."""
        return tuple(e for e in self.effects if e.trace_id == trace_id)


class IncidentRow(Value):
    """One line of a list of incidents: small, kept in an index so that no list reads timelines."""

    id: str
    number: int
    state: IncidentState
    alert_state: AlertState
    severity: str
    agent: str | None
    name: str
    title: str
    opened_at: Utc
    acknowledged_by: str | None = None
    commander: str | None = None
    alerts: int = 0
    runs: int = 0
    drill: bool = False
    irreversible: int = 0
    compensable: int = 0
    reversible: int = 0
    failed: int = 0
    unknown: int = 0
    channel: str | None = None
    root_ts: str | None = None
    seq: int = Field(default=0)
