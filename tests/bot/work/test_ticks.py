import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, tzinfo

import pytest
import structlog

from bot.domain.work import Due, Work, WorkItem
from bot.errors import StoreUnavailable
from bot.timeline.store import Store
from bot.work.ticks import Ticks
from tests.support.clock import ManualClock
from tests.support.waiting import wait_until

PAGE = WorkItem(kind=Work.PAGE, incident="INC-1")
FAST = timedelta(milliseconds=20)


@asynccontextmanager
async def ticking(*clocks: Ticks) -> AsyncIterator[None]:
    """Ticks that run for the length of the block."""
    for ticks in clocks:
        await ticks.start()
    try:
        yield
    finally:
        for ticks in clocks:
            await ticks.stop()


async def test_due_work_is_moved_while_it_ticks(store: Store, clock: ManualClock) -> None:
    """More than one batch at once too."""
    for n in range(250):
        await store.work.schedule(Due(id=f"d{n}", at=clock.now(), item=PAGE))

    async def moved() -> bool:
        return (await store.work.depth()).waiting == 250

    async with ticking(Ticks(store, clock)):
        await wait_until(moved)


async def test_what_recurs_is_done_once_per_period_by_one_of_two_replicas(store: Store, clock: ManualClock) -> None:
    """Both look; the period of the injected clock decides."""
    done: list[str] = []
    replicas = []
    for name in ("a", "b"):
        ticks = Ticks(store, clock)

        async def audit(name: str = name) -> None:
            done.append(name)

        ticks.once_per("audit", timedelta(seconds=1), audit)
        replicas.append(ticks)
    async with ticking(*replicas):
        await wait_until(lambda: len(done) == 1)
        await asyncio.gather(*(looked_again(ticks) for ticks in replicas))
        assert len(done) == 1
        clock.forward(seconds=1)
        await wait_until(lambda: len(done) == 2)


async def looked_again(ticks: Ticks) -> None:
    """Wait until the check has been looked at twice more."""
    for _ in range(2):
        before = ticks.ages()["audit"]
        await wait_until(lambda before=before: ticks.ages()["audit"] > before)  # type: ignore[misc]
        await wait_until(lambda: ticks.ages()["audit"] < 0.1)


async def test_a_check_that_fails_is_said_once_and_neither_ends_nor_holds_the_clock(
    store: Store, clock: ManualClock
) -> None:
    """The watchdog goes on being fed by what works; when the check works again, that is said too."""
    runs = 0

    async def fails() -> None:
        nonlocal runs
        runs += 1
        if runs < 4:
            raise (StoreUnavailable("away") if runs == 1 else ValueError("secret"))

    ticks = Ticks(store, clock)
    ticks.every("check", FAST, fails)
    with structlog.testing.capture_logs() as logs:
        async with ticking(ticks):
            await wait_until(lambda: runs > 5)
            await wait_until(lambda: ticks.last_tick_age() < 0.2)
    assert [(entry["log_level"], entry["check"]) for entry in logs] == [("warning", "check")] * 2


async def test_the_watchdog_shows_that_due_work_is_not_moved(store: Store, clock: ManualClock) -> None:
    """A clock that is stopped, or whose store is away, grows old; ``/readyz`` looks at that."""
    ticks = Ticks(store, clock)
    async with ticking(ticks):
        await wait_until(lambda: ticks.last_tick_age() < 0.2)
        await store.connections.aclose()

        async def away(now: object) -> int:
            raise StoreUnavailable("away")

        store.work.move_due = away  # type: ignore[method-assign]
        with structlog.testing.capture_logs() as logs:
            await wait_until(lambda: ticks.last_tick_age() > 0.7)
    assert [entry["check"] for entry in logs] == ["move due work"]


async def test_a_slow_check_runs_once_at_a_time_and_is_cancelled_at_the_end(store: Store, clock: ManualClock) -> None:
    """No tick piles up behind it, and no task outlives the clock."""
    running = most = 0
    cancelled = asyncio.Event()

    async def slow() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    ticks = Ticks(store, clock)
    ticks.every("slow", FAST, slow)
    async with ticking(ticks):
        await wait_until(lambda: running == 1)
        await wait_until(lambda: ticks.ages()["slow"] > 0.2)
    assert cancelled.is_set()
    assert most == 1


class Shifted:
    """The computer's clock, set wrong by ``by``."""

    by = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        """Real time, shifted."""
        return datetime.now(tz) + cls.by


@pytest.mark.parametrize("jump", [timedelta(hours=-2), timedelta(days=20000)], ids=["back", "forward"])
async def test_a_computer_whose_clock_is_set_goes_on_ticking(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    """Set back, the next tick would lie hours ahead; set forward, millions of ticks would seem to be missing."""
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Shifted)
    monkeypatch.setattr("bot.work.ticks.datetime", Shifted, raising=False)
    monkeypatch.setattr(Shifted, "by", timedelta(0))

    async def moved() -> bool:
        return (await store.work.depth()).due == 0

    async with ticking(Ticks(store, clock)):
        await store.work.schedule(Due(id="before", at=clock.now(), item=PAGE))
        await wait_until(moved)
        monkeypatch.setattr(Shifted, "by", jump)
        await asyncio.sleep(0.3)  # the tick that was under way
        await store.work.schedule(Due(id="after", at=clock.now(), item=PAGE))
        await wait_until(moved)
