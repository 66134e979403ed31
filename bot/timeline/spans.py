# mypy: disable-error-code="empty-body"
"""Received spans by trace: one hash per trace, span id -> compressed record, upserted, kept for a while.

A field of the hash is a span id, or ``<span id>/<n>`` for the further parts of a large one. A value begins with its
number of parts as a decimal and a colon, then comes zlib. No value is over 900 kB.
"""

import asyncio
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.domain.base import Utc, Value
from bot.domain.work import Work, WorkItem
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.keys import Key
from bot.timeline.lua import script
from bot.timeline.times import moment, ms, span_ms

PART_BYTES: Final = 900_000
_MOST_SPANS: Final = 20_000
_MOST_BYTES: Final = 64_000_000
_MOST_RUNS: Final = 10_000
_CALL_BYTES: Final = 1_000_000
_CALL_SPANS: Final = 1000
_LOADED_AT_ONCE: Final = 64
_QUIET: Final = timedelta(seconds=1)
_PATIENCE: Final = timedelta(seconds=5)
"""Arrived spans are told one second after the last batch, but at most five after the first."""


class TraceMeta(Value):
    """What is known of a received trace. ``dropped`` counts spans over the cap, as often as they were sent."""

    trace_id: str
    agent: str | None
    first: Utc
    last: Utc
    spans: int
    bytes: int
    dropped: int


@script
async def upsert(  # noqa: PLR0913, PLR0917 - each is a local of the script
    redis: Client,
    spans: Key,
    meta: Key,
    runs: Key,
    incidents: Key,
    due: Key,
    due_items: Key,
    trace: str,
    agent: str,
    now: int,
    ttl_ms: int,
    most_spans: int,
    most_bytes: int,
    most_runs: int,
    quiet_ms: int,
    patience_ms: int,
    item: bytes,
    records: Sequence[bytes],
) -> list[int]:
    """-- Store spans under their ids; index a new trace; set a due time when an incident names the trace.

    -- records: span id, number of parts, parts...
    local at, stored, dropped = 1, 0, 0
    local count = tonumber(redis.call('HGET', meta, 'spans') or '0')
    local bytes = tonumber(redis.call('HGET', meta, 'bytes') or '0')
    while at <= #records do
      local id, parts = records[at], tonumber(records[at + 1])
      local known = redis.call('HSTRLEN', spans, id)
      local size = 0
      for p = 1, parts do size = size + #records[at + 1 + p] end
      if known == 0 and (count >= most_spans or bytes + size > most_bytes) then
        dropped = dropped + 1
      else
        if known == 0 then count = count + 1 end
        bytes = bytes + math.max(size - known, 0)
        for p = 1, parts do
          redis.call('HSET', spans, p == 1 and id or (id .. '/' .. (p - 1)), records[at + 1 + p])
        end
        stored = stored + 1
      end
      at = at + 2 + parts
    end
    local time = string.format('%.0f', now)
    if redis.call('HSETNX', meta, 'first', time) == 1 and agent ~= '' then
      redis.call('ZADD', runs, time, trace)
      redis.call('ZREMRANGEBYRANK', runs, 0, -(most_runs + 1))
    end
    redis.call('HSET', meta, 'last', time, 'spans', count, 'bytes', bytes)
    if agent ~= '' then
      redis.call('HSET', meta, 'agent', agent)
      redis.call('PEXPIRE', runs, ttl_ms)
    end
    if dropped > 0 then redis.call('HINCRBY', meta, 'dropped', dropped) end
    redis.call('PEXPIRE', meta, ttl_ms)
    redis.call('PEXPIRE', spans, ttl_ms)

    if stored > 0 and redis.call('EXISTS', incidents) == 1 then
      local id = 'spans:' .. trace
      local since = now
      if redis.call('ZSCORE', due, id) then since = tonumber(redis.call('HGET', meta, 'untold') or time) end
      redis.call('HSET', meta, 'untold', string.format('%.0f', since))
      redis.call('ZADD', due, string.format('%.0f', math.min(now + quiet_ms, since + patience_ms)), id)
      redis.call('HSET', due_items, id, '0 ' .. item)
    end
    return {stored, dropped}
    """


class SpanStore:
    """Received spans. Upserting the same again changes nothing; order of arrival does not matter."""

    def __init__(self, hot: Client, blocking: Client, clock: Clock, lifetimes: keys.Lifetimes) -> None:
        """Writes use ``hot`` (an exporter waits), reading a whole trace uses ``blocking``."""
        self._redis = hot
        self._blocking = blocking
        self._clock = clock
        self._ttl = span_ms(lifetimes.spans)

    async def upsert(self, trace_id: str, agent: str | None, records: Mapping[str, bytes]) -> int:
        """Store span records (already redacted) by span id; how many were dropped over the cap of the trace.

        When an incident names the trace, a due time ``spans:<trace_id>`` puts SPANS_ARRIVED on the work stream soon.
        """
        item = WorkItem(kind=Work.SPANS_ARRIVED, payload={"trace_id": trace_id}).model_dump_json().encode()
        packed = await asyncio.to_thread(_pack, records)
        dropped = 0
        for batch in _batches(packed):
            _, over = await upsert(
                self._redis,
                keys.SPANS(trace_id),
                keys.SPANS_META(trace_id),
                keys.RUNS(agent or "none"),
                keys.INCIDENTS_OF_TRACE(trace_id),
                keys.DUE(),
                keys.DUE_ITEMS(),
                trace_id,
                agent or "",
                ms(self._clock.now()),
                self._ttl,
                _MOST_SPANS,
                _MOST_BYTES,
                _MOST_RUNS,
                span_ms(_QUIET),
                span_ms(_PATIENCE),
                item,
                batch,
            )
            dropped += over
        return dropped

    async def load(self, trace_id: str) -> list[bytes]:
        """All records of the trace, by span id. Empty when none came, or when they are past their TTL."""
        key = keys.SPANS(trace_id)
        fields: list[bytes] = await self._blocking.call("HKEYS", key)
        stored: dict[bytes, bytes] = {}
        for start in range(0, len(fields), _LOADED_AT_ONCE):
            some = fields[start : start + _LOADED_AT_ONCE]
            values: list[bytes | None] = await self._blocking.call("HMGET", key, *some)
            stored.update({name: value for name, value in zip(some, values, strict=True) if value is not None})
        return await asyncio.to_thread(_unpack, stored)

    async def meta(self, trace_id: str) -> TraceMeta | None:
        """What is known of the trace; None when nothing of it came."""
        raw: dict[bytes, bytes] = await self._redis.call("HGETALL", keys.SPANS_META(trace_id))
        if not raw:
            return None
        return TraceMeta(
            trace_id=trace_id,
            agent=raw[b"agent"].decode() if b"agent" in raw else None,
            first=moment(int(raw[b"first"])),
            last=moment(int(raw[b"last"])),
            spans=int(raw[b"spans"]),
            bytes=int(raw[b"bytes"]),
            dropped=int(raw.get(b"dropped", b"0")),
        )

    async def runs_of(self, agent: str, start: datetime, end: datetime, limit: int = 1000) -> list[str]:
        """Trace ids of the agent whose first span came within [start, end], newest first."""
        command = ("ZREVRANGEBYSCORE", keys.RUNS(agent), ms(end), ms(start), "LIMIT", 0, limit)
        found: list[bytes] = await self._redis.call(*command)
        return [trace_id.decode() for trace_id in found]


def _pack(records: Mapping[str, bytes]) -> list[tuple[bytes, list[bytes]]]:
    packed: list[tuple[bytes, list[bytes]]] = []
    for span_id, record in records.items():
        body = zlib.compress(record, 1)
        parts = [body[i : i + PART_BYTES] for i in range(0, len(body), PART_BYTES)]
        parts[0] = b"%d:%b" % (len(parts), parts[0])
        packed.append((span_id.encode(), parts))
    return packed


def _batches(packed: Iterable[tuple[bytes, list[bytes]]]) -> Iterator[list[bytes]]:
    """Arguments of the script calls: about 1 MB each, so that no call holds the store up."""
    batch: list[bytes] = []
    size = spans = 0
    for span_id, parts in packed:
        length = sum(map(len, parts))
        if batch and (size + length > _CALL_BYTES or spans == _CALL_SPANS):
            yield batch
            batch, size, spans = [], 0, 0
        batch += [span_id, b"%d" % len(parts), *parts]
        size += length
        spans += 1
    if batch:
        yield batch


def _unpack(stored: Mapping[bytes, bytes]) -> list[bytes]:
    records: list[bytes] = []
    for field in sorted(name for name in stored if b"/" not in name):
        count, _, first = stored[field].partition(b":")
        rest = (stored.get(b"%b/%d" % (field, n), b"") for n in range(1, int(count)))
        records.append(zlib.decompress(b"".join([first, *rest])))
    return records
