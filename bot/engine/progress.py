"""How far a long action is: kept beside the timeline, shown in the thread by the poster, and where a stop is heard.

A verb whose plan takes a ``Progress`` may run for minutes, as long as it goes on saying so. What it says is no event:
it has a time to live, and an action whose worker died is settled from the timeline alone, as any other.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from bot.domain.action import Execution, OnceResult
from bot.domain.progress import ProgressState
from bot.engine.deed import ONCE_SECONDS, Deed, RunOnce
from bot.engine.parts import Parts
from bot.errors import Refused, Stopped, StoreUnavailable

LONG_SECONDS: Final = 600.0
"""How long an action may take that says how far it is; it must say so at least every ``ONCE_SECONDS``."""
LOOK_SECONDS: Final = 0.25
"""So often at most it is looked whether somebody asked to stop: steps must stay cheap."""
KEEP_SECONDS: Final = 1.0
SHOW_SECONDS: Final = 5.0
"""So often at most the thread is brought up to date: Slack takes 50 edits a minute in a whole workspace."""
FIRST_SECONDS: Final = 2.5
"""What is over sooner is not shown at all."""
_WORDS: Final = 200


class LiveProgress:
    """``ports.Progress`` of one execution, in the worker that runs it."""

    def __init__(self, parts: Parts, incident_id: str, execution: Execution) -> None:
        """Nothing is said until the first step."""
        self._parts = parts
        self._incident = incident_id
        self._execution = execution
        self._began = parts.now()
        self._looked = self._kept = float("-inf")
        self._shown = asyncio.get_running_loop().time() - SHOW_SECONDS + FIRST_SECONDS
        self._said: ProgressState | None = None
        self._limit: asyncio.Timeout | None = None
        self._latest = 0.0

    async def within(self, running: Awaitable[OnceResult]) -> OnceResult:
        """Await the action as long as it goes on saying how far it is. Raises TimeoutError."""
        self._latest = asyncio.get_running_loop().time() + LONG_SECONDS
        async with asyncio.timeout(ONCE_SECONDS) as self._limit:
            return await running

    async def step(self, done: int, total: int, words: str = "") -> None:
        """See the port. A store that does not answer is no reason for the action to fail."""
        now = asyncio.get_running_loop().time()
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(min(now + ONCE_SECONDS, self._latest))
        done, total = max(0, done), max(0, total)
        self._said = ProgressState(
            incident=self._incident,
            execution=self._execution.id,
            done=done,
            total=total,
            words=self._parts.scrub(words)[:_WORDS],
            began=self._began,
            at=self._parts.now(),
        )
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            await self._heard(done, total)
        if now - self._kept >= KEEP_SECONDS or done >= total:
            self._kept = now
            await self._keep(show=now - self._shown >= SHOW_SECONDS)

    async def ended(self) -> None:
        """The action has its end on the timeline: the last that was said is kept, so that the message can say it."""
        if self._said is not None:
            await self._keep(show=True)

    async def _heard(self, done: int, total: int) -> None:
        """Raise Stopped when a person asked to stop."""
        try:
            mine = (await self._parts.store.incidents.read(self._incident)).execution(self._execution.id)
        except (StoreUnavailable, Refused):
            return
        if mine is None or mine.stopped_by is None:
            return
        far = f"after {done:,} of {total:,} steps" if done else "before its first step was done"
        left = "What was done until then stays as it is." if done else "Nothing was done."
        raise Stopped(f"Stopped {far}, as a person asked. {left}")

    async def _keep(self, *, show: bool) -> None:
        if self._said is None:
            return
        with suppress(StoreUnavailable):
            await self._parts.store.progress.put(self._said)
            if show:
                self._shown = asyncio.get_running_loop().time()
                await self._parts.store.outbox.dirty(self._incident)


def paced(deed: Deed, progress: LiveProgress) -> Deed:
    """The deed, held to the time of what says how far it is."""
    return replace(deed, bound=progress.within) if isinstance(deed, RunOnce) else deed
