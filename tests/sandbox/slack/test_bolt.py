"""A real Bolt app over Socket Mode: clicks, modals, commands, shortcuts, events, and no answer at all."""

import asyncio
from typing import Any

import httpx
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import DriveError, SandboxClient, SlackSandbox
from tests.sandbox.slack.conftest import Socket
from tests.sandbox.slack.shapes import CARD, actions, button, field, modal, option, plain, section, select, text_input
from tests.support.waiting import wait_until

HERE = "C0INCIDENTS"


async def post_card(client: AsyncWebClient) -> str:
    """Post the sample card; returns its ts."""
    return str((await client.chat_postMessage(channel=HERE, text="card", blocks=CARD))["ts"])


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


async def test_a_modal_from_click_to_submission(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """Open with the trigger, refused by Slack's own checks, by the app's errors, updated, then closed."""
    submitted: list[dict[str, Any]] = []
    form = modal(field(text_input(min_length=3), "why"), field(select(), "which", optional=True))

    @app.action("ack")
    async def acknowledge(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=form)
        await ack()

    @app.view("form")
    async def submit(ack: Any, view: dict[str, Any]) -> None:
        submitted.append(view["state"]["values"])
        said = view["state"]["values"]["why"]["why"]["value"]
        if said == "wrong":
            await ack(response_action="errors", errors={"why": "say more"})
        elif said == "again":
            await ack(response_action="update", view=form | {"title": plain("Again")})
        else:
            await ack()

    await socket.connect()
    ts = await post_card(client)
    await slack.click("@dana", HERE, ts, "ack")
    (view,) = await slack.views("@dana")
    assert await slack.views("@lee") == []
    assert "why" in (await slack.submit_view("@dana", view["id"], {}))["errors"]
    assert "at least 3" in (await slack.submit_view("@dana", view["id"], {"why": "ab"}))["errors"]["why"]
    assert submitted == []
    assert (await slack.submit_view("@dana", view["id"], {"why": "wrong"}))["errors"] == {"why": "say more"}
    assert (await slack.views("@dana"))[0]["errors"] == {"why": "say more"}
    await slack.submit_view("@dana", view["id"], {"why": "again"})
    (updated,) = await slack.views("@dana")
    assert updated["title"]["text"] == "Again"
    assert updated["id"] == view["id"]
    assert updated["hash"] != view["hash"]
    done = await slack.submit_view("@dana", view["id"], {"why": {"why": "because"}, "pick": "b"})
    assert done["acked"]
    assert submitted[-1]["why"]["why"] == {"type": "plain_text_input", "value": "because"}
    assert submitted[-1]["which"]["pick"]["selected_option"]["value"] == "b"
    assert await slack.views("@dana") == []
    with pytest.raises(DriveError, match="has no view"):
        await slack.submit_view("@dana", view["id"], {"why": "late"})


async def test_trigger_ids_are_short_lived_and_used_once(
    client: AsyncWebClient, app: AsyncApp, socket: Socket, slack: SlackSandbox
) -> None:
    """A second views.open with it is exchanged_trigger_id, one after 3 s expired_trigger_id."""
    triggers: list[str] = []

    @app.action("ack")
    async def acknowledge(ack: Any, body: dict[str, Any]) -> None:
        triggers.append(body["trigger_id"])
        await ack()

    await socket.connect()
    ts = await post_card(client)
    view = modal(section())
    await slack.click("@dana", HERE, ts, "ack")
    opened = await client.views_open(trigger_id=triggers[0], view=view)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=triggers[0], view=view)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=opened["view"]["id"], view=view, hash="old")
    await client.views_update(view_id=opened["view"]["id"], view=view, hash=opened["view"]["hash"])
    await slack.click("@dana", HERE, ts, "ack")
    await asyncio.sleep(3.05)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=triggers[1], view=view)


async def test_three_modals_deep_and_cleared(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """Push stacks to three; view_closed is told only where asked; clear closes all."""
    closed: list[tuple[str, bool]] = []

    @app.action("deeper")
    @app.action("ack")
    async def deeper(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        view = modal(section(accessory=button("deeper")), notify_on_close=True)
        opener = client.views_push if "view" in body else client.views_open
        try:
            await opener(trigger_id=body["trigger_id"], view=view)
        except SlackApiError as refused:
            closed.append((refused.response["error"], False))
        await ack()

    @app.view_closed("form")
    async def view_closed(ack: Any, body: dict[str, Any]) -> None:
        closed.append((body["view"]["id"], body["is_cleared"]))
        await ack()

    await socket.connect()
    await slack.click("@dana", HERE, await post_card(client), "ack")
    for _ in range(3):
        top = (await slack.views("@dana"))[-1]
        await slack.click_view("@dana", top["id"], "deeper")
    stack = await slack.views("@dana")
    assert len(stack) == 3
    assert stack[2]["previous_view_id"] == stack[1]["id"]
    assert stack[2]["root_view_id"] == stack[0]["id"]
    assert closed == [("push_limit_reached", False)]
    await slack.close_view("@dana", stack[2]["id"])
    assert closed[-1] == (stack[2]["id"], False)
    await slack.close_view("@dana", stack[1]["id"], clear=True)
    assert await slack.views("@dana") == []
    assert [cleared for _, cleared in closed[-2:]] == [True, True]


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


async def test_events(slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket) -> None:
    """Reactions, mentions, messages and joins reach the app, with ids, where the bot is a member."""
    heard: list[tuple[str, str]] = []

    @app.event("reaction_added")
    @app.event("app_mention")
    @app.event("member_joined_channel")
    @app.event("message")
    async def any_event(event: dict[str, Any], body: dict[str, Any]) -> None:
        heard.append((event["type"], body["event_id"]))

    await socket.connect()
    outside = await slack.post("@dana", "#general", "the bot is not here @pullcord")
    await slack.react("@dana", "#general", outside["ts"], "eyes")
    posted = await slack.post("@dana", HERE, "hey @pullcord")
    assert posted["text"] == "hey <@U0BOT>"
    await slack.react("@lee", HERE, posted["ts"], ":pushpin:")
    await client.conversations_join(channel="C0GENERAL")
    await wait_until(lambda: len(heard) >= 4)
    assert {kind for kind, _ in heard} == {"message", "app_mention", "reaction_added", "member_joined_channel"}
    assert len({event_id for _, event_id in heard}) == len(heard)
    await slack.repeat_event(heard[0][1])
    again = len(heard)
    await wait_until(lambda: len(heard) > again)
    assert [event_id for _, event_id in heard].count(heard[0][1]) == 2


async def test_events_are_retried_until_acked(slack: SlackSandbox, app: AsyncApp, socket: Socket) -> None:
    """Nobody connected: tried again a second later, as retry 1, and acked then."""
    heard: list[Any] = []

    @app.event("app_mention")
    async def mention(request: Any) -> None:
        heard.append(request.headers.get("x-slack-retry-num"))

    @app.event("message")
    async def message() -> None:
        """Bolt acks it."""

    await slack.post("@dana", HERE, "@pullcord are you there")
    await socket.connect()
    await wait_until(lambda: bool(heard))
    assert heard == [["1"]]

    async def acked() -> bool:
        return all(one["acked"] and one["attempts"] == 2 for one in await slack.events())

    await wait_until(acked)


async def test_the_app_follows_when_sockets_are_recycled(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """refresh_requested makes the SDK open a new socket; clicks work on it."""

    @app.action("ack")
    async def acknowledge(ack: Any) -> None:
        await ack()

    await socket.connect()
    assert await slack.disconnect_sockets("refresh_requested") == 1
    await slack.wait_connected()
    ts = await post_card(client)
    assert (await slack.click("@dana", HERE, ts, "ack"))["acked"]


async def test_each_payload_goes_to_one_of_many_sockets(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """Two replicas: every click is answered once, and both get some."""
    seen: list[str] = []
    second_app = AsyncApp(client=client)

    @app.action("ack")
    async def first(ack: Any) -> None:
        seen.append("first")
        await ack()

    @second_app.action("ack")
    async def second(ack: Any) -> None:
        seen.append("second")
        await ack()

    other = Socket(slack, second_app)
    await socket.connect()
    await other.connect()
    ts = await post_card(client)
    for _ in range(40):
        await slack.click("@dana", HERE, ts, "ack")
    await other.close()
    assert len(seen) == 40
    assert set(seen) == {"first", "second"}


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


async def test_multi_selects_and_checkboxes_in_a_modal(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """Lists of values come back as lists of options or ids."""
    values: list[dict[str, Any]] = []
    form = modal(
        field({"type": "checkboxes", "action_id": "boxes", "options": [option("a"), option("b")]}, "boxes"),
        field({"type": "multi_users_select", "action_id": "who"}, "who"),
        field({"type": "number_input", "action_id": "n", "is_decimal_allowed": False, "max_value": "9"}, "n"),
        field({"type": "datepicker", "action_id": "day"}, "day"),
    )

    @app.action("ack")
    async def acknowledge(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=form)
        await ack()

    @app.view("form")
    async def submit(ack: Any, view: dict[str, Any]) -> None:
        values.append(view["state"]["values"])
        await ack(response_action="clear")

    await socket.connect()
    posted = await client.chat_postMessage(channel=HERE, text="x", blocks=[actions(button())])
    await slack.click("@dana", HERE, posted["ts"], "ack")
    (view,) = await slack.views("@dana")
    given = {"boxes": ["a", "b"], "who": ["U0LEE"], "n": "10", "day": "soon"}
    refused = await slack.submit_view("@dana", view["id"], given)
    assert refused["errors"] == {"n": "Must be 9 or less.", "day": "Must be a date as YYYY-MM-DD."}
    await slack.submit_view("@dana", view["id"], given | {"n": "9", "day": "2026-11-23"})
    assert [one["value"] for one in values[0]["boxes"]["boxes"]["selected_options"]] == ["a", "b"]
    assert values[0]["who"]["who"]["selected_users"] == ["U0LEE"]
    assert values[0]["n"]["n"]["value"] == "9"
    assert values[0]["day"]["day"]["selected_date"] == "2026-11-23"
