"""The background lane runs in the real process: runs that no incident names come into the index by themselves."""

import pytest

from tests.support.world import AGENT, World, bad_run

pytestmark = pytest.mark.e2e
TRACE = "600d" + "0" * 28


async def test_a_run_that_nobody_asked_about_is_indexed(world: World) -> None:
    """Ten seconds after its last span, so that a later incident can be compared with it."""
    await world.start()
    await world.spans(*bad_run(TRACE, said="where is my order", customer_id="cus_1"))

    async def indexed() -> bool:
        async with world.store() as store:
            depth = await store.background.depth()
            left = depth.waiting + depth.leased + depth.due + depth.dead
            return left == 0 and await store.run_index.get(TRACE) is not None

    await world.until("the run in the index", indexed, seconds=25)
    async with world.store() as store:
        assert (await store.run_index.runs_of([AGENT])).runs == 1
