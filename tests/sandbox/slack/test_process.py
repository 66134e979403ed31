"""The sandbox as its own process."""

import asyncio
import re
import sys

from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SandboxClient


async def test_the_process_serves_and_ends_on_a_signal() -> None:
    """It prints its address, answers a client, and ends at SIGTERM."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.slack", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 15)).decode()
        found = re.search(r"(http://127\.0\.0\.1:\d+)/", line)
        assert found, line
        async with SandboxClient(found.group(1)) as slack:
            await AsyncWebClient(slack.bot_token, slack.base_url).chat_postMessage(channel="#incidents", text="hello")
            assert (await slack.messages("#incidents"))[0]["text"] == "hello"
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)
