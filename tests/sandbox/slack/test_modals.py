"""Modals with a real Bolt app: opened in time, checked, refused, updated, stacked, closed."""

import asyncio
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import DriveError, SlackSandbox
from tests.sandbox.slack.conftest import Socket, post_card
from tests.sandbox.slack.shapes import actions, button, field, modal, option, plain, section, select, text_input

HERE = "C0INCIDENTS"


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
