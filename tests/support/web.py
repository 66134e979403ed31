"""The web application served over real HTTP on a free port, for tests: uvicorn in this process, httpx as the client."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp

from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.errors import Refused
from bot.plugin import Registry
from bot.ports import Clock
from bot.recorder.limits import Limits
from bot.recorder.offload import Parser
from bot.recorder.redact import Redactor
from bot.settings import AgentSettings, Environment, Settings
from bot.timeline.store import Store
from bot.web.app import make_web
from bot.web.operations import Probe
from handlers.alerts.alertmanager import alertmanager
from handlers.alerts.generic import generic

API_TOKEN = "api-token-of-the-tests"
OTLP_TOKEN = "otlp-token-of-the-tests"
BEARER = "alert-bearer-of-the-tests"
BEARER_BEFORE = "alert-bearer-before-rotation"
AGENTS = {
    "refund-bot": AgentSettings(token=SecretStr("flags-refund-bot"), otlp_token=SecretStr("spans-refund-bot")),
    "mail-bot": AgentSettings(token=SecretStr("flags-mail-bot"), otlp_token=SecretStr("spans-mail-bot")),
    "quiet-bot": AgentSettings(),
}


def registry() -> Registry:
    """The alert sources, and nothing else."""
    sources = {source.name: source for source in (alertmanager, generic)}
    return Registry(
        actions={}, alert_sources=sources, trace_sources={}, control_planes={}, eval_formats={}, interactions={}
    )


def settings(**changes: Any) -> Settings:
    """Both sources with bearer and basic credentials, three agents, and the tokens of the environment."""
    access: dict[str, Any] = {
        "bearer": [SecretStr(BEARER), SecretStr(BEARER_BEFORE)],
        "basic": [
            {"username": "prometheus", "password": SecretStr("first password")},
            {"username": "prometheus", "password": SecretStr("second: password")},
        ],
    }
    parts: dict[str, Any] = {
        "sources": {"alertmanager": access, "generic": access},
        "agents": AGENTS,
        "environment": Environment(api_token=SecretStr(API_TOKEN), otlp_token=SecretStr(OTLP_TOKEN)),
        **changes,
    }
    return Settings(**parts)


class Runs:
    """``ports.EvidenceReader`` over a dict."""

    def __init__(self) -> None:
        """Hold none."""
        self.held: dict[str, Run] = {}

    async def run(self, incident: Incident, trace_id: str) -> Run:
        """The run that the test put there."""
        if trace_id not in self.held:
            raise Refused(f"{incident.id} has no run {trace_id}.", field="trace_id")
        return self.held[trace_id]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave the signals of the test process alone."""
        yield


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on a free port of loopback; its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, server_header=False)
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if task.done():
                task.result()
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def serving(
    store: Store,
    clock: Clock,
    *,
    configured: Settings | None = None,
    runs: Runs | None = None,
    probes: Mapping[str, Probe] | None = None,
    extra: Any = (),
) -> AsyncIterator[httpx.AsyncClient]:
    """The whole web application and a client of it, without credentials."""
    redactor = Redactor()
    chosen = configured or settings()
    limits = Limits(body=chosen.recorder.max_body, inflated=chosen.recorder.max_inflated)
    async with Parser(redactor, limits) as parser:
        app = make_web(
            settings=chosen,
            registry=registry(),
            store=store,
            redactor=redactor,
            parser=parser,
            evidence=runs or Runs(),
            clock=clock,
            probes=probes or {},
            extra=extra,
        )
        async with listening(app) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
            yield client


def bearer(token: str) -> dict[str, str]:
    """The header of a bearer token."""
    return {"authorization": f"Bearer {token}"}
