import json

from sandbox.demo.looking import all_text, pressable
from tests.support.world import DANA, LEE, Json, bad_run
from tests.support.world_pullcord import Pullcord


async def test_a_preview_writes_nothing(pullcord: Pullcord) -> None:
    """What is there now and what would be there, in the modal; the agent is as it was."""
    await pullcord.goes_wrong()
    before = (await pullcord.read_flags())["agent.prompt.suffix"]
    channel = (await pullcord.incident())["channel"]
    await pullcord.slack.slash(LEE, channel, "/pullcord", "run patch_prompt")
    view = await _modal(pullcord)
    preview = next(found for text, found in pressable(view["blocks"]) if text.startswith("Preview"))
    await pullcord.slack.click_view(LEE, view["id"], *preview)

    async def look() -> bool:
        (shown,) = [v for v in await pullcord.slack.views(LEE) if v["id"] == view["id"]]
        text = all_text(shown)
        assert "now nothing, then" in text, text
        return True

    await pullcord.until("the preview in the modal", look)
    await pullcord.slack.close_view(LEE, view["id"], clear=True)
    assert (await pullcord.read_flags())["agent.prompt.suffix"] == before
    assert (await pullcord.incident())["executions"] == []


async def test_the_first_two_buttons_come_from_facts_and_say_why(pullcord: Pullcord) -> None:
    """One call three times over: a ladder for loops puts the pause first, and says so in a sentence."""
    run = list(bad_run(pullcord.trace))
    again = [_once_more(run[2], number) for number in (4, 5)]
    await pullcord.spans(*run, *again)
    await pullcord.fires(run=True)

    async def look() -> bool:
        blocks = (await pullcord.card())["blocks"]
        verbs = [text for text, (action, _) in pressable(blocks) if action.startswith("pullcord_run")]
        assert (verbs[0][:11], verbs[1][:6]) == ("Pause agent", "Revoke"), verbs
        return True

    await pullcord.until("pause and revoke first", look)
    channel = (await pullcord.incident())["channel"]
    await pullcord.slack.slash(LEE, channel, "/pullcord", "")
    await pullcord.told(LEE, "The agent repeats itself")


async def test_two_enforcement_points_are_two_lines_and_green_needs_both(pullcord: Pullcord) -> None:
    """One press writes both; what only one of them shows is not *in force*."""
    await pullcord.fires(agent="fleet-bot")
    await pullcord.press(LEE, "Pause agent")
    await pullcord.fill(LEE, why="orders are doubled")

    async def look() -> list[Json]:
        points = (await pullcord.incident())["executions"]
        assert len(points) == 2, points
        assert {p["state"] for p in points} == {"succeeded"}, points
        return list(points)

    lead, other = await pullcord.until("both points are written", look)
    assert {lead["control"], other["control"]} == {"embedded", "flags"}
    assert (lead["leads"], other["leads"]) == (None, lead["id"])
    held = json.loads((pullcord.folder / "flags.json").read_text())["flags"]["fleet-bot.paused"]
    assert held["variants"][held["defaultVariant"]] is True
    shown = {p["control"]: p["verified"] for p in (await pullcord.incident())["executions"]}
    assert shown["embedded"] == "pending"  # nobody reads its flags
    assert (await pullcord.incident())["state"] != "contained"
    await pullcord.card_says("embedded", "flags")


async def test_an_end_comes_by_itself_and_its_owner_is_asked_before(pullcord: Pullcord) -> None:
    """A mitigation is not forgotten: who set it is asked, and without an answer it ends, read back as anything is."""
    await pullcord.goes_wrong()
    await pullcord.press(LEE, "Pause agent")
    await pullcord.fill(LEE, why="for a moment", expires_in="PT12S")
    paused = await pullcord.execution("succeeded")
    assert paused["expires_at"] is not None
    in_force = (await pullcord.api("/api/mitigations"))["mitigations"]
    assert paused["id"] in {row["execution"] for row in in_force}

    async def asked() -> bool:
        return any("lapse" in all_text(message) for message in await pullcord.slack.mentions(LEE))

    await pullcord.until("the owner is asked", asked)

    async def ended() -> bool:
        ends = [e for e in (await pullcord.incident())["executions"] if e["undo_of"] == paused["id"]]
        return bool(ends) and ends[-1]["state"] == "succeeded"

    await pullcord.until("the end", ended, seconds=25)
    assert (await pullcord.read_flags())["agent.paused"]["value"] is False
    assert paused["id"] not in {r["execution"] for r in (await pullcord.api("/api/mitigations"))["mitigations"]}


async def test_undo_is_refused_when_somebody_else_changed_it(pullcord: Pullcord) -> None:
    """What is there is not what we set, so taking ours back would take theirs away; it says what is there now."""
    await pullcord.fires(agent="flag-bot")
    await pullcord.press(LEE, "Pause agent")
    await pullcord.fill(LEE, why="orders are doubled")
    await pullcord.execution("succeeded")
    file = pullcord.folder / "flags.json"
    document = json.loads(file.read_text())
    document["flags"]["flag-bot.paused"]["defaultVariant"] = "off"
    document["flags"]["flag-bot.paused"]["variants"] = {"off": False, "on": True}
    document["flags"]["flag-bot.paused"].pop("metadata", None)
    file.write_text(json.dumps(document))
    await pullcord.press(DANA, "Undo")

    async def refused() -> bool:
        undo = [e for e in (await pullcord.incident())["executions"] if e["undo_of"]]
        return bool(undo) and undo[-1]["state"] in {"refused", "failed"} and bool(undo[-1]["reason"])

    await pullcord.until("the undo is refused with a reason", refused)
    assert json.loads(file.read_text())["flags"]["flag-bot.paused"]["defaultVariant"] == "off"


async def test_in_a_drill_every_button_works_and_nothing_happens(pullcord: Pullcord) -> None:
    """People practise on the real thing: marked everywhere, nobody paged, the agent untouched."""
    token = pullcord.environment["PULLCORD_API_TOKEN"]
    headers = {"authorization": f"Bearer {token}", "idempotency-key": pullcord.name}
    opened = await pullcord.http.post(f"{pullcord.origin}/api/drills", json={"agent": "refund-bot"}, headers=headers)
    assert opened.status_code == 201, opened.text
    pullcord.current = int(opened.json()["id"].removeprefix("INC-"))
    before = (await pullcord.read_flags())["agent.tools.denied"]["value"]
    await pullcord.press(LEE, "Revoke issue_refund")
    await pullcord.execution("drilled")
    await pullcord.card_says("DRILL")
    assert (await pullcord.read_flags())["agent.tools.denied"]["value"] == before
    assert {p["delivered"] for p in (await pullcord.incident())["pages"]} <= {False}


def _once_more(call: Json, number: int) -> Json:
    """The same tool with the same arguments, as a call of its own."""
    told = json.dumps(call).replace("call_1", f"call_{number}")
    return {**json.loads(told), "spanId": f"{number:016x}"}


async def _modal(pullcord: Pullcord) -> Json:
    async def look() -> Json | None:
        views = await pullcord.slack.views(LEE)
        return views[-1] if views else None

    return dict(await pullcord.until("a modal", look))
