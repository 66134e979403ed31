"""The end of a temporary mitigation against everything else that may happen to it at that moment."""

from datetime import timedelta

from bot.domain.action import ExecutionState
from bot.domain.desired import MODEL
from bot.errors import OutcomeUnknown
from tests.support.engine import AGENT, DANA, KIM, LEE, REMOTE_AGENT, World

PINNED = "gpt-x-2026-01-01"


async def test_an_end_that_falls_due_while_a_person_takes_it_back_leaves_it_to_the_person(world: World) -> None:
    """One taking back, no failure on the card; were the undo to fail, the end would still come."""
    await world.fire()
    await world.click("Pin model", model=PINNED, expires_in="PT1H")
    world.clock.forward(hours=1)
    undo = await world.offer("Undo: pinned")
    await world.store.work.move_due(world.clock.now())
    await world.engine.requests.submit(undo.id, KIM, {}, key="u")
    await world.work()
    await world.later(minutes=10)
    executions = (await world.incident()).executions
    assert [(e.by, e.state) for e in executions] == [
        ("U0DANA", ExecutionState.SUCCEEDED),
        ("U0KIM", ExecutionState.SUCCEEDED),
    ]


async def test_an_undo_whose_outcome_is_unknown_does_not_keep_the_end_from_coming(world: World) -> None:
    """It is guarded by "still what we set", so that it is safe whatever came of the undo."""
    await world.fire(agent=REMOTE_AGENT)
    await world.click("Revoke a tool", tool="send_email", expires_in="PT1H")
    world.clock.forward(minutes=59)
    world.remote.trouble = OutcomeUnknown("nobody answered")
    await world.click("Undo: revoked", by=KIM, key="u")
    assert (await world.incident()).executions[1].state is ExecutionState.UNKNOWN
    await world.later(minutes=2)
    last = (await world.incident()).executions[-1]
    assert (last.by, last.state) == ("pullcord", ExecutionState.SUCCEEDED)
    assert world.remote.held == {}


async def test_a_change_whose_outcome_is_unknown_is_still_ended_at_its_time(world: World) -> None:
    """The agent was told until when; that nobody heard the answer must not make it permanent."""
    await world.fire()
    desired = world.store.desired
    original = desired.put

    async def lost(*args: object, **kwargs: object) -> object:
        await original(*args, **kwargs)  # type: ignore[arg-type]
        raise OutcomeUnknown("the answer was lost")

    desired.put = lost  # type: ignore[assignment,method-assign]
    await world.click("Pin model", model=PINNED, expires_in="PT1H")
    desired.put = original  # type: ignore[method-assign]
    assert (await world.incident()).executions[0].state is ExecutionState.UNKNOWN
    assert (await desired.state(AGENT)).value(MODEL) == PINNED
    pinned = (await world.incident()).executions[0]
    await world.store.work.unschedule(f"verify:{pinned.id}")
    await world.later(hours=1, seconds=1)
    assert (await desired.state(AGENT)).value(MODEL) == ""


async def test_a_success_that_is_found_by_reading_can_be_undone_after_other_changes(world: World) -> None:
    """The answer was lost and other settings were written since: the undo still knows its own."""
    await world.fire()
    desired = world.store.desired
    original = desired.put

    async def lost(*args: object, **kwargs: object) -> object:
        await original(*args, **kwargs)  # type: ignore[arg-type]
        raise OutcomeUnknown("the answer was lost")

    desired.put = lost  # type: ignore[assignment,method-assign]
    await world.click("Pin model", model=PINNED, key="a")
    desired.put = original  # type: ignore[method-assign]
    await world.click("Revoke a tool", tool="send_email", key="b")
    await world.later(minutes=1)
    pinned = (await world.incident()).executions[0]
    assert pinned.state is ExecutionState.SUCCEEDED
    await world.click("Undo: pinned", by=KIM, key="c")
    assert (await desired.state(AGENT)).value(MODEL) == ""


async def test_an_end_comes_while_the_undo_still_waits_for_its_approval(world: World) -> None:
    """Nobody waits for the approver; a yes that comes later takes nothing back a second time."""
    await world.fire()
    await world.click("Pin model", model=PINNED, expires_in="PT1H")
    world.clock.forward(minutes=58)
    undo = await world.offer("Undo: pinned")
    await world.engine.requests.submit(undo.id, DANA, {}, key="u")
    refused = (await world.incident()).executions[-1]
    await world.engine.requests.ask("INC-1", refused.id, DANA, key="ask")
    await world.work()
    waiting = (await world.incident()).executions[-1]
    assert waiting.state is ExecutionState.AWAITING_APPROVAL
    await world.later(minutes=3)
    ended = await world.store.desired.state(AGENT)
    assert ended.value(MODEL) == ""
    await world.engine.requests.approve("INC-1", waiting.id, KIM, key="a")
    await world.work()
    assert (await world.store.desired.state(AGENT)).revision == ended.revision
    assert await world.store.mitigations.rows() == []


async def test_two_people_who_extend_at_once_extend_it_once(world: World) -> None:
    """Whoever is second is told who was first."""
    await world.fire()
    await world.click("Pin model", model=PINNED, expires_in="PT1H")
    first = (await world.incident()).executions[0]
    await world.engine.requests.extend("INC-1", first.id, "1h", DANA, key="e")
    await world.engine.requests.extend("INC-1", first.id, "1h", LEE, key="f")
    await world.work()
    extended = (await world.incident()).executions[0]
    assert first.expires_at is not None
    assert extended.expires_at == first.expires_at + timedelta(hours=1)
    assert "extended already" in world.told("U0LEE")[-1]
