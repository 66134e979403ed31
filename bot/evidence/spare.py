"""Evidence in one place, and for as long as that does not answer in the store: a run is shown while a bucket is away.

Whoever is woken needs the effects now; where the bytes lie can be put right later. What an open incident names is
brought to its place by the next sweep; what lies in the store meanwhile is kept as long as anything else.
"""

import asyncio
import time
from collections.abc import Collection
from datetime import datetime
from typing import Final

import structlog

from bot.errors import PullcordError, Refused, StoreUnavailable
from bot.ports import EvidenceStore

_PUT_SECONDS: Final = 15.0
_LEAVE_SECONDS: Final = 30.0
"""After a failure the place is not asked again for so long: each run would wait for it anew."""
log = structlog.get_logger(__name__)


class SpareEvidence:
    """Implements ``ports.EvidenceStore`` over two: the configured one, and the spare one for when it is away."""

    def __init__(self, place: EvidenceStore, spare: EvidenceStore) -> None:
        """``spare`` is also where evidence is that was frozen before another place was configured."""
        self._place = place
        self._spare = spare
        self._not_before = 0.0

    async def put(self, data: bytes) -> str:
        """Store the bytes where they belong, else in the spare place."""
        if time.monotonic() >= self._not_before:
            try:
                async with asyncio.timeout(_PUT_SECONDS):
                    return await self._place.put(data)
            except (StoreUnavailable, TimeoutError) as error:
                self._not_before = time.monotonic() + _LEAVE_SECONDS
                reason = error.message if isinstance(error, PullcordError) else "no answer in time"
                log.warning("evidence is kept in the store for now", reason=reason)
        return await self._spare.put(data)

    async def get(self, sha256: str) -> bytes:
        """The bytes from whichever place has them whole. Raises what the configured place said when neither has."""
        try:
            return await self._place.get(sha256)
        except (Refused, StoreUnavailable) as error:
            try:
                return await self._spare.get(sha256)
            except Refused:
                raise error from None

    async def holds(self, sha256: str) -> bool:
        """Whether either has it."""
        return await self._spare.holds(sha256) or await self._place.holds(sha256)

    async def sweep(self, named: Collection[str], now: datetime) -> int:
        """Bring what lies in the spare place to where it belongs, then sweep both.

        Raises StoreUnavailable when the place is away; what waits in the spare one lives on all the same.
        """
        waiting: list[str] = []
        away: StoreUnavailable | None = None
        for name in named:
            if not await self._spare.holds(name):
                continue
            try:
                if away is None and await self._place.holds(name):
                    continue
                waiting.append(name)
                if away is None:
                    await self._place.put(await self._spare.get(name))
            except StoreUnavailable as error:
                away = error
                waiting.append(name)
            except Refused as error:  # the timeline names its hash still; verify tells people
                log.warning("evidence cannot be moved", reason=error.message)
        removed = await self._spare.sweep(tuple(dict.fromkeys(waiting)), now)
        if away is not None:
            raise away
        return removed + await self._place.sweep(named, now)
