"""A timeline that this process has not read yet, read under a click's time limit."""

import contextlib

from bot.errors import StoreUnavailable
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.incidents import note, open_one
from tests.support.store import CHAIN_KEY


async def test_a_cold_read_that_was_cut_off_goes_on_where_it_was(store: Store) -> None:
    """A click gives up after 200 ms; pressed again it must not begin at the first entry for ever."""
    incident = (await open_one(store)).incident_id
    for n in range(450):
        await store.incidents.write(incident, f"n{n}", lambda _i: note("hello"))
    cold = Store(store.connections, CHAIN_KEY, ManualClock())
    client = cold.connections.hot
    original = client.call
    calls = 0

    async def slow(*words: str | bytes | int) -> object:
        nonlocal calls
        if words[0] == "XRANGE":
            calls += 1
            if calls % 2 == 0:  # every other page does not come in time
                raise StoreUnavailable("too slow")
        return await original(*words)

    client.call = slow  # type: ignore[method-assign]
    try:
        found = []
        for _ in range(3):
            with contextlib.suppress(StoreUnavailable):
                found.append(await cold.incidents.read(incident))
    finally:
        client.call = original  # type: ignore[method-assign]
    assert [one.notes for one in found] == [450]
