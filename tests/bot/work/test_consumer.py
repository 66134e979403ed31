import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from redis import Redis

from bot.domain.work import Work, WorkItem
from bot.errors import Refused, StoreUnavailable
from bot.metrics import REGISTRY
from bot.timeline.connection import Connections
from bot.timeline.embedded import start_embedded
from bot.timeline.store import Store
from bot.work.consumer import Consumer, Handler
from tests.support.clock import ManualClock, WallClock
from tests.support.store import CHAIN_KEY
from tests.support.waiting import wait_until

PAGE = WorkItem(kind=Work.PAGE, incident="INC-1", payload={"step": 1})
VERIFY = WorkItem(kind=Work.VERIFY, incident="INC-1")


async def nothing(item: WorkItem) -> None:
    """A handler that is content."""


@asynccontextmanager
async def working(
    store: Store, clock: ManualClock, handlers: dict[Work, Handler], **more: object
) -> AsyncIterator[Consumer]:
    """A consumer that runs for the length of the block and is then stopped."""
    consumer = Consumer(store, {Work.DEAD_LETTER: nothing, **handlers}, clock, **more)  # type: ignore[arg-type]
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        consumer.stop()
        await asyncio.wait_for(task, 15)


def emptied(store: Store) -> Callable[[], Awaitable[bool]]:
    """True when nothing waits or runs."""

    async def look() -> bool:
        depth = await store.work.depth()
        return depth.waiting + depth.leased == 0

    return look


async def test_items_are_run_and_are_gone(store: Store, clock: ManualClock) -> None:
    """Each kind goes to its handler."""
    done: list[WorkItem] = []

    async def page(item: WorkItem) -> None:
        done.append(item)

    async with working(store, clock, {Work.PAGE: page, Work.VERIFY: page}):
        await store.work.add(PAGE)
        await store.work.add(VERIFY)
        await wait_until(lambda: len(done) == 2)
        await wait_until(emptied(store))
    assert sorted(i.kind for i in done) == [Work.PAGE, Work.VERIFY]


async def test_a_slow_item_does_not_hold_others_up(store: Store, clock: ManualClock) -> None:
    """Several run at once, and no more than allowed."""
    release = asyncio.Event()
    running = most = 0

    async def slow(item: WorkItem) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await release.wait()
        running -= 1

    async with working(store, clock, {Work.VERIFY: slow}, concurrency=3):
        for _ in range(7):
            await store.work.add(VERIFY)
        await wait_until(lambda: running == 3)
        release.set()
        await wait_until(emptied(store))
    assert most == 3


async def test_a_failing_item_is_tried_five_times_then_set_aside_and_told(
    store: Store, clock: ManualClock, raw: Redis
) -> None:
    """It waits longer each time, blocks nobody, and only its end is an error in the log. No secret is told."""
    tries = 0
    told: list[WorkItem] = []
    pages: list[WorkItem] = []

    async def poison(item: WorkItem) -> None:
        nonlocal tries
        tries += 1
        raise ValueError("xoxb-secret")

    async def tell(item: WorkItem) -> None:
        told.append(item)

    async def page(item: WorkItem) -> None:
        pages.append(item)

    with structlog.testing.capture_logs() as logs:
        async with working(store, clock, {Work.VERIFY: poison, Work.DEAD_LETTER: tell, Work.PAGE: page}):
            await store.work.add(VERIFY)
            for n, wait in enumerate((1, 5, 20, 60), start=1):
                await wait_until(lambda n=n: tries == n)  # type: ignore[misc]
                await wait_until(emptied(store))
                await store.work.add(PAGE)
                await wait_until(lambda n=n: len(pages) == n)  # type: ignore[misc]
                clock.forward(seconds=wait - 0.01)
                assert await store.work.move_due(clock.now()) == 0
                clock.forward(seconds=0.01)
                assert await store.work.move_due(clock.now()) == 1
            await wait_until(lambda: told)
            await wait_until(emptied(store))
    assert tries == 5
    assert told[0].incident == "INC-1"
    assert told[0].payload["reason"] == "ValueError"
    assert [entry["log_level"] for entry in logs] == ["warning"] * 4 + ["error"]
    assert "in poison" in logs[-1]["trace"]
    assert "xoxb" not in str(logs) + str(raw.xrange("{pullcord}:dead"))


async def test_reasons_are_told_scrubbed(store: Store, clock: ManualClock) -> None:
    """With the recorder's redaction foreign messages are told too."""

    async def fails(item: WorkItem) -> None:
        raise (Refused("The plan is gone.") if item.kind is Work.PAGE else ValueError("token abc"))

    with structlog.testing.capture_logs() as logs:
        async with working(
            store, clock, {Work.PAGE: fails, Work.VERIFY: fails}, scrub=lambda text: text.replace("abc", "…")
        ):
            await store.work.add(PAGE)
            await store.work.add(VERIFY)
            await wait_until(lambda: len(logs) == 2)
    assert {entry["reason"] for entry in logs} == {"The plan is gone.", "ValueError: token …"}


async def test_an_item_that_hangs_is_ended_by_its_limit(store: Store, clock: ManualClock) -> None:
    """A handler without an end would hold its place for ever; limits may differ by kind."""

    async def hangs(item: WorkItem) -> None:
        await asyncio.Event().wait()

    limits = {Work.VERIFY: timedelta(milliseconds=50)}
    with structlog.testing.capture_logs() as logs:
        async with working(store, clock, {Work.VERIFY: hangs}, limits=limits):
            await store.work.add(VERIFY)
            await wait_until(lambda: logs)
    assert logs[0]["reason"] == "it did not end within 0 s"


async def test_a_kind_without_a_handler_says_what_is_wrong(store: Store, clock: ManualClock) -> None:
    """It is not dropped: another replica may have the handler."""
    with structlog.testing.capture_logs() as logs:
        async with working(store, clock, {}):
            await store.work.add(VERIFY)
            await wait_until(lambda: logs)
    assert "No handler is tied to work of kind verify" in logs[0]["reason"]
    assert (await store.work.depth()).due == 1


async def test_a_stop_waits_for_what_runs_and_gives_back_what_is_too_slow(store: Store, clock: ManualClock) -> None:
    """A deploy neither cuts work in half nor counts it as a failure."""
    began: list[WorkItem] = []
    ended: list[WorkItem] = []

    async def quick(item: WorkItem) -> None:
        began.append(item)
        await asyncio.sleep(0.2)
        ended.append(item)

    async def hangs(item: WorkItem) -> None:
        began.append(item)
        await asyncio.Event().wait()

    async with working(store, clock, {Work.PAGE: quick, Work.VERIFY: hangs}, grace=timedelta(seconds=1)) as consumer:
        await store.work.add(PAGE)
        await store.work.add(VERIFY)
        await wait_until(lambda: len(began) == 2)
    assert ended == [PAGE]
    assert consumer.running == 0
    assert await store.work.move_due(clock.now()) == 1
    (again,) = await store.work.take("next", 10, 10)
    assert (again.item, again.deliveries) == (VERIFY, 1)


async def test_cancelling_the_consumer_gives_its_items_back(store: Store, clock: ManualClock) -> None:
    """The process ends by cancellation too."""
    began = asyncio.Event()

    async def hangs(item: WorkItem) -> None:
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(Consumer(store, {Work.VERIFY: hangs}, clock).run())
    await store.work.add(VERIFY)
    await asyncio.wait_for(began.wait(), 5)
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
    assert await store.work.move_due(clock.now()) == 1


async def test_a_worker_that_lost_its_item_stops_working_on_it(store: Store, clock: ManualClock) -> None:
    """It was frozen for too long; the one that took over runs it."""
    cancelled = asyncio.Event()

    async def hangs(item: WorkItem) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with structlog.testing.capture_logs() as logs:
        async with working(store, clock, {Work.VERIFY: hangs}) as consumer:
            await store.work.add(VERIFY)
            await wait_until(lambda: consumer.running == 1)
            (taken,) = await store.work.takeover("other", 0)
            await asyncio.wait_for(cancelled.wait(), 5)
            await wait_until(lambda: consumer.running == 0)
    await store.work.done(taken.id)
    assert "taken over" in logs[0]["event"]


WORKER = """
import asyncio, sys
from bot.domain.work import Work
from bot.timeline.connection import Connections
from bot.timeline.store import Store
from bot.work.consumer import Consumer
from tests.support.clock import WallClock
from tests.support.store import CHAIN_KEY

async def hang(item):
    print("began", flush=True)
    await asyncio.Event().wait()

async def main():
    store = Store(await Connections.open(sys.argv[1]), CHAIN_KEY, WallClock())
    await store.start()
    await Consumer(store, {Work.VERIFY: hang}, WallClock()).run()

asyncio.run(main())
"""


async def a_worker_that_dies(url: str) -> float:
    """Run a worker process until it holds an item, then kill -9 it; when that was."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, url, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 15) == b"began\n"
    process.send_signal(signal.SIGKILL)
    await process.wait()
    return time.monotonic()


async def test_a_dead_workers_item_runs_elsewhere_within_10_seconds(
    store: Store, clock: ManualClock, valkey: str
) -> None:
    """A worker dies by kill -9 in the middle of an item, while another process stands by."""
    await store.work.add(VERIFY)
    killed = await a_worker_that_dies(valkey)
    ran: list[float] = []

    async def verify(item: WorkItem) -> None:
        ran.append(time.monotonic())

    async with working(store, clock, {Work.VERIFY: verify}):
        await wait_until(lambda: ran, timeout=12)
        await wait_until(emptied(store))
    assert len(ran) == 1
    print(f"taken over after {ran[0] - killed:.1f} s")
    assert ran[0] - killed < 10


async def test_an_item_that_kills_its_worker_five_times_is_not_run_again(
    store: Store, clock: ManualClock, raw: Redis
) -> None:
    """What takes a process down must not take all of them down for ever."""
    ran: list[WorkItem] = []

    async def verify(item: WorkItem) -> None:
        ran.append(item)

    await store.work.add(VERIFY)
    await store.work.take("dies", 1, 10)
    for _ in range(4):
        await store.work.takeover("dies", 0)
    pending = raw.xpending_range("{pullcord}:work", "workers", "-", "+", 1)
    assert pending[0]["times_delivered"] == 5
    with structlog.testing.capture_logs() as logs:
        async with working(store, clock, {Work.VERIFY: verify}):
            await wait_until(lambda: logs, timeout=12)
            await wait_until(emptied(store))
    assert ran == []
    assert logs[0]["reason"] == "each worker that ran it died"
    assert raw.xlen("{pullcord}:dead") == 1


async def test_it_waits_for_a_store_that_is_away_and_loses_nothing(tmp_path: Path) -> None:
    """The store is killed and restarted under a running handler: said once, and the item does not pay for it."""
    embedded = await start_embedded(tmp_path)
    store = Store(await Connections.open(embedded.url), CHAIN_KEY, WallClock())
    await store.start()
    clock = WallClock()
    gone = asyncio.Event()
    deliveries = 0

    async def needs_the_store(item: WorkItem) -> None:
        nonlocal deliveries
        deliveries += 1
        if deliveries == 1:
            gone.set()
            while True:
                await store.ping()
                await asyncio.sleep(0.02)

    consumer = Consumer(store, {Work.VERIFY: needs_the_store}, clock)
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(consumer.run())
        await store.work.add(VERIFY)
        await asyncio.wait_for(gone.wait(), 5)
        assert embedded.pid is not None
        os.kill(embedded.pid, signal.SIGKILL)
        await wait_until(lambda: any("away" in entry["event"] for entry in logs))
        await embedded.aclose()
        again = await start_embedded(tmp_path)

        async def ran_again() -> bool:
            try:
                await store.work.move_due(clock.now())
            except StoreUnavailable:
                return False
            return deliveries == 2

        await wait_until(ran_again, timeout=12)
        await wait_until(emptied(store))
        consumer.stop()
        await asyncio.wait_for(task, 10)
    assert sum("away" in entry["event"] for entry in logs) == 1
    assert sum("back" in entry["event"] for entry in logs) == 1
    await store.connections.aclose()
    await again.aclose()


async def test_what_became_of_items_is_counted_by_kind(store: Store, clock: ManualClock) -> None:
    """Done and retried are told apart, so that a stuck kind of work shows."""
    calls = 0

    async def fails_once(item: WorkItem) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Refused("not yet")

    def counted(outcome: str) -> float:
        return REGISTRY.get_sample_value("pullcord_work_total", {"kind": "verify", "outcome": outcome}) or 0.0

    done, retried = counted("done"), counted("retried")
    async with working(store, clock, {Work.VERIFY: fails_once}):
        await store.work.add(VERIFY)
        await wait_until(lambda: calls == 1)
        await wait_until(lambda: counted("retried") == retried + 1)

        async def again() -> bool:
            clock.forward(minutes=1)
            await store.work.move_due(clock.now())
            return counted("done") == done + 1

        await wait_until(again)
