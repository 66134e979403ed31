import asyncio
import time

import pytest

from bot.errors import ActionFailed, Busy, OutcomeUnknown
from bot.ports import DirectMessage
from bot.slack.errors import ChannelGone, MissingScope, RateLimited, Unreachable
from sandbox.slack.people import OTHER_TEAM, TEAM
from tests.bot.slack.workspace import Desk, announce_channel

HELLO = DirectMessage(text="hello", blocks=())


@pytest.mark.parametrize("kind", ["lost_reply", "hang", "500"])
async def test_a_post_without_an_answer_is_unknown_and_never_sent_again_by_itself(desk: Desk, kind: str) -> None:
    """The SDK's default would repeat a broken connection: two messages."""
    await desk.slack.fault("chat.postMessage", kind, 1)  # type: ignore[arg-type]
    with pytest.raises(Unreachable) as caught:
        await desk.client.call("chat.postMessage", channel=await announce_channel(desk.slack), text="x")
    assert caught.value.sent
    assert len(await desk.slack.calls("chat.postMessage")) == 1


async def test_a_broken_connection_to_a_repeatable_method_is_tried_once_more(desk: Desk) -> None:
    """Reading, or editing to the same content, twice is the same as once."""
    await desk.slack.fault("users.info", "lost_reply", 1)
    assert (await desk.client.call("users.info", user="U0DANA"))["ok"]


async def test_a_call_never_takes_longer_than_its_timeout(desk: Desk) -> None:
    """Also when Slack hangs."""
    await desk.slack.outage("hang")
    started = time.monotonic()
    with pytest.raises(Unreachable):
        await desk.client.call("auth.test", timeout=0.2)
    assert time.monotonic() - started < 0.8


async def test_refusals_are_typed(desk: Desk) -> None:
    """A definite no, a scope that is missing by name, a limit with its time."""
    with pytest.raises(ChannelGone):
        await desk.client.call("chat.postMessage", channel="C0NOWHERE", text="x")
    await desk.slack.set_scopes(remove=["pins:write"])
    with pytest.raises(MissingScope, match="pins:write"):
        await desk.client.call("pins.add", channel=await announce_channel(desk.slack), timestamp="1.1")
    await desk.slack.fault("users.info", "429", 1, retry_after=17)
    with pytest.raises(RateLimited) as caught:
        await desk.client.call("users.info", user="U0DANA")
    assert caught.value.retry_after == 17
    assert isinstance(caught.value, Busy)
    assert issubclass(ChannelGone, ActionFailed)
    assert issubclass(Unreachable, OutcomeUnknown)


async def test_arguments_never_stand_in_a_url(desk: Desk) -> None:
    """Proxies log URLs; topics and names of channels are nobody's business."""
    await desk.client.call("conversations.create", name="secret-name")
    call = (await desk.slack.calls("conversations.create"))[-1]
    assert call["args"]["name"] == "secret-name"


async def test_a_direct_message_is_sent_once_per_key_also_after_a_lost_answer(desk: Desk) -> None:
    """The intent is stored first; the second try finds the message by its metadata."""
    chat = desk.chat
    await desk.slack.fault("chat.postMessage", "lost_reply", 1)
    with pytest.raises(Unreachable):
        await chat.direct("U0DANA", HELLO, "INC-1:page:0:U0DANA")
    first = await chat.direct("U0DANA", HELLO, "INC-1:page:0:U0DANA")
    second = await desk.chat.direct("U0DANA", HELLO, "INC-1:page:0:U0DANA")
    assert first == second
    assert len(await desk.slack.messages("dana")) == 1
    assert len(await desk.slack.calls("conversations.history")) == 1, "a known ts needs no look"


async def test_a_first_message_needs_no_look_into_the_history(desk: Desk) -> None:
    """Pages must not wait for a history that is rate limited."""
    await desk.chat.direct("U0DANA", HELLO, "k1")
    assert await desk.slack.calls("conversations.history") == []


async def test_without_the_history_scope_a_message_is_sent_twice_rather_than_not_at_all(desk: Desk) -> None:
    """Woken twice beats not woken."""
    await desk.slack.set_scopes(remove=["im:history", "channels:history", "groups:history"])
    await desk.slack.fault("chat.postMessage", "500", 1)
    with pytest.raises(Unreachable):
        await desk.chat.direct("U0DANA", HELLO, "k1")
    await desk.chat.direct("U0DANA", HELLO, "k1")
    assert len(await desk.slack.messages("dana")) == 1


@pytest.mark.parametrize(
    ("user", "team", "full"),
    [
        ("U0DANA", TEAM, True),
        ("U0DANA", None, True),
        ("U0GUEST", TEAM, False),
        ("U0GONE", TEAM, False),
        ("U0BOT", TEAM, False),
        ("U0EVE", OTHER_TEAM, False),
        ("U0EVE", None, False),
        ("U0NOBODY", TEAM, False),
        ("U0DANA", OTHER_TEAM, False),
    ],
)
async def test_only_active_full_members_of_our_workspace_count(
    desk: Desk, user: str, team: str | None, *, full: bool
) -> None:
    """Guests, leavers, bots and strangers do not."""
    assert await desk.chat.is_full_member(user, team) is full


async def test_membership_that_cannot_be_read_is_an_error_not_a_yes(desk: Desk) -> None:
    """Fail closed."""
    await desk.slack.set_scopes(remove=["users:read"])
    with pytest.raises(MissingScope):
        await desk.chat.is_full_member("U0DANA", TEAM)


async def test_membership_is_asked_once_a_minute(desk: Desk) -> None:
    """Not with each click."""
    chat = desk.chat
    for _ in range(5):
        await chat.is_full_member("U0DANA", TEAM)
    assert len(await desk.slack.calls("users.info")) == 1


async def test_a_pinned_message_is_read_with_its_author_also_in_a_thread(desk: Desk) -> None:
    """A reply is in no history, only in its thread; what does not exist is None."""
    channel = await announce_channel(desk.slack)
    await desk.slack.join("lee", channel)
    await desk.client.call("conversations.join", channel=channel)
    root = await desk.slack.post("lee", channel, "root words")
    reply = await desk.slack.post("lee", channel, "reply words", thread_ts=root["ts"])
    for message, words in ((root, "root words"), (reply, "reply words")):
        found = await desk.chat.message(channel, message["ts"])
        assert found is not None
        assert (found.text, found.author) == (words, "U0LEE")
        assert found.permalink
    assert await desk.chat.message(channel, "1.000001") is None
    assert await desk.chat.message(channel, "nonsense") is None
    await desk.chat.react(channel, root["ts"], "white_check_mark")
    await desk.chat.react(channel, root["ts"], "white_check_mark")


async def test_cancelling_ends_a_hanging_call(desk: Desk) -> None:
    """Nothing is left running."""
    await desk.slack.outage("hang")
    task = asyncio.create_task(desk.client.call("auth.test"))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
