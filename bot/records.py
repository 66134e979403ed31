"""What the command line reads of an incident: whether its chain holds, and the whole of it as one document.

Needs the store and nothing else, so that it starts quickly beside a running bot.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic_core import to_json

from bot.domain.base import Json
from bot.engine.evidence import FrozenRuns
from bot.open_store import open_store
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What ``pullcord verify`` prints, and whether all is well."""

    ok: bool
    text: str


async def verify_incident(settings: Settings, incident_id: str, head: str | None) -> VerifyResult:
    """Check one timeline from its first entry to its last. Raises Refused when there is no such incident."""
    async with open_store(settings, guest=True) as store:
        verdict = await store.incidents.verify(incident_id, head)
    if verdict.ok:
        against = " and holds the head that was given" if head else ""
        return VerifyResult(
            True, f"{incident_id}: {verdict.entries} entries fit{against}. Head {verdict.entries}:{verdict.head}"
        )
    why = verdict.reason.rstrip(".")
    where = f"entry {verdict.first_bad}" if verdict.first_bad is not None else "its end"
    return VerifyResult(False, f"{incident_id}: {where} does not fit: {why}. Do not rely on it from there on.")


async def export_incident(settings: Settings, incident_id: str) -> str:
    """An incident as one JSON document: projection, entries with their codes, frozen runs."""
    async with open_store(settings, guest=True) as store:
        incident = await store.incidents.read(incident_id)
        reader = FrozenRuns(store.evidence)
        entries: list[Json] = []
        after = 0
        while page := await store.incidents.entries(incident_id, after, 500):
            entries += [entry.model_dump(mode="json") for entry in page]
            after = page[-1].seq
        runs = [(await reader.run(incident, r.summary.trace_id)).model_dump(mode="json") for r in incident.runs]
        verdict = await store.incidents.verify(incident_id)
    document = {
        "pullcord_export": 1,
        "exported_at": datetime.now(UTC).isoformat(),
        "incident": incident.model_dump(mode="json"),
        "chain": verdict.model_dump(mode="json"),
        "entries": entries,
        "runs": runs,
    }
    return to_json(document, indent=2).decode()
