"""The Home tab with a whole process, in HTTP mode: opened, pressed, and followed by what the press did."""

from pathlib import Path

from tests.e2e.test_slack_http import events_of, over_http
from tests.support.world import DANA, LEE, MO, Json, a_world, alert, bad_run

TRACE = "9c2e" + "0" * 28


async def test_the_home_tab_shows_what_is_mine_and_follows_what_i_press_on_it(tmp_path: Path) -> None:
    """Lee is on call and acknowledges on the tab; Mo, who is nobody in particular, sees what is in force and no more.

    A guest reads a sentence. Nothing is published to anybody who did not open it.
    """
    async with a_world(tmp_path) as world:
        over_http(world)
        await world.start()
        await world.slack.deliver_to(f"{world.origin}/slack/events")
        await world.spans(*bad_run(TRACE))
        await world.deliver(alert("a", trace_id=TRACE))
        await world.button("Revoke issue_refund")

        await world.slack.open_home(LEE)
        view = await world.slack.wait_for_home(LEE, "you are on call", timeout=10)
        assert "nobody has it" in str(view["blocks"])
        assert "No agent is restrained." in str(view["blocks"])
        assert (await world.slack.click_view(LEE, view["id"], "pullcord_ack"))["acked"]
        await world.slack.wait_for_home(LEE, "you have it", timeout=10)
        assert len(await events_of(world, "acknowledged")) == 1

        await world.press(LEE, "Revoke issue_refund")
        await world.execution("succeeded")
        await world.slack.open_home(MO)
        view = await world.slack.wait_for_home(MO, "issue_refund", timeout=10)
        assert "None that you lead" in str(view["blocks"])
        assert f"by <@{LEE}>" in str(view["blocks"])
        await world.read_flags()
        await world.execution("succeeded", verified="in_force")
        await world.slack.open_home(MO)
        await world.slack.wait_for_home(MO, "✅ in force", timeout=10)

        await world.slack.open_home("gus")
        view = await world.slack.wait_for_home("gus", "full members", timeout=10)
        assert "INC-1" not in str(view["blocks"])
        assert await world.slack.home(DANA) is None
        published = await world.slack.calls("views.publish")
        assert {one["args"]["user_id"] for one in published} == {LEE, MO, "U0GUEST"}
        assert len(published) <= 6
        await world.verified()


async def test_what_waits_for_my_approval_is_approved_on_the_tab(tmp_path: Path) -> None:
    """Lee may not give the tool back alone and asks; Dana approves on her Home tab, which then says nothing waits.

    Lee's own tab never showed it, since nobody approves what they asked for. The timeline holds who asked and approved.
    """
    async with a_world(tmp_path) as world:
        over_http(world)
        await world.start()
        await world.slack.deliver_to(f"{world.origin}/slack/events")
        await world.spans(*bad_run(TRACE))
        await world.deliver(alert("a", trace_id=TRACE))
        await world.press(LEE, "Revoke issue_refund")
        await world.execution("succeeded")
        await world.press(LEE, "Undo")
        channel = (await world.incident())["channel"]

        async def refused() -> Json | None:
            shown = await world.slack.ephemerals(LEE, channel)
            return next((one for one in reversed(shown) if "pullcord_ask" in str(one.get("blocks"))), None)

        refusal = await world.until("Lee is offered to ask", refused)
        assert (await world.slack.click(LEE, channel, refusal["ts"], "pullcord_ask"))["acked"]
        await world.until("it waits", lambda: events_of(world, "approval_asked"))
        await world.slack.open_home(LEE)
        await world.slack.wait_for_home(LEE, "Nothing waits for you.", timeout=10)
        await world.slack.open_home(DANA)
        view = await world.slack.wait_for_home(DANA, "Waits for your approval (1)", timeout=10)
        assert f"<@{LEE}> asks" in str(view["blocks"])
        assert (await world.slack.click_view(DANA, view["id"], "pullcord_approve"))["acked"]
        await world.slack.wait_for_home(DANA, "Nothing waits for you.", timeout=10)
        (given,) = await events_of(world, "approval_given")
        assert given["by"]["id"] == DANA
        await world.execution("succeeded")
        await world.quiet()
        await world.slack.open_home(DANA)
        await world.slack.wait_for_home(DANA, "No agent is restrained.", timeout=10)
        await world.verified()
