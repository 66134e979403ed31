"""A workspace per test, slack_sdk's client on it, and a real Bolt app in Socket Mode where a test asks for one."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SlackSandbox
from tests.sandbox.slack.shapes import CARD


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    """A fresh workspace on a free port."""
    async with SlackSandbox.start(ack_timeout=1.0) as running:
        yield running


@pytest.fixture
async def client(slack: SlackSandbox) -> AsyncIterator[AsyncWebClient]:
    """Slack's own client, without retries, so that a test sees each answer."""
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(slack.bot_token, slack.base_url, session=session, retry_handlers=[])


@pytest.fixture
def app(client: AsyncWebClient) -> AsyncApp:
    """A Bolt app; a test adds its listeners before it asks for `connected`."""
    return AsyncApp(client=client)


class Socket:
    """Opens and closes a Socket Mode connection of `app`."""

    def __init__(self, slack: SlackSandbox, app: AsyncApp) -> None:
        self._slack = slack
        web = AsyncWebClient(slack.app_token, slack.base_url)
        self.handler = AsyncSocketModeHandler(app, slack.app_token, web_client=web, ping_interval=1)

    async def connect(self) -> None:
        """Connect and wait for the workspace to know it."""
        before = await self._slack.connections()
        await self.handler.connect_async()  # type: ignore[no-untyped-call] # Bolt has no types here
        await self._slack.wait_connected(before + 1)

    async def close(self) -> None:
        """Hang up."""
        await self.handler.close_async()  # type: ignore[no-untyped-call] # Bolt has no types here


@pytest.fixture
async def socket(slack: SlackSandbox, app: AsyncApp) -> AsyncIterator[Socket]:
    """Not connected yet: `await socket.connect()` after the listeners are there."""
    made = Socket(slack, app)
    yield made
    await made.close()


async def post_card(client: AsyncWebClient) -> str:
    """Post the sample card; returns its ts."""
    return str((await client.chat_postMessage(channel="C0INCIDENTS", text="card", blocks=CARD))["ts"])
