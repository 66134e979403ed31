"""Reading back again: when an agent read its state, when a due time says so, and when a person presses Check.

It only reads at the target. A success that arrives late lands here.
"""

from datetime import timedelta

import structlog

from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.events import PULLCORD, ActionFailed
from bot.domain.incident import Incident
from bot.domain.work import WorkItem
from bot.engine import names
from bot.engine.counting import counted
from bot.engine.deed import Finding, Found
from bot.engine.deeds import deed_of
from bot.engine.ending import LAST_LOOK, end_well, verification_of, verify_due
from bot.engine.parts import Parts, incident_of, number_of, optional_text, tell, text_of
from bot.engine.planning import said
from bot.engine.words import plain
from bot.errors import PullcordError, StoreUnavailable
from bot.timeline.timeline import Write

log = structlog.get_logger(__name__)

SURELY_NOT = timedelta(minutes=1)
"""After this long a write that was sent cannot arrive any more: what is not there was not done."""


class Verify:
    """``Work.VERIFY`` and ``Work.AGENT_READ``."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``execution``, ``looks`` so far; for a person who asked, ``by``, ``channel`` and ``key``."""
        incident_id, execution_id = incident_of(item), text_of(item, "execution")
        asked_by = optional_text(item, "by")
        finding = self._parts.scrub(await self.look(incident_id, execution_id, asked=asked_by is not None))
        if asked_by is not None:
            key = optional_text(item, "key") or f"{execution_id}:{self._parts.now().isoformat()}"
            answer = tell(incident_id, optional_text(item, "channel"), asked_by, plain(finding, 1000), key)
            await self._parts.store.work.add(answer, op=f"say:{key}")
            return
        await self._again(incident_id, execution_id, number_of(item, "looks", 1))

    async def handle_read(self, item: WorkItem) -> None:
        """Payload: ``agent``. Read back what waits for that agent: the cost is that of what waits."""
        for incident_id, execution_id in await self._parts.store.incidents.pending(text_of(item, "agent")):
            await self.look(incident_id, execution_id, asked=False)

    async def look(self, incident_id: str, execution_id: str, *, asked: bool) -> str:
        """Read back one execution and write what changed. Answers what was found, in words."""
        incident = await self._parts.store.incidents.read(incident_id)
        execution = incident.execution(execution_id)
        if execution is None:
            return "There is no such execution in this incident."
        if _unsettled(execution):
            return await self._settle(incident, execution, asked=asked)
        if execution.state is not ExecutionState.SUCCEEDED:
            return f"{execution.title}: {execution.state}. There is nothing to check."
        events = await verification_of(self._parts, incident, execution)
        if events and execution.undone_by is None:
            changed, before = events[0], execution.verified

            def decide(current: Incident) -> Write | None:
                mine = current.execution(execution_id)
                if mine is None or mine.undone_by is not None or mine.verified is not before:
                    return None
                settled = getattr(changed, "verified", None) is Verified.IN_FORCE
                return Write(events=events, clear=(names.due_verify(execution_id),) if settled else ())

            op = f"verified:{execution_id}:{incident.seq}"
            incident = (await self._parts.store.incidents.write(incident_id, op, decide)).incident
            execution = incident.execution(execution_id) or execution
        shown = execution.verified.replace("_", " ") if execution.verified is not None else "done, never read back"
        return f"{execution.summary or execution.title}: {shown}. {execution.verified_detail or ''}".rstrip()

    async def _settle(self, incident: Incident, execution: Execution, *, asked: bool) -> str:
        """An unknown outcome, or one that a person marked done: find out by reading."""
        title = execution.summary or execution.title
        try:
            deed, _ = await deed_of(self._parts, incident, execution)
            finding = await deed.find_out()
        except StoreUnavailable:
            raise
        except (PullcordError, TimeoutError) as error:
            why = said(error) if isinstance(error, PullcordError) else "it did not answer in time"
            return f"{title}: still unknown. {why}"
        except Exception as error:
            log.exception("probe_broke", incident=incident.id, execution=execution.id)
            finding = Finding(Found.CANNOT_TELL, f"its probe broke ({type(error).__name__})")
        if finding.found is Found.DONE:
            await end_well(self._parts, incident, execution, deed, finding.done)
            return f"{title}: it was done. {finding.why}."
        age = self._parts.now() - (execution.started_at or execution.at)
        if finding.found is Found.NOT_DONE and asked and execution.state is ExecutionState.UNKNOWN:
            if age < SURELY_NOT:
                return f"{title}: not there so far. {finding.why}. Check again in a minute."
            await self._not_done(incident, execution, finding.why)
            return f"{title}: it was not done. {finding.why}."
        return f"{title}: still unknown. {finding.why}."

    async def _not_done(self, incident: Incident, execution: Execution, why: str) -> None:
        event = ActionFailed(
            at=self._parts.now(),
            by=PULLCORD,
            execution=execution.id,
            reason=self._parts.scrub(f"a check found that it was not done: {why}"),
        )

        def decide(current: Incident) -> Write | None:
            mine = current.execution(execution.id)
            if mine is None or mine.state is not ExecutionState.UNKNOWN:
                return None
            return Write(events=(event,), clear=(names.due_verify(execution.id), names.due_expire(execution.id)))

        counted(await self._parts.store.incidents.write(incident.id, f"notdone:{execution.id}", decide), execution.id)

    async def _again(self, incident_id: str, execution_id: str, looks: int) -> None:
        incident = await self._parts.store.incidents.read(incident_id)
        execution = incident.execution(execution_id)
        if execution is None or execution.undone_by is not None or looks >= LAST_LOOK:
            return
        waiting = execution.state is ExecutionState.UNKNOWN or (
            execution.state is ExecutionState.SUCCEEDED
            and execution.change is not None
            and execution.verified is not Verified.IN_FORCE
        )
        if waiting:
            due = verify_due(incident_id, execution_id, looks, self._parts, execution.known_at)
            await self._parts.store.work.schedule(due)


def _unsettled(execution: Execution) -> bool:
    if execution.state is ExecutionState.UNKNOWN:
        return True
    marked = execution.state is ExecutionState.SUCCEEDED and execution.applied is None and execution.result is None
    return marked and execution.change is not None
