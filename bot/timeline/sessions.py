"""One-time links from Slack to the page, exchanged for a browser's session. The store holds only hashes."""

import hashlib
import secrets
from datetime import timedelta

from bot.domain.base import Utc, Value
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.times import span_ms


class Session(Value):
    """Who looks at what. ``incidents`` None: every incident; else these only. ``until`` is when it ends."""

    user: str
    incidents: tuple[str, ...] | None
    until: Utc

    def may_see(self, incident_id: str) -> bool:
        """Whether this session may see the incident."""
        return self.incidents is None or incident_id in self.incidents


class Sessions:
    """Makes links and sessions. Tokens have 256 random bits; a link works once and within ``Lifetimes.link``."""

    def __init__(self, redis: Client, clock: Clock, lifetimes: keys.Lifetimes) -> None:
        """``redis`` is the hot client."""
        self._redis = redis
        self._clock = clock
        self._life = lifetimes

    async def link(self, user: str, incidents: tuple[str, ...] | None) -> str:
        """A token for one link, for this person and these incidents (None: all)."""
        token = secrets.token_urlsafe(32)
        await self._put(keys.LINK(_hash(token)), user, incidents, self._life.link)
        return token

    async def redeem(self, token: str) -> str | None:
        """Exchange a link's token for a session id. None for one that is unknown, used or too old."""
        granted = await self._read("GETDEL", keys.LINK(_hash(token)))
        if granted is None:
            return None
        session_id = secrets.token_urlsafe(32)
        await self._put(keys.SESSION(_hash(session_id)), granted.user, granted.incidents, self._life.session)
        return session_id

    async def get(self, session_id: str) -> Session | None:
        """The session, or None when it is unknown or over."""
        return await self._read("GET", keys.SESSION(_hash(session_id)))

    async def end(self, session_id: str) -> None:
        """Sign out."""
        await self._redis.call("DEL", keys.SESSION(_hash(session_id)))

    async def _put(self, key: keys.Key, user: str, incidents: tuple[str, ...] | None, life: timedelta) -> None:
        value = Session(user=user, incidents=incidents, until=self._clock.now() + life)
        await self._redis.call("SET", key, value.model_dump_json(), "PX", span_ms(life))

    async def _read(self, command: str, key: keys.Key) -> Session | None:
        stored = await self._redis.call(command, key)
        if stored is None:
            return None
        found = Session.model_validate_json(stored)
        return found if found.until > self._clock.now() else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
