"""Two lanes of work: indexing runs may wait, and whatever incidents and people wait for never waits behind it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis import Redis

from bot.domain.work import Due, Work, WorkItem
from bot.errors import Refused
from bot.timeline.store import Store
from bot.work.consumer import Consumer, Handler
from bot.work.ticks import Ticks
from tests.support.clock import ManualClock
from tests.support.waiting import wait_until

PAGE = WorkItem(kind=Work.PAGE, incident="INC-1", payload={"step": 1})
READ = WorkItem(kind=Work.READ_RUN, incident="INC-1", payload={"trace_id": "ab" * 16})
RUNS = 3_000


@asynccontextmanager
async def both_lanes(store: Store, clock: ManualClock, handlers: dict[Work, Handler]) -> AsyncIterator[None]:
    """A worker as the composition root makes it: its clock and a consumer for each lane."""
    consumers = [
        Consumer(store, handlers, clock),
        Consumer(store, handlers, clock, concurrency=2, work=store.background),
    ]
    ticks = Ticks(store, clock)
    await ticks.start()
    tasks = [asyncio.create_task(consumer.run()) for consumer in consumers]
    try:
        yield
    finally:
        for consumer in consumers:
            consumer.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 15)
        await ticks.stop()


async def runs_ended(store: Store, many: int) -> None:
    """So many runs of an agent came in and are quiet now."""
    for first in range(0, many, 100):
        some = range(first, min(first + 100, many))
        await asyncio.gather(*(store.spans.upsert(f"{n:032x}", "refund-bot", {"a": b"A"}) for n in some))


async def test_thousands_of_finished_runs_delay_neither_a_page_nor_an_incidents_run(
    store: Store, clock: ManualClock
) -> None:
    """A replay of a day's runs falls due at once; who must be woken is woken within the second all the same."""
    waited: dict[Work, float] = {}
    indexed = 0
    asked = 0.0

    async def index(item: WorkItem) -> None:
        nonlocal indexed
        await asyncio.sleep(0.02)
        indexed += 1

    async def urgent(item: WorkItem) -> None:
        waited[item.kind] = time.perf_counter() - asked

    await runs_ended(store, RUNS)
    clock.forward(seconds=11)
    handlers: dict[Work, Handler] = {Work.INDEX_RUN: index, Work.PAGE: urgent, Work.READ_RUN: urgent}
    async with both_lanes(store, clock, handlers):
        await wait_until(lambda: indexed > 10)
        asked = time.perf_counter()
        await store.work.schedule(Due(id="page:INC-1:1", at=clock.now(), item=PAGE))
        await store.work.add(READ)
        await wait_until(lambda: len(waited) == 2)
    assert max(waited.values()) < 1.0
    assert indexed < RUNS / 2, "the page did not wait for the runs to be over"


async def test_indexing_that_hangs_leaves_all_places_to_what_people_wait_for(store: Store, clock: ManualClock) -> None:
    """However many runs take a minute each, they never hold the places of a page."""
    hanging = at_the_page = 0
    paged = asyncio.Event()

    async def hangs(item: WorkItem) -> None:
        nonlocal hanging
        hanging += 1
        await paged.wait()

    async def page(item: WorkItem) -> None:
        nonlocal at_the_page
        at_the_page = hanging
        paged.set()

    await runs_ended(store, 40)
    clock.forward(seconds=11)
    async with both_lanes(store, clock, {Work.INDEX_RUN: hangs, Work.PAGE: page}):
        await wait_until(lambda: hanging == 2)
        await store.work.add(PAGE)
        await wait_until(paged.is_set)
    assert at_the_page == 2


async def test_a_run_that_can_never_be_indexed_wakes_nobody(store: Store, clock: ManualClock, raw: Redis) -> None:
    """It is set aside where ``doctor`` counts it; an incident for each hostile trace would be an attack by itself."""
    await store.background.add(WorkItem(kind=Work.INDEX_RUN, payload={"trace_id": "ab" * 16}))
    (leased,) = await store.background.take("a", 10, 10)
    assert await store.background.bury(leased, "it failed five times")
    assert raw.xlen("{pullcord}:dead") == 1
    assert raw.xlen("{pullcord}:work") == 0
    assert raw.xlen("{pullcord}:background") == 0
    await store.background.add(PAGE)
    (leased,) = await store.background.take("a", 10, 10)
    await store.background.bury(leased, "it failed five times")
    (told,) = await store.work.take("a", 10, 10)
    assert told.item.kind is Work.DEAD_LETTER, "what people must hear of goes to the front"


async def test_background_work_that_failed_is_tried_again_in_its_own_lane(store: Store, clock: ManualClock) -> None:
    """A retry does not slip into the lane of pages."""
    tries = 0

    async def fails_once(item: WorkItem) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Refused("not now")

    await runs_ended(store, 1)
    clock.forward(seconds=11)
    async with both_lanes(store, clock, {Work.INDEX_RUN: fails_once}):
        await wait_until(lambda: tries == 1)
        await wait_until(lambda: _is_due(store))
        assert (await store.work.depth()).due == 0
        clock.forward(seconds=2)
        await wait_until(lambda: tries == 2)


async def _is_due(store: Store) -> bool:
    return (await store.background.depth()).due == 1


async def test_runs_whose_store_hangs_leave_places_to_a_page(store: Store, clock: ManualClock) -> None:
    """A team's trace store is often away just when its agents go wrong: twenty runs wait for it, nobody else does."""
    paged, over = asyncio.Event(), asyncio.Event()
    reading = most = done = 0

    async def hangs(item: WorkItem) -> None:
        nonlocal reading, most, done
        reading += 1
        most = max(most, reading)
        await over.wait()
        reading -= 1
        done += 1

    async def page(item: WorkItem) -> None:
        paged.set()

    for _ in range(20):
        await store.work.add(READ)
    await store.work.add(PAGE)
    async with both_lanes(store, clock, {Work.READ_RUN: hangs, Work.PAGE: page}):
        await wait_until(paged.is_set, timeout=5)
        assert most == 4
        over.set()
        await wait_until(lambda: done == 20)
    assert (await store.work.depth()).leased == 0
