"""Socket Mode on the wire, as a client without an SDK sees it."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest

from sandbox.slack import SlackSandbox


async def open_url(slack: SlackSandbox, http: aiohttp.ClientSession) -> str:
    """A fresh socket address from apps.connections.open."""
    headers = {"authorization": f"Bearer {slack.app_token}"}
    async with http.post(f"{slack.base_url}apps.connections.open", headers=headers) as reply:
        return str((await reply.json())["url"])


async def test_hello_ping_and_a_command(slack: SlackSandbox) -> None:
    """The first word is hello, pings are ponged, an envelope waits for its ack with a payload."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(await open_url(slack, http), autoping=False) as socket,
    ):
        hello = await socket.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        await socket.ping(b"sdk-ping-pong:1")
        pong = await socket.receive()
        assert (pong.type, bytes(pong.data)) == (aiohttp.WSMsgType.PONG, b"sdk-ping-pong:1")
        command = asyncio.create_task(slack.slash("@dana", "#incidents", "/pullcord", "help"))
        envelope = await socket.receive_json()
        assert envelope["type"] == "slash_commands"
        assert envelope["accepts_response_payload"]
        await socket.send_str("not json")
        await socket.send_json({"envelope_id": "nobody's"})
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "hi"}})
        assert (await command)["response"] == {"text": "hi"}


async def test_the_eleventh_socket_is_sent_away(slack: SlackSandbox) -> None:
    """Ten connections at most; a socket without a ticket gets none."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        for number in range(10):
            socket = await stack.enter_async_context(http.ws_connect(await open_url(slack, http)))
            assert (await socket.receive_json())["num_connections"] == number + 1
        eleventh = await stack.enter_async_context(http.ws_connect(await open_url(slack, http)))
        assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
        assert await slack.connections() == 10
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(slack.origin + "/link/?ticket=made-up")
        assert refused.value.status == 403


async def test_link_disabled_ends_the_connection(slack: SlackSandbox) -> None:
    """A warning leaves the socket open; link_disabled says so, then closes; a cut says nothing."""
    async with aiohttp.ClientSession() as http, http.ws_connect(await open_url(slack, http)) as socket:
        await socket.receive_json()
        await slack.disconnect_sockets("warning")
        assert (await socket.receive_json())["reason"] == "warning"
        assert await slack.connections() == 1
        await slack.disconnect_sockets("link_disabled")
        assert (await socket.receive_json())["reason"] == "link_disabled"
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
    async with aiohttp.ClientSession() as http, http.ws_connect(await open_url(slack, http)) as socket:
        await socket.receive_json()
        assert await slack.disconnect_sockets("cut") == 1
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
