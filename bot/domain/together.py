"""Executions that were asked for together: is what they set in force at every enforcement point, and where is it not?

Pure. "Contained" needs all of them: a tool that one gateway of two still serves is not revoked.
"""

from bot.domain.action import ENDED, Execution, ExecutionState, Verified
from bot.domain.base import Value
from bot.domain.incident import Incident


class Point(Value):
    """One enforcement point of a group: where, and how it stands there, in words."""

    execution: str
    agent: str | None
    control: str | None
    green: bool
    words: str

    @property
    def where(self) -> str:
        """The control plane, with the agent where the group has several (``contextforge``, ``mail-bot: embedded``)."""
        return ": ".join(filter(None, (self.agent, self.control))) or "here"


class Together(Value):
    """The points of one press, the first asked for first."""

    lead: str
    points: tuple[Point, ...]

    @property
    def everywhere(self) -> bool:
        """True when the enforcing side of each point showed it."""
        return bool(self.points) and all(point.green for point in self.points)

    @property
    def missing(self) -> tuple[Point, ...]:
        """The points that do not show it (yet)."""
        return tuple(point for point in self.points if not point.green)

    @property
    def words(self) -> str:
        """``in force everywhere (2 of 2)`` or ``in force at 1 of 2: contextforge pending``; empty for one point."""
        if len(self.points) < 2:
            return ""
        held = len(self.points) - len(self.missing)
        if self.everywhere:
            return f"in force everywhere ({held} of {held})"
        named = ", ".join(f"{point.where} {point.words}" for point in self.missing[:5])
        more = f" and {len(self.missing) - 5} more" if len(self.missing) > 5 else ""
        return f"in force at {held} of {len(self.points)}: {named}{more}"


def together(incident: Incident, lead: str) -> Together:
    """How the executions stand that were asked for together under this first one. A group of one is one too."""
    group = [e for e in incident.executions if e.lead == lead]
    agents = {e.agent for e in group}
    return Together(lead=lead, points=tuple(_point(e, named=len(agents) > 1) for e in group))


def _point(execution: Execution, *, named: bool) -> Point:
    control = execution.control
    if control is None and execution.change is not None:
        control = execution.change.target.control
    return Point(
        execution=execution.id,
        agent=execution.agent if named else None,
        control=control,
        green=_stands(execution) and execution.verified is Verified.IN_FORCE,
        words=_words(execution),
    )


def _stands(execution: Execution) -> bool:
    return execution.state is ExecutionState.SUCCEEDED and execution.undone_by is None


def _words(execution: Execution) -> str:
    if execution.undone_by is not None:
        return "taken back"
    if execution.state is ExecutionState.SUCCEEDED:
        return (execution.verified or "never read back").replace("_", " ")
    if execution.state is ExecutionState.UNKNOWN:
        return "outcome unknown"
    if execution.state in ENDED:
        return execution.state.value.replace("_", " ")
    return "waits for approval" if execution.state is ExecutionState.AWAITING_APPROVAL else "not done yet"
