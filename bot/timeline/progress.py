"""How far long actions are: for the poster that shows it, wherever it runs. Gone after a day without a word."""

from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from bot.domain.progress import ProgressState
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.times import span_ms

LIFE: Final = timedelta(days=1)


class ProgressStore:
    """The last word of each long action of an incident."""

    def __init__(self, redis: Client) -> None:
        """``redis`` is the hot client."""
        self._redis = redis

    async def put(self, state: ProgressState) -> None:
        """Keep what an action said last."""
        key = keys.PROGRESS(state.incident)
        await self._redis.call("HSET", key, state.execution, state.model_dump_json())
        await self._redis.call("PEXPIRE", key, span_ms(LIFE))

    async def of(self, incident_id: str) -> tuple[ProgressState, ...]:
        """What each long action of the incident said last, the oldest first; what cannot be read is left out."""
        stored: dict[bytes, bytes] = await self._redis.call("HGETALL", keys.PROGRESS(incident_id))
        found: list[ProgressState] = []
        for raw in stored.values():
            try:
                found.append(ProgressState.model_validate_json(raw))
            except ValidationError:  # written by another version: it is a courtesy, and its TTL ends it
                continue
        return tuple(sorted(found, key=lambda state: (state.began, state.execution)))

    async def drop(self, incident_id: str, execution: str) -> None:
        """Its message has said the end."""
        await self._redis.call("HDEL", keys.PROGRESS(incident_id), execution)
