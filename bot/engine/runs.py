"""``Work.READ_RUN`` and ``Work.SPANS_ARRIVED``: find a run, freeze it as evidence, and put what it did on the timeline.

What has not arrived is said and looked for again until ``incidents.trace_wait``; when spans come later, the incident
completes itself. A reading whose frozen bytes are those of before writes nothing.
"""

from datetime import timedelta

import structlog

from bot.domain.events import PULLCORD, Event, RunMissing
from bot.domain.incident import AttachedRun, Incident
from bot.domain.work import Due, WorkItem
from bot.engine import names
from bot.engine.attaching import Reading, attach
from bot.engine.opening import read_run
from bot.engine.parts import Parts, incident_of, number_of, text_of
from bot.engine.reading import Reader
from bot.errors import Refused
from bot.timeline.timeline import Write

log = structlog.get_logger(__name__)

_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=2)


class Runs:
    """Completes incidents with their runs."""

    def __init__(self, parts: Parts, reader: Reader) -> None:
        """``reader`` finds and reads runs."""
        self._parts = parts
        self._reader = reader

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``trace_id``, ``attempt`` (how often it was looked for already)."""
        incident = await self._parts.store.incidents.read(incident_of(item))
        await self._read(incident, text_of(item, "trace_id"), number_of(item, "attempt"))

    async def handle_spans(self, item: WorkItem) -> None:
        """Payload: ``trace_id``. Read it again for every incident that names it.

        A resolved one too: what comes late is still what happened, and the next morning needs it.
        """
        trace_id = text_of(item, "trace_id")
        for incident_id in await self._parts.store.incidents.waiting_for(trace_id):
            incident = await self._parts.store.incidents.read(incident_id)
            await self._read(incident, trace_id, None)

    async def _read(self, incident: Incident, trace_id: str, attempt: int | None) -> None:
        """``attempt`` None: spans came, so that there is nothing to look for again when they hold no run."""
        try:
            reading = await self._reader.read(trace_id, incident.agent)
        except Refused as refused:
            await self._missing(incident, trace_id, refused.message)
            return
        if reading is None:
            if attempt is not None:
                await self._look_again(incident, trace_id, attempt)
            return
        before = incident.run(trace_id)
        if before is not None and before.evidence == reading.evidence and before.catalogue == reading.catalogue:
            return
        await self._attach(incident.id, reading, before)

    async def _attach(self, incident_id: str, reading: Reading, before: AttachedRun | None) -> None:
        """Write the reading. The operation names what it replaces: a class may be given, taken back and given again."""
        parts = self._parts
        now = parts.now()
        trace_id = reading.summary.trace_id

        def decide(current: Incident) -> Write | None:
            held = current.run(trace_id)
            if held is not None and held.evidence == reading.evidence and held.catalogue == reading.catalogue:
                return None
            write = attach(current, reading, parts.settings, now)
            return write.model_copy(update={"clear": (names.due_run(current.id, trace_id),)})

        since = before.attached_at.isoformat() if before is not None else "first"
        op = f"run:{trace_id}:{reading.evidence[:32]}:{reading.catalogue}:{since}"
        await parts.store.incidents.write(incident_id, op, decide)

    async def _look_again(self, incident: Incident, trace_id: str, attempt: int) -> None:
        if incident.run(trace_id) is not None:
            return
        now = self._parts.now()
        known = next((m for m in incident.missing if m.trace_id == trace_id), None)
        until = (known.since if known is not None else now) + self._parts.settings.incidents.trace_wait
        if now >= until:
            wait = int(self._parts.settings.incidents.trace_wait.total_seconds() // 60)
            reason = f"it did not arrive within {wait} minutes; it is read as soon as it comes"
            await self._missing(incident, trace_id, reason)
            return
        pause = min(_FIRST_PAUSE * 2 ** min(attempt, 10), _LONGEST_PAUSE)
        at = min(now + pause, until)
        again = read_run(incident.id, trace_id, attempt + 1)
        due = Due(id=names.due_run(incident.id, trace_id), at=at, item=again)
        if known is None:
            missing = RunMissing(at=now, by=PULLCORD, trace_id=trace_id, reason="it has not arrived yet", until=until)
            await self._write_missing(incident.id, trace_id, missing, (due,))
        else:
            await self._parts.store.work.schedule(due)

    async def _missing(self, incident: Incident, trace_id: str, reason: str) -> None:
        event = RunMissing(at=self._parts.now(), by=PULLCORD, trace_id=trace_id, reason=reason[:1000], until=None)
        await self._write_missing(incident.id, trace_id, event, ())

    async def _write_missing(self, incident_id: str, trace_id: str, event: RunMissing, due: tuple[Due, ...]) -> None:
        def decide(current: Incident) -> Write | None:
            known = next((m for m in current.missing if m.trace_id == trace_id), None)
            if current.run(trace_id) is not None:
                return None
            if known is not None and known.reason == event.reason:
                return Write(events=(), due=due) if due else None
            events: tuple[Event, ...] = (event,)
            return Write(events=events, due=due)

        op = f"missing:{trace_id}:{'waiting' if event.until else 'final'}:{event.reason[:60]}"
        await self._parts.store.incidents.write(incident_id, op, decide)
