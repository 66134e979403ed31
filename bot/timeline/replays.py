"""Signatures of Slack requests that were taken, shared by all replicas: one signed request has one effect.

Slack signs every delivery at its own second, its repeats too, so the same signature twice is a copy that somebody
else sent, or the same delivery twice within a second; either way it was dealt with.
"""

from datetime import timedelta

from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.times import span_ms

LONGEST = timedelta(minutes=11)
"""A signature is good from 5 minutes before its time to 5 minutes after it, by our clock."""


class Replays:
    """Signatures by their text; only a hash of each is kept."""

    def __init__(self, redis: Client) -> None:
        """``redis`` is the hot client."""
        self._redis = redis
        self._ttl = span_ms(LONGEST)

    async def first(self, signature: str) -> bool:
        """Note the signature; False when it was noted before. Raises StoreUnavailable."""
        return bool(await self._redis.call("SET", keys.REPLAY(signature), "1", "NX", "PX", self._ttl))

    async def forget(self, signature: str) -> None:
        """The request was not dealt with after all: a copy of it may be."""
        await self._redis.call("DEL", keys.REPLAY(signature))
