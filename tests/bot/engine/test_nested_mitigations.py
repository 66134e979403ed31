"""Temporary mitigations that lie on top of each other: each ends at its own time, whatever order they end in."""

from bot.domain.action import ExecutionState, Verified
from bot.domain.desired import MODEL
from tests.support.engine import AGENT, KIM, World

OLDER, NEWER = "gpt-x-2026-01-01", "gpt-x-2026-05-01"


async def model_of(world: World) -> object:
    """What the agent is told now."""
    return (await world.store.desired.state(AGENT)).value(MODEL)


async def test_the_lower_of_two_pins_still_ends_after_the_upper_one_put_it_back(world: World) -> None:
    """A day's pin under an hour's pin: the hour's end puts the day's back, and a day later that ends too."""
    await world.fire()
    await world.click("Pin model", model=OLDER, expires_in="P1D", key="a")
    await world.click("Pin model", model=NEWER, expires_in="PT1H", key="b")
    await world.later(hours=1, seconds=1)
    assert await model_of(world) == OLDER
    await world.later(hours=23)
    assert await model_of(world) == ""


async def test_what_has_ended_meanwhile_is_not_put_back(world: World) -> None:
    """An hour's pin under a day's pin: at the day's end the agent goes back to what was there before both."""
    await world.fire()
    await world.click("Pin model", model=OLDER, expires_in="PT1H", key="a")
    await world.click("Pin model", model=NEWER, expires_in="P1D", key="b")
    await world.later(hours=2)
    assert await model_of(world) == NEWER
    await world.later(hours=23)
    assert await model_of(world) == ""


async def test_what_has_ended_meanwhile_is_not_put_back_across_incidents(world: World) -> None:
    """The pin below may have been set in another incident."""
    await world.fire()
    await world.click("Pin model", model=OLDER, expires_in="PT1H", key="a")
    await world.fire(name="Another", fingerprint="b")
    await world.click("Pin model", model=NEWER, expires_in="P1D", key="b", number=2)
    await world.later(hours=25)
    assert await model_of(world) == ""


async def test_a_pin_that_lies_open_again_can_be_undone(world: World) -> None:
    """Taking back the upper of two pins leaves the lower one as its own, for its own undo."""
    await world.fire()
    await world.click("Pin model", model=OLDER, expires_in="P1D", key="a")
    await world.click("Pin model", model=NEWER, expires_in="P1D", key="b")
    await world.click(f"Undo: pinned {AGENT} to {NEWER}", by=KIM, key="c")
    assert await model_of(world) == OLDER
    await world.click(f"Undo: pinned {AGENT} to {OLDER}", by=KIM, key="d")
    assert await model_of(world) == ""
    assert {e.state for e in (await world.incident()).executions} == {ExecutionState.SUCCEEDED}


async def test_what_another_action_took_the_place_of_is_green_no_more(world: World) -> None:
    """Only what is in force is green; when the upper one is taken back, the lower one is again."""
    await world.fire()
    await world.click("Pin model", model=OLDER, key="a")
    await world.agent_reads()
    assert (await world.incident()).executions[0].verified is Verified.IN_FORCE
    await world.click("Pin model", model=NEWER, key="b")
    await world.agent_reads()
    assert [e.verified for e in (await world.incident()).executions] == [Verified.MISMATCH, Verified.IN_FORCE]
    await world.click(f"Undo: pinned {AGENT} to {NEWER}", by=KIM, key="c")
    await world.agent_reads()
    assert (await world.incident()).executions[0].verified is Verified.IN_FORCE


async def test_what_another_incident_took_the_place_of_is_green_no_more(world: World) -> None:
    """The card of the first incident must not say for ever that its pin is in force."""
    await world.fire()
    await world.click("Pin model", model=OLDER, key="a")
    await world.agent_reads()
    await world.fire(name="Another", fingerprint="b")
    await world.click("Pin model", model=NEWER, key="b", number=2)
    assert (await world.incident()).executions[0].verified is Verified.MISMATCH
    await world.click(f"Undo: pinned {AGENT} to {NEWER}", by=KIM, key="c", number=2)
    await world.agent_reads()
    assert (await world.incident()).executions[0].verified is Verified.IN_FORCE
