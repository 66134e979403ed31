"""What Resume and Restore end is over on the card, the page and in the modal, and nobody is asked about it again."""

import pytest

from bot.domain.action import ExecutionState, Verified
from bot.views import words
from bot.views.card import card
from bot.views.forms import resolve_modal
from tests.support.engine import AGENT, KIM, World


async def card_of(world: World) -> str:
    """Everything on the card as it is now."""
    incident = await world.incident()
    return str(card(incident, await world.engine.offers(incident), world.clock.now()))


@pytest.mark.parametrize("read", [True, False])
async def test_a_pause_is_over_when_it_was_resumed(world: World, read: bool) -> None:
    """Also when the agent had not seen it yet: no red, no Undo, no end that comes, and nothing in force."""
    await world.fire()
    await world.click("Pause agent", why="until noon", expires_in="PT1H", key="a")
    if read:
        await world.agent_reads()
    await world.click("Resume agent", by=KIM, why="looks safe", key="b")
    await world.agent_reads()
    incident = await world.incident()
    pause, resume = incident.executions
    assert pause.undone_by == resume.id
    assert resume.verified is Verified.IN_FORCE
    assert pause.verified is (Verified.IN_FORCE if read else Verified.PENDING)
    assert words.in_force(incident) == []
    assert f"paused {AGENT}" not in str(resolve_modal(incident))
    assert "paused" not in await card_of(world)
    assert not [label for label in await world.labels() if label.startswith(("Undo", "Resume"))]
    assert "Pause agent…" in await world.labels()
    assert [await world.store.work.due_at(f"{kind}:{pause.id}") for kind in ("expire", "verify")] == [None, None]
    await world.later(hours=3)
    assert len((await world.incident()).executions) == 2


async def test_an_undo_button_of_an_older_card_says_what_came_since(world: World) -> None:
    """Pressed after the resume it changes nothing."""
    await world.fire()
    await world.click("Pause agent", why="until noon", key="a")
    undo = await world.offer("Undo: paused")
    await world.click("Resume agent", by=KIM, why="looks safe", key="b")
    reply = await world.engine.requests.submit(undo.id, KIM, {}, key="c")
    assert f"since then: resumed {AGENT}" in str(reply)
    assert len((await world.incident()).executions) == 2


async def test_pausing_again_ends_the_resume_and_not_in_red(world: World) -> None:
    """The second pause is the one in force; the resume is history, and undoing the pause brings no pause back."""
    await world.fire()
    await world.click("Pause agent", why="until noon", key="a")
    await world.click("Resume agent", by=KIM, why="looks safe", key="b")
    await world.agent_reads()
    await world.click("Pause agent", why="it does it again", key="c")
    await world.agent_reads()
    incident = await world.incident()
    assert words.in_force(incident) == [incident.executions[2]]
    assert [e.verified for e in incident.executions] == [Verified.PENDING, Verified.IN_FORCE, Verified.IN_FORCE]
    await world.click("Undo: paused", by=KIM, key="d")
    incident = await world.incident()
    assert words.in_force(incident) == []
    assert (await world.store.desired.state(AGENT)).value("agent.paused") is False


async def test_one_restored_tool_leaves_the_others_revoked(world: World) -> None:
    """Each tool is a target of its own."""
    await world.fire()
    await world.click("Revoke", tool="issue_refund", key="a")
    await world.click("Revoke", tool="send_email", key="b")
    await world.click("Restore tool", by=KIM, tool="issue_refund", why="fixed", key="c")
    incident = await world.incident()
    assert [e.summary for e in words.in_force(incident)] == [f"revoked send_email from {AGENT}"]


async def test_a_lift_of_which_nobody_knows_ends_nothing_before_somebody_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a success does, also one that a person tells of."""
    await world.fire()
    await world.click("Revoke", tool="send_email", key="a")

    async def lost(*_: object, **__: object) -> None:
        raise ConnectionError("lost")

    with monkeypatch.context() as patch:
        patch.setattr(world.store.desired, "put", lost)
        await world.click("Restore tool", by=KIM, tool="send_email", key="b")
    revoke, restore = (await world.incident()).executions
    assert restore.state is ExecutionState.UNKNOWN
    assert (revoke.undone_by, words.in_force(await world.incident())) == (None, [revoke])
    await world.click("Mark done: restored", by=KIM, reason="I looked", key="m")
    assert (await world.incident()).executions[0].undone_by == restore.id


async def test_the_reasons_that_people_type_are_on_the_timeline(world: World) -> None:
    """In the request and in the plan, where the thread and the page read them."""
    await world.fire()
    await world.click("Pause agent", why="wrong refunds", key="a")
    await world.click("Resume agent", by=KIM, why="the prompt is back", key="b")
    entries = await world.store.incidents.entries("INC-1")
    told = [getattr(e.event, "reason", "") for e in entries if e.event.type == "action_requested"]
    plans = [e.event.change.why for e in entries if e.event.type == "action_started" and e.event.change]
    assert told == plans == ["wrong refunds", "the prompt is back"]
    assert [e.change.why for e in (await world.incident()).executions if e.change] == plans
