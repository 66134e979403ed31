"""HTTP mode as it runs: our route behind a real server on a real socket, on a real store, with a few interactions."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import uvicorn
from starlette.applications import Starlette

from bot.plugin import Interaction, Registry
from bot.settings import Environment
from bot.slack.start import SlackParts, start_slack
from bot.timeline.store import Store
from bot.web.connection import BoundedHttp
from sandbox.slack.server import QuietServer, SlackSandbox, listening
from tests.bot.slack.workspace import announce_channel, no_offers, settings_for
from tests.support.clock import WallClock
from tests.support.waiting import wait_until

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def sign(secret: str, body: bytes, stamp: int | str | None = None) -> dict[str, str]:
    """Slack's two headers for these bytes, at this time or now."""
    at = str(int(time.time()) if stamp is None else stamp)
    made = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={made}"}


@dataclass
class Replica:
    """One process's worth of HTTP mode."""

    url: str
    parts: SlackParts
    secret: str
    http: httpx.AsyncClient = field(repr=False)

    async def send(self, body: bytes, headers: Mapping[str, str] | Sequence[tuple[str, str]], kind: str = FORM) -> Any:
        """POST exactly these bytes and headers; answers httpx's response."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        raw = [(name.encode(), value.encode("latin-1")) for name, value in [("content-type", kind), *pairs]]
        return await self.http.post(self.url, content=body, headers=raw)

    async def signed(self, body: bytes, kind: str = FORM, *, stamp: int | str | None = None, **more: str) -> Any:
        """POST really signed."""
        return await self.send(body, {**sign(self.secret, body, stamp), **more}, kind)

    async def interact(self, payload: Mapping[str, Any], **more: Any) -> Any:
        """A click, a modal or a shortcut, as Slack posts it."""
        return await self.signed(urlencode({"payload": json.dumps(payload)}).encode(), **more)

    async def event(self, payload: Mapping[str, Any], **more: Any) -> Any:
        """An envelope of the Events API, as Slack posts it."""
        return await self.signed(json.dumps(payload).encode(), JSON, **more)


@asynccontextmanager
async def a_replica(
    slack: SlackSandbox, store: Store, interactions: Sequence[Interaction], *, secrets: str | None = None
) -> AsyncIterator[Replica]:
    """Serve until the block ends. ``secrets``: what SLACK_SIGNING_SECRET holds, default the workspace's own."""
    registry = Registry({}, {}, {}, {}, {}, {(one.kind, one.id): one for one in interactions})
    environment = Environment.of(
        {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_SIGNING_SECRET": secrets or slack.signing_secret,
            "SLACK_API_URL": slack.base_url,
        }
    )
    settings = settings_for(await announce_channel(slack)).model_copy(update={"environment": environment})
    bound = listening("127.0.0.1", 0)
    async with start_slack(store, registry, settings, WallClock()) as parts, httpx.AsyncClient(timeout=10) as http:
        parts.connect(None, no_offers)  # type: ignore[arg-type]
        web = Starlette(routes=list(parts.routes()))
        config = uvicorn.Config(web, http=BoundedHttp, log_level="warning", lifespan="off")
        server = QuietServer(config)
        loops = [asyncio.create_task(loop()) for loop in parts.loops("web").values()]
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            await wait_until(lambda: server.started)
            url = f"http://127.0.0.1:{bound.getsockname()[1]}/slack/events"
            yield Replica(url, parts, slack.signing_secret, http)
        finally:
            server.should_exit = True
            await serving
            for task in loops:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            bound.close()
