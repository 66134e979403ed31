# mypy: disable-error-code="empty-body"
"""Accepted alerts, made durable before the sender is answered: deduplicated, counted, and put on the work stream."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from bot.domain.alert import Alert
from bot.domain.base import Value
from bot.domain.work import Work, WorkItem
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.keys import Key
from bot.timeline.lua import script
from bot.timeline.times import moment, ms, span_ms

_MOST_ALERTS: Final = 1000
_MOST_BYTES: Final = 2_000_000
"""A script call blocks the store: a larger body is several calls, each atomic; a repeat of it mends a break."""
_HOUR_MS: Final = 3_600_000
_SILENCE: Final = timedelta(hours=6)
"""An alert without a start time that was not sent again for so long is a new one: no common sender repeats less often
(Alertmanager: 4 hours), and many never say that it is over.
"""


class Accepted(Value):
    """One alert that is durable now. ``new`` False: this state of it was sent before, only its counter was raised."""

    id: str
    new: bool


@script
async def accept(  # noqa: PLR0913, PLR0917 - each is a local of the script
    redis: Client,
    work: Key,
    open: Key,  # noqa: A002 - the name it has in the script
    alerts: Sequence[Key],
    joins: Sequence[Key],
    now: int,
    ttl_ms: int,
    window_ms: int,
    states: Sequence[str],
    items: Sequence[bytes],
) -> list[int]:
    """-- Remember each alert, put each new state of it on the work stream, count repeats.

    -- a repeat of a firing alert is the last one of its incident: alerts of the group may join that for another window
    local function keep_joinable(key, join)
      local incident = redis.call('HGET', key, 'incident')
      if not incident or not redis.call('ZSCORE', open, incident) then return end
      local id, til = string.match(redis.call('GET', join) or '', '^(%S+) (%d+)$')
      if id and id ~= incident and tonumber(til) > now then return end
      local over = string.format('%.0f', now + window_ms)
      redis.call('SET', join, incident .. ' ' .. over, 'PX', string.format('%.0f', 2 * window_ms))
    end
    local fresh = {}
    for i = 1, #alerts do
      local key, state = alerts[i], states[i]
      fresh[i] = redis.call('HSETNX', key, state, string.format('%.0f', now))
      if fresh[i] == 1 then redis.call('XADD', work, '*', 'n', '0', 'i', items[i]) end
      if state == 'firing' then
        redis.call('HINCRBY', key, 'count', 1)
        redis.call('HSETNX', key, 'first', string.format('%.0f', now))
        redis.call('HSET', key, 'last', string.format('%.0f', now))
        if fresh[i] == 0 and redis.call('HEXISTS', key, 'resolved') == 0 then keep_joinable(key, joins[i]) end
      end
      redis.call('PEXPIRE', key, ttl_ms)
    end
    return fresh
    """


@script
async def episodes(
    redis: Client, alerts: Sequence[Key], now: int, silence_ms: int, ttl_ms: int, states: Sequence[str]
) -> list[bytes]:
    """-- When the firing began to which each message of an alert without a start time belongs.

    local at = {}
    for i = 1, #alerts do
      local key = alerts[i]
      local held = redis.call('HMGET', key, 'began', 'last', 'ended')
      local began, ended = tonumber(held[1] or nil), tonumber(held[3] or nil)
      if states[i] == 'firing' then
        if began and now - tonumber(held[2]) > silence_ms then began = nil end
        if not began then began = math.max(now, (ended or -1) + 1) end
        redis.call('HSET', key, 'began', string.format('%.0f', began), 'last', string.format('%.0f', now))
      else
        began = began or ended or now
        redis.call('HDEL', key, 'began')
        redis.call('HSET', key, 'ended', string.format('%.0f', began))
      end
      redis.call('PEXPIRE', key, ttl_ms)
      at[i] = string.format('%.0f', began)
    end
    return at
    """


@script
async def tell_once(redis: Client, told: Key, work: Key, ttl_ms: int, item: bytes) -> int:
    """-- Put an item on the work stream unless this was told before.

    if not redis.call('SET', told, '1', 'NX', 'PX', ttl_ms) then return 0 end
    redis.call('XADD', work, '*', 'n', '0', 'i', item)
    return 1
    """


class Intake:
    """The durable side of ``POST /alerts``. Remembers an alert for ``Lifetimes.alerts`` after its last repeat."""

    def __init__(self, redis: Client, clock: Clock, lifetimes: keys.Lifetimes) -> None:
        """``redis`` is the hot client."""
        self._redis = redis
        self._clock = clock
        self._ttl = span_ms(lifetimes.alerts)
        self._window = span_ms(lifetimes.join_window)

    async def accept(self, alerts: Sequence[Alert]) -> list[Accepted]:
        """Make alerts durable, one script call for up to 1,000 of them; the answer has their order.

        A firing and a resolved message of one alert are two operations. A repeat of a firing one keeps its incident
        joinable for another ``Lifetimes.join_window``. An alert without a start time gets its
        episode: what fires after it was resolved, or after hours of silence, is another alert with another id.
        StoreUnavailable: send all of it again, what was stored already is recognised.
        """
        accepted: list[Accepted] = []
        for chunk in _chunks(await self._in_episodes(alerts)):
            fresh = await accept(
                self._redis,
                keys.WORK(),
                keys.OPEN(),
                [keys.ALERT(alert.id) for alert, _ in chunk],
                [keys.JOIN(alert.group) for alert, _ in chunk],
                ms(self._clock.now()),
                self._ttl,
                self._window,
                [alert.status.value for alert, _ in chunk],
                [item for _, item in chunk],
            )
            accepted += [Accepted(id=alert.id, new=bool(new)) for (alert, _), new in zip(chunk, fresh, strict=True)]
        return accepted

    async def _in_episodes(self, alerts: Sequence[Alert]) -> Sequence[Alert]:
        told = list(alerts)
        timeless = [index for index, alert in enumerate(told) if not alert.start_known]
        for start in range(0, len(timeless), _MOST_ALERTS):
            some = timeless[start : start + _MOST_ALERTS]
            began = await episodes(
                self._redis,
                [keys.ALERT(told[index].id) for index in some],
                ms(self._clock.now()),
                span_ms(_SILENCE),
                self._ttl,
                [told[index].status.value for index in some],
            )
            for index, at in zip(some, began, strict=True):
                told[index] = told[index].model_copy(update={"episode": moment(int(at))})
        return told

    async def trouble(self, source: str, reason: str) -> bool:
        """Put a source's trouble on the work stream, once per source and hour. True when it was put there now."""
        now = ms(self._clock.now())
        item = WorkItem(kind=Work.SOURCE_TROUBLE, payload={"source": source, "reason": reason})
        told = keys.TROUBLE(source, str(now // _HOUR_MS))
        return bool(await tell_once(self._redis, told, keys.WORK(), 2 * _HOUR_MS, item.model_dump_json().encode()))


def _chunks(alerts: Sequence[Alert]) -> Iterator[list[tuple[Alert, bytes]]]:
    chunk: list[tuple[Alert, bytes]] = []
    size = 0
    for alert in alerts:
        item = b'{"kind":"alert","payload":%b}' % alert.model_dump_json().encode()
        if chunk and (len(chunk) == _MOST_ALERTS or size + len(item) > _MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append((alert, item))
        size += len(item)
    if chunk:
        yield chunk
