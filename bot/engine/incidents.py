"""Reading incidents for interactions: ``plugin.Incidents`` over the store."""

from collections.abc import Sequence

from bot.domain.incident import Incident
from bot.engine.parts import Parts


class StoredIncidents:
    """Implements ``bot.plugin.Incidents``."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._incidents = parts.store.incidents

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
