from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.timeline.store import Store
from sandbox.slack.server import SlackSandbox
from tests.bot.slack.workspace import Desk, a_desk, announce_channel, settings_for
from tests.support.clock import WallClock
from tests.support.store import CHAIN_KEY, connections, raw, store, valkey  # noqa: F401

__all__ = ["CHAIN_KEY"]


@pytest.fixture
def clock() -> WallClock:
    """Real time: what a poster delays must come back by itself."""
    return WallClock()


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    """A stand-in workspace."""
    async with SlackSandbox.start() as running:
        yield running


@pytest_asyncio.fixture
async def desk(slack: SlackSandbox, store: Store, clock: WallClock) -> AsyncIterator[Desk]:  # noqa: F811
    """A poster's desk with a new channel for each incident."""
    async with a_desk(slack, store, settings_for(await announce_channel(slack)), clock) as made:
        yield made


@pytest_asyncio.fixture
async def fixed_desk(slack: SlackSandbox, store: Store, clock: WallClock) -> AsyncIterator[Desk]:  # noqa: F811
    """The same with one fixed channel for all."""
    async with a_desk(slack, store, settings_for(await announce_channel(slack), fixed=True), clock) as made:
        yield made
