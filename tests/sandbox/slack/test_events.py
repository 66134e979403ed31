"""Events over Socket Mode with a real Bolt app: delivered, retried, spread over sockets that come and go."""

from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SlackSandbox
from tests.sandbox.slack.conftest import Socket, post_card
from tests.support.waiting import wait_until

HERE = "C0INCIDENTS"


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
