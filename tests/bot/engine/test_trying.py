"""A modal whose verb refuses what was typed stays open with the reason at the field, and nothing is written."""

import pytest

from bot.engine import trying
from bot.plugin import FieldErrors, Quiet
from tests.support.engine import AGENT, DANA, LEE, World


async def test_a_refusal_of_the_verb_that_names_a_field_comes_back_at_that_field(world: World) -> None:
    """What was typed is not lost, and the timeline says nothing of it; corrected, the same button works."""
    await world.fire()
    await world.click("Revoke", tool="send_email", key="a")
    await world.fire(name="Another", fingerprint="b")
    before = await world.incident(2)
    reply = await world.click("Revoke", tool="send_email", key="b", number=2)
    assert isinstance(reply, FieldErrors)
    assert reply.errors["tool"].startswith(f"send_email is already revoked from {AGENT}.")
    assert (await world.incident(2)).seq == before.seq
    assert await world.click("Revoke", tool="issue_refund", key="b", number=2) == Quiet()
    assert len((await world.incident(2)).executions) == 1


async def test_a_verb_that_does_not_say_so_in_time_is_asked_by_the_worker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The click goes on; the refusal then stands on the timeline and is told to whoever asked."""
    await world.fire()
    await world.click("Revoke", tool="send_email", key="a")
    await world.fire(name="Another", fingerprint="b")
    monkeypatch.setattr(trying, "TRY_SECONDS", 0.0)
    assert await world.click("Revoke", tool="send_email", key="b", number=2) == Quiet()
    assert "already revoked" in world.told("U0DANA")[-1]


async def test_whoever_is_second_with_a_modal_is_told_who_was_first_and_not_what_the_verb_says_now(
    world: World,
) -> None:
    """The same button, the same tool: the first one's revoke is the answer."""
    await world.fire()
    offer = await world.offer("Revoke")
    assert await world.engine.requests.submit(offer.id, DANA, {"tool": "send_email"}, key="a") == Quiet()
    await world.work()
    reply = await world.engine.requests.submit(offer.id, LEE, {"tool": "send_email"}, key="b")
    assert "Already done by <@U0DANA>" in str(reply)
