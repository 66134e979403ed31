"""Intents: a message is about to be sent under a dedupe key. Written before Slack is called: a retry looks first.

Without it a retry after a lost answer would either send twice or have to search the history before every first page.
"""

from datetime import datetime

from bot.domain.base import Utc, Value
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.times import span_ms


class Intent(Value):
    """``at``: when it was first intended. ``ts`` and ``channel`` once it is known to be posted."""

    at: Utc
    channel: str | None = None
    ts: str | None = None


class Intents:
    """Intents by dedupe key, kept for ``Lifetimes.seen``."""

    def __init__(self, redis: Client, clock: Clock, lifetimes: keys.Lifetimes) -> None:
        """``redis`` is the hot client."""
        self._redis = redis
        self._clock = clock
        self._ttl = span_ms(lifetimes.seen)

    async def intend(self, key: str) -> Intent | None:
        """Note the intent. None when it is the first; else what an earlier try noted."""
        now: datetime = self._clock.now()
        body = Intent(at=now).model_dump_json()
        first = await self._redis.call("SET", keys.INTENT(key), body, "NX", "PX", self._ttl)
        if first:
            return None
        return await self.read(key)

    async def read(self, key: str) -> Intent | None:
        """What is noted under this key, or None."""
        stored = await self._redis.call("GET", keys.INTENT(key))
        return None if stored is None else Intent.model_validate_json(stored)

    async def posted(self, key: str, channel: str, ts: str) -> None:
        """The message exists."""
        body = Intent(at=self._clock.now(), channel=channel, ts=ts).model_dump_json()
        await self._redis.call("SET", keys.INTENT(key), body, "PX", self._ttl)
