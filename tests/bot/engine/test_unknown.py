import pytest

from bot.domain.action import ExecutionState, Verified
from bot.errors import OutcomeUnknown
from bot.plugin import FieldErrors, Quiet, Say
from tests.support.engine import DANA, KIM, REMOTE_AGENT, SAM, World


@pytest.fixture
async def lost(world: World) -> World:
    """An execution that did not happen and of which nobody knows."""
    await world.fire(agent=REMOTE_AGENT)
    world.remote.trouble = OutcomeUnknown("no answer")
    await world.click("Revoke a tool", tool="send_email")
    return world


async def test_an_unknown_outcome_offers_check_and_marks(lost: World) -> None:
    """First on the card, before everything else."""
    labels = await lost.labels()
    assert labels[0].startswith("Check: ")
    assert labels[1].startswith("Mark done: ")
    assert labels[2].startswith("Mark not done: ")


async def test_check_says_what_it_found_and_settles_what_surely_did_not_happen(lost: World) -> None:
    """At first a write may still be on its way; after a minute what is not there was not done."""
    (execution,) = (await lost.incident()).executions
    assert isinstance(await lost.engine.requests.check("INC-1", execution.id, DANA, key="a"), Say)
    await lost.work()
    assert "not there so far" in lost.told("U0DANA")[-1]
    assert (await lost.incident()).executions[0].state is ExecutionState.UNKNOWN
    lost.clock.forward(minutes=2)
    await lost.engine.requests.check("INC-1", execution.id, DANA, key="b")
    await lost.work()
    assert "it was not done" in lost.told("U0DANA")[-1]
    assert (await lost.incident()).executions[0].state is ExecutionState.FAILED
    assert lost.remote.writes == 0


async def test_check_lands_a_success(lost: World) -> None:
    """The write arrived after all."""
    (execution,) = (await lost.incident()).executions
    lost.remote.held[REMOTE_AGENT, "send_email"] = (True, None)
    await lost.click("Check: ", key="a")
    (execution,) = (await lost.incident()).executions
    assert (execution.state, execution.verified) == (ExecutionState.SUCCEEDED, Verified.IN_FORCE)


async def test_marking_needs_a_reason_the_role_and_an_unknown_outcome(lost: World) -> None:
    """Who may run the verb may mark it, once, and says how they know."""
    (execution,) = (await lost.incident()).executions
    mark = lost.engine.requests.mark
    assert isinstance(await mark("INC-1", execution.id, DANA, done=True, reason=" ", key="a"), FieldErrors)
    refused = await mark("INC-1", execution.id, SAM, done=True, reason="I guess", key="b")
    assert isinstance(refused, Say)
    assert "responder" in refused.text
    assert isinstance(await mark("INC-1", execution.id, DANA, done=False, reason="looked at it", key="c"), Quiet)
    late = await mark("INC-1", execution.id, KIM, done=True, reason="no, it is there", key="d")
    assert isinstance(late, Say)
    assert "marked not done by <@U0DANA>" in late.text
    (execution,) = (await lost.incident()).executions
    assert execution.state is ExecutionState.FAILED


async def test_a_change_that_is_marked_done_is_read_back_so_that_it_can_be_undone(lost: World) -> None:
    """Green comes from the enforcing side, never from a person's word."""
    (execution,) = (await lost.incident()).executions
    lost.remote.held[REMOTE_AGENT, "send_email"] = (True, None)
    await lost.engine.requests.mark("INC-1", execution.id, DANA, done=True, reason="I saw it", key="a")
    assert (await lost.incident()).executions[0].verified is None
    await lost.work()
    assert (await lost.incident()).executions[0].verified is Verified.IN_FORCE
    await lost.click("Undo: revoked", KIM, key="b")
    assert lost.remote.held == {}


async def test_a_pending_change_is_read_back_ever_more_rarely_until_it_is_known(world: World) -> None:
    """An unreachable control plane is said; when it answers again it turns green, and reading back stops."""
    await world.fire(agent=REMOTE_AGENT)
    world.remote.reads = Verified.PENDING
    await world.click("Revoke a tool", tool="send_email")
    assert (await world.incident()).executions[0].verified is Verified.PENDING
    world.remote.reads = Verified.UNREACHABLE
    await world.later(seconds=31)
    assert (await world.incident()).executions[0].verified is Verified.UNREACHABLE
    before = (await world.incident()).seq
    await world.later(minutes=2)
    assert (await world.incident()).seq == before
    world.remote.reads = Verified.IN_FORCE
    await world.later(minutes=10)
    (execution,) = (await world.incident()).executions
    assert execution.verified is Verified.IN_FORCE
    assert await world.store.work.due_at(f"verify:{execution.id}") is None
