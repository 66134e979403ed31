"""The bad day on demand: each fault does to a client exactly what it says."""

import asyncio
import time

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import DriveError, SlackSandbox

HERE = "C0INCIDENTS"


async def test_429_says_when_and_does_nothing(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """HTTP 429 with Retry-After; a client that waits gets through."""
    await slack.fault("chat.postMessage", "429", retry_after=1)
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=HERE, text="x")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "1"
    assert await slack.messages(HERE) == []
    await slack.fault("chat.postMessage", "429", retry_after=1)
    patient = AsyncWebClient(slack.bot_token, slack.base_url, retry_handlers=[AsyncRateLimitErrorRetryHandler()])
    await patient.chat_postMessage(channel=HERE, text="x")
    assert [one["status"] for one in await slack.calls()] == [429, 429, 200]


async def test_500_and_ok_false(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """A server error and an API error, then all is well again."""
    await slack.fault("chat.postMessage", "500")
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=HERE, text="x")
    assert refused.value.response.status_code == 500
    await slack.fault("*", "ok_false", error="plan_upgrade_required")
    with pytest.raises(SlackApiError, match="plan_upgrade_required"):
        await client.chat_postMessage(channel=HERE, text="x")
    await client.chat_postMessage(channel=HERE, text="x")
    assert len(await slack.messages(HERE)) == 1


async def test_lost_reply_does_it_and_drops_the_connection(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """The message is there, the caller does not know; slack_sdk's default retry then posts a second one."""
    await slack.fault("chat.postMessage", "lost_reply")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=HERE, text="once")
    assert len(await slack.messages(HERE)) == 1
    await slack.fault("chat.postMessage", "lost_reply")
    await AsyncWebClient(slack.bot_token, slack.base_url).chat_postMessage(channel=HERE, text="twice")
    assert [one["text"] for one in await slack.messages(HERE)] == ["once", "twice", "twice"]


async def test_hang_never_answers_and_does_nothing(slack: SlackSandbox) -> None:
    """The caller's timeout is its only way out."""
    await slack.fault("chat.postMessage", "hang")
    client = AsyncWebClient(slack.bot_token, slack.base_url, timeout=1, retry_handlers=[])
    with pytest.raises(asyncio.TimeoutError):
        await client.chat_postMessage(channel=HERE, text="x")
    assert await slack.messages(HERE) == []


async def test_after_lets_some_through(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """`after=2, times=1` hits the third call only; other methods are untouched."""
    await slack.fault("chat.postMessage", "500", after=2)
    outcomes = []
    for _ in range(4):
        try:
            await client.chat_postMessage(channel=HERE, text="x")
            outcomes.append(True)
        except SlackApiError:
            outcomes.append(False)
    assert outcomes == [True, True, False, True]


async def test_outage_and_return(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """While Slack is away nothing gets through; afterwards it does."""
    await slack.outage()
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=HERE, text="x")
    await slack.restore()
    await client.chat_postMessage(channel=HERE, text="x")
    await slack.outage("503")
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=HERE, text="x")
    assert refused.value.response.status_code == 503


async def test_limits_hold_posts_to_one_a_second_and_channel(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """A burst of three, then 429 with Retry-After; another channel has its own allowance."""
    await slack.set_limits(on=True)
    for _ in range(3):
        await client.chat_postMessage(channel=HERE, text="x")
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=HERE, text="x")
    assert refused.value.response["error"] == "ratelimited"
    await client.chat_postMessage(channel="C0GENERAL", text="x")
    await asyncio.sleep(1.05)
    await client.chat_postMessage(channel=HERE, text="x")


async def test_limits_give_updates_fifty_a_minute(slack: SlackSandbox, client: AsyncWebClient) -> None:
    """Tier 3 is counted per method over the whole workspace."""
    ts = (await client.chat_postMessage(channel=HERE, text="x"))["ts"]
    await slack.set_limits(on=True)
    for number in range(50):
        await client.chat_update(channel=HERE, ts=ts, text=str(number))
    with pytest.raises(SlackApiError) as refused:
        await client.chat_update(channel=HERE, ts=ts, text="51")
    assert 50 <= int(refused.value.response.headers["Retry-After"]) <= 60


async def test_an_unknown_fault_is_named() -> None:
    """A typo in a test does not pass for a fault."""
    async with SlackSandbox.start() as slack:
        with pytest.raises(DriveError, match="429, 500, hang, lost_reply, ok_false"):
            await slack.fault("chat.postMessage", "explode")  # type: ignore[arg-type]


async def test_a_sandbox_stops_quickly_with_streams_open() -> None:
    """An open page and a hanging call do not hold up the end of a test."""
    async with aiohttp.ClientSession() as http:
        async with SlackSandbox.start() as slack:
            stream = await http.get(f"{slack.origin}/sandbox/feed")
            assert (await stream.content.readline()).startswith(b"data:")
            started = time.monotonic()
        assert time.monotonic() - started < 3
        stream.close()
