import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bot.plugin import Registry
from bot.slack.app import make_bolt
from bot.slack.client import SlackClient
from bot.slack.identity import Identity
from bot.slack.socket import SocketConnection, SocketTimes
from bot.slack.wrapper import Wrapper
from sandbox.slack.server import SlackSandbox
from tests.support.waiting import wait_until

QUICK = SocketTimes(ping=0.1, stale=0.6, look=0.05, retry=0.05, retry_most=0.2)


@asynccontextmanager
async def connection(slack: SlackSandbox) -> AsyncIterator[SocketConnection]:
    """A supervised connection, until the block ends."""
    client = await SlackClient.open(slack.bot_token, slack.base_url, timeout=0.5)
    identity = Identity(client)
    registry = Registry({}, {}, {}, {}, {}, {})
    app = make_bolt(Wrapper(registry, None, client, identity), registry, client, identity)  # type: ignore[arg-type]
    made = SocketConnection(app, slack.app_token, client, identity, times=QUICK)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await client.aclose()


async def test_a_healthy_connection_shows_signs_of_life_and_is_left_alone(slack: SlackSandbox) -> None:
    """`doctor` reads the age of the last ping-pong."""
    async with connection(slack) as made:
        await wait_until(lambda: made.health().age is not None)
        await asyncio.sleep(1.0)
        health = made.health()
        assert health.connected
        assert health.reconnects == 0
        assert health.age is not None
        assert health.age < 1


async def test_slack_away_at_the_start_is_waited_out(slack: SlackSandbox) -> None:
    """The process starts without Slack and connects when it is there."""
    await slack.outage("refuse")
    async with connection(slack) as made:
        await wait_until(lambda: made.health().last_error is not None)
        assert not made.health().connected
        await slack.restore()
        await slack.wait_connected()


async def test_an_outage_while_connected_ends_in_a_new_connection(slack: SlackSandbox) -> None:
    """Sockets cut without a word, then nothing for longer than the connection may be silent."""
    async with connection(slack) as made:
        await slack.wait_connected()
        await slack.outage("hang")
        await wait_until(lambda: made.health().reconnects > 0)
        await slack.restore()
        await slack.wait_connected()
        await wait_until(lambda: made.health().connected and made.health().age is not None)


async def test_stopping_leaves_no_task_behind(slack: SlackSandbox) -> None:
    """The SDK starts tasks of its own; they end with the connection."""
    before = asyncio.all_tasks()
    async with connection(slack):
        await slack.wait_connected()
    await wait_until(lambda: {t for t in asyncio.all_tasks() - before if "slack_sdk" in repr(t.get_coro())} == set())
