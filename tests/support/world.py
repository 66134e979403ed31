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
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from redis import Redis

from bot.app import open_store
from bot.registry import discover
from bot.settings import Settings, load_settings
from bot.slack.manifest import manifest
from bot.timeline.embedded import running_store
from bot.timeline.store import Store
from sandbox.demo.looking import all_text, pressable
from sandbox.demo.processes import Process, start
from sandbox.slack.driver import DriveError
from sandbox.slack.registration import Registration
from sandbox.slack.server import SlackSandbox
from tests.support.clock import WallClock

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
AGENT = "refund-bot"
ANNOUNCE = "C0INCIDENTS"
DANA, LEE, MO = "U0DANA", "U0LEE", "U0MO"
"""Commander and fallback; responder and on call; nobody in particular."""
BAD = (httpx.HTTPError, DriveError, AssertionError, KeyError, StopIteration, IndexError)

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


class World:
    """One bot with everything around it. Make one with ``a_world``."""

    def __init__(self, folder: Path, slack: SlackSandbox, http: httpx.AsyncClient, *, redis_url: str | None) -> None:
        """``redis_url`` None: the bot brings its own store in ``folder``."""
        self.folder = folder
        self.slack = slack
        self.http = http
        self.bots: list[Process] = []
        self.accepted: set[str] = set()
        self.port = _free_port()
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

    # ------------------------------------------------------------------ looking

    async def until(self, what: str, look: Callable[[], Awaitable[Any]], *, seconds: float = 20) -> Any:
        """Wait until ``look`` gives something true; its last answer or error is told otherwise."""
        end = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < end:
            try:
                if found := await look():
                    return found
                last = found
            except BAD as error:
                last = error
            await asyncio.sleep(0.05)
        tail = self.bot.tail(12) if self.bots else ""
        raise AssertionError(f"{what}: not seen within {seconds:g} s (last: {str(last)[:600]!r})\n{tail}")

    async def api(self, path: str) -> Json:
        """A GET of the read API."""
        headers = {"authorization": f"Bearer {self.environment['PULLCORD_API_TOKEN']}"}
        answer = await self.http.get(f"{self.origin}{path}", headers=headers)
        assert answer.status_code == 200, f"GET {path} answered {answer.status_code}: {answer.text[:200]}"
        return dict(answer.json())

    async def incidents(self) -> list[Json]:
        """Every incident whole, oldest first."""
        rows = (await self.api("/api/incidents"))["incidents"]
        return [await self.api(f"/api/incidents/{row['id']}") for row in reversed(rows)]

    async def incident(self, number: int = 1) -> Json:
        """One incident."""
        return await self.api(f"/api/incidents/INC-{number}")

    async def card(self, number: int = 1) -> Json:
        """The root message of an incident, once it stands."""

        async def look() -> Json | None:
            whole = await self.incident(number)
            return await self.slack.find_message(whole["channel"], ts=whole["root_ts"]) if whole["root_ts"] else None

        return dict(await self.until(f"the card of INC-{number}", look))

    async def quiet(self) -> None:
        """Wait until nothing is left to do: no work waits or is leased, nothing is to be posted, nothing is due now."""

        async def look() -> bool:
            async with self.store() as store:
                depth = await store.work.depth()
                left = (depth.waiting, depth.leased, depth.dead, await store.outbox.size(), await _posting(store))
                assert left == (0, 0, 0, 0, 0), f"waiting, leased, dead, to post, posting: {left}"
            return True

        await self.until("all work is done", look)

    async def posted(self, key: str) -> list[Json]:
        """Every message in Slack whose dedupe key ends so, wherever it stands. Found by metadata, counted by us."""
        found = []
        for channel in await self.slack.channels():
            for message in await self.slack.messages(channel["id"]):
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if str(payload.get("dedupe_key", "")).endswith(key):
                    found.append(message)
        return found

    async def verified(self) -> int:
        """Check the chain of every incident; how many entries fit."""
        fit = 0
        async with self.store() as store:
            for row in (await store.incidents.rows()).rows:
                verdict = await store.incidents.verify(row.id)
                assert verdict.ok, verdict
                fit += verdict.entries
        return fit

    # ------------------------------------------------------------------ people

    async def button(self, label: str, number: int = 1) -> tuple[str, str, str, str | None]:
        """Channel, ts, action id and value of the card's button that begins so, once it is there."""

        async def look() -> tuple[str, str, str, str | None] | None:
            whole = await self.incident(number)
            assert whole["root_ts"], "no card yet"
            card = await self.slack.find_message(whole["channel"], ts=whole["root_ts"]) or {}
            shown = pressable(card.get("blocks") or [])
            found = next((where for text, where in shown if text.startswith(label)), None)
            assert found is not None, f"no {label!r} among {[text for text, _ in shown]}"
            return (whole["channel"], whole["root_ts"], *found)

        found: tuple[str, str, str, str | None] = await self.until(f"the button {label!r}", look)
        return found

    async def press(self, user: str, label: str, number: int = 1) -> Json:
        """Press it."""
        channel, ts, action, value = await self.button(label, number)
        return await self.slack.click(user, channel, ts, action, value, stale=True)

    async def fill(self, user: str, **values: str) -> Json:
        """Fill in and submit the person's open modal; it must be taken."""

        async def look() -> Json | None:
            views = await self.slack.views(user)
            return views[-1] if views else None

        view = await self.until(f"a modal of {user}", look)
        return await self.slack.submit_view(user, view["id"], {k: {"value": v} for k, v in values.items()})

    async def told(self, user: str, *words: str, number: int = 1) -> str:
        """Wait until this person alone was told something with one of these words."""
        channel = (await self.incident(number))["channel"]

        async def look() -> str | None:
            said = [all_text(e) for e in await self.slack.ephemerals(user, channel)]
            return next((t for t in reversed(said) if any(w in t for w in words)), None)

        return str(await self.until(f"{user} is told one of {words}", look))

    async def execution(self, state: str, *, number: int = 1, index: int = -1, verified: str | None = None) -> Json:
        """An execution of the incident, once it is in this state."""

        async def look() -> Json:
            found = (await self.incident(number))["executions"]
            assert found, "no execution"
            mine: Json = found[index]
            assert mine["state"] == state, f"{mine['action']} is {mine['state']}: {mine.get('reason')}"
            assert verified in (None, mine["verified"]), f"{mine['verified']}: {mine.get('verified_detail')}"
            return mine

        return dict(await self.until(f"an execution {state} {verified or ''}", look))


@asynccontextmanager
async def a_world(
    folder: Path, *, redis_url: str | None = None, repage: str = "5m", slack: SlackSandbox | None = None
) -> AsyncIterator[World]:
    """A world with its configuration, nothing started. At the end every process of it is gone, its store too."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder / "evals.git")], check=True)
    count = folder / "evals.git" / "hooks" / "post-receive"
    count.write_text(f"#!/bin/sh\ncat >> '{folder}/pushes'\n")
    count.chmod(0o755)
    (folder / "pullcord.yaml").write_text(CONFIG.format(evals=folder / "evals.git", repage=repage))
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


def alert(fingerprint: str, *, agent: str = AGENT, title: str = "RefundAmountAnomaly", **more: Any) -> Json:
    """A firing alert of the generic source."""
    return {"dedup_key": fingerprint, "title": title, "agent": agent, "starts_at": "2026-11-23T12:00:00Z", **more}


def span(trace: str, number: int, name: str, attributes: Mapping[str, Any], parent: int | None = 1) -> Json:
    """One span as OTLP/JSON writes it; attributes that are no text are written as JSON."""
    now = time.time_ns()
    values = {k: v if isinstance(v, str) else json.dumps(v) for k, v in attributes.items()}
    return {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "parentSpanId": "" if parent is None else f"{parent:016x}",
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(now + number * 1000),
        "endTimeUnixNano": str(now + number * 1000 + 500),
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in values.items()],
    }


def bad_run(trace: str, *, said: str = "My money back!", **arguments: Any) -> Sequence[Json]:
    """A run of refund-bot: asked, refunded too much."""
    arguments = arguments or {"customer_id": "cus_81Kd", "amount_cents": 42000}
    prompt = [{"role": "user", "parts": [{"type": "text", "content": said}]}]
    call = {"type": "tool_call", "id": "call_1", "name": "issue_refund", "arguments": arguments}
    gen = "gen_ai.operation.name"
    return (
        span(trace, 1, "invoke_agent", {gen: "invoke_agent", "gen_ai.agent.name": AGENT}, None),
        span(
            trace,
            2,
            "chat",
            {
                gen: "chat",
                "gen_ai.request.model": "gpt-x",
                "gen_ai.response.model": "gpt-x-2026-05-01",
                "gen_ai.input.messages": prompt,
                "gen_ai.output.messages": [{"role": "assistant", "parts": [call]}],
            },
        ),
        span(
            trace,
            3,
            "execute_tool issue_refund",
            {
                gen: "execute_tool",
                "gen_ai.tool.name": "issue_refund",
                "gen_ai.tool.call.id": "call_1",
                "gen_ai.tool.call.arguments": arguments,
                "gen_ai.tool.call.result": {"status": "succeeded", "refund_id": "re_1"},
            },
        ),
    )


async def _posting(store: Store) -> int:
    return int(await store.connections.hot.call("HLEN", "{pullcord}:outbox:posting"))


async def _value(value: object) -> object:
    return value


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
