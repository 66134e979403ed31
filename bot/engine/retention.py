"""Letting go of evidence that is past its retention, and never of what an open incident names."""

from datetime import timedelta

import structlog

from bot.domain.events import RunAttached
from bot.ports import Clock
from bot.timeline.store import Store

_MOST_OPEN = 1000
"""As many as the store lists at once."""
_PAGE = 500
log = structlog.get_logger(__name__)


def sweep_period(ttl: timedelta) -> timedelta:
    """How often to sweep evidence that is kept for ``ttl``: an open incident's never gets that old."""
    return max(timedelta(seconds=1), min(timedelta(hours=6), ttl / 8))


class Retention:
    """The recurring check of ``recorder.evidence_ttl``. What its ``sweep`` cannot know as unneeded stays."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """``store.evidence`` is swept."""
        self._store = store
        self._clock = clock

    async def sweep(self) -> int:
        """Sweep once; how many were removed. An open incident that cannot be read raises, and nothing is removed."""
        ids = await self._store.incidents.open_ids(_MOST_OPEN)
        if len(ids) >= _MOST_OPEN:
            log.warning("evidence is not swept: too many incidents are open to look at", open=len(ids))
            return 0
        named = {name for incident_id in ids for name in await self._named(incident_id)}
        removed = await self._store.evidence.sweep(named, self._clock.now())
        if removed:
            log.info("evidence past its retention was removed", removed=removed, named=len(named))
        return removed

    async def _named(self, incident_id: str) -> set[str]:
        """Every hash on the timeline: also of a run as it was before more spans came."""
        found: set[str] = set()
        after = 0
        while page := await self._store.incidents.entries(incident_id, after, _PAGE):
            found |= {entry.event.evidence for entry in page if isinstance(entry.event, RunAttached)}
            after = page[-1].seq
        return found
