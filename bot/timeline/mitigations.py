# mypy: disable-error-code="empty-body"
"""The index of mitigations in force: written by the timeline's own script, so that it never differs from a timeline.

Listing costs two commands, however many incidents there are. Each row carries the entry after which it was true, so
that filling in what an older version never indexed cannot put an old state over a new one.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from bot.domain.incident import Incident
from bot.domain.mitigation import MitigationRow, rows_of
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.keys import Key
from bot.timeline.lua import script
from bot.timeline.times import ms, span_ms

MOST: Final = 1000
"""Rows that one page of the list holds at most."""
_FILLED: Final = "mitigations"
_DONE: Final = "done"


@script
async def take_oldest(redis: Client, looks: Key, now: int, before: int, most: int) -> list[bytes]:
    """-- The members that nobody looked at for longest, marked as looked at now: two replicas get different ones.

    local found = redis.call('ZRANGEBYSCORE', looks, '-inf', before, 'LIMIT', 0, most)
    for _, member in ipairs(found) do redis.call('ZADD', looks, 'XX', now, member) end
    return found
    """


@script
async def fill(redis: Client, held: Key, items: Key, looks: Key, seq: int, now: int, rows: Sequence[bytes]) -> int:
    """-- Put rows that are not there yet, or are of an earlier entry.

    local put = 0
    for i = 1, #rows, 3 do
      local known = redis.call('HGET', items, rows[i])
      if not known or tonumber(string.match(known, '^(%d+)')) < seq then
        redis.call('ZADD', held, rows[i + 1], rows[i])
        redis.call('HSET', items, rows[i], string.format('%.0f ', seq) .. rows[i + 2])
        redis.call('ZADD', looks, 'NX', now, rows[i])
        put = put + 1
      end
    end
    return put
    """


@script
async def drop(redis: Client, held: Key, items: Key, looks: Key, misses: Key, member: str, seq: int) -> int:
    """-- Take a row out that a newer state of its timeline does not have.

    local known = redis.call('HGET', items, member)
    if known and tonumber(string.match(known, '^(%d+)')) > seq then return 0 end
    redis.call('ZREM', held, member)
    redis.call('ZREM', looks, member)
    redis.call('HDEL', misses, member)
    return redis.call('HDEL', items, member)
    """


class MitigationIndex:
    """Lists what is in force, and says what is to be looked at next."""

    def __init__(self, redis: Client, clock: Clock) -> None:
        """``redis`` is the hot client."""
        self._redis = redis
        self._clock = clock

    async def rows(self, limit: int = 200, skip: int = 0) -> list[MitigationRow]:
        """What is in force, the newest first."""
        most = max(1, min(limit, MOST))
        members: list[bytes] = await self._redis.call("ZREVRANGE", keys.MITIGATIONS(), skip, skip + most - 1)
        if not members:
            return []
        stored: list[bytes | None] = await self._redis.call("HMGET", keys.MITIGATION_ITEMS(), *members)
        return [MitigationRow.model_validate_json(raw.partition(b" ")[2]) for raw in stored if raw is not None]

    async def total(self) -> int:
        """How many there are."""
        return int(await self._redis.call("ZCARD", keys.MITIGATIONS()))

    async def take(self, unseen_for: timedelta, most: int) -> list[tuple[str, str]]:
        """(incident id, execution id) of those that nobody looked at for so long; they count as looked at from now."""
        now = ms(self._clock.now())
        found = await take_oldest(self._redis, keys.MITIGATION_LOOKS(), now, now - span_ms(unseen_for), max(1, most))
        pairs = (member.decode().partition(" ") for member in found)
        return [(incident, execution) for incident, _, execution in pairs]

    async def missed(self, incident_id: str, execution_id: str) -> int:
        """One more look that got no answer; how many in a row by now."""
        return int(await self._redis.call("HINCRBY", keys.MITIGATION_MISSES(), f"{incident_id} {execution_id}", 1))

    async def answered(self, incident_id: str, execution_id: str) -> None:
        """A look was answered: the row of misses is over."""
        await self._redis.call("HDEL", keys.MITIGATION_MISSES(), f"{incident_id} {execution_id}")

    async def fill(self, incident: Incident) -> int:
        """Index what an older version wrote of this incident; nothing newer is overwritten. How many rows were new."""
        rows = [part for row in rows_of(incident) for part in _stored(row)]
        if not rows:
            return 0
        now = ms(self._clock.now())
        places = (keys.MITIGATIONS(), keys.MITIGATION_ITEMS(), keys.MITIGATION_LOOKS())
        return await fill(self._redis, *places, incident.seq, now, rows)

    async def drop(self, incident: Incident, execution_id: str) -> None:
        """Take out a row that this state of its incident does not have."""
        await drop(
            self._redis,
            keys.MITIGATIONS(),
            keys.MITIGATION_ITEMS(),
            keys.MITIGATION_LOOKS(),
            keys.MITIGATION_MISSES(),
            f"{incident.id} {execution_id}",
            incident.seq,
        )

    async def filled_from(self) -> int | None:
        """Below which incident number the index is still to be filled (0: from the newest); None when it is whole."""
        stored: bytes | None = await self._redis.call("HGET", keys.META(), _FILLED)
        if stored is None:
            return 0
        return None if stored == _DONE.encode() else int(stored)

    async def fill_next(self, before: int | None) -> None:
        """Remember how far the filling came; None: it is whole."""
        await self._redis.call("HSET", keys.META(), _FILLED, _DONE if before is None else before)


def changed(before: Incident | None, after: Incident) -> tuple[list[str], list[bytes]]:
    """What a write changes in the index: names to take out, and (name, began in ms, row) of those to put."""
    old = {row.key: row for row in rows_of(before)} if before is not None else {}
    new = {row.key: row for row in rows_of(after)}
    gone = [key for key in old if key not in new]
    return gone, [part for key, row in new.items() if old.get(key) != row for part in _stored(row)]


def _stored(row: MitigationRow) -> tuple[bytes, bytes, bytes]:
    return row.key.encode(), b"%d" % ms(row.at), row.model_dump_json().encode()
