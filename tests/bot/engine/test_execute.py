from datetime import timedelta

import pytest

from bot.domain.action import ExecutionState, Verified
from bot.domain.desired import TOOLS_DENIED
from bot.errors import ActionFailed, OutcomeUnknown
from bot.plugin import FieldErrors, Quiet, Say
from tests.support.engine import AGENT, DANA, KIM, LEE, REMOTE_AGENT, SAM, World


async def test_a_revoked_tool_is_denied_and_green_only_when_the_agent_has_read_it(world: World) -> None:
    """Requested, started, written, pending; in force once the agent's own token has read that revision."""
    await world.fire()
    assert isinstance(await world.click("Revoke a tool", tool="issue_refund", why="refunds too much"), Quiet)
    state = await world.store.desired.state(AGENT)
    assert state.value(TOOLS_DENIED) == {"tools": ["issue_refund"]}
    restraint = state.settings[0].restraint
    assert restraint is not None
    assert (restraint.incident, restraint.by, restraint.why) == ("INC-1", "U0DANA", "refunds too much")
    (execution,) = (await world.incident()).executions
    assert (execution.state, execution.verified) == (ExecutionState.SUCCEEDED, Verified.PENDING)
    await world.agent_reads()
    (execution,) = (await world.incident()).executions
    assert execution.verified is Verified.IN_FORCE
    assert await world.store.incidents.pending(AGENT) == []


async def test_a_read_of_an_agent_writes_its_verification_once(world: World) -> None:
    """Agents read every few seconds; the timeline must not grow with that."""
    await world.fire()
    await world.click("Revoke a tool", tool="issue_refund")
    await world.agent_reads()
    before = (await world.incident()).seq
    await world.agent_reads()
    assert (await world.incident()).seq == before


async def test_the_first_click_wins_and_the_second_is_told_who_was_first(world: World) -> None:
    """Two people press the same button: one execution, one write, one sentence."""
    await world.fire()
    offer = await world.offer("Revoke a tool")
    await world.engine.requests.submit(offer.id, DANA, {"tool": "issue_refund"}, key="a")
    await world.work()
    world.clock.forward(seconds=12)
    reply = await world.engine.requests.submit(offer.id, LEE, {"tool": "send_email"}, key="b")
    assert isinstance(reply, Say)
    assert reply.text.startswith("Already done by <@U0DANA> 12 s ago: revoked issue_refund from refund-bot")
    await world.work()
    assert len((await world.incident()).executions) == 1
    assert (await world.store.desired.state(AGENT)).value(TOOLS_DENIED) == {"tools": ["issue_refund"]}


async def test_a_press_that_was_not_confirmed_may_be_repeated_with_any_key(world: World) -> None:
    """The same click delivered twice is quiet; another click of the same person runs nothing."""
    await world.fire()
    offer = await world.offer("Revoke a tool")
    values = {"tool": "issue_refund"}
    assert isinstance(await world.engine.requests.submit(offer.id, DANA, values, key="a"), Quiet)
    assert isinstance(await world.engine.requests.submit(offer.id, DANA, values, key="a"), Say | Quiet)
    assert isinstance(await world.engine.requests.submit(offer.id, DANA, values, key="b"), Say)
    await world.work()
    assert len((await world.incident()).executions) == 1


async def test_after_use_the_verb_is_offered_anew(world: World) -> None:
    """A second tool can be revoked: the next offer has another id."""
    await world.fire()
    first = await world.offer("Revoke a tool")
    assert (await world.offer("Revoke a tool")).id == first.id
    await world.click("Revoke a tool", tool="issue_refund", key="a")
    second = await world.offer("Revoke a tool")
    assert second.id != first.id
    await world.click("Revoke a tool", tool="send_email", key="b")
    assert (await world.store.desired.state(AGENT)).value(TOOLS_DENIED) == {"tools": ["issue_refund", "send_email"]}


async def test_who_has_no_role_is_refused_with_who_may_and_does_not_use_the_button_up(world: World) -> None:
    """Requested and refused stand on the timeline, once; the button still works for those who may."""
    await world.fire()
    for _ in range(2):
        reply = await world.click("Revoke a tool", SAM, tool="issue_refund")
        assert isinstance(reply, Say)
        assert "responder" in reply.text
        assert "<@U0DANA>" in reply.text
    (refused,) = (await world.incident()).executions
    assert (refused.state, refused.by) == (ExecutionState.REFUSED, "U0SAM")
    assert isinstance(await world.click("Revoke a tool", tool="issue_refund"), Quiet)
    assert (await world.store.desired.state(AGENT)).value(TOOLS_DENIED) == {"tools": ["issue_refund"]}


async def test_the_role_is_checked_again_before_it_starts(world: World) -> None:
    """A role taken away between click and work counts; the person is told visibly."""
    await world.fire()
    offer = await world.offer("Revoke a tool")
    await world.engine.requests.submit(offer.id, DANA, {"tool": "issue_refund"}, key="a")
    world.settings = world.settings.model_copy(
        update={"roles": world.settings.roles.model_copy(update={"responder": ("U0LEE",)})}
    )
    world.restart()
    await world.work()
    (execution,) = (await world.incident()).executions
    assert execution.state is ExecutionState.REFUSED
    assert (await world.store.desired.state(AGENT)).revision == 0
    assert "responder" in world.told("U0DANA")[0]
    assert "Revoke a tool…" in await world.labels()


async def test_wrong_parameters_come_back_at_their_field(world: World) -> None:
    """The modal stays open; nothing is written."""
    await world.fire()
    offer = await world.offer("Pause agent")
    reply = await world.engine.requests.submit(offer.id, DANA, {"why": "x"}, key="a")
    assert isinstance(reply, FieldErrors)
    assert list(reply.errors) == ["why"]
    offer = await world.offer("Pin model")
    reply = await world.engine.requests.submit(offer.id, DANA, {"model": "evil-model"}, key="b")
    assert isinstance(reply, FieldErrors)
    assert list(reply.errors) == ["model"]
    assert (await world.incident()).executions == ()


async def test_an_undo_puts_back_what_was_there_and_needs_a_commander(world: World) -> None:
    """Loosening is not easy: the responder who revoked it may not give it back alone."""
    await world.fire()
    await world.click("Revoke a tool", tool="issue_refund")
    assert isinstance(await world.click("Undo: revoked issue_refund", DANA, key="b"), Say)
    assert (await world.store.desired.state(AGENT)).value(TOOLS_DENIED) == {"tools": ["issue_refund"]}
    assert isinstance(await world.click("Undo: revoked issue_refund", KIM, key="c"), Quiet)
    assert (await world.store.desired.state(AGENT)).value(TOOLS_DENIED) == {"tools": []}
    incident = await world.incident()
    done = next(e for e in incident.executions if e.undo_of is None)
    assert done.undone_by == incident.executions[-1].id
    assert not [label for label in await world.labels() if label.startswith("Undo")]


async def test_an_undo_is_refused_when_somebody_set_something_else_since(world: World) -> None:
    """Still what we set, or nothing happens; the failure says so, and the first execution is no longer green."""
    await world.fire(agent=REMOTE_AGENT)
    await world.click("Revoke a tool", tool="send_email")
    world.remote.held[REMOTE_AGENT, "send_email"] = ("only internal", None)
    await world.click("Undo: revoked send_email", KIM, key="b")
    first, undo = (await world.incident()).executions
    assert undo.state is ExecutionState.FAILED
    assert "no longer what this action set" in (undo.reason or "")
    assert first.verified is Verified.MISMATCH
    assert world.remote.held[REMOTE_AGENT, "send_email"][0] == "only internal"


async def test_a_temporary_pin_ends_by_itself(world: World) -> None:
    """The due time survives restarts; the end is verified like any action."""
    await world.fire()
    await world.click("Pin model", model="gpt-x-2026-01-01", expires_in="PT1H")
    assert (await world.store.desired.state(AGENT)).value("agent.model") == "gpt-x-2026-01-01"
    pinned = (await world.incident()).executions[0]
    assert pinned.expires_at == world.clock.now() + timedelta(hours=1)
    world.restart()
    await world.later(minutes=59)
    assert (await world.store.desired.state(AGENT)).value("agent.model") == "gpt-x-2026-01-01"
    await world.later(minutes=2)
    assert (await world.store.desired.state(AGENT)).value("agent.model") == ""
    pinned, ended = (await world.incident()).executions
    assert pinned.undone_by == ended.id
    assert (ended.by, ended.state, ended.summary) == (
        "pullcord",
        ExecutionState.SUCCEEDED,
        "ended at its time: pinned refund-bot to gpt-x-2026-01-01",
    )


async def test_an_undone_mitigation_does_not_end_twice(world: World) -> None:
    """The undo clears the due time."""
    await world.fire()
    await world.click("Pin model", model="gpt-x-2026-01-01", expires_in="PT1H")
    await world.click("Undo: pinned", KIM, key="b")
    await world.later(hours=2)
    assert len((await world.incident()).executions) == 2


async def test_an_end_that_cannot_be_made_now_is_tried_again(world: World) -> None:
    """A control plane that is away at that moment must not make a temporary mitigation permanent."""
    await world.fire(agent=REMOTE_AGENT)
    await world.click("Revoke a tool", tool="send_email", expires_in="PT1H")
    world.remote.trouble = ActionFailed("The gateway answered 503.")
    await world.later(hours=1, seconds=1)
    assert world.remote.held
    await world.later(minutes=6)
    assert world.remote.held == {}
    first, failed, ended = (await world.incident()).executions
    assert (failed.state, ended.state, first.undone_by) == (
        ExecutionState.FAILED,
        ExecutionState.SUCCEEDED,
        ended.id,
    )


async def test_an_end_that_somebody_forestalled_is_not_tried_again(world: World) -> None:
    """What is there now is somebody else's choice: it lapses, and says why."""
    await world.fire(agent=REMOTE_AGENT)
    await world.click("Revoke a tool", tool="send_email", expires_in="PT1H")
    world.remote.held[REMOTE_AGENT, "send_email"] = ("only internal", None)
    await world.later(hours=1, seconds=1)
    await world.later(hours=1)
    first, failed = (await world.incident()).executions
    assert failed.state is ExecutionState.FAILED
    assert first.verified is Verified.MISMATCH
    assert world.remote.held[REMOTE_AGENT, "send_email"][0] == "only internal"


async def test_a_refusal_of_the_plan_is_told_without_live_mentions(world: World) -> None:
    """What a plan says may hold what an agent wrote."""
    await world.fire(agent=REMOTE_AGENT)
    world.settings = world.settings.model_copy(update={"agents": {}})
    offer = await world.offer("Revoke a tool")
    await world.engine.requests.submit(offer.id, DANA, {"tool": "send_email"}, key="a")
    world.restart()
    await world.work()
    (said,) = world.told("U0DANA")
    assert "was refused" in said
    assert "<" not in said


async def test_what_the_target_refuses_is_failed_and_offered_again(world: World) -> None:
    """Nothing changed there, and the reason is the target's."""
    await world.fire(agent=REMOTE_AGENT)
    world.remote.trouble = ActionFailed("The gateway answered 403.")
    await world.click("Revoke a tool", tool="send_email")
    (execution,) = (await world.incident()).executions
    assert (execution.state, execution.reason) == (ExecutionState.FAILED, "The gateway answered 403.")
    assert "Revoke a tool…" in await world.labels()


@pytest.mark.parametrize("trouble", [OutcomeUnknown("no answer"), TimeoutError(), ValueError("a bug of the adapter")])
async def test_no_answer_means_unknown_and_is_never_run_again_by_itself(world: World, trouble: Exception) -> None:
    """Only a check or a person settles it."""
    await world.fire(agent=REMOTE_AGENT)
    world.remote.trouble = trouble
    await world.click("Revoke a tool", tool="send_email")
    (execution,) = (await world.incident()).executions
    assert execution.state is ExecutionState.UNKNOWN
    for _ in range(4):
        await world.later(minutes=10)
    assert world.remote.writes == 0
    assert (await world.incident()).executions[0].state is ExecutionState.UNKNOWN


async def test_a_success_whose_answer_was_lost_lands_later(world: World) -> None:
    """The due read-back finds it; nothing is written twice."""
    await world.fire(agent=REMOTE_AGENT)
    world.remote.lost = OutcomeUnknown("the connection was reset")
    await world.click("Revoke a tool", tool="send_email")
    assert (await world.incident()).executions[0].state is ExecutionState.UNKNOWN
    await world.later(seconds=31)
    (execution,) = (await world.incident()).executions
    assert (execution.state, execution.verified) == (ExecutionState.SUCCEEDED, Verified.IN_FORCE)
    assert world.remote.writes == 1


async def test_resolved_incidents_start_nothing_but_can_be_undone(world: World) -> None:
    """A stale button of a resolved incident says so; what it set must still be given back."""
    await world.fire()
    stale = await world.offer("Pause agent")
    await world.click("Revoke a tool", tool="issue_refund")
    await world.engine.requests.lifecycle("INC-1", "resolve", KIM, key="r", text="contained")
    await world.work()
    reply = await world.engine.requests.submit(stale.id, DANA, {"why": "too late"}, key="s")
    assert isinstance(reply, Say)
    assert "resolved by <@U0KIM>" in reply.text
    assert await world.labels() == ["Undo: revoked issue_refund from refund-bot"]
    await world.click("Undo: revoked", KIM, key="u")
    assert (await world.store.desired.state(AGENT)).value(TOOLS_DENIED) == {"tools": []}
