"""HTTP mode: requests that are really signed, to a real Bolt app behind uvicorn."""

import asyncio
import socket as sockets
from typing import Any

import pytest
import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.slack import DriveError, SlackSandbox
from sandbox.slack.server import QuietServer
from sandbox.slack.webhook import signature
from tests.sandbox.slack.shapes import CARD
from tests.support.waiting import wait_until

HERE = "C0INCIDENTS"


def test_the_signature_is_slacks() -> None:
    """The vector of Slack's documentation."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
        b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
        b"trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body) == expected


async def test_bolt_accepts_signed_clicks_commands_and_events(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """The same driving, delivered by HTTP; a wrong secret is refused by Bolt and shown to the person."""
    app = AsyncApp(client=client, signing_secret=slack.signing_secret)
    heard: list[str] = []

    @app.action("ack")
    async def acknowledge(ack: Any) -> None:
        heard.append("action")
        await ack()

    @app.command("/pullcord")
    async def pullcord(ack: Any) -> None:
        await ack("hello")

    @app.event("app_mention")
    @app.event("message")
    async def mention(event: dict[str, Any]) -> None:
        heard.append(event["type"])

    handler = AsyncSlackRequestHandler(app)

    async def endpoint(request: Request) -> Response:
        return await handler.handle(request)

    web = Starlette(routes=[Route("/slack/events", endpoint, methods=["POST"])])
    bound = sockets.socket()
    bound.bind(("127.0.0.1", 0))
    server = QuietServer(uvicorn.Config(web, log_level="warning", lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        await slack.deliver_to(f"http://127.0.0.1:{bound.getsockname()[1]}/slack/events")
        ts = (await client.chat_postMessage(channel=HERE, text="x", blocks=CARD))["ts"]
        assert (await slack.click("@dana", HERE, ts, "ack"))["acked"]
        assert (await slack.slash("@dana", HERE, "/pullcord", "x"))["response"] == {"text": "hello"}
        await slack.post("@dana", HERE, "@pullcord hi")
        await wait_until(lambda: "app_mention" in heard)
        assert {"action", "app_mention"} <= set(heard)
        slack._slack.signing_secret = "another"
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/slack/events"
        with pytest.raises(DriveError, match="challenge"):
            await slack.deliver_to(address)
        await slack.deliver_to(address, verify=False)
        assert (await slack.click("@dana", HERE, ts, "ack"))["error"] == "http_error"
    finally:
        server.should_exit = True
        await serving
        bound.close()
