"""HTTP mode from end to end: the stand-in workspace posts signed requests to a real server with our route."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from bot.plugin import Click, Interaction, Kind, Registry, Reply, Say, Services
from bot.settings import Environment
from bot.slack import http as slack_http
from bot.slack.identity import Identity
from bot.slack.start import no_slack, start_slack
from bot.timeline.store import Store
from sandbox.slack.server import SlackSandbox
from tests.bot.slack.workspace import announce_channel, no_offers, settings_for
from tests.support.clock import WallClock
from tests.support.waiting import wait_until


async def hello(click: Click, services: Services) -> Reply:
    """Says who asked."""
    return Say(f"hello <@{click.by.id}>")


async def test_a_command_over_http_is_answered_and_a_forged_one_is_not(
    slack: SlackSandbox, store: Store, clock: WallClock
) -> None:
    """The same handlers as over the socket; the route exists only in HTTP mode."""
    found = {(Kind.COMMAND, "hello"): Interaction(id="hello", kind=Kind.COMMAND, run=hello, help="", module="tests")}
    registry = Registry({}, {}, {}, {}, {}, found)
    channel = await announce_channel(slack)
    environment = Environment.of(
        {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SLACK_API_URL": slack.base_url,
        }
    )
    settings = settings_for(channel).model_copy(update={"environment": environment})
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        async with start_slack(store, registry, settings, clock) as parts:
            parts.connect(None, no_offers)  # type: ignore[arg-type]
            config = uvicorn.Config(Starlette(routes=list(parts.routes())), log_level="warning", lifespan="off")
            server = uvicorn.Server(config)
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            loops = [asyncio.create_task(loop()) for loop in parts.loops("web").values()]
            serving = asyncio.create_task(server.serve(sockets=[bound]))
            try:
                await wait_until(lambda: server.started)
                address = f"http://127.0.0.1:{bound.getsockname()[1]}/slack/events"
                async with httpx.AsyncClient() as forger:
                    for headers in ({}, {"x-slack-signature": "v0=00", "x-slack-request-timestamp": "1"}):
                        refused = await forger.post(address, content=b"command=%2Fpullcord&text=hello", headers=headers)
                        assert refused.status_code == 401
                await slack.deliver_to(address)
                done = await slack.slash("dana", channel, "/pullcord", "hello")
                assert done["acked"]
                assert any("hello <@U0DANA>" in m["text"] for m in await slack.ephemerals("dana", channel))
            finally:
                await slack.deliver_to(None)
                server.should_exit = True
                await serving
                for task in loops:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task


async def test_a_forged_request_makes_no_call_to_slack_and_a_slow_one_is_cut_off(
    slack: SlackSandbox, store: Store, clock: WallClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to prove anything to send; so nothing may be asked of Slack for it, and no wait is without end."""
    monkeypatch.setattr(slack_http, "BODY_SECONDS", 0.1)
    environment = Environment.of(
        {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_SIGNING_SECRET": "s" * 32, "SLACK_API_URL": "http://127.0.0.1:9"}
    )
    settings = settings_for(await announce_channel(slack)).model_copy(update={"environment": environment})
    learnt: list[str] = []

    async def learn(_self: Identity) -> None:
        learnt.append("asked")

    monkeypatch.setattr(Identity, "learn_quietly", learn)

    async def never_ending() -> AsyncIterator[bytes]:
        yield b"command="
        await asyncio.Event().wait()

    async with start_slack(store, Registry({}, {}, {}, {}, {}, {}), settings, clock) as parts:
        parts.connect(None, no_offers)  # type: ignore[arg-type]
        learnt.clear()
        transport = httpx.ASGITransport(Starlette(routes=list(parts.routes())))
        async with httpx.AsyncClient(transport=transport, base_url="http://pullcord") as sender:
            assert (await sender.post("/slack/events", content=b"a=b")).status_code == 401
            assert (await sender.post("/slack/events", content=never_ending())).status_code == 401
            now = {"x-slack-request-timestamp": str(int(time.time())), "x-slack-signature": "v0=0"}
            slow = await sender.post("/slack/events", content=never_ending(), headers=now)
            assert slow.status_code == 408
    assert learnt == []


async def test_without_a_token_nothing_runs_and_a_page_is_a_definite_no() -> None:
    """So that nothing is retried for ever."""
    parts = no_slack()
    parts.connect(None, no_offers)  # type: ignore[arg-type]
    assert parts.loops() == {}
    assert parts.routes() == ()
    assert parts.health() is None
