import asyncio
from pathlib import Path

import pytest

from examples.guard import AgentPaused, Guard
from tests.support.world import LEE, World, alert, bad_run

TRACE = "9e1d" + "0" * 28


@pytest.mark.e2e
async def test_a_paused_agent_stays_paused_when_pullcord_is_killed(world: World, tmp_path: Path) -> None:
    """The guard of examples/ keeps the last known state on disk: also a new process of the agent is paused."""
    await world.start()
    await world.spans(*bad_run(TRACE))
    await world.deliver(alert("a", trace_id=TRACE))
    await world.press(LEE, "Pause agent")
    await world.fill(LEE, why="refunds twice what is owed")
    await world.execution("succeeded")
    assert await asyncio.to_thread(_paused, world, tmp_path)
    await world.execution("succeeded", verified="in_force")
    await world.kill()
    assert await asyncio.to_thread(_paused, world, tmp_path)
    await world.start()
    assert await asyncio.to_thread(_paused, world, tmp_path)


def _paused(world: World, folder: Path) -> bool:
    """A new process of the agent, as far as the guard is concerned."""
    state = folder / "guard.json"
    token = world.environment["AGENT_TOKEN"]
    with Guard(world.origin, agent="refund-bot", token=token, state_file=state, max_age=0) as guard:
        try:
            guard.check_not_paused()
        except AgentPaused as paused:
            return "refunds twice" in str(paused)
        return False
