"""Killed while a second person is asked: the question, its answer and its deadline are in the store, not in a process.

The undo of a restraint: Lee (responder) is refused, asks, and Dana (commander) approves. Each test says what people saw
and what the timeline holds; what was done is counted at the target.
"""

import pytest

from bot.domain.desired import TOOLS_DENIED
from sandbox.demo.looking import all_text, pressable
from tests.support.world import AGENT, DANA, LEE, Json, World, alert, bad_run

TRACE = "5c0c" + "0" * 28


async def _revoked(world: World, point: str | None) -> None:
    """A tool was taken from the agent, by a bot that will die at this point of taking that back."""
    await world.start(point)
    await world.spans(*bad_run(TRACE))
    await world.deliver(alert("a", trace_id=TRACE))
    await world.press(LEE, "Revoke issue_refund")
    await world.execution("succeeded")


async def _shown(world: World, user: str, label: str) -> tuple[str, str, str, str | None]:
    """A button under what this person alone was told: channel, ts, action id and value."""
    channel = (await world.incident())["channel"]

    async def look() -> tuple[str, str, str, str | None] | None:
        for told in reversed(await world.slack.ephemerals(user, channel)):
            for text, where in pressable(told.get("blocks") or []):
                if text.startswith(label):
                    return (channel, told["ts"], *where)
        return None

    found: tuple[str, str, str, str | None] = await world.until(f"{label!r} shown to {user}", look)
    return found


async def _refused_and_asks(world: World) -> None:
    """Lee presses Undo, is told who may, and presses "Ask @commander"."""
    await world.press(LEE, "Undo")
    channel, ts, action, value = await _shown(world, LEE, "Ask @commander")
    await world.slack.click(LEE, channel, ts, action, value, stale=True)


async def _questions(world: World) -> list[Json]:
    """The questions in the thread."""
    whole = await world.incident()
    thread = await world.slack.messages(whole["channel"], thread_ts=whole["root_ts"])
    return [m for m in thread if any(text == "Approve" for text, _ in pressable(m.get("blocks") or []))]


async def _approves(world: World) -> None:
    """Dana presses Approve under the question in the thread."""

    async def look() -> Json | None:
        found = await _questions(world)
        assert len(found) <= 1, "asked twice"
        return found[0] if found else None

    question = await world.until("a question in the thread", look)
    assert f"<@{DANA}>" in question["text"]
    action, value = next(where for text, where in pressable(question["blocks"]) if text == "Approve")
    channel = (await world.incident())["channel"]
    await world.slack.click(DANA, channel, question["ts"], action, value, stale=True)


async def _kinds(world: World) -> list[str]:
    entries = (await world.api("/api/incidents/INC-1/timeline?limit=200"))["entries"]
    return [e["event"]["type"] for e in entries if e["event"]["type"].startswith(("approval", "glass", "action_st"))]


async def _undone_once(world: World, *expected: str) -> None:
    """One write took it back; the timeline holds each step once; the question says who approved and has no buttons."""
    await world.execution("succeeded")
    await world.quiet()
    async with world.store() as store:
        state = await store.desired.state(AGENT)
    found = await _kinds(world)
    print(f"\nwrites {state.revision}, timeline {found}, chain {await world.verified()} entries fit")
    assert (state.revision, state.value(TOOLS_DENIED)) == (2, {"tools": []})
    assert found == ["action_started", *expected, "action_started"]


@pytest.mark.parametrize("point", ["Q1-asked", "Q2-before", "Q2-waits", "Q2-posted"])
async def test_a_question_survives_and_is_asked_once(world: World, point: str) -> None:
    """The bot dies between the press and the question in the thread: after a restart there is one question."""
    await _revoked(world, point)
    await _refused_and_asks(world)
    await world.died()
    await world.start()
    await world.execution("awaiting_approval")
    await world.slack.wait_connected()
    await _approves(world)
    await _undone_once(world, "approval_asked", "approval_given")

    async def decided() -> bool:
        (asked,) = await world.posted(f"INC-1:approval:{(await world.incident())['executions'][-1]['id']}")
        assert f"<@{DANA}> approved" in all_text(asked), all_text(asked)
        return not pressable(asked["blocks"])

    await world.until("the question says who approved", decided)


async def test_a_yes_that_was_written_is_carried_out_by_whoever_comes_next(world: World) -> None:
    """The bot dies right after Dana's press was written: nobody has to press again."""
    await _revoked(world, "Q3-approved")
    await _refused_and_asks(world)
    await _approves(world)
    await world.died()
    await world.start()
    await _undone_once(world, "approval_asked", "approval_given")


@pytest.mark.parametrize("point", ["Q1-before", "Q3-before"])
async def test_a_press_that_died_before_it_was_written_can_be_repeated(world: World, point: str) -> None:
    """Slack tells the person that it failed; the button is still good and does it once."""
    await _revoked(world, point)
    await _refused_and_asks(world)
    if point == "Q3-before":
        await _approves(world)
    await world.died()
    await world.start()
    await world.slack.wait_connected()
    if point == "Q1-before":
        await _refused_and_asks(world)
    await _approves(world)
    await _undone_once(world, "approval_asked", "approval_given")


@pytest.mark.parametrize("point", ["Q3-glass", "Q3-paged"])
async def test_broken_glass_is_carried_out_and_told_once(world: World, point: str) -> None:
    """Lee goes alone with a reason; the bot dies: the undo is done once, and Dana has one direct message about it."""
    await _revoked(world, point)
    await world.press(LEE, "Undo")
    channel, ts, action, value = await _shown(world, LEE, "Break glass")
    await world.slack.click(LEE, channel, ts, action, value, stale=True)
    await world.fill(LEE, reason="customers wait for their money")
    await world.died()
    await world.start()
    await _undone_once(world, "glass_broken")
    execution = (await world.incident())["executions"][-1]["id"]
    (told,) = await world.posted(f"INC-1:glass:{execution}:{DANA}")
    assert "BREAK GLASS" in all_text(told)
    assert "customers wait for their money" in all_text(told)
    (shown,) = await world.posted(f"INC-1:approval:{execution}:glass")
    assert "BREAK GLASS" in all_text(shown)


async def test_glass_broken_while_the_question_waits_ends_the_question_and_calls_people_anew(world: World) -> None:
    """An edit calls nobody: the question loses its buttons, and a message of its own mentions the commander."""
    await _revoked(world, None)
    await _refused_and_asks(world)
    question = (await world.until("a question in the thread", lambda: _questions(world)))[0]
    action, value = next(w for text, w in pressable(question["blocks"]) if text.startswith("Break glass"))
    channel = (await world.incident())["channel"]
    await world.slack.click(LEE, channel, question["ts"], action, value, stale=True)
    await world.fill(LEE, reason="customers wait for their money")
    await _undone_once(world, "approval_asked", "glass_broken")
    assert await _questions(world) == []
    execution = (await world.incident())["executions"][-1]["id"]
    (called,) = await world.posted(f"INC-1:approval:{execution}:glass")
    assert f"<@{DANA}>" in called["text"]
    (edited,) = await world.posted(f"INC-1:approval:{execution}")
    assert "BREAK GLASS" in all_text(edited)
    (direct,) = await world.posted(f"INC-1:glass:{execution}:{DANA}")
    assert "customers wait" in all_text(direct)
