"""What every click's engine side has: the parts, reads and writes that are bounded, and what may be looked up of it."""

import asyncio

from bot.domain.events import Actor
from bot.domain.incident import Incident
from bot.domain.work import WorkItem
from bot.engine.parts import Parts
from bot.engine.words import NOT_CONFIRMED
from bot.errors import StoreUnavailable
from bot.plugin import ActionContext, OfferView
from bot.timeline.timeline import Decide, Written

WRITE_SECONDS = 0.2
"""A click whose write did not come back in this time is told so; a person does not wait longer for an answer."""
CLICK_SECONDS = 0.4
"""The same for all that a click reads and writes."""


class Clicking:
    """Base of what answers clicks."""

    _parts: Parts

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def offer(self, offer_id: str) -> OfferView:
        """The offer that a button carries; Refused when it is unknown or too old."""
        return await self._parts.store.offers.get(offer_id)

    def _context(self, incident: Incident, by: Actor) -> ActionContext:
        profile = self._parts.planes.profile(incident)
        return ActionContext(incident=incident, agent=profile, by=by, now=self._parts.now())

    async def _ask(self, item: WorkItem, key: str) -> None:
        try:
            await self._add(item, f"ask:{key}")
        except (TimeoutError, StoreUnavailable) as error:
            raise StoreUnavailable(NOT_CONFIRMED) from error

    async def _add(self, item: WorkItem, op: str) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            await self._parts.store.work.add(item, op=op)

    async def _read(self, incident_id: str) -> Incident:
        async with asyncio.timeout(WRITE_SECONDS):
            return await self._parts.store.incidents.read(incident_id)

    async def _write(self, incident_id: str, op: str, decide: Decide) -> Written:
        async with asyncio.timeout(WRITE_SECONDS):
            return await self._parts.store.incidents.write(incident_id, op, decide)
