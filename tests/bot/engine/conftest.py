import pytest

from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.engine import World
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["clock", "connections", "raw", "store", "valkey"]


@pytest.fixture
def world(store: Store, clock: ManualClock) -> World:
    """An engine on an empty store."""
    return World(store, clock)
