from sandbox.demo.looking import all_text, pressable
from tests.support.world import DANA, LEE
from tests.support.world_pullcord import Pullcord
from tests.support.world_watching import Json


async def test_a_refusal_opens_a_way(pullcord: Pullcord) -> None:
    """Who may not loosen is told who may, alone, and asks them with one press; nothing has been done until then."""
    await _revoked(pullcord)
    await _asks(pullcord)
    waiting = await pullcord.execution("awaiting_approval")
    assert (waiting["by"], waiting["approval"]["by"], waiting["approval"]["role"]) == (LEE, None, "commander")
    assert "issue_refund" in (await pullcord.read_flags())["agent.tools.denied"]["value"]["tools"]
    await _answers(pullcord, DANA, "Approve")
    await _undo(pullcord, "succeeded")


async def test_nobody_approves_their_own_request(pullcord: Pullcord) -> None:
    """The second person is another person: the requester is told so, and the request goes on waiting."""
    await _revoked(pullcord)
    await _asks(pullcord)
    await _answers(pullcord, LEE, "Approve")
    await pullcord.told(LEE, "own request", "somebody else", "second person", "not approve")
    assert (await _undo(pullcord, "awaiting_approval"))["approval"]["by"] is None
    await _answers(pullcord, DANA, "Approve")
    given = await _undo(pullcord, "succeeded")
    assert (given["by"], given["approval"]["by"]) == (LEE, DANA)
    assert [e["by"]["id"] for e in await pullcord.events("approval_given")] == [DANA]


async def test_a_rejection_has_a_reason_and_changes_nothing(pullcord: Pullcord) -> None:
    """It stands on the timeline; the agent stays restrained."""
    await _revoked(pullcord)
    await _asks(pullcord)
    await _answers(pullcord, DANA, "Reject")
    await pullcord.fill(DANA, reason="Finance still counts the refunds.")
    assert "Finance still counts" in str(await pullcord.execution("rejected"))
    assert "issue_refund" in (await pullcord.read_flags())["agent.tools.denied"]["value"]["tools"]
    await pullcord.press(DANA, "Undo")
    await _undo(pullcord, "succeeded")


async def test_breaking_glass_goes_alone_and_is_never_quiet(pullcord: Pullcord) -> None:
    """Nobody is there to approve: it is done at once, with the reason, and the commander is told."""
    await _revoked(pullcord)
    await pullcord.press(LEE, "Undo")
    await _click(pullcord, LEE, await _told_with(pullcord, LEE, "Break glass"), "Break glass")
    await pullcord.fill(LEE, reason="Nobody answers, and customers wait for what they are owed.")
    done = await _undo(pullcord, "succeeded")
    assert (done["by"], done["approval"] and done["approval"]["by"]) == (LEE, None)
    assert "customers wait" in done["broke_glass"]
    broken = await pullcord.once("glass_broken")
    assert "customers wait" in broken["reason"]

    async def look() -> bool:
        said = [all_text(message) for message in await pullcord.slack.mentions(DANA)]
        return any("glass" in text.lower() and f"INC-{pullcord.current}" in text for text in said)

    await pullcord.until("the commander is told", look)


# ------------------------------------------------------------------ acting


async def _revoked(pullcord: Pullcord) -> None:
    await pullcord.goes_wrong()
    await pullcord.press(LEE, "Revoke issue_refund")
    await pullcord.execution("succeeded")


async def _asks(pullcord: Pullcord) -> None:
    await pullcord.press(LEE, "Undo")
    await _click(pullcord, LEE, await _told_with(pullcord, LEE, "Ask @commander"), "Ask @commander")
    await pullcord.execution("awaiting_approval")


async def _told_with(pullcord: Pullcord, user: str, label: str) -> Json:
    """The newest thing that this person alone was told with this button."""
    channel = (await pullcord.incident())["channel"]

    async def look() -> Json | None:
        said = await pullcord.slack.ephemerals(user, channel)
        return next((message for message in reversed(said) if _where(message, label)), None)

    return dict(await pullcord.until(f"{user} sees {label}", look))


async def _answers(pullcord: Pullcord, user: str, label: str) -> None:
    """Press this under the question in the thread."""
    whole = await pullcord.incident()

    async def look() -> Json | None:
        said = await pullcord.slack.messages(whole["channel"], thread_ts=whole["root_ts"])
        return next((message for message in reversed(said) if _where(message, label)), None)

    await _click(pullcord, user, await pullcord.until(f"{label} in the thread", look), label)


async def _click(pullcord: Pullcord, user: str, message: Json, label: str) -> None:
    channel = (await pullcord.incident())["channel"]
    found = _where(message, label)
    assert found is not None
    await pullcord.slack.click(user, channel, message["ts"], *found, stale=True)


def _where(message: Json, label: str) -> tuple[str, str | None] | None:
    shown = pressable(message.get("blocks") or [])
    return next((where for text, where in shown if text.startswith(label)), None)


async def _undo(pullcord: Pullcord, state: str) -> Json:
    """The taking back that is in this state; a refusal beside it is an entry of its own."""

    async def look() -> Json | None:
        found = [e for e in (await pullcord.incident())["executions"] if e["undo_of"] and e["state"] == state]
        return found[-1] if found else None

    return dict(await pullcord.until(f"taking back {state}", look))
