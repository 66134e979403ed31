"""``Work.READ_RUN`` and ``Work.SPANS_ARRIVED``: find a run, freeze it as evidence, and put what it did on the timeline.

What has not arrived is said and looked for again until ``incidents.trace_wait``; when spans come later, the incident
completes itself. A run that is not whole is looked for again in the trace stores as long. A reading whose frozen bytes
are those of before writes nothing, and one that knows less, because a store did not answer, replaces nothing.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain.events import PULLCORD, Event, RunMissing
from bot.domain.incident import AttachedRun, Incident
from bot.domain.work import Due, WorkItem
from bot.engine import names
from bot.engine.attaching import Reading, attach, in_parts
from bot.engine.chain import rank
from bot.engine.indexing import index, sender_of
from bot.engine.opening import read_run
from bot.engine.parts import Parts, incident_of, number_of, optional_text, text_of
from bot.engine.reading import Reader, Sought
from bot.engine.stores import TraceStores
from bot.errors import Refused
from bot.timeline.timeline import Write

log = structlog.get_logger(__name__)

_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Look:
    """The how manieth look for a run this is, and when the first one was."""

    attempt: int
    since: datetime


def since_of(item: WorkItem) -> datetime | None:
    """When a run was first looked for, where the item says it."""
    said = optional_text(item, "since")
    try:
        found = datetime.fromisoformat(said) if said is not None else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _nothing_new(before: AttachedRun, reading: Reading, *, failed: bool) -> bool:
    """Whether a reading need not be written: the same again, or one that knows less since a store gave no answer."""
    if before.evidence == reading.evidence and before.catalogue == reading.catalogue:
        return failed or before.source_note == reading.source_note
    return failed and rank(reading.summary) < rank(before.summary)


class Runs:
    """Completes incidents with their runs."""

    def __init__(self, parts: Parts, reader: Reader, stores: TraceStores) -> None:
        """``reader`` finds and reads runs; ``stores`` know which run an alert's link means."""
        self._parts = parts
        self._reader = reader
        self._stores = stores

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``trace_id``, ``attempt`` (how often it was looked for already), ``since`` (when that began)."""
        incident = await self._parts.store.incidents.read(incident_of(item))
        look = Look(number_of(item, "attempt"), since_of(item) or self._parts.now())
        await self._read(incident, text_of(item, "trace_id"), look)

    async def handle_spans(self, item: WorkItem) -> None:
        """Payload: ``trace_id``. Read it again for every incident that names it.

        A resolved one too: what comes late is still what happened, and the next morning needs it.
        """
        trace_id = text_of(item, "trace_id")
        for incident_id in await self._parts.store.incidents.waiting_for(trace_id):
            incident = await self._parts.store.incidents.read(incident_id)
            await self._read(incident, trace_id, None)

    async def _read(self, incident: Incident, trace_id: str, look: "Look | None") -> None:
        """``look`` None: spans came, so that there is nothing to look for again when they hold no run."""
        try:
            sought = await self._reader.read(self._stores.ref(incident, trace_id), incident.agent)
        except Refused as refused:
            await self._missing(incident, trace_id, refused.message)
            return
        reading = sought.reading
        if reading is None:
            if look is not None:
                await self._look_again(incident, trace_id, look, sought.note)
            return
        again = self._again(incident.id, trace_id, look) if sought.again and look is not None else None
        before = incident.run(trace_id)
        if before is not None and _nothing_new(before, reading, failed=sought.failed):
            if again is not None:
                await self._parts.store.work.schedule(again)
            return
        await self._attach(incident.id, sought, before, again)

    async def _attach(self, incident_id: str, sought: Sought, before: AttachedRun | None, again: Due | None) -> None:
        """Write the reading. The operation names what it replaces: a class may be given, taken back and given again."""
        parts, reading = self._parts, sought.reading
        if reading is None:
            return
        now = parts.now()
        trace_id = reading.summary.trace_id
        listed = await asyncio.to_thread(lambda: tuple(in_parts(reading.effects)))  # of thousands it takes a while

        def decide(current: Incident) -> Write | None:
            held = current.run(trace_id)
            if held is not None and _nothing_new(held, reading, failed=sought.failed):
                return None
            write = attach(current, reading, parts.settings, now, listed)
            if again is not None:
                return write.model_copy(update={"due": (*write.due, again)})
            if sought.again:  # spans came while stores are still asked now and then
                return write
            return write.model_copy(update={"clear": (names.due_run(current.id, trace_id),)})

        if reading.profiled is not None:
            await index(parts, reading.profiled, reading.effects, await sender_of(parts, trace_id), named=True)
        since = before.attached_at.isoformat() if before is not None else "first"
        op = f"run:{trace_id}:{reading.evidence[:32]}:{reading.catalogue}:{since}"
        await parts.store.incidents.write(incident_id, op, decide)

    def _again(self, incident_id: str, trace_id: str, look: "Look") -> Due | None:
        """The next look, or None when the wait is over."""
        now = self._parts.now()
        until = look.since + self._parts.settings.incidents.trace_wait
        if now >= until:
            return None
        pause = min(_FIRST_PAUSE * 2 ** min(look.attempt, 10), _LONGEST_PAUSE)
        item = read_run(incident_id, trace_id, look.attempt + 1, look.since)
        return Due(id=names.due_run(incident_id, trace_id), at=min(now + pause, until), item=item)

    async def _look_again(self, incident: Incident, trace_id: str, look: "Look", note: str) -> None:
        """Nobody has it: say so, with what the stores answered, and look again until the wait is over."""
        if incident.run(trace_id) is not None:
            return
        known = next((m for m in incident.missing if m.trace_id == trace_id), None)
        look = look if known is None else Look(look.attempt, known.since)
        again = self._again(incident.id, trace_id, look)
        told = f" ({note})" if note else ""
        if again is None:
            wait = int(self._parts.settings.incidents.trace_wait.total_seconds() // 60)
            reason = f"it did not arrive within {wait} minutes; it is read as soon as it comes{told}"
            await self._missing(incident, trace_id, reason)
            return
        reason = f"it has not arrived yet{told}"[:1000]
        if known is None or known.reason != reason:
            now, until = self._parts.now(), look.since + self._parts.settings.incidents.trace_wait
            missing = RunMissing(at=now, by=PULLCORD, trace_id=trace_id, reason=reason, until=until)
            await self._write_missing(incident.id, trace_id, missing, (again,))
        if known is not None:
            await self._parts.store.work.schedule(again)

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
