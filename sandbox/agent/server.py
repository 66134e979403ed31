"""refund-bot as a small web server: ask it, and look at its shop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from opentelemetry.sdk.trace import TracerProvider
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from examples.guard import Guard

from .bot import RefundBot, RunRequest
from .chat import ModelNotFound
from .model import ScriptedModel
from .page import render
from .shop import Shop
from .watcher import Watcher

_MOST_BYTES: Final = 64_000
_STATUS: Final = {"completed": 200, "paused": 503, "failed": 502}
_MOVED: Final = TypeAdapter(dict[str, str])
_PAGE_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
    ),
    "x-content-type-options": "nosniff",
}


class _Endpoints:
    """What the routes do."""

    def __init__(
        self,
        *,
        bot: RefundBot,
        model: ScriptedModel,
        guard: Guard,
        shop: Shop,
        traces: TracerProvider,
        watcher: Watcher | None,
    ) -> None:
        self._bot = bot
        self._model = model
        self._guard = guard
        self._shop = shop
        self._traces = traces
        self._watcher = watcher

    async def run(self, request: Request) -> Response:
        """``POST /run``: 200 with a ``RunReport``, 502 when the run failed, 503 while paused, else 413, 415, 422."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            # a page of another site can make a browser post forms to loopback, but not JSON
            return JSONResponse({"error": "send application/json"}, status_code=415)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                return JSONResponse({"error": f"more than {_MOST_BYTES} bytes"}, status_code=413)
        try:
            asked = RunRequest.model_validate_json(bytes(body))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, first["loc"]))
            return JSONResponse({"error": first["msg"], "field": field}, status_code=422)
        report = await asyncio.to_thread(self._bot.handle, asked)
        if report.trace_id is not None:
            # an alert should not overtake its run by long; Pullcord copes with it when it does
            await asyncio.to_thread(self._traces.force_flush, 2_000)
        if self._watcher is not None:
            self._watcher.look()
        return JSONResponse(report.model_dump(mode="json"), status_code=_STATUS[report.status])

    async def provider(self, request: Request) -> Response:
        """``POST /provider``: ``{"gpt-x": "gpt-x-2026-03-12"}`` moves an alias; 404 for names that are not served."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"error": "send application/json"}, status_code=415)
        try:
            moved = _MOVED.validate_json(await request.body())
            for alias, snapshot in moved.items():
                self._model.move_alias(alias, snapshot)
        except ValidationError:
            return JSONResponse({"error": "name aliases and what each serves"}, status_code=422)
        except ModelNotFound as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        return JSONResponse(moved)

    async def tables(self, _: Request) -> Response:
        """``GET /shop``: every table as JSON."""
        return JSONResponse(self._shop.tables())

    async def page(self, _: Request) -> Response:
        """``GET /``: the same for a person."""
        html = render(self._shop.tables(), await self._guard.restraints_async(), agent=self._guard.agent)
        return HTMLResponse(html, headers=_PAGE_HEADERS)

    async def healthz(self, _: Request) -> Response:
        """``GET /healthz``."""
        return JSONResponse({"status": "ok"})


def app(
    *,
    bot: RefundBot,
    model: ScriptedModel,
    guard: Guard,
    shop: Shop,
    traces: TracerProvider,
    watcher: Watcher | None,
    idle_read: float = 1.0,
) -> Starlette:
    """The routes, and two loops for as long as it serves: reading the restraints while idle, and sending alerts.

    ``idle_read`` in seconds: what verifies a restraint is that Pullcord sees the agent read it, also when nobody asks
    the agent anything. Without a ``watcher`` no alert is ever sent. Closes what it was given when it stops.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as loops:
            tasks = [loops.create_task(_read_restraints(guard, idle_read))]
            if watcher is not None:
                tasks.append(loops.create_task(watcher.run()))
            yield
            for task in tasks:
                task.cancel()
        await asyncio.to_thread(traces.shutdown)
        guard.close()
        shop.close()

    ends = _Endpoints(bot=bot, model=model, guard=guard, shop=shop, traces=traces, watcher=watcher)
    routes = [
        Route("/", ends.page),
        Route("/run", ends.run, methods=["POST"]),
        Route("/provider", ends.provider, methods=["POST"]),
        Route("/shop", ends.tables),
        Route("/healthz", ends.healthz),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _read_restraints(guard: Guard, every: float) -> None:
    while True:
        await guard.restraints_async()
        await asyncio.sleep(every)
