"""A stand-in Slack workspace: Web API, Socket Mode, interactions, a page in the browser, faults on demand.

It is an ordinary server that speaks Slack's protocols, so real clients (slack_sdk, Bolt) run against it unchanged. It
knows nothing about Pullcord and imports nothing of `bot`, `handlers` or `runbooks`.

In a test::

    async with SlackSandbox.start(port=0) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.base_url)
        ...
        outcome = await slack.click("@dana", "#incidents", ts, "acknowledge")

From another process: `python -m sandbox.slack --port 8090`, then `SandboxClient("http://127.0.0.1:8090")`. Both have
the methods of `Driver`; each is a coroutine and returns plain JSON values.
"""

from sandbox.slack.client import SandboxClient
from sandbox.slack.driver import DriveError, Driver
from sandbox.slack.server import SlackSandbox

__all__ = ["DriveError", "Driver", "SandboxClient", "SlackSandbox"]
