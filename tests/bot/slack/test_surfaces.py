"""Modals that change while they are open, what is said inside them, Home tabs, and buttons only one person sees."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from bot.errors import Refused
from bot.plugin import (
    Click,
    FieldErrors,
    Interaction,
    Kind,
    OpenModal,
    Quiet,
    Reply,
    Say,
    Services,
    ShowHome,
    UpdateModal,
)
from bot.slack import texts
from bot.slack.surfaces import noted
from bot.timeline.store import Store
from sandbox.slack.blockkit import check_view
from sandbox.slack.driver import DriveError
from sandbox.slack.server import SlackSandbox
from tests.bot.slack.over_http import Replica, a_replica
from tests.support.waiting import wait_until

HERE = "C0INCIDENTS"


def text(said: str) -> dict[str, Any]:
    """A plain_text object."""
    return {"type": "plain_text", "text": said}


def button(action_id: str, value: str = "v") -> dict[str, Any]:
    """A button."""
    return {"type": "button", "action_id": action_id, "text": text(action_id), "value": value}


def form(shown: str = "", callback_id: str = "form") -> dict[str, Any]:
    """A modal with a field, three buttons and perhaps a preview."""
    field = {"type": "plain_text_input", "action_id": "limit"}
    blocks: list[dict[str, Any]] = [
        {"type": "input", "block_id": "limit", "label": text("Limit"), "element": field},
        {"type": "actions", "elements": [button(name) for name in ("preview", "refuse", "deeper", "fields")]},
    ]
    if shown:
        blocks.append({"type": "section", "text": text(shown)})
    modal = {"type": "modal", "callback_id": callback_id, "title": text("Bound"), "submit": text("Do")}
    return {**modal, "private_metadata": "of_1", "blocks": blocks}


class Desk:
    """The interactions of these tests, and what they heard."""

    def __init__(self) -> None:
        self.clicks: list[Click] = []

    async def open(self, click: Click, services: Services) -> Reply:
        """Opens the form."""
        return OpenModal(form())

    async def preview(self, click: Click, services: Services) -> Reply:
        """Shows what the form would do as it stands."""
        self.clicks.append(click)
        return UpdateModal(form(f"from 500 to {click.values.get('limit')}"))

    async def refuse(self, click: Click, services: Services) -> Reply:
        """Says no."""
        raise Refused("Only a commander may.", who_may="<@U0LEE> may.")

    async def fields(self, click: Click, services: Services) -> Reply:
        """Says what is wrong with a field."""
        return FieldErrors({"limit": "The limit is over <5,000>."})

    async def submit(self, click: Click, services: Services) -> Reply:
        """A second look before the deed."""
        self.clicks.append(click)
        return UpdateModal(form("are you sure?", "sure"))

    async def sure(self, click: Click, services: Services) -> Reply:
        """Done."""
        self.clicks.append(click)
        return Quiet()

    async def ask(self, click: Click, services: Services) -> Reply:
        """A refusal with a button, for the clicker alone."""
        said: Any = {"type": "section", "text": text("Only a commander may.")}
        row: Any = {"type": "actions", "elements": [button("asked", "of_9")]}
        return Say("Only a commander may.", [said, row])

    async def asked(self, click: Click, services: Services) -> Reply:
        """The button in it."""
        self.clicks.append(click)
        return Say(f"Asked for {click.value}.")

    async def home(self, click: Click, services: Services) -> Reply:
        """The Home tab."""
        self.clicks.append(click)
        if click.event.get("tab") != "home":
            return Quiet()
        said: Any = {"type": "section", "text": text("all quiet")}
        return ShowHome([said] * 107)

    def all(self) -> list[Interaction]:
        """Each of them."""
        buttons = {"open": self.open, "preview": self.preview, "refuse": self.refuse, "fields": self.fields}
        buttons |= {"deeper": self.open, "ask": self.ask, "asked": self.asked}
        made = [Interaction(id=i, kind=Kind.BUTTON, run=r, help="", module="tests") for i, r in buttons.items()]
        views = {"form": self.submit, "sure": self.sure}
        made += [Interaction(id=i, kind=Kind.VIEW, run=r, help="", module="tests") for i, r in views.items()]
        return [*made, Interaction(id="app_home_opened", kind=Kind.EVENT, run=self.home, help="", module="tests")]


@pytest.fixture
def desk() -> Desk:
    """Nothing heard."""
    return Desk()


@pytest_asyncio.fixture
async def replica(slack: SlackSandbox, store: Store, desk: Desk) -> AsyncIterator[Replica]:
    """A bot in HTTP mode that the workspace delivers to."""
    async with a_replica(slack, store, desk.all()) as running:
        await slack.deliver_to(running.url)
        yield running


async def card(slack: SlackSandbox, replica: Replica) -> str:
    """Post a message with the buttons; its ts."""
    client = replica.parts.client
    assert client is not None
    row = {"type": "actions", "elements": [button("open"), button("ask")]}
    return str((await client.call("chat.postMessage", channel=HERE, text="card", blocks=[row]))["ts"])


async def opened(slack: SlackSandbox, replica: Replica) -> dict[str, Any]:
    """Dana opened the form."""
    await slack.click("dana", HERE, await card(slack, replica), "open")
    (view,) = await slack.views("dana")
    return dict(view)


async def test_a_button_in_a_modal_changes_it_in_place_and_what_was_typed_stays(
    slack: SlackSandbox, replica: Replica, desk: Desk
) -> None:
    """The click carries the view, its metadata and its fields as they stand."""
    view = await opened(slack, replica)
    await slack.click_view("dana", view["id"], "limit", "250")
    await slack.click_view("dana", view["id"], "preview")
    (shown,) = await slack.views("dana")
    assert "from 500 to 250" in json.dumps(shown["blocks"])
    assert shown["state"]["values"]["limit"]["limit"]["value"] == "250"
    (click,) = desk.clicks
    assert (click.view, click.surface, click.metadata) == (view["id"], "modal", "of_1")
    assert click.values["limit"] == "250"
    assert click.channel is None


async def test_what_is_said_to_a_press_in_a_modal_stands_in_it(slack: SlackSandbox, replica: Replica) -> None:
    """A message would be hidden behind it. A later sentence takes the place of the one before."""
    view = await opened(slack, replica)
    await slack.click_view("dana", view["id"], "limit", "9000")
    await slack.click_view("dana", view["id"], "refuse")
    (shown,) = await slack.views("dana")
    assert "Only a commander may. <@U0LEE> may." in shown["blocks"][0]["text"]["text"]
    await slack.click_view("dana", view["id"], "fields")
    (shown,) = await slack.views("dana")
    assert "The limit is over &lt;5,000&gt;." in shown["blocks"][0]["text"]["text"]
    assert "commander" not in json.dumps(shown["blocks"])
    assert len(shown["blocks"]) == 3
    assert shown["state"]["values"]["limit"]["limit"]["value"] == "9000"
    assert (shown["private_metadata"], shown["callback_id"]) == ("of_1", "form")
    assert await slack.calls("chat.postMessage") == (await slack.calls("chat.postMessage"))[:1]


async def test_a_modal_opened_from_a_modal_is_stacked_on_it(slack: SlackSandbox, replica: Replica) -> None:
    """Closing it leads back; a fourth is said to be too many, in the modal."""
    view = await opened(slack, replica)
    await slack.click_view("dana", view["id"], "deeper")
    stack = await slack.views("dana")
    assert [one["previous_view_id"] for one in stack] == [None, view["id"]]
    await slack.click_view("dana", stack[-1]["id"], "deeper")
    top = (await slack.views("dana"))[-1]
    await slack.click_view("dana", top["id"], "deeper")
    assert len(await slack.views("dana")) == 3

    async def told() -> bool:
        direct = await slack.messages("dana")
        return any("push_limit_reached" in one["text"] for one in direct)

    await wait_until(told)


async def test_a_submission_may_show_the_next_step_in_the_same_modal(
    slack: SlackSandbox, replica: Replica, desk: Desk
) -> None:
    """Two submissions of one view with two callbacks are two interactions; the second closes it."""
    view = await opened(slack, replica)
    made = await slack.submit_view("dana", view["id"], {"limit": "250"})
    assert made["response"]["response_action"] == "update"
    (shown,) = await slack.views("dana")
    assert shown["id"] == view["id"]
    await slack.submit_view("dana", view["id"], {"limit": "250"})
    assert await slack.views("dana") == []
    assert [click.id for click in desk.clicks] == ["form", "sure"]
    assert len({click.key for click in desk.clicks}) == 2


async def test_a_modal_that_changed_since_is_left_as_the_later_press_made_it(
    slack: SlackSandbox, replica: Replica
) -> None:
    """The press of an old screen is answered, and nothing newer is overwritten by it."""
    view = await opened(slack, replica)
    await slack.click_view("dana", view["id"], "limit", "1")
    await slack.click_view("dana", view["id"], "preview")
    payload = (await slack.deliveries("interactive"))[-1]["payload"]
    await slack.click_view("dana", view["id"], "limit", "2")
    await slack.click_view("dana", view["id"], "preview")
    old = payload | {"actions": [payload["actions"][0] | {"action_ts": "9.9"}]}
    assert (await slack.deliver("interactive", old))["acked"]
    (shown,) = await slack.views("dana")
    assert "from 500 to 2" in json.dumps(shown["blocks"])
    assert await slack.ephemerals("dana", HERE) == []


async def test_a_modal_that_was_closed_meanwhile_ends_in_a_sentence(slack: SlackSandbox, replica: Replica) -> None:
    """Told as a message, since there is no modal to say it in."""
    view = await opened(slack, replica)
    await slack.click_view("dana", view["id"], "refuse")
    payload = (await slack.deliveries("interactive"))[-1]["payload"]
    await slack.close_view("dana", view["id"])
    with pytest.raises(DriveError, match="no view"):
        await slack.click_view("dana", view["id"], "refuse")
    late = payload | {"actions": [payload["actions"][0] | {"action_ts": "9.9"}]}
    assert (await slack.deliver("interactive", late))["acked"]

    async def told() -> bool:
        return any("Only a commander may." in one["text"] for one in await slack.messages("dana"))

    await wait_until(told)


async def test_a_button_that_only_one_person_sees_can_be_pressed(
    slack: SlackSandbox, replica: Replica, desk: Desk
) -> None:
    """A refusal offers "Ask"; its payload has no message, and the answer comes where the person is looking."""
    await slack.click("dana", HERE, await card(slack, replica), "ask")

    async def offered() -> bool:
        return bool(await slack.ephemerals("dana", HERE))

    await wait_until(offered)
    (shown,) = await slack.ephemerals("dana", HERE)
    assert shown["text"] == "Only a commander may."
    assert await slack.ephemerals("lee", HERE) == []
    made = await slack.click("dana", HERE, shown["ts"], "asked")
    assert made["acked"]
    payload = (await slack.deliveries("interactive"))[-1]["payload"]
    assert "message" not in payload
    (click,) = desk.clicks
    assert (click.value, click.channel, click.message_ts) == ("of_9", HERE, shown["ts"])

    async def answered() -> bool:
        return any("Asked for of_9." in one["text"] for one in await slack.ephemerals("dana", HERE))

    await wait_until(answered)
    with pytest.raises(DriveError, match="no message"):
        await slack.click("lee", HERE, shown["ts"], "asked")


async def test_the_home_tab_is_published_to_whoever_opened_it_within_slacks_blocks(
    slack: SlackSandbox, replica: Replica, desk: Desk
) -> None:
    """Opening the other tab publishes nothing. What is too long for Slack is cut, not refused."""
    await slack.open_home("dana", "messages")
    await slack.open_home("dana")
    view = await slack.wait_for_home("dana", "all quiet")
    assert len(view["blocks"]) == 100
    assert len(await slack.calls("views.publish")) == 1
    assert await slack.home("lee") is None


async def test_a_home_tab_that_slack_refuses_is_said(slack: SlackSandbox, replica: Replica) -> None:
    """A click is never silently ignored, nor is opening the tab."""
    await slack.fault("views.publish", "ok_false", error="not_enabled")
    await slack.open_home("dana")

    async def told() -> bool:
        return any("not_enabled" in one["text"] for one in await slack.messages("dana"))

    await wait_until(told)


@pytest.mark.parametrize("view", [{}, {"type": "modal", "blocks": None}, {"type": "modal", "blocks": ["x", 7]}])
def test_a_note_survives_a_view_of_any_shape(view: Mapping[str, Any]) -> None:
    """It comes from outside."""
    assert noted(view, "no")["blocks"]


def test_a_note_keeps_a_view_that_slack_takes() -> None:
    """What Slack adds to a view is not sent back; a hundred blocks stay a hundred."""
    sent = form() | {"id": "V1", "hash": "h", "state": {"values": {}}, "team_id": "T", "bot_id": "B", "app_id": "A"}
    sent["blocks"] = [*sent["blocks"], *({"type": "divider"} for _ in range(98))]
    assert check_view(noted(sent, "x" * 5000)) == []
    assert texts.MODAL_CLOSED
