"""The clock of a replica: moves due work, runs what recurs, and can be asked whether it still ticks.

APScheduler runs it, in memory only (ARCHITECTURE.md, *Due times*): nothing that matters is kept in its job store, so a
missed tick is just a late one. What recurs for the whole installation is done by one replica per period.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from bot.errors import StoreUnavailable
from bot.ports import Clock
from bot.timeline.store import Store
from bot.work.failure import Scrub, reason_of

MOVE_EVERY: Final = timedelta(milliseconds=250)
_MOVE: Final = "move due work"
_FULL: Final = 100
_STOP_SECONDS: Final = 2.0
_WATCH_SECONDS: Final = 1.0
_TOO_FAR: Final = timedelta(seconds=1)
log = structlog.get_logger(__name__)

Do = Callable[[], Awaitable[None]]


class _After(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 has no types
    """A period after the last look. An interval counts from the time before: set forward, it would make up for years.

    At 250 ms a clock that is set forward by ten years has a billion ticks to list, and nothing else runs meanwhile.
    """

    def __init__(self, period: timedelta) -> None:
        """``period`` between two ticks."""
        self.period = period

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:  # noqa: ARG002
        """The next one is always ahead: missed ones are one."""
        return now + self.period


class Ticks:
    """Recurring work of this process. Add checks, ``start``, and ``stop`` at the end."""

    def __init__(self, store: Store, clock: Clock, *, scrub: Scrub | None = None) -> None:
        """``scrub`` takes secrets out of a failed check's message; without it only its type is logged."""
        self._store = store
        self._clock = clock
        self._scrub = scrub
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        self._scheduler.add_listener(self._listen, EVENT_JOB_MISSED | EVENT_JOB_ERROR)
        self._watch: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self._failing: set[str] = set()
        self._last: dict[str, float] = {}
        self.every(_MOVE, MOVE_EVERY, self._move_due)

    def every(self, name: str, period: timedelta, do: Do) -> None:
        """Run ``do`` in this replica each ``period``, never twice at once. A failure is logged and does not end it."""
        self._last[name] = time.monotonic()
        self._scheduler.add_job(self._guarded, _After(period), args=(name, do), id=name, name=name)

    def once_per(self, name: str, period: timedelta, do: Do) -> None:
        """Run ``do`` once per period in whichever replica comes first; the period is ``floor(now / period)``.

        A replica that dies in the middle leaves that period undone: the next one makes up for it.
        """

        async def claim_and_do() -> None:
            if await self._store.work.claim_period(name, period, self._clock.now()):
                await do()

        look = max(timedelta(seconds=0.25), min(period / 4, timedelta(seconds=30)))
        self.every(name, look, claim_and_do)

    async def start(self) -> None:
        """Begin to tick, on the running event loop."""
        # APScheduler warns on each tick that a slow one makes wait. Late ticks are the watchdog's business.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        now = time.monotonic()
        self._last = dict.fromkeys(self._last, now)
        self._scheduler.start()
        self._watch = asyncio.create_task(self._watch_clock(), name="clock watch")

    async def stop(self) -> None:
        """Tick no more; running checks are cancelled and waited for."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch], timeout=_STOP_SECONDS)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)
        running = [task for task in self._running if not task.done()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=_STOP_SECONDS)

    def last_tick_age(self) -> float:
        """Seconds since due work was last moved without an error. ``/readyz`` fails when it grows."""
        return self.ages()[_MOVE]

    def ages(self) -> dict[str, float]:
        """Seconds since each recurring thing last ended well (or since the start)."""
        now = time.monotonic()
        return {name: now - last for name, last in self._last.items()}

    async def _watch_clock(self) -> None:
        """A computer's clock that is set back leaves the next ticks hours ahead; then they are due now."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = datetime.now(UTC)
            for job in self._scheduler.get_jobs():
                if job.next_run_time is not None and job.next_run_time - now > job.trigger.period + _TOO_FAR:
                    log.warning("the computer's clock was set back", check=job.id)
                    job.modify(next_run_time=now)

    async def _move_due(self) -> None:
        moved = _FULL
        while moved >= _FULL:
            moved = await self._store.work.move_due(self._clock.now())
        await self._store.background.move_due(self._clock.now())  # the rest of it at the next tick: it may wait

    async def _guarded(self, name: str, do: Do) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
        try:
            await do()
        except Exception as error:  # noqa: BLE001 - a check that fails must not end the clock; it is logged once
            if name not in self._failing:
                self._failing.add(name)
                say = log.warning if isinstance(error, StoreUnavailable) else log.error
                say("a recurring check failed", check=name, reason=reason_of(error, self._scrub, timedelta(0)))
        else:
            self._last[name] = time.monotonic()
            if name in self._failing:
                self._failing.discard(name)
                log.warning("a recurring check works again", check=name)
        finally:
            if task is not None:
                self._running.discard(task)

    def _listen(self, event: JobExecutionEvent) -> None:
        log.error("the clock lost a tick", check=event.job_id, reason=type(event.exception).__name__)
