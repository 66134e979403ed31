"""Reading incidents for interactions: ``plugin.Incidents`` over the store."""

import asyncio
from collections.abc import Sequence

from bot.domain.events import Actor
from bot.domain.incident import Incident, IncidentRow
from bot.domain.mitigation import MitigationRow
from bot.domain.run import Run
from bot.engine.evidence import FrozenRuns
from bot.engine.parts import Parts
from bot.errors import Refused, StoreUnavailable

_SEARCHED = 500
"""The newest open incidents among which a person's own are looked for."""
RUN_SECONDS = 1.2
"""A modal must open within Slack's three seconds; without the steps rather than not at all."""


class StoredIncidents:
    """Implements ``bot.plugin.Incidents``."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._incidents = parts.store.incidents
        self._mitigations = parts.store.mitigations
        self._frozen = FrozenRuns(parts.store.evidence)
        self._settings = parts.settings

    async def get(self, incident_id: str) -> Incident:
        """The incident; Refused when there is none."""
        return await self._incidents.read(incident_id)

    async def in_channel(self, channel: str) -> str | None:
        """Id of the incident whose channel this is, or None."""
        return await self._incidents.in_channel(channel)

    async def of_message(self, channel: str, ts: str) -> str | None:
        """Id of the incident whose card, announcement or direct message this is, or None."""
        return await self._incidents.of_message(channel, ts)

    async def open_ids(self, limit: int) -> Sequence[str]:
        """Ids of the newest open incidents."""
        return await self._incidents.open_ids(limit)

    async def mine(self, by: Actor, limit: int) -> Sequence[IncidentRow]:
        """Open incidents that this person commands, has acknowledged or is on call for, newest first."""
        found = []
        for row in await self._incidents.open_rows(_SEARCHED):
            duty = self._settings.agent(row.agent)
            if by.id in {row.commander, row.acknowledged_by, *duty.on_call}:
                found.append(row)
        return found[:limit]

    async def mitigations(self, limit: int) -> Sequence[MitigationRow]:
        """What is in force or may be, over all incidents, the newest first."""
        return await self._mitigations.rows(limit)

    async def run(self, incident: Incident, trace_id: str) -> Run | None:
        """The frozen run of this incident; None when it cannot be read in the time that a click has, or at all."""
        try:
            async with asyncio.timeout(RUN_SECONDS):
                return await self._frozen.run(incident, trace_id)
        except (TimeoutError, Refused, StoreUnavailable):
            return None
