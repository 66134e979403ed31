"""Display names of people, learnt from Slack, so that pages say @dana and not @U0DANA. A convenience, never a proof."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.times import span_ms

LIFE: Final = timedelta(days=90)
_MOST_CHARS: Final = 80
_MOST_PEOPLE: Final = 10_000


class Names:
    """User id -> display name, forgotten 90 days after the last name was learnt."""

    def __init__(self, redis: Client) -> None:
        """``redis`` is the hot client."""
        self._redis = redis
        self._learnt: dict[str, str] = {}

    async def learn(self, user: str, name: str) -> None:
        """Remember a name. Raises StoreUnavailable; a name that this process has written already costs nothing."""
        short = name.strip()[:_MOST_CHARS]
        if not short or self._learnt.get(user) == short:
            return
        if int(await self._redis.call("HLEN", keys.NAMES())) >= _MOST_PEOPLE:
            return
        await self._redis.call("HSET", keys.NAMES(), user, short)
        await self._redis.call("PEXPIRE", keys.NAMES(), span_ms(LIFE))
        self._learnt[user] = short

    async def all(self) -> Mapping[str, str]:
        """Every name that is known. Raises StoreUnavailable."""
        stored: dict[bytes, bytes] = await self._redis.call("HGETALL", keys.NAMES())
        return {user.decode(): name.decode(errors="replace") for user, name in stored.items()}
