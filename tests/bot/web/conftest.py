from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.store import clock, connections, raw, store, valkey
from tests.support.web import Runs, serving

__all__ = ["clock", "connections", "raw", "store", "valkey"]


@pytest_asyncio.fixture
async def runs() -> Runs:
    """The frozen runs that the read API and the pages can see."""
    return Runs()


@pytest_asyncio.fixture
async def web(store: Store, clock: ManualClock, runs: Runs) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole web application on the real store."""
    async with serving(store, clock, runs=runs) as client:
        yield client
