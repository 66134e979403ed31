"""The direct messages of an incident, so that what woke somebody is corrected later: who has it, what became known."""

from bot.domain.base import Value
from bot.timeline import keys
from bot.timeline.connection import Client


class Direct(Value):
    """A direct message. ``reason`` is why it was sent; ``news`` that it told something new, not that nobody has it."""

    channel: str
    ts: str
    reason: str = ""
    news: bool = False

    @property
    def name(self) -> str:
        """One name for each message."""
        return f"{self.channel}:{self.ts}"


class Directs:
    """Direct messages by incident, as durable as its timeline."""

    def __init__(self, redis: Client) -> None:
        """``redis`` is the hot client."""
        self._redis = redis

    async def remember(self, incident_id: str, direct: Direct) -> None:
        """Keep it, and let its buttons and pins find the incident."""
        await self._redis.call("HSET", keys.DIRECTS(incident_id), direct.name, direct.model_dump_json())
        await self._redis.call("HSET", keys.MESSAGES(), direct.name, incident_id)

    async def of(self, incident_id: str) -> list[Direct]:
        """All of the incident, oldest first."""
        stored: list[bytes] = await self._redis.call("HVALS", keys.DIRECTS(incident_id))
        return sorted((Direct.model_validate_json(body) for body in stored), key=lambda one: one.ts)
