"""What a person says of an execution whose outcome nobody knows: it was done, or it was not."""

from datetime import datetime

from bot.domain.action import Execution, ExecutionState
from bot.domain.events import ActionMarked, Actor
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine import names
from bot.engine.authorise import asked_again
from bot.engine.deciding import need_of
from bot.engine.ending import dues_closed
from bot.engine.parts import Parts
from bot.engine.taking_part import may_act
from bot.engine.words import ago, plain
from bot.errors import Refused
from bot.timeline.timeline import Write
from bot.views.text import person


async def may_settle(parts: Parts, incident: Incident, execution_id: str, by: Actor) -> Execution:
    """The execution, when ``by`` may check or mark it: the role is the one of running it, or of undoing it.

    Raises Refused.
    """
    execution = incident.execution(execution_id)
    if execution is None:
        raise Refused(
            f"{incident.id} has no execution {plain(execution_id, 40)}.",
            field="execution",
            next_step="Use the buttons of the newest card.",
        )
    asked = asked_again(parts, incident, execution, by)
    for role in need_of(parts.settings, asked).roles:
        await may_act(parts, by, role, asked.words, incident, agents=asked.agents)
    return execution


def marked(incident: Incident, execution_id: str, by: Actor, *, done: bool, reason: str, now: datetime) -> Write:
    """What to write when ``by`` marks it. Pure. Raises Refused unless its outcome is unknown."""
    execution = incident.execution(execution_id)
    if execution is None or execution.state is not ExecutionState.UNKNOWN:
        raise Refused(_settled(execution, now), next_step="The card shows how it stands.")
    event = ActionMarked(at=now, by=by, execution=execution_id, done=done, reason=reason)
    if not done:
        return Write(events=(event,), clear=(names.due_verify(execution_id), names.due_expire(execution_id)))
    work: tuple[WorkItem, ...] = ()
    if execution.change is not None:
        # a change that is marked done is read back, so that its undo knows what it would take back
        item = WorkItem(kind=Work.VERIFY, incident=incident.id, payload={"execution": execution_id, "looks": 1})
        work = (item,)
    clear = () if execution.undo_of is None else (names.due_expire(execution.undo_of),)
    clear = (*clear, *dues_closed(incident, execution))
    return Write(events=(event,), work=work, clear=clear)


def _settled(execution: Execution | None, now: datetime) -> str:
    if execution is None:
        return "This incident has no such execution."
    state = {ExecutionState.SUCCEEDED: "done", ExecutionState.FAILED: "not done"}.get(execution.state, execution.state)
    if execution.reason and execution.reason.startswith("marked"):
        ours, _, theirs = execution.reason.partition(": ")
        return f"It was already {ours}: {plain(theirs)}"
    return f"Its outcome is known: {state}, asked for by {person(execution.by)} {ago(execution.at, now)}."
