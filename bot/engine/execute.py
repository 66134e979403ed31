"""``Work.EXECUTE``: carry an execution on from wherever the timeline says it is (ARCHITECTURE.md, *An action's life*).

A2 authorise, A3 started, A4 apply, A5 verify, A6 end. Nothing that matters lives in memory only: a worker that finds a
start without an end reads first, does again only what has not happened or writes once per key, and else says unknown.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.domain.action import Execution, ExecutionState
from bot.domain.events import (
    PULLCORD,
    ActionDrilled,
    ActionRefused,
    ActionStarted,
    ActionUnknown,
    Event,
)
from bot.domain.events import (
    ActionFailed as FailedEvent,
)
from bot.domain.incident import Incident
from bot.domain.work import Due, WorkItem
from bot.engine import names
from bot.engine.authorise import decide_again
from bot.engine.counting import counted
from bot.engine.deed import ApplyChange, Deed, Found, RestoreChange
from bot.engine.deeds import deed_of, restrained
from bot.engine.ending import EXPIRE_AGAIN, end_well, expire_due, verification_of, verify_due
from bot.engine.parts import Parts, incident_of, optional_text, person, tell, text_of
from bot.engine.planning import SILENT, said
from bot.engine.previewing import Prepared, prepare, words_of
from bot.engine.progress import LiveProgress, paced
from bot.engine.watching import look_of
from bot.engine.words import plain
from bot.errors import ActionFailed, OutcomeUnknown, PullcordError, Refused, StoreUnavailable
from bot.ports import Progress
from bot.timeline.timeline import Write, Written

log = structlog.get_logger(__name__)

_READY = frozenset({ExecutionState.REQUESTED, ExecutionState.APPROVED})
MOST_LONG = 3
"""So many pieces of long work at once in one process: pages and other people's buttons need places too."""
_TURN = timedelta(seconds=5)


def _wait_for_turn(item: WorkItem, execution: Execution, now: datetime) -> Due:
    return Due(id=f"turn:{execution.id}", at=now + _TURN, item=item)


class Execute:
    """Carries executions on. Safe to run twice at once for the same one."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts
        self._long = 0

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``execution``, and of whoever asked ``team`` and ``channel``.

        Raises StoreUnavailable when the store does not answer: the work is then delivered again.
        """
        incident = await self._parts.store.incidents.read(incident_of(item))
        execution = incident.execution(text_of(item, "execution"))
        if execution is None:
            log.warning("execution_unknown", incident=incident.id, execution=item.payload.get("execution"))
            return
        if execution.state in _READY:
            await self._begin(incident, execution, item)
        elif execution.state is ExecutionState.STARTED:
            await self._resume(incident, execution)

    # ------------------------------------------------------------------ A2, A3

    async def _begin(self, incident: Incident, execution: Execution, item: WorkItem) -> None:
        team = optional_text(item, "team")
        pace = self._pace(incident, execution)
        if pace is not None and self._long >= MOST_LONG:
            await self._parts.store.work.schedule(_wait_for_turn(item, execution, self._parts.now()))
            return
        try:
            note = await decide_again(self._parts, incident, execution, team)
            prepared = await prepare(self._parts, incident, execution, team, pace or SILENT)
        except StoreUnavailable:
            raise
        except Refused as refused:
            await self._refuse(incident, execution, item, refused)
            return
        except (ActionFailed, OutcomeUnknown, TimeoutError) as error:
            why = said(error) if isinstance(error, PullcordError) else "the control plane did not answer in time"
            reason = f"It could not be read what is there now, so nothing was changed: {why}"
            await self._fail(incident, execution, reason, again=True)
            return
        if incident.drill:
            await self._drilled(incident, execution, prepared)
            return
        await self._start(incident, execution, prepared, note, pace)

    async def _start(
        self, incident: Incident, execution: Execution, prepared: Prepared, note: str, pace: LiveProgress | None
    ) -> None:
        """A3, and on from there, unless another worker was first."""
        now, deed = self._parts.now(), prepared.deed
        change = deed.change if isinstance(deed, ApplyChange | RestoreChange) else None
        started = ActionStarted(
            at=now,
            by=PULLCORD,
            execution=execution.id,
            key=execution.id,
            change=change,
            snapshot=prepared.snapshot,
            summary=prepared.summary,
            note=note,
        )
        due: tuple[Due, ...] = ()
        if change is not None and change.expires_in is not None:
            due = (expire_due(incident.id, execution.id, now + change.expires_in),)
        due += look_of(incident.id, execution.id, change)

        def decide(current: Incident) -> Write | None:
            mine = current.execution(execution.id)
            return Write(events=(started,), due=due) if mine is not None and mine.state in _READY else None

        written = await self._parts.store.incidents.write(incident.id, f"start:{execution.id}", decide)
        mine = written.incident.execution(execution.id)
        if mine is None:
            return
        if written.status == "written":
            deed = await restrained(self._parts, deed, written.incident, mine)
            if pace is None:
                await self._do(written.incident, mine, deed)
            else:
                await self._do_long(written.incident, mine, paced(deed, pace), pace)
        elif mine.state is ExecutionState.STARTED:
            await self._resume(written.incident, mine)

    async def _drilled(self, incident: Incident, execution: Execution, prepared: Prepared) -> None:
        """In a drill it ends here: what it would have done is said, and nothing is written anywhere else."""
        event = ActionDrilled(
            at=self._parts.now(), by=PULLCORD, execution=execution.id, preview=words_of(prepared)[:2000]
        )
        await self._write(incident, execution, f"drilled:{execution.id}", (event,), _READY)

    def _pace(self, incident: Incident, execution: Execution) -> LiveProgress | None:
        """How a verb that takes long says how far it is; None for one that does not ask for it."""
        verb = self._parts.registry.actions.get(execution.action)
        if verb is None or Progress not in verb.ports.values() or execution.undo_of is not None or incident.drill:
            return None
        return LiveProgress(self._parts, incident.id, execution)

    # ------------------------------------------------------------------ A4, A5, A6

    async def _do(self, incident: Incident, execution: Execution, deed: Deed) -> None:
        try:
            done = await deed.do()
        except StoreUnavailable:
            raise
        except (Refused, ActionFailed) as error:
            await self._fail(incident, execution, said(error), deed, again=isinstance(error, ActionFailed))
            return
        except (OutcomeUnknown, TimeoutError) as error:
            why = said(error) if isinstance(error, PullcordError) else "no answer came in time"
            await self._unknown(incident, execution, why)
            return
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("deed_broke", incident=incident.id, execution=execution.id)
            await self._unknown(incident, execution, f"the adapter broke ({type(error).__name__})")
            return
        await end_well(self._parts, incident, execution, deed, done)

    async def _do_long(self, incident: Incident, execution: Execution, deed: Deed, pace: LiveProgress) -> None:
        self._long += 1
        try:
            await self._do(incident, execution, deed)
        finally:
            self._long -= 1
            await pace.ended()

    async def _resume(self, incident: Incident, execution: Execution) -> None:
        """A worker died, or still works, between A3 and A6: read, and only then decide."""
        try:
            deed, _ = await deed_of(self._parts, incident, execution)
            finding = await deed.find_out()
        except StoreUnavailable:
            raise
        except (PullcordError, TimeoutError) as error:
            why = said(error) if isinstance(error, PullcordError) else "reading it back took too long"
            await self._unknown(incident, execution, f"Pullcord was interrupted, and {why}")
            return
        except Exception as error:
            log.exception("probe_broke", incident=incident.id, execution=execution.id)
            await self._unknown(
                incident, execution, f"Pullcord was interrupted; its probe broke ({type(error).__name__})"
            )
            return
        if finding.found is Found.CANNOT_TELL:
            await self._unknown(incident, execution, f"Pullcord was interrupted, and {finding.why}")
        elif finding.found is Found.NOT_DONE or deed.again:
            await self._do(incident, execution, deed)
        else:
            await end_well(self._parts, incident, execution, deed, finding.done)

    # ------------------------------------------------------------------ the other ends

    async def _refuse(self, incident: Incident, execution: Execution, item: WorkItem, refused: Refused) -> None:
        event = ActionRefused(
            at=self._parts.now(),
            by=person(execution.by, None),
            execution=execution.id,
            reason=self._parts.scrub(refused.message)[:1000],
            who_may=(refused.who_may or "")[:500],
        )
        work: tuple[WorkItem, ...] = ()
        if execution.by != PULLCORD.id:
            channel = optional_text(item, "channel") or incident.channel
            # who may do it is ours and mentions people; any other reason may hold foreign text
            reason = str(refused) if refused.who_may else plain(self._parts.scrub(str(refused)), 1000)
            text = f"{plain(execution.title)} was refused. {reason}"
            work = (tell(incident.id, channel, execution.by, text, f"refused:{execution.id}"),)
        await self._write(incident, execution, f"refused:{execution.id}", (event,), _READY, work, again=True)

    async def _fail(
        self, incident: Incident, execution: Execution, reason: str, deed: Deed | None = None, *, again: bool = False
    ) -> None:
        now = self._parts.now()
        events: list[Event] = [
            FailedEvent(at=now, by=PULLCORD, execution=execution.id, reason=self._parts.scrub(reason)[:1000])
        ]
        if isinstance(deed, RestoreChange):
            events += await verification_of(self._parts, incident, deed.of)
        states = _READY | {ExecutionState.STARTED}
        await self._write(incident, execution, f"failed:{execution.id}", tuple(events), states, again=again)

    async def _unknown(self, incident: Incident, execution: Execution, reason: str) -> None:
        told = self._parts.scrub(reason)[:1000]
        event = ActionUnknown(at=self._parts.now(), by=PULLCORD, execution=execution.id, reason=told)
        await self._write(incident, execution, f"unknown:{execution.id}", (event,), frozenset({ExecutionState.STARTED}))

    async def _write(
        self,
        incident: Incident,
        execution: Execution,
        op: str,
        events: tuple[Event, ...],
        states: frozenset[ExecutionState],
        work: tuple[WorkItem, ...] = (),
        *,
        again: bool = False,
    ) -> Written:
        """``again``: an end of a temporary mitigation that nothing speaks against is tried once more."""
        unknown = isinstance(events[0], ActionUnknown)
        due = (verify_due(incident.id, execution.id, 0, self._parts),) if unknown else ()
        if again and execution.undo_of is not None and execution.by == PULLCORD.id:
            due = (expire_due(incident.id, execution.undo_of, self._parts.now() + EXPIRE_AGAIN),)
        clear = () if unknown else (names.due_expire(execution.id), names.due_verify(execution.id))

        def decide(current: Incident) -> Write | None:
            mine = current.execution(execution.id)
            if mine is None or mine.state not in states:
                return None
            return Write(events=events, work=work, due=due, clear=clear)

        return counted(await self._parts.store.incidents.write(incident.id, op, decide), execution.id)
