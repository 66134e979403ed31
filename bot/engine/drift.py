"""Drift: what is in force is read back from time to time, since somebody may change it outside.

A tick, done by one replica per slice of ``mitigations.drift_every``, takes what nobody looked at for that long, a few
at a time, and puts a look of each on the background lane: control planes are asked one or two at once, never in a
flood. A change is one event, a return another. A control plane that does not answer once is no news; twice in a row is.
"""

from datetime import datetime, timedelta

import structlog

from bot.domain.action import Execution, ExecutionState, Snapshot, Target, Verification, Verified
from bot.domain.events import PULLCORD, VerificationChanged
from bot.domain.incident import Incident
from bot.domain.mitigation import restrains
from bot.domain.work import Work, WorkItem
from bot.engine.deed import READ_SECONDS, bounded
from bot.engine.parts import Parts, incident_of, text_of
from bot.engine.planning import said
from bot.errors import PullcordError, Refused, StoreUnavailable
from bot.timeline.timeline import Write

log = structlog.get_logger(__name__)

SLICES = 10
"""Ticks per ``drift_every``: what began at one moment is not asked for at one moment."""
LEAST, MOST = 10, 100
"""Looks of one tick: enough for everything to have its turn in time, up to a bound."""
MISSES = 2
"""A control plane that did not answer so often in a row is out of reach."""
HUNG = timedelta(minutes=1)
"""A control plane that did not answer in time is asked no more for so long: others wait for these places too."""
_FILL = 50
"""Incidents of an older version that one tick indexes."""


def slice_of(every: timedelta) -> timedelta:
    """How often the tick comes."""
    return max(every / SLICES, timedelta(seconds=1))


class Drift:
    """``Work.DRIFT``, and the tick that asks for it."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts
        self._hung: dict[str, datetime] = {}

    async def tick(self) -> None:
        """Ask for a look at what nobody looked at for ``drift_every``: the longest unseen first."""
        store, every = self._parts.store, self._parts.settings.mitigations.drift_every
        await self._fill()
        total = await store.mitigations.total()
        fair = -(-total // (SLICES - 1))
        for incident, execution in await store.mitigations.take(every, min(max(LEAST, fair), MOST)):
            item = WorkItem(kind=Work.DRIFT, incident=incident, payload={"execution": execution})
            await store.background.add(item)

    async def _fill(self) -> None:
        """Index what an older version left in force, once, from the newest incident to the oldest."""
        index, incidents = self._parts.store.mitigations, self._parts.store.incidents
        before = await index.filled_from()
        if before is None:
            return
        page = await incidents.rows(before or None, _FILL)
        for row in page.rows:
            await index.fill(await incidents.read(row.id))
        await index.fill_next(page.next)

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``execution``. What is not settled, or was never read back, is no business of drift."""
        store, execution_id = self._parts.store, text_of(item, "execution")
        try:
            incident = await store.incidents.read(incident_of(item))
        except Refused:
            return
        execution = incident.execution(execution_id)
        if execution is None or not restrains(execution):
            await store.mitigations.drop(incident, execution_id)
            return
        if execution.state is not ExecutionState.SUCCEEDED or execution.applied is None or execution.change is None:
            return
        read = await self._read(execution)
        read = read.model_copy(update={"detail": self._parts.scrub(read.detail)})
        if read.verified is Verified.UNREACHABLE:
            if await store.mitigations.missed(incident.id, execution_id) < MISSES:
                return
        else:
            await store.mitigations.answered(incident.id, execution_id)
        if not _news(execution, read):
            return
        if read.verified is Verified.MISMATCH:
            read = read.model_copy(update={"detail": f"{read.detail}; {await self._by(execution, incident)}"[:1000]})
        await self._write(incident, execution, read)

    async def _write(self, incident: Incident, execution: Execution, read: Verification) -> None:
        before = execution.verified
        event = VerificationChanged(
            at=read.at,
            by=PULLCORD,
            execution=execution.id,
            verified=read.verified,
            detail=read.detail[:1000],
            known_at=read.known_at,
        )

        def decide(current: Incident) -> Write | None:
            mine = current.execution(execution.id)
            if mine is None or mine.undone_by is not None or mine.verified is not before:
                return None
            if mine.applied != execution.applied:  # extended while we read: that is looked at next time
                return None
            return Write(events=(event,))

        op = f"drift:{execution.id}:{incident.seq}"
        await self._parts.store.incidents.write(incident.id, op, decide)

    async def _read(self, execution: Execution) -> Verification:
        change, applied = execution.change, execution.applied
        if change is None or applied is None:
            return Verification(verified=Verified.UNREACHABLE, detail="nothing to read back", at=self._parts.now())
        control = change.target.control
        hung = self._hung.get(control)
        try:
            if hung is not None and hung <= self._parts.now() < hung + HUNG:
                raise TimeoutError
            plane = self._parts.planes.plane(control)
            return await bounded(plane.verify(change, applied), READ_SECONDS)
        except StoreUnavailable:
            raise
        except (PullcordError, TimeoutError) as error:
            if isinstance(error, TimeoutError) and (hung is None or self._parts.now() >= hung + HUNG):
                self._hung[control] = self._parts.now()
            why = said(error) if isinstance(error, PullcordError) else "it did not answer in time"
        except Exception as error:
            log.exception("drift_read_broke", execution=execution.id, control=change.target.control)
            why = f"its adapter broke ({type(error).__name__})"
        detail = f"{change.target.control} could not be read {MISSES} times in a row: {why}"
        return Verification(verified=Verified.UNREACHABLE, detail=detail, at=self._parts.now())

    async def _by(self, execution: Execution, incident: Incident) -> str:
        """Who set what is there now, as far as the control plane tells."""
        if execution.change is None:  # never: it was read back
            return ""
        target = execution.change.target
        now = await self._held(target)
        if now is None or now.anonymous:
            return f"{target.control} does not tell who changed it"
        if now.restraint is not None and now.owner != execution.id:
            where = "this incident" if now.restraint.incident == incident.id else now.restraint.incident
            return f"set since by {now.restraint.by} in {where}"
        return "changed outside Pullcord"

    async def _held(self, target: Target) -> Snapshot | None:
        try:
            return await bounded(self._parts.planes.plane(target.control).current(target), READ_SECONDS)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - who it was is a help, never a condition
            log.info("drift_who_unknown", control=target.control, error=type(error).__name__)
            return None


def _news(execution: Execution, read: Verification) -> bool:
    """Whether this look is to be told. What was in force and is still to be seen again is in force, not less."""
    if read.verified is execution.verified:
        return False
    return not (execution.verified is Verified.IN_FORCE and read.verified is Verified.PENDING)
