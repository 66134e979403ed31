"""Mitigations in force: one row for each change that restrains an agent now or may, over all incidents. Pure."""

from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.base import Json, Utc, Value
from bot.domain.incident import Incident


class MitigationRow(Value):
    """What is in force, where it came from, and how it was last seen.

    ``value`` is what was set, ``before`` what was there; ``at`` when it began, ``until`` when it ends by itself (None:
    never). ``ask_at`` is when its owner is asked what is to become of it. ``drifted``: it was seen in force, and then
    something else was found there: somebody changed it outside. ``open`` says whether its incident still is.
    """

    incident: str
    execution: str
    action: str
    agent: str
    control: str
    target: str
    summary: str
    value: Json = None
    before: Json = None
    by: str
    at: Utc
    until: Utc | None = None
    ask_at: Utc | None = None
    asked_at: Utc | None = None
    answer: str | None = None
    extended_by: str | None = None
    state: ExecutionState
    verified: Verified | None = None
    verified_detail: str | None = None
    known_at: Utc | None = None
    drifted: bool = False
    drill: bool = False
    open: bool = True

    @property
    def key(self) -> str:
        """Its name in the index: ``INC-42 ex_1a2b3c4d5e6f``."""
        return f"{self.incident} {self.execution}"

    @property
    def green(self) -> bool:
        """True only when the enforcing side showed it."""
        return self.state is ExecutionState.SUCCEEDED and self.verified is Verified.IN_FORCE

    @property
    def needs_somebody(self) -> bool:
        """Drifted, never in force, out of reach, or of unknown outcome."""
        red = self.verified in {Verified.MISMATCH, Verified.UNREACHABLE}
        return self.state is ExecutionState.UNKNOWN or (self.state is ExecutionState.SUCCEEDED and red)


def restrains(execution: Execution) -> bool:
    """True for what belongs into the list: it restrains or may, takes nothing back, and is no mere wait."""
    waits = execution.change is not None and execution.change.look_at is not None
    return execution.in_force_or_may_be and execution.undo_of is None and not execution.drill and not waits


def rows_of(incident: Incident) -> tuple[MitigationRow, ...]:
    """The rows of one incident, oldest first."""
    return tuple(row for row in (_row(incident, e) for e in incident.executions) if row is not None)


def _row(incident: Incident, execution: Execution) -> MitigationRow | None:
    change = execution.change
    if change is None or not restrains(execution):
        return None
    return MitigationRow(
        incident=incident.id,
        execution=execution.id,
        action=execution.action,
        agent=execution.agent or change.target.subject,
        control=change.target.control,
        target=str(change.target),
        summary=execution.summary or execution.title,
        value=change.desired,
        before=execution.snapshot.value if execution.snapshot is not None else change.before,
        by=execution.by,
        at=execution.started_at or execution.at,
        until=ends_at(execution),
        ask_at=execution.ask_at,
        asked_at=execution.expiry_asked_at,
        answer=execution.expiry_answer,
        extended_by=execution.extended_by,
        state=execution.state,
        verified=execution.verified,
        verified_detail=execution.verified_detail,
        known_at=execution.known_at,
        drifted=drifted(execution),
        drill=execution.drill,
        open=incident.open,
    )


def ends_at(execution: Execution) -> Utc | None:
    """When it ends by itself; counted from its start where its success did not come (yet)."""
    if execution.expires_at is not None or execution.change is None or execution.change.expires_in is None:
        return execution.expires_at
    return (execution.started_at or execution.at) + execution.change.expires_in


def drifted(execution: Execution) -> bool:
    """True when it was seen in force once, and the enforcing side now shows something else."""
    return execution.seen_in_force and execution.verified is Verified.MISMATCH and execution.undone_by is None
