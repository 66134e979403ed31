"""What agents show to their callers: who restrained them by name, and why, in words that mean something there."""

from bot.domain.action import ExecutionState, Restraint
from tests.support.engine import AGENT, Killed, World


async def shown(world: World, setting: str, element: str | None = None) -> Restraint | None:
    """The restraint that the agent is told."""
    held = (await world.store.desired.state(AGENT)).setting(setting, element)
    return None if held is None else held.restraint


async def test_callers_are_told_a_name_and_the_headline_where_no_reason_was_typed(world: World) -> None:
    """No id of Slack, and not the title of the button."""
    await world.store.names.learn("U0DANA", "dana")
    await world.fire(summary="refunds over the limit " * 20)
    await world.click("Revoke", tool="send_email", key="a")
    told = await shown(world, "agent.tools.denied", "send_email")
    assert told is not None
    assert told.by == "@dana"
    assert told.why.startswith("RefundsTooHigh: refunds over the limit refunds")
    assert len(told.why) <= 200


async def test_callers_are_told_the_reason_that_was_typed_and_an_id_where_no_name_is_known(world: World) -> None:
    """A name is a convenience."""
    await world.fire()
    await world.click("Pause agent", why="wrong refunds", key="a")
    told = await shown(world, "agent.paused")
    assert told is not None
    assert (told.by, told.why) == ("U0DANA", "wrong refunds")


async def test_a_name_that_is_learnt_after_the_write_does_not_make_it_somebody_elses(world: World) -> None:
    """A worker dies after its write; the next one knows a name, and still finds its own."""
    await world.fire()
    try:
        with world.kill_at("succeeded:"):
            await world.click("Pause agent", why="wrong refunds", key="a")
    except Killed:
        pass
    await world.store.names.learn("U0DANA", "dana")
    world.restart()
    await world.work()
    assert (await world.incident()).executions[0].state is ExecutionState.SUCCEEDED
