import os
import zlib
from datetime import timedelta

import pytest
from redis import Redis

from bot.domain.span import PackedSpan, Rank, SpanRecord
from bot.domain.work import Work
from bot.timeline import spans as spans_module
from bot.timeline.keys import Lifetimes
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.incidents import TRACE, an_alert, open_one
from tests.support.store import CHAIN_KEY

HASH = f"{{pullcord}}:spans:{TRACE}"


async def test_spans_are_upserted_by_id(store: Store) -> None:
    """An exporter repeats what it is not sure of, in any order; a later version of a span replaces the earlier."""
    await store.spans.upsert(TRACE, "refund-bot", {"b": b"B", "a": b"A"})
    await store.spans.upsert(TRACE, "refund-bot", {"a": b"A2", "c": b""})
    assert await store.spans.load(TRACE) == [b"A2", b"B", b""]
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert (meta.agent, meta.spans, meta.dropped) == ("refund-bot", 3, 0)
    assert await store.spans.load("00" * 16) == []
    assert await store.spans.meta("00" * 16) is None


async def test_no_value_is_over_1_mb_however_large_a_span_is(store: Store, raw: Redis) -> None:
    """A large span lies in parts; when it becomes small again, its old parts are not read."""
    large = os.urandom(2_500_000)
    await store.spans.upsert(TRACE, None, {"a": large, "b": b"B"})
    assert await store.spans.load(TRACE) == [large, b"B"]
    assert max(map(len, raw.hvals(HASH))) < 1_000_000
    await store.spans.upsert(TRACE, None, {"a": b"small"})
    assert await store.spans.load(TRACE) == [b"small", b"B"]


async def test_spans_are_stored_compressed(store: Store, raw: Redis) -> None:
    """Texts of runs repeat themselves."""
    await store.spans.upsert(TRACE, None, {"a": b"the same again " * 1000})
    value = raw.hget(HASH, "a")
    assert isinstance(value, bytes)
    assert len(value) < 500
    assert zlib.decompress(value.partition(b":")[2]) == b"the same again " * 1000


async def test_a_trace_has_a_cap_and_what_is_dropped_is_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop of ten million spans must not fill the store; known spans still change."""
    monkeypatch.setattr(spans_module, "_MOST_SPANS", 3)
    assert await store.spans.upsert(TRACE, None, {str(n): b"x" for n in range(5)}) == 2
    assert await store.spans.upsert(TRACE, None, {"0": b"changed"}) == 0
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert (meta.spans, meta.dropped) == (3, 2)
    assert b"changed" in await store.spans.load(TRACE)


async def test_bytes_of_a_trace_have_a_cap_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few spans can be large."""
    monkeypatch.setattr(spans_module, "_MOST_BYTES", 1500)
    dropped = await store.spans.upsert(TRACE, None, {str(n): os.urandom(1000) for n in range(3)})
    assert dropped == 2


async def test_spans_live_for_their_ttl_from_the_last_one(connections: object, store: Store, raw: Redis) -> None:
    """Seven days by default, a setting; each batch refreshes it."""
    await store.spans.upsert(TRACE, "refund-bot", {"a": b"A"})
    keys = [HASH, f"{HASH}:meta", "{pullcord}:runs:refund-bot"]
    assert all(timedelta(days=6) < timedelta(seconds=raw.ttl(key)) <= timedelta(days=7) for key in keys)
    short = Store(store.connections, CHAIN_KEY, ManualClock(), Lifetimes(spans=timedelta(seconds=90)))
    await short.spans.upsert(TRACE, "refund-bot", {"b": b"B"})
    assert all(0 < raw.ttl(key) <= 90 for key in keys)


async def test_an_agents_runs_are_found_by_time(store: Store, clock: ManualClock) -> None:
    """Newest first, by when the first span came; late spans do not move a run."""
    start = clock.now()
    for n in range(4):
        await store.spans.upsert(f"{n:032x}", "refund bot / eu", {"a": b"A"})
        clock.forward(minutes=10)
    await store.spans.upsert(f"{0:032x}", "refund bot / eu", {"late": b"A"})
    await store.spans.upsert("ff" * 16, "other", {"a": b"A"})
    found = await store.spans.runs_of("refund bot / eu", start + timedelta(minutes=5), clock.now())
    assert [int(trace, 16) for trace in found] == [3, 2, 1]
    assert await store.spans.runs_of("refund bot / eu", start, clock.now(), limit=1) == [f"{3:032x}"]


async def test_an_agents_index_of_runs_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch, raw: Redis) -> None:
    """The oldest traces leave the index first."""
    monkeypatch.setattr(spans_module, "_MOST_RUNS", 2)
    for n in range(4):
        await store.spans.upsert(f"{n:032x}", "refund-bot", {"a": b"A"})
    assert raw.zcard("{pullcord}:runs:refund-bot") == 2


async def test_spans_that_an_incident_waits_for_are_told_a_second_after_the_last_batch(
    store: Store, clock: ManualClock
) -> None:
    """Ten batches of one run are one reading of it; a stream without end is told after five seconds."""
    await store.spans.upsert(TRACE, "refund-bot", {"a": b"A"})
    assert await store.work.due_at(f"spans:{TRACE}") is None, "nobody waits for it"
    await open_one(store, alert=an_alert())
    first = clock.now()
    await store.spans.upsert(TRACE, "refund-bot", {"b": b"B"})
    assert await store.work.due_at(f"spans:{TRACE}") == first + timedelta(seconds=1)
    clock.forward(seconds=0.9)
    await store.spans.upsert(TRACE, "refund-bot", {"c": b"C"})
    assert await store.work.due_at(f"spans:{TRACE}") == first + timedelta(seconds=1.9)
    for n in range(10):
        clock.forward(seconds=0.9)
        await store.spans.upsert(TRACE, "refund-bot", {f"d{n}": b"D"})
    assert await store.work.due_at(f"spans:{TRACE}") == first + timedelta(seconds=5)
    assert await store.work.move_due(clock.now()) == 1
    (leased,) = await store.work.take("c", 10, 10)
    assert leased.item.kind is Work.SPANS_ARRIVED
    assert leased.item.payload == {"trace_id": TRACE}
    await store.spans.upsert(TRACE, "refund-bot", {"e": b"E"})
    assert await store.work.due_at(f"spans:{TRACE}") == clock.now() + timedelta(seconds=1)


def packed(number: int, rank: Rank = Rank.OTHER, text: str = "", parent: str | None = "f" * 16) -> PackedSpan:
    """A span as the receiver hands it to the store."""
    span = SpanRecord(trace_id=TRACE, span_id=f"{number:016x}", parent_id=parent, attributes={"text": text})
    return PackedSpan(TRACE, span.span_id, parent, None, None, zlib.compress(span.to_bytes(), 1), rank)


def by_id(*spans: PackedSpan) -> dict[str, PackedSpan]:
    """As ``upsert`` takes them."""
    return {span.span_id: span for span in spans}


async def numbers(store: Store) -> list[int]:
    """Which spans are kept."""
    return [int(SpanRecord.from_bytes(raw).span_id, 16) for raw in await store.spans.load(TRACE)]


async def test_over_the_cap_tools_take_the_place_of_what_had_no_effect(
    store: Store, monkeypatch: pytest.MonkeyPatch, raw: Redis
) -> None:
    """Whatever came first: other spans give way, then model calls, the newest first; tools never to anything."""
    monkeypatch.setattr(spans_module, "_MOST_SPANS", 4)
    first = by_id(packed(1), packed(2), packed(3, Rank.MODEL), packed(4, Rank.MODEL))
    assert await store.spans.upsert(TRACE, "refund-bot", first) == 0
    assert await store.spans.upsert(TRACE, "refund-bot", by_id(packed(5, Rank.FIRST))) == 0
    assert await numbers(store) == [1, 3, 4, 5]
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert meta.note == "cut: 4 of 5 spans kept; all tool calls are there"
    tools = by_id(*(packed(n, Rank.FIRST) for n in (6, 7, 8)))
    assert await store.spans.upsert(TRACE, "refund-bot", tools) == 0
    assert await numbers(store) == [5, 6, 7, 8]
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert meta.note == "cut: 4 of 8 spans kept; all tool spans are there, 2 model calls are not"
    assert await store.spans.upsert(TRACE, "refund-bot", by_id(packed(1), packed(9, Rank.FIRST))) == 2
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert meta.note is not None
    assert "1 spans of tools and agents are not: effects are missing" in meta.note
    assert raw.hlen(HASH) == 4


async def test_texts_are_shortened_before_a_span_is_left_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt without its end is better than no model call, and the run says so."""
    monkeypatch.setattr(spans_module, "_MOST_BYTES", 40_000)
    noise = [os.urandom(10_000).hex() for _ in range(4)]
    spans = by_id(*(packed(n, Rank.MODEL, text) for n, text in enumerate(noise, 1)))
    assert await store.spans.upsert(TRACE, "refund-bot", spans) == 0
    texts = [str(SpanRecord.from_bytes(raw).attributes["text"]) for raw in await store.spans.load(TRACE)]
    assert [len(text) > 10_000 for text in texts] == [True, True, True, False]
    assert "were not stored" in texts[3]
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert meta.note == "cut: all 4 spans kept; texts of 1 spans were shortened"
    assert meta.bytes <= 40_000


async def test_a_span_that_grows_cannot_grow_the_trace_over_its_cap(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent again with more in it, a span counts anew; what would be too much is kept as it was or shortened."""
    monkeypatch.setattr(spans_module, "_MOST_BYTES", 5_000)
    await store.spans.upsert(TRACE, "refund-bot", by_id(packed(1, Rank.FIRST)))
    await store.spans.upsert(TRACE, "refund-bot", by_id(packed(1, Rank.FIRST, os.urandom(20_000).hex())))
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert meta.spans == 1
    assert meta.bytes < 5_000


async def test_every_run_of_an_agent_is_indexed_once_its_spans_stop_coming(store: Store, clock: ManualClock) -> None:
    """Ten seconds after the last batch; a minute after the first one at the latest."""
    await store.spans.upsert(TRACE, None, by_id(packed(1)))
    assert await store.background.due_at(f"index:{TRACE}") is None, "nobody's run cannot be compared with anybody's"
    first = clock.now()
    await store.spans.upsert(TRACE, "refund-bot", by_id(packed(2)))
    assert await store.background.due_at(f"index:{TRACE}") == first + timedelta(seconds=10)
    for n in range(3, 13):
        clock.forward(seconds=8)
        await store.spans.upsert(TRACE, "refund-bot", by_id(packed(n)))
    assert await store.background.due_at(f"index:{TRACE}") == first + timedelta(seconds=60)
    await store.background.move_due(clock.now())
    (leased,) = await store.background.take("c", 10, 10)
    assert (leased.item.kind, leased.item.payload) == (Work.INDEX_RUN, {"trace_id": TRACE})


async def test_who_sends_for_long_is_read_less_and_less_often_until_the_root_comes(
    store: Store, clock: ManualClock
) -> None:
    """Each reading of a large run costs seconds; its end is told at once all the same."""
    await open_one(store, alert=an_alert())
    told: list[float] = []
    last = clock.now()
    for n in range(1, 200):
        await store.spans.upsert(TRACE, "refund-bot", by_id(packed(n)))
        clock.forward(seconds=5)
        due = await store.work.due_at(f"spans:{TRACE}")
        if due is not None and due <= clock.now():
            await store.work.move_due(clock.now())
            told.append((clock.now() - last).total_seconds())
            last = clock.now()
    assert told[:4] == [5, 5, 5, 5]
    assert max(told) > 60
    assert len(told) < 20
    await store.spans.upsert(TRACE, "refund-bot", by_id(packed(999, Rank.FIRST, parent=None)))
    due = await store.work.due_at(f"spans:{TRACE}")
    assert due is not None
    assert due <= clock.now() + timedelta(seconds=1)


async def test_a_name_that_is_only_a_services_gives_way_to_an_agents(store: Store) -> None:
    """A batch without an agent span must not rename the run."""
    await store.spans.upsert(TRACE, "shop", by_id(packed(1)), sure=False)
    await store.spans.upsert(TRACE, "refund-bot", by_id(packed(2)))
    await store.spans.upsert(TRACE, "shop", by_id(packed(3)), sure=False)
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert meta.agent == "refund-bot"


async def test_a_token_that_joins_a_trace_does_not_rename_its_agent(store: Store) -> None:
    """The trace named its agent before; what an agent's own token sends of it later is part of that run."""
    await store.spans.upsert(TRACE, "front-desk", by_id(packed(1)))
    await store.spans.upsert(TRACE, "refund-bot", by_id(packed(2)), owner="refund-bot")
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert (meta.agent, meta.owner) == ("front-desk", "refund-bot")


async def test_a_root_that_comes_with_every_batch_ends_nothing(store: Store, clock: ManualClock) -> None:
    """Some senders repeat it; the run is read less and less often all the same."""
    await open_one(store, alert=an_alert())
    told = 0
    for n in range(1, 200):
        await store.spans.upsert(TRACE, "refund-bot", by_id(packed(999, Rank.FIRST, parent=None), packed(n)))
        clock.forward(seconds=5)
        due = await store.work.due_at(f"spans:{TRACE}")
        if due is not None and due <= clock.now():
            await store.work.move_due(clock.now())
            told += 1
    assert 4 <= told < 25
