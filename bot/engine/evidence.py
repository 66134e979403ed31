"""Reading frozen runs back: ``ports.EvidenceReader`` over the store."""

import asyncio

from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.errors import Refused
from bot.ports import EvidenceStore
from bot.recorder.evidence import thaw_run


class FrozenRuns:
    """Implements ``bot.ports.EvidenceReader``."""

    def __init__(self, evidence: EvidenceStore) -> None:
        """``evidence`` hands out nothing that does not fit its hash."""
        self._evidence = evidence

    async def run(self, incident: Incident, trace_id: str) -> Run:
        """The frozen run. Refused when this incident has none with that trace id, or its evidence is gone."""
        attached = incident.run(trace_id)
        if attached is None:
            raise Refused(
                f"{incident.id} has no run with this trace id.",
                field="trace_id",
                next_step="List the incident's runs to see their trace ids.",
            )
        frozen = await self._evidence.get(attached.evidence)
        return await asyncio.to_thread(thaw_run, frozen)
