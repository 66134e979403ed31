"""The Web API as slack_sdk's own client meets it."""

import json
import re
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SlackSandbox
from tests.sandbox.slack.shapes import CARD, actions, button, mrkdwn, section

HERE = "C0INCIDENTS"


async def error_of(call: Any) -> str:
    """The error string that Slack answers to this call."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def test_a_post_comes_back_with_ids_filled_in(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Slack gives blocks back with block ids, action ids and text defaults written out."""
    posted = await client.chat_postMessage(channel=HERE, text="hello", blocks=[section("x"), actions(button())])
    assert posted["channel"] == HERE
    assert re.fullmatch(r"\d{10}\.\d{6}", posted["ts"])
    message = await slack.find_message(HERE, ts=posted["ts"])
    assert message is not None
    assert all(block["block_id"] for block in message["blocks"])
    assert message["blocks"][0]["text"] == {"type": "mrkdwn", "text": "x", "verbatim": False}


async def test_timestamps_are_unique_and_rise(client: AsyncWebClient) -> None:
    """No two messages share a ts."""
    stamps = [(await client.chat_postMessage(channel=HERE, text="x"))["ts"] for _ in range(20)]
    assert stamps == sorted(set(stamps))


async def test_invalid_blocks_name_the_place(client: AsyncWebClient) -> None:
    """A refusal carries response_metadata.messages with the JSON pointer."""
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=HERE, text="x", blocks=[section("x" * 3001)])
    assert refused.value.response["error"] == "invalid_blocks"
    assert "[json-pointer:/blocks/0/text/text]" in refused.value.response["response_metadata"]["messages"][0]


async def test_texts_too_long(client: AsyncWebClient) -> None:
    """A post is cut at 40,000 with a warning, an update refused above 4,000, blocks above 13 kB refused."""
    posted = await client.chat_postMessage(channel=HERE, text="x" * 40_001)
    assert posted["warning"] == "message_truncated"
    assert len(posted["message"]["text"]) == 40_000
    assert await error_of(client.chat_update(channel=HERE, ts=posted["ts"], text="x" * 4001)) == "msg_too_long"
    big = [section("x" * 2990) for _ in range(5)]
    assert await error_of(client.chat_postMessage(channel=HERE, text="x", blocks=big)) == "msg_blocks_too_long"
    assert await error_of(client.api_call("chat.postMessage", json={"channel": HERE})) == "no_text"


async def test_update_without_blocks_removes_them_and_keeps_metadata(
    slack: SlackSandbox, client: AsyncWebClient
) -> None:
    """The two surprises of chat.update: blocks go, metadata stays until `{}` is sent."""
    metadata = {"event_type": "pullcord_card", "event_payload": {"key": "k1"}}
    ts = (await client.chat_postMessage(channel=HERE, text="a", blocks=CARD, metadata=metadata))["ts"]
    await client.chat_update(channel=HERE, ts=ts, text="b")
    message = await slack.find_message(HERE, ts=ts)
    assert message is not None
    assert "blocks" not in message
    assert message["edited"]["user"] == "U0BOT"
    assert message["metadata"] == metadata
    await client.chat_update(channel=HERE, ts=ts, text="c", metadata={})
    assert "metadata" not in (await slack.find_message(HERE, ts=ts) or {})


async def test_only_own_messages_can_be_changed(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """An app edits and deletes what it posted, nothing else."""
    theirs = await slack.post("@dana", HERE, "mine")
    assert await error_of(client.chat_update(channel=HERE, ts=theirs["ts"], text="x")) == "cant_update_message"
    assert await error_of(client.chat_delete(channel=HERE, ts=theirs["ts"])) == "cant_delete_message"
    assert await error_of(client.chat_delete(channel=HERE, ts="1700000000.000001")) == "message_not_found"


async def test_threads(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Replies stay out of history unless broadcast; replies() has the parent first; a bad parent is refused."""
    root = (await client.chat_postMessage(channel=HERE, text="root"))["ts"]
    await client.chat_postMessage(channel=HERE, text="one", thread_ts=root)
    await client.chat_postMessage(channel=HERE, text="two", thread_ts=root, reply_broadcast=True)
    history = await client.conversations_history(channel=HERE)
    assert [one["text"] for one in history["messages"]] == ["two", "root"]
    assert history["messages"][1]["reply_count"] == 2
    replies = await client.conversations_replies(channel=HERE, ts=root)
    assert [one["text"] for one in replies["messages"]] == ["root", "one", "two"]
    bad = client.chat_postMessage(channel=HERE, text="x", thread_ts="nope")
    assert await error_of(bad) == "invalid_thread_ts"
    gone = client.chat_postMessage(channel=HERE, text="x", thread_ts="1700000000.000001")
    assert await error_of(gone) == "thread_not_found"
    await client.chat_delete(channel=HERE, ts=root)
    assert (await slack.messages(HERE, thread_ts=root))[0]["subtype"] == "tombstone"


async def test_history_bounds_and_metadata(client: AsyncWebClient) -> None:
    """Bounds are exclusive unless inclusive; metadata only when asked; pages by cursor."""
    metadata = {"event_type": "t", "event_payload": {"dedupe_key": "k"}}
    stamps = [(await client.chat_postMessage(channel=HERE, text=str(n), metadata=metadata))["ts"] for n in range(5)]

    async def texts(**bounds: Any) -> list[str]:
        return [one["text"] for one in (await client.conversations_history(channel=HERE, **bounds))["messages"]]

    assert await texts(oldest=stamps[1], latest=stamps[3]) == ["2"]
    assert await texts(oldest=stamps[1], latest=stamps[3], inclusive=True) == ["3", "2", "1"]
    assert await texts(latest=stamps[2], inclusive=True, limit=1) == ["2"]
    plain = await client.conversations_history(channel=HERE)
    assert "metadata" not in plain["messages"][0]
    full = await client.conversations_history(channel=HERE, include_all_metadata=True)
    assert full["messages"][0]["metadata"] == metadata
    first = await client.conversations_history(channel=HERE, limit=2)
    assert first["has_more"]
    seen = [one["text"] async for page in first for one in page["messages"]]
    assert seen == ["4", "3", "2", "1", "0"]
    assert await error_of(client.conversations_history(channel=HERE, cursor="x")) == "invalid_cursor"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("Upper", "invalid_name_specials"),
        ("a b", "invalid_name_specials"),
        ("---", "invalid_name_punctuation"),
        ("x" * 81, "invalid_name_maxlength"),
        ("incidents", "name_taken"),
    ],
)
async def test_channel_names(client: AsyncWebClient, name: str, error: str) -> None:
    """Each broken rule has its own error."""
    assert await error_of(client.conversations_create(name=name)) == error


async def test_a_channel_from_creation_to_archive(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Create, invite (with Slack's refusals), topic, pin, bookmark, archive; then nothing can be posted."""
    made = (await client.conversations_create(name="inc-42"))["channel"]["id"]
    await client.conversations_invite(channel=made, users=["U0DANA", "U0LEE"])
    assert await error_of(client.conversations_invite(channel=made, users="U0DANA")) == "already_in_channel"
    assert await error_of(client.conversations_invite(channel=made, users="U0BOT")) == "cant_invite_self"
    assert await error_of(client.conversations_invite(channel=made, users="U0NOBODY")) == "user_not_found"
    await client.conversations_setTopic(channel=made, topic="SEV2 & <more>")
    assert (await client.conversations_info(channel=made))["channel"]["topic"]["value"] == "SEV2 & <more>"
    ts = (await client.chat_postMessage(channel=made, text="card"))["ts"]
    await client.pins_add(channel=made, timestamp=ts)
    assert await error_of(client.pins_add(channel=made, timestamp=ts)) == "already_pinned"
    await client.bookmarks_add(channel_id=made, title="Timeline", type="link", link="https://example.com")
    assert (await client.conversations_members(channel=made))["members"] == ["U0BOT", "U0DANA", "U0LEE"]
    channel = next(one for one in await slack.channels() if one["id"] == made)
    assert channel["pins"] == [ts]
    assert channel["bookmarks"][0]["title"] == "Timeline"
    await client.conversations_archive(channel=made)
    assert await error_of(client.chat_postMessage(channel=made, text="x")) == "is_archived"


async def test_where_the_bot_is_not(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Public channels can be posted to with chat:write.public, joined, but not read from outside."""
    general = "C0GENERAL"
    await client.chat_postMessage(channel="#general", text="hello")
    assert await error_of(client.conversations_history(channel=general)) == "not_in_channel"
    await slack.set_scopes(remove=["chat:write.public"])
    assert await error_of(client.chat_postMessage(channel=general, text="x")) == "not_in_channel"
    await client.conversations_join(channel=general)
    await client.chat_postMessage(channel=general, text="now")
    assert await error_of(client.chat_postMessage(channel="C0NOWHERE", text="x")) == "channel_not_found"


async def test_direct_messages(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """A user id as channel, and conversations.open, lead to the same direct message."""
    posted = await client.chat_postMessage(channel="U0DANA", text="you are paged")
    opened = await client.conversations_open(users="U0DANA")
    assert opened["channel"]["id"] == posted["channel"]
    assert [one["text"] for one in await slack.mentions("@dana")] == ["you are paged"]
    assert await slack.mentions("@lee") == []
    assert await error_of(client.conversations_open(users="U0GONE")) == "user_disabled"


async def test_reactions(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Add once, read, remove once."""
    ts = (await slack.post("@dana", HERE, "look"))["ts"]
    await client.reactions_add(channel=HERE, timestamp=ts, name="pushpin")
    again = client.reactions_add(channel=HERE, timestamp=ts, name="pushpin")
    assert await error_of(again) == "already_reacted"
    got = await client.reactions_get(channel=HERE, timestamp=ts)
    assert got["message"]["reactions"] == [{"name": "pushpin", "users": ["U0BOT"], "count": 1}]
    await client.reactions_remove(channel=HERE, timestamp=ts, name="pushpin")
    gone = client.reactions_remove(channel=HERE, timestamp=ts, name="pushpin")
    assert await error_of(gone) == "no_reaction"


async def test_people(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Guests, leavers, strangers and bots are told apart; groups and do-not-disturb can be read."""
    assert (await client.users_info(user="U0GUEST"))["user"]["is_restricted"]
    assert (await client.users_info(user="U0GONE"))["user"]["deleted"]
    assert (await client.users_info(user="U0EVE"))["user"]["is_stranger"]
    assert (await client.users_info(user="U0BOT"))["user"]["is_bot"]
    assert await error_of(client.users_info(user="U0NOBODY")) == "user_not_found"
    assert (await client.users_lookupByEmail(email="DANA@example.com"))["user"]["id"] == "U0DANA"
    assert await error_of(client.users_lookupByEmail(email="gone@example.com")) == "users_not_found"
    assert "U0EVE" not in [one["id"] for one in (await client.users_list())["members"]]
    group = (await client.usergroups_list(include_users=True))["usergroups"][0]
    assert (await client.usergroups_users_list(usergroup=group["id"]))["users"] == group["users"]
    assert not (await client.dnd_info(user="U0DANA"))["dnd_enabled"]
    await slack.snooze("@dana", 4_000_000_000)
    assert (await client.dnd_info(user="U0DANA"))["next_dnd_end_ts"] == 4_000_000_000
    assert (await client.team_info())["team"]["id"] == "T0PULLCORD"


async def test_ephemeral_messages_are_seen_by_one(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Not in history, not for others; only for members."""
    await client.chat_postEphemeral(channel=HERE, user="U0DANA", text="only you")
    assert [one["text"] for one in await slack.ephemerals("@dana", HERE)] == ["only you"]
    assert await slack.ephemerals("@lee", HERE) == []
    assert (await client.conversations_history(channel=HERE))["messages"] == []
    made = (await client.conversations_create(name="alone"))["channel"]["id"]
    outside = client.chat_postEphemeral(channel=made, user="U0LEE", text="x")
    assert await error_of(outside) == "user_not_in_channel"


async def test_permalink_leads_to_the_page(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """The link opens this workspace's own page."""
    ts = (await client.chat_postMessage(channel=HERE, text="x"))["ts"]
    link = (await client.chat_getPermalink(channel=HERE, message_ts=ts))["permalink"]
    assert link == f"{slack.origin}/archives/{HERE}/p{ts.replace('.', '')}"
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as http:
        assert (await http.get(link)).status_code == 200


async def test_tokens_and_scopes(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Each way to be refused at the door has Slack's own error."""
    assert (await client.auth_test())["bot_id"] == "B0BOT"
    assert await error_of(AsyncWebClient(base_url=slack.base_url).auth_test()) == "not_authed"
    assert await error_of(AsyncWebClient("xoxb-wrong", slack.base_url).auth_test()) == "invalid_auth"
    assert await error_of(client.api_call("apps.connections.open")) == "not_allowed_token_type"
    assert await error_of(client.api_call("chat.shout")) == "unknown_method"
    await slack.set_scopes(remove=["pins:write"])
    with pytest.raises(SlackApiError) as refused:
        await client.pins_add(channel=HERE, timestamp="1700000000.000001")
    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "pins:write"
    assert "pins:write" not in refused.value.response["provided"].split(",")
    await slack.set_scopes(add=["pins:write"])
    late = client.pins_add(channel=HERE, timestamp="1700000000.000001")
    assert await error_of(late) == "message_not_found"


async def test_arguments_in_query_form_or_json(slack: SlackSandbox) -> None:
    """Slack takes all three, blocks as JSON text too."""
    headers = {"authorization": f"Bearer {slack.bot_token}"}
    values = {"channel": HERE, "text": "x", "blocks": json.dumps([section("y")])}
    async with httpx.AsyncClient(base_url=slack.base_url, headers=headers, trust_env=False) as http:
        for sent in ({"params": values}, {"data": values}, {"json": values}):
            answer = (await http.post("chat.postMessage", **sent)).json()  # type: ignore[arg-type]
            assert answer["ok"], answer
        assert (await http.get("auth.test")).json()["ok"]
        bad = await http.post("chat.postMessage", content=b"{", headers={"content-type": "application/json"})
        assert bad.json()["error"] == "invalid_json"


async def test_what_is_live_in_a_message(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Mentions and links are found where Slack reads markup, and not where text was escaped or is rich text."""
    blocks = [section("<@U0DANA> <!here> <https://evil.example|good> &lt;!channel&gt;"), CARD[-1]]
    ts = (await client.chat_postMessage(channel=HERE, text="<!subteam^S0SRE> hi", blocks=blocks))["ts"]
    live = await slack.references(HERE, ts)
    assert live == {
        "users": ["U0DANA"],
        "groups": ["S0SRE"],
        "broadcasts": ["here"],
        "channels": [],
        "links": ["https://evil.example"],
    }
    assert [one["ts"] for one in await slack.mentions("@lee")] == [ts]


async def test_calls_are_recorded(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Tests can count calls and read their arguments; tokens are not kept whole."""
    await client.chat_postMessage(channel=HERE, text="x", blocks=[{"type": "section", "text": mrkdwn("y")}])
    (call,) = await slack.calls("chat.postMessage")
    assert call["args"]["text"] == "x"
    assert call["ok"]
    assert call["token"] == "xoxb-"
    assert slack.bot_token not in json.dumps(call)
