"""Entries made and read: few and short ones at once, those of a run with thousands of effects in a thread."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.effect import ranked
from bot.domain.events import EffectsListed, Entry, Event
from bot.domain.incident import Incident
from bot.domain.project import project
from bot.timeline.chain import Chain, parse
from bot.timeline.rows import row_of

_EFFECTS_AT_ONCE: Final = 50
_BYTES_AT_ONCE: Final = 100_000
"""What takes a millisecond or two. More of it in one go on the event loop would hold up a click."""


@dataclass(frozen=True, slots=True)
class Extended:
    """New entries with their exact bytes, the incident after them, and its line in the list as JSON."""

    made: list[tuple[Entry, bytes]]
    after: Incident
    row: bytes


async def extended(chain: Chain, incident: Incident | None, incident_id: str, events: Sequence[Event]) -> Extended:
    """These events after the newest entry of ``incident`` (None: they are its first)."""

    def extend() -> Extended:
        seq, head = (0, "") if incident is None else (incident.seq, incident.head)
        made = chain.extend(incident_id, seq, head, events)
        after = project([entry for entry, _ in made], incident, incident_id=incident_id)
        ranked(after.effects)  # kept for the card, that would else do it on the event loop
        return Extended(made, after, row_of(after).model_dump_json().encode())

    effects = sum(len(event.effects) for event in events if isinstance(event, EffectsListed))
    return await asyncio.to_thread(extend) if effects > _EFFECTS_AT_ONCE else extend()


async def parsed(incident_id: str, stored: Sequence[tuple[bytes, Mapping[bytes, bytes]]]) -> list[Entry]:
    """Stored entries as values. Raises Refused as ``chain.parse``."""

    def read() -> list[Entry]:
        return [parse(incident_id, place, fields) for place, fields in stored]

    size = sum(len(value) for _, fields in stored for value in fields.values())
    return await asyncio.to_thread(read) if size > _BYTES_AT_ONCE else read()
