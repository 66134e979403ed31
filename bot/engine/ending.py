"""A6 and after: a success with what the read-back showed, and the due times that follow from it."""

from datetime import datetime, timedelta

import structlog

from bot.domain.action import Change, Execution, ExecutionState, Verification, Verified
from bot.domain.base import Json
from bot.domain.events import PULLCORD, ActionSucceeded, Event, VerificationChanged
from bot.domain.incident import Incident
from bot.domain.work import Due, Work, WorkItem
from bot.engine import names
from bot.engine.counting import counted
from bot.engine.deed import READ_SECONDS, ApplyChange, Deed, Done, RestoreChange, bounded
from bot.engine.mitigations import ask_at, ask_due
from bot.engine.opening import read_run
from bot.engine.parts import Parts
from bot.engine.planning import said
from bot.errors import PullcordError, StoreUnavailable
from bot.timeline.timeline import Write, Written

log = structlog.get_logger(__name__)

EXPIRE_AGAIN = timedelta(minutes=5)
"""When the end of a temporary mitigation is tried again."""
FIRST_LOOK = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)
LAST_LOOK = 20
"""Read-backs after which nobody looks by itself any more: with these pauses about eight hours."""

_MAY_END_WELL = frozenset({ExecutionState.STARTED, ExecutionState.UNKNOWN, ExecutionState.FAILED})
"""A success that arrives late still lands: after unknown, and after a person marked it not done."""


def _may_end_well(execution: Execution) -> bool:
    marked = execution.state is ExecutionState.SUCCEEDED and execution.applied is None and execution.result is None
    return execution.state in _MAY_END_WELL or marked


async def end_well(parts: Parts, incident: Incident, execution: Execution, deed: Deed, done: Done) -> Written:
    """Verify (A5) and write the end (A6), with the due times of expiry and of the next read-back."""
    if isinstance(deed, ApplyChange | RestoreChange) and done.applied is not None:
        change = deed.change
        read = await _read_back(parts, execution.model_copy(update={"change": change, "applied": done.applied}))
    else:
        change = None
        result = done.result
        verified = result.verified if result is not None else Verified.UNREACHABLE
        detail = (result.detail or result.summary) if result is not None else "nothing was answered"
        read = Verification(verified=verified, detail=detail, at=parts.now())
    undo_of = execution.undo_of
    replaced = {} if change is None else await _replaced(parts, incident, execution, change)

    def decide(current: Incident) -> Write | None:
        mine = current.execution(execution.id)
        if mine is None or not _may_end_well(mine):
            return None
        life = change.expires_in if change is not None and undo_of is None else None
        since = mine.started_at or parts.now()
        until = since + life if life is not None else None
        asks = ask_at(since, until, parts.settings.mitigations.ask_before) if until is not None else None
        event = ActionSucceeded(
            at=read.at,
            by=PULLCORD,
            execution=execution.id,
            verified=read.verified,
            detail=parts.scrub(read.detail)[:1000],
            applied=done.applied,
            result=done.result,
            expires_at=until,
            ask_at=asks,
            known_at=read.known_at,
        )
        due: list[Due] = []
        if until is not None:
            due.append(expire_due(current.id, execution.id, until))
        if asks is not None:
            due.append(ask_due(current.id, execution.id, asks))
        if change is not None and read.verified is not Verified.IN_FORCE:
            due.append(verify_due(current.id, execution.id, 0, parts, read.known_at))
        clear: tuple[str, ...] = () if due else (names.due_verify(execution.id),)
        if undo_of is not None:
            clear = (*clear, names.due_expire(undo_of), names.due_verify(undo_of), names.due_ask(undo_of))
        clear = (*clear, *dues_closed(current, mine))
        again = current.runs if change is not None and change.reread else ()
        work = tuple(read_run(current.id, run.summary.trace_id) for run in again)
        work += _elsewhere(current, mine)
        if change is not None and read.verified is not Verified.IN_FORCE:
            # What the agent read between our read-back and this write told nobody: nothing was waiting for it yet.
            work += (WorkItem(kind=Work.VERIFY, incident=current.id, payload={"execution": execution.id, "looks": 0}),)
        others = [found for other, found in replaced.items() if _in_force(current.execution(other))]
        return Write(events=(event, *others), work=work, due=tuple(due), clear=clear)

    written = await parts.store.incidents.write(incident.id, f"succeeded:{execution.id}", decide)
    return counted(written, execution.id)


async def _replaced(parts: Parts, incident: Incident, execution: Execution, change: Change) -> dict[str, Event]:
    """What is in force no more since this change took its place on the same target: only what is in force is green."""
    found: dict[str, Event] = {}
    for other in incident.executions:
        same = other.change is not None and other.change.target == change.target
        if execution.closes(other):
            continue  # it is over, which its projection says
        if same and other.id not in {execution.id, execution.undo_of} and _in_force(other):
            for event in await verification_of(parts, incident, other):
                found[other.id] = event
    return found


def dues_closed(incident: Incident, execution: Execution) -> tuple[str, ...]:
    """Due ids of the ends and read-backs of what this execution's success closes: nobody waits for them any more."""
    closed = [e.id for e in incident.executions if execution.closes(e)]
    return tuple(due for one in closed for due in (names.due_expire(one), names.due_verify(one), names.due_ask(one)))


def _elsewhere(incident: Incident, execution: Execution) -> tuple[WorkItem, ...]:
    """One more look at what another incident had set there: its card must not go on saying that it is in force."""
    before = execution.snapshot
    if before is None or before.owner is None or before.restraint is None or before.restraint.incident == incident.id:
        return ()
    payload: dict[str, Json] = {"execution": before.owner, "looks": LAST_LOOK}
    return (WorkItem(kind=Work.VERIFY, incident=before.restraint.incident, payload=payload),)


def _in_force(execution: Execution | None) -> bool:
    return execution is not None and execution.undone_by is None and execution.verified is Verified.IN_FORCE


async def verification_of(parts: Parts, incident: Incident, execution: Execution) -> tuple[Event, ...]:
    """VerificationChanged when the enforcing side now shows something else of this execution, else nothing."""
    current = incident.execution(execution.id)
    if current is None or current.change is None or current.state is not ExecutionState.SUCCEEDED:
        return ()
    if current.undone_by is not None:
        return ()
    read = await _read_back(parts, current)
    if read.verified is current.verified and not _later_known(current, read):
        return ()
    changed = VerificationChanged(
        at=read.at,
        by=PULLCORD,
        execution=current.id,
        verified=read.verified,
        detail=parts.scrub(read.detail)[:1000],
        known_at=read.known_at,
    )
    return (changed,)


def _later_known(before: Execution, read: Verification) -> bool:
    """Still pending when it was to be known, and the enforcing side names another time: what is shown must follow."""
    due = before.known_at
    return due is not None and due <= read.at and read.known_at is not None and read.known_at > read.at


async def _read_back(parts: Parts, execution: Execution) -> Verification:
    """Ask the enforcing side. Whatever keeps it from answering is ``unreachable``, except the store itself."""
    change, applied = execution.change, execution.applied
    if change is None or applied is None:
        return Verification(verified=Verified.UNREACHABLE, detail="nothing to read back", at=parts.now())
    try:
        plane = parts.planes.plane(change.target.control)
        return await bounded(plane.verify(change, applied), READ_SECONDS)
    except StoreUnavailable:
        raise
    except (PullcordError, TimeoutError) as error:
        why = said(error) if isinstance(error, PullcordError) else "it did not answer in time"
    except Exception as error:
        log.exception("verify_broke", execution=execution.id, control=change.target.control)
        why = f"its adapter broke ({type(error).__name__})"
    detail = f"{change.target.control} could not be read: {why}"
    return Verification(verified=Verified.UNREACHABLE, detail=detail, at=parts.now())


def expire_due(incident: str, execution: str, at: datetime) -> Due:
    """The due time that ends a temporary mitigation."""
    item = WorkItem(kind=Work.EXPIRE, incident=incident, payload={"execution": execution})
    return Due(id=names.due_expire(execution), at=at, item=item)


def verify_due(incident: str, execution: str, looks: int, parts: Parts, known_at: datetime | None = None) -> Due:
    """The due time of the next read-back: when it will be known, where that was said; else after 30 s, then ever later.

    What is said to be known far ahead is looked at before all the same: a control plane may be wrong about itself.
    """
    now = parts.now()
    at = now + min(FIRST_LOOK * 2 ** min(looks, 10), LONGEST_PAUSE)
    if known_at is not None and known_at > now:
        at = min(known_at, now + LONGEST_PAUSE)
    item = WorkItem(kind=Work.VERIFY, incident=incident, payload={"execution": execution, "looks": looks + 1})
    return Due(id=names.due_verify(execution), at=at, item=item)
