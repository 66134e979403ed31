"""What waits for approval, beside the timelines: which to look at first, and which messages to correct afterwards.

An index only: the timeline says whether something still waits. It is made after the request is on the timeline, and
whoever reads it reads the timeline too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.times import ms, span_ms

_LIFE: Final = timedelta(days=30)


class Approvals:
    """Requests by deadline, and the direct messages that asked for them."""

    def __init__(self, redis: Client) -> None:
        """``redis`` is the hot client."""
        self._redis = redis

    async def add(self, incident: str, execution: str, deadline: datetime) -> None:
        """It waits."""
        await self._redis.call("ZADD", keys.APPROVALS(), ms(deadline), f"{incident}|{execution}")
        await self._redis.call("PEXPIRE", keys.APPROVALS(), span_ms(_LIFE))

    async def drop(self, incident: str, execution: str) -> None:
        """It waits no more."""
        await self._redis.call("ZREM", keys.APPROVALS(), f"{incident}|{execution}")

    async def waiting(self, now: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Incident and execution of those whose deadline is nearest, at most ``limit``."""
        found = await self._redis.call("ZRANGEBYSCORE", keys.APPROVALS(), ms(now), "+inf", "LIMIT", 0, limit)
        pairs = (name.decode().partition("|") for name in found)
        return [(incident, execution) for incident, _, execution in pairs]

    async def told(self, execution: str, channel: str, ts: str) -> None:
        """A direct message asked for it; it is corrected when it is decided."""
        await self._redis.call("SADD", keys.APPROVAL_DIRECTS(execution), f"{channel}|{ts}")
        await self._redis.call("PEXPIRE", keys.APPROVAL_DIRECTS(execution), span_ms(_LIFE))

    async def directs(self, execution: str) -> Sequence[tuple[str, str]]:
        """Channel and ts of the direct messages that asked for it."""
        found = await self._redis.call("SMEMBERS", keys.APPROVAL_DIRECTS(execution))
        pairs = (name.decode().partition("|") for name in sorted(found))
        return [(channel, ts) for channel, _, ts in pairs]
