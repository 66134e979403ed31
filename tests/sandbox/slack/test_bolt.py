"""A real Bolt app over Socket Mode: clicks, commands, shortcuts, response URLs, and no answer at all."""

import asyncio
from typing import Any

import httpx
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import DriveError, SandboxClient, SlackSandbox
from tests.sandbox.slack.conftest import Socket, post_card
from tests.sandbox.slack.shapes import section

HERE = "C0INCIDENTS"


async def test_a_click_arrives_as_slack_sends_it(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """Body of block_actions: who, where, which element, its message; acked within the limit."""
    heard: list[dict[str, Any]] = []

    @app.action("revoke")
    async def revoke(ack: Any, body: dict[str, Any]) -> None:
        heard.append(body)
        await ack()

    await socket.connect()
    ts = await post_card(client)
    outcome = await slack.click("@dana", "#incidents", ts, "revoke")
    assert outcome["acked"]
    assert not outcome["timed_out"]
    assert outcome["confirm"]["confirm"]["text"] == "Do"
    (body,) = heard
    assert body["user"] == {"id": "U0DANA", "username": "dana", "name": "dana", "team_id": "T0PULLCORD"}
    assert body["container"] == {"type": "message", "message_ts": ts, "channel_id": HERE, "is_ephemeral": False}
    assert body["channel"] == {"id": HERE, "name": "incidents"}
    assert body["message"]["ts"] == ts
    action = body["actions"][0]
    assert (action["action_id"], action["block_id"], action["value"], action["type"], action["style"]) == (
        "revoke",
        "lifecycle",
        "INC-42",
        "button",
        "danger",
    )


async def test_menus_and_state(slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket) -> None:
    """Selects and overflows carry selected_option; state.values remembers what this person picked."""
    heard: list[dict[str, Any]] = []

    @app.action("pick")
    @app.action("more")
    async def any_of_them(ack: Any, body: dict[str, Any]) -> None:
        heard.append(body)
        await ack()

    await socket.connect()
    ts = await post_card(client)
    await slack.click("@dana", HERE, ts, "pick", "b")
    await slack.click("@dana", HERE, ts, "more", "eval")
    await slack.click("@lee", HERE, ts, "more", "pause")
    assert heard[0]["actions"][0]["selected_option"]["value"] == "b"
    assert heard[1]["actions"][0]["selected_option"]["value"] == "eval"
    assert heard[1]["state"]["values"]["containment"]["pick"]["selected_option"]["value"] == "b"
    assert heard[2]["state"]["values"]["containment"]["pick"]["selected_option"] is None
    with pytest.raises(DriveError, match="no option with the value 'z'; it offers 'a', 'b'"):
        await slack.click("@dana", HERE, ts, "pick", "z")


async def test_people_cannot_press_what_is_not_there(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """A missing button is refused with what there is; a stale screen may still press what it showed."""
    heard: list[str] = []

    @app.action("ack")
    async def acknowledge(ack: Any, body: dict[str, Any]) -> None:
        heard.append(body["user"]["id"])
        await ack()

    await socket.connect()
    ts = await post_card(client)
    await client.chat_update(channel=HERE, ts=ts, text="done", blocks=[section("done")])
    with pytest.raises(DriveError, match="no element 'ack'"):
        await slack.click("@dana", HERE, ts, "ack")
    await slack.click("@dana", HERE, ts, "ack", stale=True)
    assert heard == ["U0DANA"]
    with pytest.raises(DriveError, match="deactivated"):
        await slack.click("@gone", HERE, ts, "ack", stale=True)


async def test_no_answer_in_time_is_seen_by_the_person(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """Nothing acked: timed_out, and the client says so. Nobody connected: at once."""

    @app.action("ack")
    async def never(_context: Any) -> None:
        await asyncio.sleep(1.5)

    ts = await post_card(client)
    alone = await slack.click("@dana", HERE, ts, "ack")
    assert (alone["acked"], alone["error"]) == (False, "dispatch_failed")
    await socket.connect()
    late = await slack.click("@dana", HERE, ts, "ack")
    assert late["timed_out"]
    assert "didn’t respond" in late["shown"]
    assert late["ms"] >= 1000
    assert [one["timed_out"] for one in await slack.interactions()] == [False, True]
    command = await slack.slash("@dana", HERE, "/pullcord", "help")
    assert command["shown"] == "/pullcord failed with the error “operation_timeout”"


async def test_slash_commands(slack: SlackSandbox, app: AsyncApp, socket: Socket) -> None:
    """Text in the ack is shown to the person only; in_channel to all; bad blocks are refused visibly."""

    @app.command("/pullcord")
    async def pullcord(ack: Any, command: dict[str, Any]) -> None:
        if command["text"] == "loud":
            await ack(text="for all", response_type="in_channel")
        elif command["text"] == "broken":
            await ack(text="x", blocks=[section("x" * 3001)])
        else:
            await ack(f"{command['user_name']} in {command['channel_name']}: {command['text']}")

    await socket.connect()
    assert (await slack.slash("@dana", HERE, "/pullcord", "help"))["acked"]
    assert [one["text"] for one in await slack.ephemerals("@dana", HERE)] == ["dana in incidents: help"]
    await slack.slash("@dana", HERE, "/pullcord", "loud")
    assert (await slack.messages(HERE))[-1]["text"] == "for all"
    broken = await slack.slash("@dana", HERE, "/pullcord", "broken")
    assert broken["error"] == "invalid_blocks"
    assert broken["shown"]


async def test_respond_replaces_or_adds(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """A response URL works five times and can replace, add for one, add for all, delete."""
    urls: list[str] = []

    @app.action("ack")
    async def acknowledge(ack: Any, respond: Any, body: dict[str, Any]) -> None:
        urls.append(body["response_url"])
        await respond("only you", replace_original=False, response_type="ephemeral")
        await respond("everyone", replace_original=False, response_type="in_channel")
        await respond(text="replaced", replace_original=True)
        await respond(delete_original=True)
        await ack()

    await socket.connect()
    ts = await post_card(client)
    await slack.click("@dana", HERE, ts, "ack")
    assert [one["text"] for one in await slack.ephemerals("@dana", HERE)] == ["only you"]
    assert [one["text"] for one in await slack.messages(HERE)] == ["everyone"]
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(urls[0], json={"text": "five"})).text == "ok"
        sixth = await http.post(urls[0], json={"text": "six"})
    assert (sixth.status_code, sixth.json()["error"]) == (404, "used_url")


async def test_shortcuts(slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket) -> None:
    """Message shortcuts carry the message, global ones do not."""
    heard: list[dict[str, Any]] = []

    @app.shortcut("note")
    async def note(ack: Any, body: dict[str, Any]) -> None:
        heard.append(body)
        await ack()

    await socket.connect()
    ts = await post_card(client)
    assert (await slack.shortcut("@mo", "note", HERE, ts))["acked"]
    assert (await slack.shortcut("@mo", "note"))["acked"]
    assert [one["type"] for one in heard] == ["message_action", "shortcut"]
    assert heard[0]["message"]["ts"] == ts


async def test_a_guest_and_a_stranger_are_told_apart_in_payloads(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """The acting person's team is in the payload, so that an app can refuse a person of another workspace."""
    teams: list[str] = []

    @app.action("ack")
    async def acknowledge(ack: Any, body: dict[str, Any]) -> None:
        teams.append(body["user"]["team_id"])
        await ack()

    await socket.connect()
    ts = await post_card(client)
    await slack.click("@gus", HERE, ts, "ack")
    await slack.click("@eve", HERE, ts, "ack")
    assert teams == ["T0PULLCORD", "T0OTHER"]


async def test_driving_from_another_process(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """The HTTP client has the same methods, the same answers and the same refusals."""

    @app.action("ack")
    async def acknowledge(ack: Any) -> None:
        await ack()

    await socket.connect()
    async with SandboxClient(slack.origin) as remote:
        assert remote.bot_token == slack.bot_token
        ts = await post_card(client)
        found = await remote.wait_for_message("#incidents", "cannot be undone")
        assert found["ts"] == ts
        assert (await remote.click("@dana", "#incidents", ts, "ack"))["acked"]
        assert await remote.elements("#incidents", ts) == await slack.elements("#incidents", ts)
        with pytest.raises(DriveError, match="no element 'nope'"):
            await remote.click("@dana", "#incidents", ts, "nope")
        with pytest.raises(DriveError, match=r"no message with 'never' in #incidents after 0\.2 s"):
            await remote.wait_for_message("#incidents", "never", timeout=0.2)


async def test_a_manifest_grants_what_it_asks_for(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Registered from its manifest, the app has those scopes and commands and no others."""
    await slack.register(
        {
            "oauth_config": {"scopes": {"bot": ["chat:write", "commands"]}},
            "features": {"slash_commands": [{"command": "/pullcord"}]},
            "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}},
        }
    )
    await client.chat_postMessage(channel=HERE, text="x")
    with pytest.raises(SlackApiError, match="missing_scope"):
        await client.conversations_create(name="x")
    assert (await slack.slash("@dana", HERE, "/other", ""))["shown"] == "/other is not a valid command."
