"""The page in a real browser: what a person sees and can do, on a desk and on a phone."""

from pathlib import Path
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SlackSandbox
from tests.sandbox.slack.browser import CHROMIUM, browser
from tests.sandbox.slack.conftest import Socket
from tests.sandbox.slack.shapes import CARD, actions, button, field, modal, section, text_input
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
HERE = "C0INCIDENTS"


async def test_a_person_works_an_incident_in_the_browser(  # noqa: PLR0915 - one browser, one story
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket, tmp_path: Path
) -> None:
    """Press with confirm, fill in a modal with an error, reply, react, command, be another person; no foreign HTML."""
    pressed: list[str] = []

    @app.action("revoke")
    async def revoke(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        pressed.append(body["user"]["id"])
        await client.views_open(trigger_id=body["trigger_id"], view=modal(field(text_input(), "why")))
        await ack()

    @app.action("ack")
    async def acknowledge(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        blocks = [section("acknowledged by <@U0DANA> <b>x</b>")]
        await client.chat_update(channel=HERE, ts=body["message"]["ts"], text="acknowledged", blocks=blocks)
        await ack()

    @app.view("form")
    async def submit(ack: Any, view: dict[str, Any]) -> None:
        if view["state"]["values"]["why"]["why"]["value"] == "no":
            await ack(response_action="errors", errors={"why": "A longer reason, please."})
        else:
            await ack()

    @app.command("/pullcord")
    async def pullcord(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"you said {command['text']}")

    @app.event("message")
    async def message() -> None:
        """Bolt acks it."""

    await socket.connect()
    ts = (await client.chat_postMessage(channel=HERE, text="card", blocks=CARD))["ts"]
    async with browser() as page:
        await page.size(1280, 900)
        await page.open(f"{slack.origin}/?as=U0DANA")
        await page.until("document.querySelector('[data-action=revoke]')")
        assert "<!channel> <b>no</b>" in await page.text("#messages")
        assert await page.run("document.querySelectorAll('#messages b').length") > 0
        await page.picture(tmp_path / "desk.png")

        await page.press("[data-action=revoke]")
        await page.until("document.querySelector('dialog.confirm')")
        assert pressed == []
        await page.press("dialog.confirm .btn:not(.primary)")
        await page.until("!document.querySelector('dialog.confirm')")
        assert pressed == []
        await page.press("[data-action=revoke]")
        await page.press("dialog.confirm .btn.primary")
        await page.until("document.querySelector('dialog.modal:not(.confirm)')")
        assert pressed == ["U0DANA"]
        await page.type("dialog .typed", "no")
        await page.press("dialog .btn.primary")
        await page.until("document.querySelector('.b-error')")
        assert await page.text(".b-error") == "A longer reason, please."
        assert await page.run("document.querySelector('dialog .typed').value") == "no"
        await page.type("dialog .typed", " longer")
        await page.press("dialog .btn.primary")
        await page.until("!document.querySelector('dialog')")

        await page.press("[data-action=ack]")
        await page.until("document.querySelector('#messages').innerText.includes('acknowledged by @dana <b>x</b>')")
        await page.type("#compose textarea", "/pullcord help", enter=True)
        await page.until("document.querySelector('.ephemeral')")
        assert "Only visible to you" in await page.text(".ephemeral")
        await page.type("#compose textarea", "on it @lee", enter=True)
        await page.until("document.querySelectorAll('#messages .message').length === 3")
        await page.run(f"[...document.querySelectorAll('.message')].find((n) => n.dataset.ts === '{ts}').focus()")
        await page.press(f".message[data-ts='{ts}'] .tool[title=':pushpin:']")
        await page.until("document.querySelector('.reaction.mine')")
        await page.press(f".message[data-ts='{ts}'] .tool[title='Reply in thread']")
        await page.until("!document.querySelector('#thread').hidden")
        await page.type("#reply textarea", "in the thread", enter=True)
        await page.until("document.querySelector('#replies').innerText.includes('in the thread')")

        await page.open(f"{slack.origin}/?as=U0LEE&channel=C0GENERAL")
        await page.until("document.querySelector('.badge')")
        await page.open(f"{slack.origin}/?as=U0LEE")
        await page.until("document.querySelector('#messages').innerText.includes('on it @lee')")
        assert "Only visible" not in await page.text("#messages")

        await page.size(390, 844, phone=True)
        await page.open(f"{slack.origin}/?as=U0LEE")
        assert await page.run("document.documentElement.scrollWidth") == 390
        await page.picture(tmp_path / "phone.png")
        assert page.errors == []


async def test_no_answer_is_shown_beside_the_button(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """With no app connected a press says so, and the top bar said it before."""
    await client.chat_postMessage(channel=HERE, text="card", blocks=CARD)
    async with browser() as page:
        await page.open(f"{slack.origin}/?as=U0DANA")
        assert await page.text("#state") == "app not connected"
        await page.press("[data-action=ack]")
        await page.until("document.querySelector('.trouble')")
        assert "didn’t respond" in await page.text("#toasts")


async def test_the_home_tab_is_opened_drawn_and_pressed(
    slack: SlackSandbox, client: AsyncWebClient, app: AsyncApp, socket: Socket
) -> None:
    """Nothing there says so; what the app publishes on the event appears; a button on it reaches the app."""
    pressed: list[str] = []

    @app.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        if event["tab"] == "home":
            blocks = [section("2 incidents <b>x</b>"), actions(button("approve"))]
            await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any]) -> None:
        pressed.append(body["view"]["type"])
        await ack()

    direct = await slack.open_direct("dana", "pullcord")
    async with browser() as page:
        await page.open(f"{slack.origin}/?as=U0DANA&channel={direct['id']}")
        await page.until("document.querySelectorAll('.tab').length === 2")
        await page.press(".tab:last-of-type")
        await page.until("document.querySelector('.home')")
        assert "published nothing" in await page.text(".home")
        await socket.connect()
        await page.press(".tab:last-of-type")
        await page.until("document.querySelector('.home [data-action=approve]')")
        assert "2 incidents <b>x</b>" in await page.text(".home")
        await page.press(".home [data-action=approve]")
        await wait_until(lambda: pressed == ["home"])
