"""The consumer of the work stream: takes items, runs their handlers, and sees to it that none is lost or blocks others.

A replica more is one more consumer. At least once: an item ends when its handler returned and that was written down.
Numbers: leases are renewed every 2 s and taken over after 6 s without renewal, so a dead worker's items run again
within 10 s (issue A, section 2).
"""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog

from bot import metrics
from bot.domain.work import Work, WorkItem
from bot.errors import Misconfigured, StoreUnavailable
from bot.ports import Clock
from bot.timeline.store import Store
from bot.timeline.workstream import TRIES, Leased, WorkStream
from bot.work.failure import Scrub, reason_of, trace_of

Handler = Callable[[WorkItem], Awaitable[None]]

RENEW_SECONDS: Final = 2.0
TAKEOVER_SECONDS: Final = 2.0
IDLE_MS: Final = 6000
BACKOFF: Final = (1, 5, 20, 60)
"""Seconds until the next try after the first, second, ... failed one."""
_BLOCK_MS: Final = 1000
_FORGET_AFTER: Final = timedelta(hours=1)
SLOW: Final = frozenset({Work.READ_RUN, Work.SPANS_ARRIVED, Work.COMPARE_RUN, Work.OFFER_RUNS})
"""Kinds that may wait for other people's stores: together they get half of the places, so that a page finds one."""
_MOST_WAITING: Final = 64
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Held:
    """An item that is being worked on. ``settling``: its outcome is known and is being written down."""

    leased: Leased
    task: asyncio.Task[None] | None = None
    settling: bool = False
    lost: bool = False


class Consumer:
    """Runs the handlers of work items, several at once. One ``run`` per object."""

    def __init__(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        store: Store,
        handlers: Mapping[Work, Handler],
        clock: Clock,
        *,
        concurrency: int = 8,
        limit: timedelta = timedelta(seconds=60),
        limits: Mapping[Work, timedelta] | None = None,
        grace: timedelta = timedelta(seconds=10),
        work: WorkStream | None = None,
        scrub: Scrub | None = None,
        name: str | None = None,
    ) -> None:
        """``limit`` bounds each handler (``limits`` by kind), ``grace`` what ``stop`` waits for running ones.

        ``scrub`` takes secrets out of a text; without it only our own errors' messages are told, never foreign ones.
        ``work`` is the lane to work on, else that of incidents and people.
        """
        self.name = name or f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(3)}"
        self._work = work or store.work
        self._handlers = handlers
        self._clock = clock
        self._concurrency = concurrency
        self._slow = asyncio.Semaphore(max(1, concurrency // 2))
        self._waiting = 0
        self._limit = limit
        self._limits = dict(limits or {})
        self._grace = grace.total_seconds()
        self._scrub = scrub
        self._held: dict[str, _Held] = {}
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._away = False

    @property
    def running(self) -> int:
        """How many items are being worked on."""
        return len(self._held)

    def stop(self) -> None:
        """Take nothing more; ``run`` returns when what runs has ended, or after the grace."""
        self._stopping.set()
        self._changed.set()

    async def run(self) -> None:
        """Work until ``stop``. Survives a store that is away; raises nothing but cancellation."""
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._renew()), group.create_task(self._take_over(group))]
            await self._take(group)
            await self._drain()
            for keeper in keepers:
                keeper.cancel()
        with contextlib.suppress(StoreUnavailable):
            await self._work.forget(self.name)

    # --------------------------------------------------------------------------------------- getting items

    async def _take(self, group: asyncio.TaskGroup) -> None:
        pause = 0.2
        while not self._stopping.is_set():
            self._changed.clear()
            free = self._free()
            if free <= 0:
                await self._changed.wait()
                continue
            try:
                for leased in await self._work.take(self.name, free, _BLOCK_MS):
                    self._begin(leased, group)
            except StoreUnavailable as error:
                self._store_away(error)
                await self._pause(pause)
                pause = min(2 * pause, 2.0)
                with contextlib.suppress(StoreUnavailable):
                    await self._work.make_group()
            else:
                pause = 0.2
                self._store_back()

    async def _take_over(self, group: asyncio.TaskGroup) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(TAKEOVER_SECONDS)
            free = self._free()
            if free <= 0 or self._stopping.is_set():
                continue
            with contextlib.suppress(StoreUnavailable):
                for leased in await self._work.takeover(self.name, IDLE_MS, free):
                    self._begin(leased, group)
                rounds += 1
                if rounds % 300 == 1:
                    await self._work.forget_idle(_FORGET_AFTER)

    def _free(self) -> int:
        """How many more may be taken. Slow ones that wait for their turn hold no place, up to a bound."""
        return self._concurrency - len(self._held) + min(self._waiting, _MOST_WAITING)

    def _begin(self, leased: Leased, group: asyncio.TaskGroup) -> None:
        if leased.id in self._held:
            return
        held = _Held(leased)
        self._held[leased.id] = held
        held.task = group.create_task(self._handle(held), name=f"work {leased.id}")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            ids = list(self._held)
            if not ids:
                continue
            with contextlib.suppress(StoreUnavailable):
                kept = set(await self._work.renew(ids, self.name))
                for held in [self._held[i] for i in ids if i in self._held and i not in kept]:
                    if not held.settling and held.task is not None:
                        held.lost = True
                        held.task.cancel()

    # --------------------------------------------------------------------------------------- doing one item

    async def _handle(self, held: _Held) -> None:
        leased = held.leased
        try:
            if leased.deliveries > TRIES:
                await self._settle(held, lambda: self._bury(leased, "each worker that ran it died"))
                return
            async with self._turn(leased.item.kind):
                await self._attempt(held)
        except asyncio.CancelledError:
            if held.lost:
                log.warning("work was taken over by another worker while it ran here", **_about(leased))
                return
            with contextlib.suppress(StoreUnavailable):
                await self._work.retry(leased, self._clock.now(), counted=False)
            raise
        finally:
            self._held.pop(leased.id, None)
            self._changed.set()

    @contextlib.asynccontextmanager
    async def _turn(self, kind: Work) -> AsyncIterator[None]:
        """Slow kinds one after the other; the rest at once."""
        if kind not in SLOW:
            yield
            return
        self._waiting += 1
        self._changed.set()
        try:
            await self._slow.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slow.release()

    async def _attempt(self, held: _Held) -> None:
        leased = held.leased
        limit = self._limits.get(leased.item.kind, self._limit)
        try:
            async with asyncio.timeout(limit.total_seconds()):
                await self._handler(leased.item.kind)(leased.item)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is counted, and told when it is given up
            await self._failed(held, error, limit)
        else:
            await self._settle(held, lambda: self._work.done(leased.id))
            metrics.WORK.labels(leased.item.kind.value, "done").inc()

    def _handler(self, kind: Work) -> Handler:
        found = self._handlers.get(kind)
        if found is None:
            raise Misconfigured(f"No handler is tied to work of kind {kind}.", next_step="Tie one to it in bot/app.py.")
        return found

    async def _failed(self, held: _Held, error: Exception, limit: timedelta) -> None:
        leased = held.leased
        reason = reason_of(error, self._scrub, limit)
        if leased.deliveries >= TRIES:
            log.error("work was given up", reason=reason, trace=trace_of(error, self._scrub), **_about(leased))
            await self._settle(held, lambda: self._bury(leased, reason))
            return
        wait = timedelta(seconds=BACKOFF[min(leased.deliveries, len(BACKOFF)) - 1])
        log.warning("work failed, it is tried again", reason=reason, again_in=wait.total_seconds(), **_about(leased))
        # A failure because the store was away is not the item's fault: then this write has to wait for it too.
        metrics.WORK.labels(leased.item.kind.value, "retried").inc()
        counted = await self._settle(held, lambda: self._work.retry(leased, self._clock.now() + wait), tries=1)
        if not counted:
            await self._settle(held, lambda: self._work.retry(leased, self._clock.now(), counted=False))

    async def _bury(self, leased: Leased, reason: str) -> bool:
        buried = await self._work.bury(leased, reason)
        metrics.WORK.labels(leased.item.kind.value, "dropped").inc()
        if buried and leased.deliveries > TRIES:
            log.error("work was given up", reason=reason, **_about(leased))
        return buried

    async def _settle(
        self, held: _Held, write: Callable[[], Coroutine[Any, Any, object]], tries: int | None = None
    ) -> bool:
        """Write an outcome down, waiting for the store if need be (the lease is kept meanwhile). False: it was away."""
        held.settling = True
        pause = 0.1
        while tries is None or tries > 0:
            try:
                await write()
            except StoreUnavailable as error:
                self._store_away(error)
                tries = None if tries is None else tries - 1
                await asyncio.sleep(pause)
                pause = min(2 * pause, 1.0)
            else:
                return True
        return False

    # --------------------------------------------------------------------------------------- ending

    async def _drain(self) -> None:
        tasks = [held.task for held in self._held.values() if held.task is not None]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._grace)
        for task in late:
            task.cancel()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _store_away(self, error: StoreUnavailable) -> None:
        if not self._away:
            self._away = True
            log.warning("the store is away, work waits for it", reason=error.message)

    def _store_back(self) -> None:
        if self._away:
            self._away = False
            log.warning("the store is back, work goes on")


def _about(leased: Leased) -> dict[str, Any]:
    item = leased.item
    return {"kind": item.kind.value, "incident": item.incident, "entry": leased.id, "try": leased.deliveries}
