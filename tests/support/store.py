"""A real store for tests: one Valkey per test session, emptied between tests, and checked for keys that would leak.

Import the fixtures where they are needed: ``from tests.support.store import clock, store, valkey  # noqa: F401``, or
name this module in ``pytest_plugins``.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis import Redis

from bot.timeline.connection import Connections
from bot.timeline.embedded import EmbeddedStore, start_embedded
from bot.timeline.keys import class_of
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.waiting import wait_until

__all__ = ["CHAIN_KEY", "clock", "connections", "leaked_keys", "raw", "store", "valkey", "wait_until"]

CHAIN_KEY = b"a chain key for tests only, 32 B"


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The address of a real Valkey on a socket, for the whole session."""
    with tempfile.TemporaryDirectory(prefix="pullcord-test-") as folder:

        async def start() -> EmbeddedStore:
            return await start_embedded(Path(folder))

        embedded = asyncio.run(start())
        try:
            yield embedded.url
        finally:
            asyncio.run(embedded.aclose())


@pytest.fixture
def raw(valkey: str) -> Iterator[Redis]:
    """A plain client on the same server, to look at and to damage what is stored. The store is empty at first."""
    client = Redis.from_url(valkey)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def clock() -> ManualClock:
    """The clock of the store; it moves only by hand."""
    return ManualClock()


@pytest_asyncio.fixture
async def connections(valkey: str, raw: Redis) -> AsyncIterator[Connections]:
    """The two clients on the empty store."""
    opened = await Connections.open(valkey)
    yield opened
    await opened.aclose()


@pytest_asyncio.fixture
async def store(connections: Connections, clock: ManualClock, raw: Redis) -> AsyncIterator[Store]:
    """An empty, started store. After the test every key must be of a declared class, with a TTL unless durable."""
    made = Store(connections, CHAIN_KEY, clock)
    await made.start()
    yield made
    leaks = leaked_keys(raw)
    assert not leaks, f"keys that keys.py does not allow: {leaks}"


def leaked_keys(client: Redis) -> list[str]:
    """Keys of no declared class, and keys without TTL that are not of a durable class."""
    leaks: list[str] = []
    for raw_key in client.scan_iter(count=1000):
        key = raw_key.decode()
        known = class_of(key)
        if known is None or (not known.durable and client.ttl(key) < 0):
            leaks.append(key)
    return leaks
