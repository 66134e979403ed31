# mypy: disable-error-code="empty-body"
"""The outbox: which incidents Slack shows in an old state, most urgent first. Latest wins: it is a set.

A poster claims an incident for the length of a lease; when it dies the claim returns. What becomes dirty while it is
claimed waits and is claimed again after. ``later`` obeys Retry-After for one incident, ``pause`` for a Slack method.
"""

import asyncio
import contextlib
from datetime import datetime, timedelta

from pydantic import Field

from bot.domain.base import Json, Utc, Value
from bot.errors import Refused
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.keys import Key
from bot.timeline.lua import script
from bot.timeline.times import moment, ms, span_ms


class Claimed(Value):
    """An incident to post, held until ``until``. ``token`` grows with each claim: an older holder is refused."""

    incident: str
    rank: int
    token: int
    until: Utc


class PostState(Value):
    """What was posted of an incident, so that a poster anywhere goes on from there.

    ``intent`` is the key of a post whose answer is not known yet (P1): look for it before posting again. ``shown`` is
    the hash of what the card shows, ``thread_cursor`` the place of the last entry told in the thread. ``more`` holds
    whatever else the poster needs to go on (further messages by name).
    """

    incident: str
    intent: str | None = None
    channel: str | None = None
    ts: str | None = None
    shown: str = ""
    thread_cursor: int = 0
    more: dict[str, Json] = Field(default_factory=dict)


@script
async def mark(redis: Client, dirty: Key, later: Key, incident: str, rank: int, now: int) -> int:
    """-- An incident is to be posted anew; one that Slack told us to delay stays delayed.

    local waits = redis.call('HGET', later, incident)
    local til = waits and string.match(waits, '^(%d+)')
    if til and tonumber(til) > now then
      redis.call('HSET', later, incident, til .. ' ' .. rank)
      return 0
    end
    redis.call('ZADD', dirty, 'LT', string.format('%.0f', rank * 1e13 + now), incident)
    return 1
    """


@script
async def claim(
    redis: Client, dirty: Key, posting: Key, later: Key, token: Key, now: int, lease_end: int
) -> list[bytes | int] | None:
    """-- Take the most urgent incident; what dead posters held and what was delayed long enough comes back first.

    -- both hashes are small: one entry for each poster, one for each incident that Slack told us to delay
    local held = {}
    local list = redis.call('HGETALL', posting)
    for i = 1, #list, 2 do
      local til, _, rank = string.match(list[i + 1], '^(%d+) (%d+) (%d+)$')
      if tonumber(til) > now then
        held[list[i]] = true
      else
        redis.call('HDEL', posting, list[i])
        redis.call('ZADD', dirty, 'LT', string.format('%.0f', tonumber(rank) * 1e13 + now), list[i])
      end
    end
    list = redis.call('HGETALL', later)
    for i = 1, #list, 2 do
      local til, rank = string.match(list[i + 1], '^(%d+) (%d+)$')
      if tonumber(til) <= now then
        redis.call('HDEL', later, list[i])
        redis.call('ZADD', dirty, 'LT', string.format('%.0f', tonumber(rank) * 1e13 + now), list[i])
      end
    end
    local first = redis.call('ZRANGE', dirty, 0, redis.call('HLEN', posting), 'WITHSCORES')
    for i = 1, #first, 2 do
      local incident = first[i]
      if not held[incident] then
        local rank = math.floor(tonumber(first[i + 1]) / 1e13)
        local given = redis.call('INCR', token)
        redis.call('ZREM', dirty, incident)
        redis.call('HSET', posting, incident, string.format('%.0f %.0f %.0f', lease_end, given, rank))
        return {incident, rank, given}
      end
    end
    return nil
    """


@script
async def release(
    redis: Client, dirty: Key, posting: Key, later: Key, incident: str, token: int, not_before: int
) -> int:
    """-- End a claim, if it is still ours; with a delay, keep the incident back until then.

    local held = redis.call('HGET', posting, incident)
    if not held then return 0 end
    local _, given, rank = string.match(held, '^(%d+) (%d+) (%d+)$')
    if tonumber(given) ~= token then return 0 end
    redis.call('HDEL', posting, incident)
    if not_before > 0 then
      redis.call('ZREM', dirty, incident)
      redis.call('HSET', later, incident, string.format('%.0f', not_before) .. ' ' .. rank)
    end
    return 1
    """


@script
async def prolong(redis: Client, posting: Key, incident: str, token: int, lease_end: int) -> int:
    """-- Hold a claim longer, if it is still ours.

    local held = redis.call('HGET', posting, incident)
    if not held then return 0 end
    local _, given, rank = string.match(held, '^(%d+) (%d+) (%d+)$')
    if tonumber(given) ~= token then return 0 end
    redis.call('HSET', posting, incident, string.format('%.0f %.0f %s', lease_end, token, rank))
    return 1
    """


@script
async def save(redis: Client, posting: Key, post: Key, incident: str, token: int, body: bytes) -> int:
    """-- Keep what was posted, if the claim is still ours.

    if token > 0 then
      local held = redis.call('HGET', posting, incident)
      if not held or tonumber(string.match(held, '^%d+ (%d+)')) ~= token then return 0 end
    end
    redis.call('SET', post, body)
    return 1
    """


class Outbox:
    """Claims and what was posted."""

    def __init__(self, redis: Client, clock: Clock) -> None:
        """``redis`` is the hot client."""
        self._redis = redis
        self._clock = clock
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """Wake whoever waits in this process: something was written that asks for a post."""
        self._stirred.set()

    async def wait(self, seconds: float) -> None:
        """Until this process wrote something to post, at most ``seconds``; what others wrote is found by looking."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        self._stirred.clear()

    async def dirty(self, incident_id: str, rank: int = 1) -> None:
        """Post this incident anew. Rank 0 comes first; the write script does this for each write with ``dirty``."""
        await mark(self._redis, keys.DIRTY(), keys.LATER(), incident_id, rank, ms(self._clock.now()))
        self.stir()

    async def claim(self, now: datetime, lease: timedelta) -> Claimed | None:
        """The most urgent incident that nobody posts right now, by rank then age; None when there is none."""
        until = now + lease
        found = await claim(self._redis, keys.DIRTY(), keys.POSTING(), keys.LATER(), keys.TOKEN(), ms(now), ms(until))
        if not found:
            return None
        incident, rank, token = found
        name = incident.decode() if isinstance(incident, bytes) else str(incident)
        return Claimed(incident=name, rank=int(rank), token=int(token), until=until)

    async def renew(self, claimed: Claimed, until: datetime) -> bool:
        """Hold the claim until then: its poster lives. False when it had passed to another poster."""
        held = await prolong(self._redis, keys.POSTING(), claimed.incident, claimed.token, ms(until))
        return bool(held)

    async def done(self, claimed: Claimed) -> bool:
        """It is posted. False when the lease had passed to another poster."""
        return await self._release(claimed, 0)

    async def later(self, claimed: Claimed, not_before: datetime) -> bool:
        """It could not be posted now (Retry-After): again at ``not_before``, whatever becomes dirty meanwhile."""
        return await self._release(claimed, ms(not_before))

    async def post_state(self, incident_id: str) -> PostState:
        """What was posted of the incident; an empty one at first."""
        stored = await self._redis.call("GET", keys.POST(incident_id))
        return PostState(incident=incident_id) if stored is None else PostState.model_validate_json(stored)

    async def save_post_state(self, state: PostState, claimed: Claimed | None = None) -> None:
        """Keep what was posted. With ``claimed``, Refused when that claim has passed to another poster."""
        token = 0 if claimed is None else claimed.token
        body = state.model_dump_json().encode()
        saved = await save(self._redis, keys.POSTING(), keys.POST(state.incident), state.incident, token, body)
        if not saved:
            raise Refused(
                f"Another poster has taken over {state.incident}; this one was too slow.",
                next_step="Drop what was prepared and claim again.",
            )

    async def pause(self, method: str, until: datetime) -> None:
        """Call this Slack method no more before ``until``, in any replica (429)."""
        length = until - self._clock.now()
        if length > timedelta(0):
            await self._redis.call("SET", keys.PAUSE(method), ms(until), "PX", span_ms(length))

    async def paused_until(self, method: str) -> datetime | None:
        """When the method may be called again; None for now."""
        stored = await self._redis.call("GET", keys.PAUSE(method))
        until = None if stored is None else moment(int(stored))
        return until if until is not None and until > self._clock.now() else None

    async def size(self) -> int:
        """How many incidents wait to be posted, delayed ones included."""
        waiting = await self._redis.call("ZCARD", keys.DIRTY())
        return int(waiting) + int(await self._redis.call("HLEN", keys.LATER()))

    async def _release(self, claimed: Claimed, not_before: int) -> bool:
        released = await release(
            self._redis, keys.DIRTY(), keys.POSTING(), keys.LATER(), claimed.incident, claimed.token, not_before
        )
        return bool(released)
