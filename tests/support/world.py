"""Whole processes for fault and end-to-end tests: the real ``pullcord serve`` beside a stand-in Slack workspace.

The workspace runs in the test's own event loop; the bot is a process that is started, killed and started again on one
data directory. What happened is counted where it happened: at the target, in Slack's channels, in the store; never from
what a button was answered.
"""

import asyncio
import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from redis import Redis

from bot.open_store import open_store
from bot.registry import discover
from bot.settings import Settings, load_settings
from bot.slack.manifest import manifest
from bot.timeline.embedded import running_store
from bot.timeline.store import Store
from sandbox.demo.processes import Process, start
from sandbox.slack.driver import Driver
from sandbox.slack.registration import Registration
from sandbox.slack.server import SlackSandbox
from tests.support.clock import WallClock
from tests.support.world_payloads import AGENT, alert, bad_run
from tests.support.world_watching import Json, Watching

__all__ = [
    "AGENT",
    "ANNOUNCE",
    "DANA",
    "LEE",
    "MO",
    "Json",
    "World",
    "a_world",
    "alert",
    "bad_run",
    "free_port",
]

ROOT = Path(__file__).resolve().parents[2]
ANNOUNCE = "C0INCIDENTS"
DANA, LEE, MO = "U0DANA", "U0LEE", "U0MO"
"""Commander and fallback; responder and on call; nobody in particular."""
_NOT_INHERITED = ("PULLCORD_", "SLACK_", "FAILPOINT", "PYTHONDONTWRITEBYTECODE")

CONFIG = """\
plugins: [handlers, runbooks, tests.support.parcels]
slack:
  announce_channel: C0INCIDENTS
roles:
  responder: [U0DANA, U0LEE]
  commander: [U0DANA]
agents:
  refund-bot:
    on_call: [U0LEE]
    fallback: [U0DANA]
    repage_after: {repage}
    token: ${{AGENT_TOKEN}}
    otlp_token: ${{OTLP_TOKEN}}
    models: [gpt-x-2026-03-12, gpt-x-2026-05-01]
    tools: [issue_refund, send_email]
  mail-bot:
    on_call: [U0LEE]
    fallback: [U0DANA]
    repage_after: {repage}
  sleepy-bot:
    on_call: [U0LEE]
    fallback: [U0DANA]
    repage_after: 1s
default_agent:
  on_call: [U0LEE]
sources:
  generic:
    bearer: ${{ALERT_TOKEN}}
  alertmanager:
    bearer: ${{ALERT_TOKEN}}
tools:
  - names: [issue_refund, send_email]
    reversibility: irreversible
evals:
  remote: {evals}
"""


class World(Watching):
    """One bot with everything around it. Make one with ``a_world``."""

    def __init__(self, folder: Path, slack: Driver, http: httpx.AsyncClient, *, redis_url: str | None = None) -> None:
        """``redis_url`` None: the bot brings its own store in ``folder``."""
        self.folder = folder
        self.slack = slack
        self.http = http
        self.bots: list[Process] = []
        self.accepted: set[str] = set()
        self.port = free_port()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)},
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "pullcord-tests-pycache"),  # many starts, fast
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.base_url,
            "PULLCORD_CONFIG": str(folder / "pullcord.yaml"),
            "PULLCORD_DATA_DIR": str(folder / "data"),
            "PULLCORD_HOST": "127.0.0.1",
            "PULLCORD_PORT": str(self.port),
            "PULLCORD_API_TOKEN": secrets.token_urlsafe(24),
            "AGENT_TOKEN": secrets.token_urlsafe(24),
            "OTLP_TOKEN": secrets.token_urlsafe(24),
            "ALERT_TOKEN": secrets.token_urlsafe(24),
            "PARCELS": str(folder / "parcels"),
            "FAILPOINT_MARK": str(folder / "died"),
        }
        if redis_url is not None:
            self.environment |= {"PULLCORD_REDIS_URL": redis_url, "PULLCORD_CHAIN_KEY": secrets.token_urlsafe(32)}

    # ------------------------------------------------------------------ processes

    @property
    def bot(self) -> Process:
        """The bot that was started last."""
        return self.bots[-1]

    @property
    def origin(self) -> str:
        """The HTTP address of the first bot; it stays the same across restarts."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        """What the bot reads at its start."""
        return load_settings(self.environment)

    async def start(self, point: str | None = None, *, quick: bool = True, port: int | None = None) -> Process:
        """Start a bot that dies at ``point`` of ``failpoints.POINTS``; another ``port`` makes it a second replica."""
        environment = dict(self.environment)
        if quick:
            environment["FAILPOINT_QUICK"] = "1"
        if point is not None:
            environment["FAILPOINT"] = point
        if port is not None:
            environment["PULLCORD_PORT"] = str(port)
        origin = f"http://127.0.0.1:{environment['PULLCORD_PORT']}"
        log = self.folder / f"bot-{len(self.bots)}.log"
        command = [sys.executable, "-m", "tests.support.failpoints", "serve"]
        process = await asyncio.to_thread(
            start, "bot", command, environment, log, ready_url=f"{origin}/readyz", origin=origin
        )
        self.bots.append(process)
        return process

    async def died(self, seconds: float = 15) -> None:
        """Wait until the newest bot has killed itself at its point; anything else is a failure."""
        code = await self.until("the bot dies at its point", lambda: _value(self.bot.child.poll()), seconds=seconds)
        if code != -9:
            raise AssertionError(f"the bot ended with {code}:\n{self.bot.tail()}")

    async def kill(self) -> None:
        """``kill -9`` from outside."""
        await asyncio.to_thread(self.bot.kill)

    def tail(self) -> str:
        """The end of the newest bot's log."""
        return self.bot.tail(12) if self.bots else ""

    def logs(self) -> str:
        """All that any bot of this world wrote to its log."""
        return "\n".join(p.read_text(errors="replace") for p in sorted(self.folder.glob("bot-*.log")))

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The bot's store, beside the running bot."""
        async with open_store(self.settings, WallClock(), guest=True) as store:
            yield store

    # ------------------------------------------------------------------ senders

    async def send(self, *alerts: Json, timeout: float = 5) -> httpx.Response:
        """One POST of alerts to the generic source, as a sender that does not try again."""
        headers = {"authorization": f"Bearer {self.environment['ALERT_TOKEN']}"}
        return await self.http.post(
            f"{self.origin}/alerts/generic", json=list(alerts), headers=headers, timeout=timeout
        )

    async def deliver(self, *alerts: Json) -> list[str]:
        """Send until 202, as Alertmanager does; the ids that were accepted."""

        async def once() -> list[str]:
            answer = await self.send(*alerts)
            if answer.status_code != 202:
                raise AssertionError(f"{answer.status_code} {answer.text[:200]}")
            return list(answer.json()["ids"])

        ids: list[str] = await self.until("202", once)
        self.accepted.update(ids)
        return ids

    async def spans(self, *raw: Json, agent: str = AGENT) -> None:
        """Export spans (OTLP/JSON) until 200."""
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": agent}}]}
        body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "t"}, "spans": list(raw)}]}]}
        headers = {"authorization": f"Bearer {self.environment['OTLP_TOKEN']}", "content-type": "application/json"}

        async def once() -> bool:
            answer = await self.http.post(f"{self.origin}/v1/traces", content=json.dumps(body), headers=headers)
            return answer.status_code == 200

        await self.until("200 for spans", once)

    async def read_flags(self) -> Json:
        """The agent reads all its flags with its own token (OFREP, bulk)."""
        headers = {"authorization": f"Bearer {self.environment['AGENT_TOKEN']}"}
        answer = await self.http.post(f"{self.origin}/ofrep/v1/evaluate/flags", json={"context": {}}, headers=headers)
        return {flag["key"]: flag for flag in answer.raise_for_status().json()["flags"]}


@asynccontextmanager
async def a_world(
    folder: Path, *, redis_url: str | None = None, repage: str = "5m", slack: SlackSandbox | None = None
) -> AsyncIterator[World]:
    """A world with its configuration, nothing started. At the end every process of it is gone, its store too."""
    prepare(folder, repage=repage)
    async with AsyncExitStack() as stack:
        if slack is None:
            app = Registration.from_manifest(manifest(discover(("handlers", "runbooks"))))
            slack = await stack.enter_async_context(SlackSandbox.start(registration=app))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=10, trust_env=False))
        world = World(folder, slack, http, redis_url=redis_url)
        try:
            yield world
        finally:
            for bot in world.bots:
                await asyncio.to_thread(bot.kill)
            if redis_url is None and (left := await running_store(folder / "data")) is not None:
                with contextlib.suppress(ConnectionError):
                    Redis.from_url(left).shutdown(nosave=True)


def prepare(folder: Path, *, repage: str = "5m") -> None:
    """Write the configuration, and make the eval repository."""
    _eval_repository(folder)
    (folder / "pullcord.yaml").write_text(CONFIG.format(evals=folder / "evals.git", repage=repage))


def _eval_repository(folder: Path) -> None:
    """A bare repository that writes down each push."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder / "evals.git")], check=True)
    hook = folder / "evals.git" / "hooks" / "post-receive"
    hook.write_text(f"#!/bin/sh\ncat >> '{folder}/pushes'\n")
    hook.chmod(0o755)


async def _value(value: object) -> object:
    return value


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
