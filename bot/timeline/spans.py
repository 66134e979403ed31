"""Received spans by trace: one hash per trace, span id -> compressed record, upserted, kept for a while.

A field of the hash is a span id, or ``<span id>/<n>`` for the further parts of a large one. A value begins with its
number of parts as a decimal and a colon, then comes zlib. No value is over 900 kB.

A trace has a cap. Over it what may have had an effect is kept first (``Rank``): texts are shortened before a span is
left out, and the spans of lesser rank give way. What was lost is counted and said (``TraceMeta.note``).
"""

import asyncio
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain.base import Utc, Value
from bot.domain.span import PackedSpan, Rank, SpanRecord
from bot.domain.span_texts import shortened
from bot.domain.work import Work, WorkItem
from bot.ports import Clock
from bot.timeline import keys
from bot.timeline.connection import Client
from bot.timeline.keys import Lifetimes
from bot.timeline.span_script import upsert
from bot.timeline.times import moment, ms, span_ms

PART_BYTES: Final = 900_000
_MOST_SPANS: Final = 20_000
_MOST_BYTES: Final = 64_000_000
_FULL_SHARE: Final = 0.9
"""Of the bytes: the rest is for what was shortened, and for tools."""
_SHORT_TEXT: Final = 1_000
_MOST_RUNS: Final = 10_000
_CALL_BYTES: Final = 1_000_000
_CALL_SPANS: Final = 1000
_LOADED_BYTES: Final = 500_000
_LOADED_FIELDS: Final = 256


class TraceMeta(Value):
    """What is known of a received trace.

    ``owner`` is the agent whose own token sent of it. ``dropped`` counts spans over the cap, as often as they were
    sent; ``lost_first`` and ``lost_model`` those of them of these ranks; ``shortened`` spans with cut texts.
    """

    trace_id: str
    agent: str | None
    first: Utc
    last: Utc
    spans: int
    bytes: int
    dropped: int
    owner: str | None = None
    lost_first: int = 0
    lost_model: int = 0
    shortened: int = 0

    @property
    def note(self) -> str | None:
        """What a run must say of its cap, in words; None when nothing was cut."""
        if not self.dropped and not self.shortened:
            return None
        texts = f"; texts of {self.shortened:,} spans were shortened" if self.shortened else ""
        if not self.dropped:
            return f"cut: all {self.spans:,} spans kept{texts}"
        if self.lost_first:
            lost = f"{self.lost_first:,} spans of tools and agents are not: effects are missing"
        elif self.lost_model:
            lost = f"all tool spans are there, {self.lost_model:,} model calls are not"
        else:
            lost = "all tool calls are there"
        return f"cut: {self.spans:,} of {self.spans + self.dropped:,} spans kept; {lost}{texts}"


@dataclass(frozen=True, slots=True)
class _Packed:
    """A record as the script takes it."""

    span_id: str
    rank: Rank
    root: bool
    parts: list[bytes]


class SpanStore:
    """Received spans. Upserting the same again changes nothing; order of arrival does not matter."""

    def __init__(self, hot: Client, blocking: Client, clock: Clock, lifetimes: Lifetimes) -> None:
        """Writes use ``hot`` (an exporter waits), reading a whole trace uses ``blocking``."""
        self._redis = hot
        self._blocking = blocking
        self._clock = clock
        self._ttl = span_ms(lifetimes.spans)

    async def upsert(
        self,
        trace_id: str,
        agent: str | None,
        records: Mapping[str, bytes] | Mapping[str, PackedSpan],
        *,
        sure: bool = True,
        owner: str | None = None,
    ) -> int:
        """Store span records (already redacted) by span id; how many of them were left out over the cap of the trace.

        ``sure``: a span names the agent itself; else it is a guess that gives way. ``owner`` is the agent whose own
        token sent them. When an incident names the trace, a due time ``spans:<trace_id>`` puts SPANS_ARRIVED on the
        work stream soon; ``index:<trace_id>`` puts INDEX_RUN into the background once the spans stop coming.
        """
        packed = await asyncio.to_thread(_pack, records)
        send = _Sending(trace_id, agent or "", owner or "", sure=sure)
        left_out: list[_Packed] = []
        dropped = 0
        for batch in _batches(packed):
            over, large = await self._send(send, batch, final=False)
            dropped += over
            left_out += [record for record in batch if record.span_id in large]
        if left_out:
            for batch in _batches(await asyncio.to_thread(_shorten, left_out)):
                over, _ = await self._send(send, batch, final=True)
                dropped += over
        return dropped

    async def _send(self, send: "_Sending", batch: Sequence[_Packed], *, final: bool) -> tuple[int, frozenset[str]]:
        """One call of the script: how many were left out for good, and which would fit if they were shorter."""
        trace = send.trace_id
        answer = await upsert(
            self._redis,
            keys.SPANS(trace),
            keys.SPANS_META(trace),
            keys.SPANS_SPARE(trace),
            keys.RUNS(send.agent or "none"),
            keys.INCIDENTS_OF_TRACE(trace),
            keys.DUE(),
            keys.DUE_ITEMS(),
            keys.BACKGROUND_DUE(),
            keys.BACKGROUND_ITEMS(),
            trace,
            send.agent,
            int(send.sure),
            send.owner,
            ms(self._clock.now()),
            self._ttl,
            _MOST_SPANS,
            _MOST_BYTES,
            _MOST_BYTES if final else int(_MOST_BYTES * _FULL_SHARE),
            int(final),
            _MOST_RUNS,
            int(any(record.root for record in batch)),
            _item(Work.SPANS_ARRIVED, trace),
            _item(Work.INDEX_RUN, trace),
            [word for record in batch for word in _words(record)],
        )
        return int(answer[0]), frozenset(span_id.decode() for span_id in answer[1:] if isinstance(span_id, bytes))

    async def load(self, trace_id: str) -> list[bytes]:
        """All records of the trace, by span id. Empty when none came, or when they are past their TTL."""
        return await asyncio.to_thread(
            lambda packed: [zlib.decompress(each) for each in packed], await self.packed(trace_id)
        )

    async def packed(self, trace_id: str) -> list[bytes]:
        """The same records as they are kept, compressed by zlib: a large trace takes a third of the memory."""
        key = keys.SPANS(trace_id)
        fields: list[bytes] = await self._blocking.call("HKEYS", key)
        stored: dict[bytes, bytes] = {}
        at, many = 0, 16
        while at < len(
            fields
        ):  # some at a time, by how large they turn out to be: one answer must not hold up the loop
            some = fields[at : at + many]
            values: list[bytes | None] = await self._blocking.call("HMGET", key, *some)
            stored.update({name: value for name, value in zip(some, values, strict=True) if value is not None})
            at += many
            average = 1 + sum(len(value) for value in values if value is not None) // len(some)
            many = max(1, min(_LOADED_FIELDS, _LOADED_BYTES // average))
        return await asyncio.to_thread(_joined, stored)

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
            owner=raw[b"owner"].decode() if b"owner" in raw else None,
            lost_first=int(raw.get(b"lost_first", b"0")),
            lost_model=int(raw.get(b"lost_model", b"0")),
            shortened=int(raw.get(b"shortened", b"0")),
        )

    async def runs_of(self, agent: str, start: datetime, end: datetime, limit: int = 1000) -> list[str]:
        """Trace ids of the agent whose first span came within [start, end], newest first."""
        command = ("ZREVRANGEBYSCORE", keys.RUNS(agent), ms(end), ms(start), "LIMIT", 0, limit)
        found: list[bytes] = await self._redis.call(*command)
        return [trace_id.decode() for trace_id in found]


@dataclass(frozen=True, slots=True)
class _Sending:
    """What all calls of one upsert share."""

    trace_id: str
    agent: str
    owner: str
    sure: bool


def _item(kind: Work, trace_id: str) -> bytes:
    return WorkItem(kind=kind, payload={"trace_id": trace_id}).model_dump_json().encode()


def _pack(records: Mapping[str, bytes] | Mapping[str, PackedSpan]) -> list[_Packed]:
    packed: list[_Packed] = []
    for span_id, record in records.items():
        if isinstance(record, PackedSpan):
            root = record.parent_id is None and record.rank is Rank.FIRST
            packed.append(_Packed(span_id, record.rank, root, _in_parts(record.packed)))
        else:
            packed.append(_Packed(span_id, Rank.MODEL, root=False, parts=_in_parts(zlib.compress(record, 1))))
    return packed


def _in_parts(body: bytes) -> list[bytes]:
    parts = [body[i : i + PART_BYTES] for i in range(0, len(body), PART_BYTES)]
    parts[0] = b"%d:%b" % (len(parts), parts[0])
    return parts


def _shorten(records: Iterable[_Packed]) -> list[_Packed]:
    """The records with their texts cut. What is no span record is left as it is."""
    short: list[_Packed] = []
    for record in records:
        raw = zlib.decompress(b"".join(record.parts).partition(b":")[2])
        try:
            cut = shortened(SpanRecord.from_bytes(raw), _SHORT_TEXT, "to keep the run under its cap")
        except ValueError:
            short.append(record)
            continue
        short.append(_Packed(record.span_id, record.rank, record.root, _in_parts(zlib.compress(cut.to_bytes(), 1))))
    return short


def _words(record: _Packed) -> list[bytes]:
    return [record.span_id.encode(), b"%d" % record.rank, b"%d" % len(record.parts), *record.parts]


def _batches(packed: Iterable[_Packed]) -> Iterator[list[_Packed]]:
    """The records of each script call: about 1 MB, so that no call holds the store up."""
    batch: list[_Packed] = []
    size = 0
    for record in packed:
        length = sum(map(len, record.parts))
        if batch and (size + length > _CALL_BYTES or len(batch) == _CALL_SPANS):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch


def _joined(stored: dict[bytes, bytes]) -> list[bytes]:
    """The records by span id. Emptied as it is read, so that a large trace is not held twice."""
    records: list[bytes] = []
    for field in sorted(name for name in stored if b"/" not in name):
        count, _, first = stored.pop(field).partition(b":")
        rest = (stored.pop(b"%b/%d" % (field, n), b"") for n in range(1, int(count)))
        records.append(b"".join([first, *rest]))
    return records
