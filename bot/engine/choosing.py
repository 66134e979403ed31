"""``Work.OFFER_RUNS``: an alert, or a person, that names no run. The agent's runs that ended in its window are offered.

Errors come first, then the worst effects. Runs may still be going, or their spans be on the way: it is looked again a
few times, until one is attached.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from bot.domain.base import Json
from bot.domain.events import PULLCORD, RunsOffered
from bot.domain.incident import Incident
from bot.domain.work import Due, Work, WorkItem
from bot.engine.parts import Parts, incident_of, number_of, text_of
from bot.engine.run_lines import line_of, why_first, worst_first
from bot.errors import Refused
from bot.timeline.timeline import Write

WINDOW: Final = timedelta(minutes=15)
"""How long before an alert began a run may have ended to be offered."""
_AGAIN: Final = (timedelta(seconds=15), timedelta(seconds=45), timedelta(minutes=2), timedelta(minutes=5))
_SAID_FROM: Final = 1
"""From this look on it is said that there are none: spans may come seconds after their alert."""
_MOST: Final = 50
_LOOKED_AT: Final = 500


def offer_runs(incident_id: str, began: datetime, end: datetime, attempt: int = 0) -> WorkItem:
    """Work that offers the runs that ended from 15 minutes before ``began``. ``end`` is when it was first looked."""
    payload: dict[str, Json] = {
        "start": (began - WINDOW).isoformat(),
        "end": max(began, end).isoformat(),
        "attempt": attempt,
    }
    return WorkItem(kind=Work.OFFER_RUNS, incident=incident_id, payload=payload)


class Choosing:
    """Offers runs."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``start`` and ``end`` (ISO 8601), ``attempt``. Nothing once a run is named or it is over."""
        incident = await self._parts.store.incidents.read(incident_of(item))
        if incident.agent is None or incident.wanted_traces or not incident.open:
            return
        start, end, attempt = _time(item, "start"), _time(item, "end"), number_of(item, "attempt")
        now = self._parts.now()
        end = max(end, now)
        index = self._parts.store.run_index
        ids, total = await index.in_window(incident.agent, start, end, _LOOKED_AT)
        runs = sorted((run.profile for run in await index.many(ids)), key=worst_first)
        lines = tuple(line_of(profile, why_first(profile)) for profile in runs[:_MOST])
        event = RunsOffered(at=now, by=PULLCORD, start=start, end=end, lines=lines, total=max(total, len(lines)))
        again: tuple[Due, ...] = ()
        if attempt < len(_AGAIN):
            payload: dict[str, Json] = {**item.payload, "attempt": attempt + 1}
            later = item.model_copy(update={"payload": payload})
            again = (Due(id=f"offer:{incident.id}", at=now + _AGAIN[attempt], item=later),)

        def decide(current: Incident) -> Write | None:
            if current.wanted_traces:
                return None
            held = current.offered
            same = held is not None and held.lines == lines and held.total == event.total
            early = held is None and not lines and attempt < _SAID_FROM
            events = () if same or early else (event,)
            return Write(events=events, due=again, dirty=bool(events)) if events or again else None

        told = hashlib.sha256(f"{lines}{event.total}".encode()).hexdigest()[:16]
        await self._parts.store.incidents.write(incident.id, f"offered:{start.isoformat()}:{attempt}:{told}", decide)


def _time(item: WorkItem, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(text_of(item, name))
    except ValueError as error:
        raise Refused(f"Work item {item.kind} has no time in {name}.", field=name) from error
    if found.tzinfo is None:
        raise Refused(f"Work item {item.kind} has a time without a zone in {name}.", field=name)
    return found
