# mypy: disable-error-code="empty-body"
"""From a channel, message, trace, group or page to incidents: reads of the indexes that the write script keeps."""

from collections.abc import Sequence
from typing import Final

from bot.domain.base import Utc, Value
from bot.domain.incident import IncidentRow
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.keys import Key
from bot.timeline.lua import script
from bot.timeline.rows import RowPage
from bot.timeline.times import moment, ms, span_ms
from bot.timeline.write_script import touch_join

_MOST_ROWS: Final = 200
_MOST_OPEN: Final = 1000
_MOST_COUNTED: Final = 500


@script
async def counts_of(redis: Client, alerts: Sequence[Key]) -> list[list[bytes]]:
    """-- How often each alert was sent, and when first and last; fewer than three values where it is not known.

    local found = {}
    for i = 1, #alerts do
      local held = redis.call('HMGET', alerts[i], 'count', 'first', 'last')
      found[i] = held[1] and held[2] and held[3] and held or {}
    end
    return found
    """


class Repeat(Value):
    """How often a source sent one firing alert, and when first and last."""

    count: int
    first: Utc
    last: Utc


class Lookups:
    """The indexes of incidents. Each call is one or two commands, however many incidents there are."""

    def __init__(self, redis: Client, clock: Clock, lifetimes: keys.Lifetimes) -> None:
        """``redis`` is the hot client."""
        self._redis = redis
        self._clock = clock
        self._life = lifetimes

    async def rows(self, before: int | None = None, limit: int = 20) -> RowPage:
        """Lines of incidents with a number under ``before``, newest first, at most 200."""
        limit = max(1, min(limit, _MOST_ROWS))
        highest = "+inf" if before is None else f"({before}"
        command = ("ZREVRANGEBYSCORE", keys.ROWS(), highest, "-inf", "LIMIT", 0, limit + 1)
        ids: list[bytes] = await self._redis.call(*command)
        shown = ids[:limit]
        if not shown:
            return RowPage(rows=())
        stored: list[bytes | None] = await self._redis.call("HMGET", keys.ROW_ITEMS(), *shown)
        rows = tuple(IncidentRow.model_validate_json(row) for row in stored if row is not None)
        return RowPage(rows=rows, next=rows[-1].number if rows and len(ids) > limit else None)

    async def open_ids(self, limit: int = 100) -> list[str]:
        """Ids of the newest open incidents."""
        count = max(1, min(limit, _MOST_OPEN))
        ids: list[bytes] = await self._redis.call("ZREVRANGE", keys.OPEN(), 0, count - 1)
        return [incident_id.decode() for incident_id in ids]

    async def open_rows(self, limit: int = 100) -> list[IncidentRow]:
        """Lines of the newest open incidents."""
        ids = await self.open_ids(limit)
        if not ids:
            return []
        stored: list[bytes | None] = await self._redis.call("HMGET", keys.ROW_ITEMS(), *ids)
        return [IncidentRow.model_validate_json(row) for row in stored if row is not None]

    async def in_channel(self, channel: str) -> str | None:
        """The incident that this channel was made for. A fixed channel holds many, so it leads to none."""
        return _text(await self._redis.call("HGET", keys.CHANNELS(), channel))

    async def of_message(self, channel: str, ts: str) -> str | None:
        """The incident whose card, announcement or page this message is."""
        return _text(await self._redis.call("HGET", keys.MESSAGES(), f"{channel}:{ts}"))

    async def index_message(self, incident_id: str, channel: str, ts: str) -> None:
        """Remember that this message (a page, a reminder) belongs to the incident."""
        await self._redis.call("HSET", keys.MESSAGES(), f"{channel}:{ts}", incident_id)

    async def waiting_for(self, trace_id: str) -> list[str]:
        """Ids of the incidents that name this trace: they wait for it, or hold it and want its late spans."""
        ids: set[bytes] = await self._redis.call("SMEMBERS", keys.INCIDENTS_OF_TRACE(trace_id))
        return sorted((found.decode() for found in ids), key=lambda found: (len(found), found))

    async def of_alert(self, alert_id: str) -> str | None:
        """The incident in which this alert stands, for ``Lifetimes.waiting`` after it came there. None: in none yet."""
        return _text(await self._redis.call("HGET", keys.ALERT(alert_id), "incident"))

    async def pending(self, agent: str) -> list[tuple[str, str]]:
        """(incident id, execution id) of the changes that wait for this agent's next read to be seen in force."""
        members: set[bytes] = await self._redis.call("SMEMBERS", keys.WAITING(agent))
        pairs = (member.decode().partition(" ") for member in members)
        return sorted((incident, execution) for incident, _, execution in pairs)

    async def joinable(self, group: str) -> str | None:
        """The open incident that alerts of this group join now, or None."""
        held = await self._redis.call("GET", keys.JOIN(group))
        if held is None:
            return None
        incident_id, _, until = held.decode().partition(" ")
        if int(until) <= ms(self._clock.now()):
            return None
        is_open = await self._redis.call("ZSCORE", keys.OPEN(), incident_id)
        return None if is_open is None else incident_id

    async def touch_join(self, group: str, incident_id: str) -> bool:
        """Let the group join this incident for another window. False when another incident holds the group."""
        now, window = ms(self._clock.now()), span_ms(self._life.join_window)
        return bool(await touch_join(self._redis, keys.JOIN(group), incident_id, now, now + window, 2 * window))

    async def _repeats(self, alert_ids: list[str]) -> dict[str, Repeat]:
        found: dict[str, Repeat] = {}
        for start in range(0, len(alert_ids), _MOST_COUNTED):
            some = alert_ids[start : start + _MOST_COUNTED]
            counted = await counts_of(self._redis, [keys.ALERT(alert_id) for alert_id in some])
            for alert_id, stored in zip(some, counted, strict=True):
                if len(stored) == 3:
                    count, first, last = map(int, stored)
                    found[alert_id] = Repeat(count=count, first=moment(first), last=moment(last))
        return found


def _text(reply: bytes | None) -> str | None:
    return None if reply is None else reply.decode()
