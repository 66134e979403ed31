"""``pullcord doctor`` in HTTP mode: it says which mode holds, and proves the address as far as it can from here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.doctor_findings import Finding, Health
from bot.doctor_slack_http import http_findings
from bot.settings import Environment, Settings, SlackSettings
from bot.timeline.store import Store
from sandbox.slack.server import QuietServer, SlackSandbox, listening
from tests.bot.slack.conftest import slack
from tests.bot.slack.over_http import a_replica
from tests.support.clock import WallClock
from tests.support.store import connections, raw, store, valkey

__all__ = ["connections", "raw", "slack", "store", "valkey"]


@pytest.fixture
def clock() -> WallClock:
    """Signatures are of now."""
    return WallClock()


def settings(url: str | None, secret: str, *, app_token: str = "") -> Settings:
    """HTTP mode under this address."""
    given = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": secret, "SLACK_APP_TOKEN": app_token}
    mode = SlackSettings(mode="http")
    return Settings(environment=Environment.of(given), public_url=url, slack=mode)


async def examined(url: str, secret: str, **more: str) -> tuple[Finding, str]:
    """The last finding, and all of them as text."""
    found = await http_findings(settings(url.removesuffix("/slack/events"), secret, **more))
    told = "\n".join(f"{one.seen} {one.next_step}" for one in found)
    assert secret not in told
    return found[-1], told


@asynccontextmanager
async def answering(status: int, body: str = "") -> AsyncIterator[str]:
    """A proxy that answers everything by itself."""

    async def reply(_request: Request) -> Response:
        return Response(body, status_code=status)

    bound = listening("127.0.0.1", 0)
    web = Starlette(routes=[Route("/slack/events", reply, methods=["POST"])])
    server = QuietServer(uvicorn.Config(web, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        bound.close()


async def test_an_address_that_answers_with_our_secret_is_proven(slack: SlackSandbox, store: Store) -> None:
    """Slack's own challenge, really signed, with each secret while one is rotated; and a forged one is refused."""
    async with a_replica(slack, store, [], secrets="new-one,old-one") as replica:
        finding, told = await examined(replica.url, "new-one,old-one", app_token="xapp-1")
    assert finding.health is Health.GOOD
    assert "each of 2 signing secrets" in told
    assert "refuses a forged one" in told
    assert "SLACK_APP_TOKEN is not used" in told
    assert "https only" in told


async def test_another_secret_a_proxy_in_the_way_and_nobody_at_all_are_told_apart(
    slack: SlackSandbox,
    store: Store,
) -> None:
    """Each with what to do; only what is surely wrong is bad."""
    async with a_replica(slack, store, []) as replica:
        finding, told = await examined(replica.url, "another-secret")
        assert finding.health is Health.BAD
        assert "same SLACK_SIGNING_SECRET" in told
    async with answering(404) as url:
        finding, told = await examined(url, "s3cret-s3cret")
        assert finding.health is Health.BAD
        assert "answered 404" in told
    async with answering(200, "welcome") as url:
        finding, told = await examined(url, "s3cret-s3cret")
        assert finding.health is Health.BAD
    finding, told = await examined("http://127.0.0.1:9", "s3cret-s3cret")
    assert finding.health is Health.NOTE
    assert "pullcord serve" in told


async def test_without_a_public_address_it_says_so() -> None:
    """Links and Slack need one."""
    found = await http_findings(settings(None, "s3cret-s3cret"))
    assert found[0].health is Health.NOTE
    assert "public_url is not set" in found[0].seen
