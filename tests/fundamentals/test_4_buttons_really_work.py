from tests.support.world import DANA, LEE, MO
from tests.support.world_pullcord import Pullcord


async def test_a_revoked_tool_is_in_force_only_when_the_agent_has_read_it(pullcord: Pullcord) -> None:
    """Amber until the enforcing side shows it. A success is never claimed for what nobody saw."""
    await pullcord.goes_wrong()
    await pullcord.press(LEE, "Revoke issue_refund")
    await pullcord.execution("succeeded", verified="pending")
    denied = (await pullcord.read_flags())["agent.tools.denied"]
    assert "issue_refund" in denied["value"]["tools"]
    assert denied["metadata"]["incident"] == f"INC-{pullcord.current}"
    await pullcord.execution("succeeded", verified="in_force")
    await pullcord.card_says("in force")
    await _undo(pullcord)


async def test_undo_puts_back_what_was_there(pullcord: Pullcord) -> None:
    """By a commander: loosening is not as easy as tightening."""
    await pullcord.goes_wrong()
    await pullcord.press(LEE, "Revoke issue_refund")
    await pullcord.execution("succeeded")
    await pullcord.press(LEE, "Undo")
    await pullcord.told(LEE, "commander")
    await _undo(pullcord)
    assert (await pullcord.read_flags())["agent.tools.denied"]["value"] == {"tools": []}


async def test_who_may_not_is_told_who_may(pullcord: Pullcord) -> None:
    """A press is never silently ignored, and the refusal is on the timeline."""
    await pullcord.goes_wrong()
    await pullcord.press(MO, "Revoke issue_refund")
    said = await pullcord.told(MO, "responder", "may")
    assert f"<@{LEE}>" in said
    assert (await pullcord.execution("refused"))["by"] == MO


async def test_the_first_click_wins_and_the_second_is_told_who_was_first(pullcord: Pullcord) -> None:
    """Two people at 3 a.m. press the same button: it runs once."""
    await pullcord.goes_wrong()
    channel, ts, action, value = await pullcord.button("Revoke issue_refund")
    for who in (LEE, DANA):
        await pullcord.slack.click(who, channel, ts, action, value, stale=True)
    await pullcord.told(DANA, f"<@{LEE}>")
    await pullcord.execution("succeeded")
    assert len((await pullcord.incident())["executions"]) == 1
    await _undo(pullcord)


async def test_a_pause_tells_the_agents_callers_who_why_and_until_when(pullcord: Pullcord) -> None:
    """What restrains an agent is never anonymous."""
    await pullcord.goes_wrong()
    await pullcord.press(LEE, "Pause agent")
    await pullcord.fill(LEE, why="refunds twice what is owed")
    await pullcord.execution("succeeded")
    paused = (await pullcord.read_flags())["agent.paused"]
    assert paused["value"] is True
    assert paused["metadata"]["by"] in {"@lee", LEE}  # the name once Slack has told it
    assert "refunds twice what is owed" in paused["metadata"]["why"]
    await _undo(pullcord)


async def _undo(pullcord: Pullcord) -> None:
    await pullcord.press(DANA, "Undo")
    await pullcord.execution("succeeded", index=-1)

    async def look() -> bool:
        return any(e["undo_of"] and e["state"] == "succeeded" for e in (await pullcord.incident())["executions"])

    await pullcord.until("undone", look)
