"""The sandbox as a server: routes, uvicorn, and starting it inside a test's event loop."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.slack.backend import Backend
from sandbox.slack.driver import Driver
from sandbox.slack.driving import Driving
from sandbox.slack.errors import DriveError, SlackError
from sandbox.slack.page import routes as page_routes
from sandbox.slack.webapi.endpoint import DROP, Endpoint


class Droppable(HttpToolsProtocol):
    """uvicorn's protocol, which also hands the application a way to cut the TCP connection without an answer."""

    def on_message_begin(self) -> None:
        """Put the cut beside the request."""
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)[DROP] = self.transport.abort


class QuietServer(uvicorn.Server):
    """Leaves signals to whoever owns the event loop."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


def application(slack: Backend, driving: Driving) -> Starlette:
    """All routes: Web API, sockets, response URLs, driving, the page."""

    async def link(websocket: WebSocket) -> None:
        await slack.sockets.serve(websocket)

    async def respond(request: Request) -> Response:
        try:
            slack.responses.take(request.path_params["key"], await request.json())
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, status_code=400)
        except SlackError as refusal:
            status = 404 if refusal.error in ("expired_url", "used_url") else 400
            return JSONResponse(refusal.body(), status_code=status)
        return PlainTextResponse("ok")

    async def about(_request: Request) -> Response:
        return JSONResponse(
            {
                "base_url": f"{slack.origin}/api/",
                "bot_token": slack.bot_token,
                "app_token": slack.app_token,
                "signing_secret": slack.signing_secret,
            }
        )

    async def drive(request: Request) -> Response:
        # JSON only: a browser page of another origin cannot send it without asking first, and is not allowed.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return JSONResponse({"error": "send application/json"}, status_code=415)
        arguments = await request.json()
        if not isinstance(arguments, dict):
            raise DriveError("send a JSON object of arguments")
        return JSONResponse(await driving.do(request.path_params["operation"], arguments))

    async def refused(_request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status_code=409)

    return Starlette(
        routes=[
            Route("/api/{method:str}", Endpoint(slack).answer, methods=["GET", "POST"]),
            Route("/responses/{key:str}", respond, methods=["POST"]),
            Route("/sandbox/about", about),
            Route("/sandbox/do/{operation:str}", drive, methods=["POST"]),
            WebSocketRoute("/link/", link),
            *page_routes(slack),
        ],
        exception_handlers={DriveError: refused},
    )


def listening(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 picks a free one."""
    # The protocol is named because asyncio turns Nagle's delay off (40 ms a call) only where it says TCP.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    bound.listen(1024)  # who connects before uvicorn accepts waits instead of being refused
    return bound


def configuration(app: Starlette) -> uvicorn.Config:
    """Settings of uvicorn, the same in tests and as a process."""
    return uvicorn.Config(
        app,
        http=Droppable,
        ws="websockets-sansio",
        ws_ping_interval=None,
        log_level=logging.WARNING,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )


class SlackSandbox(Driver):
    """A running workspace in this process. Make one with `start`."""

    def __init__(self, slack: Backend) -> None:
        self._slack = slack
        self._driving = Driving(slack)
        self.origin = slack.origin
        self.base_url = f"{slack.origin}/api/"
        self.bot_token, self.app_token = slack.bot_token, slack.app_token
        self.signing_secret = slack.signing_secret

    async def _do(self, operation: str, **arguments: Any) -> Any:
        return await self._driving.do(operation, arguments)

    @classmethod
    @asynccontextmanager
    async def start(
        cls, port: int = 0, *, host: str = "127.0.0.1", limits: bool = False, **options: Any
    ) -> AsyncIterator["SlackSandbox"]:
        """Serve a new workspace in this event loop until the block ends.

        Args:
            port: 0 picks a free one; see `base_url`.
            host: address to listen on.
            limits: whether Slack's rate limits hold from the start.
            options: fields of `Backend`, as `registration`, `people`, `ack_timeout`.
        """
        slack = Backend(**options)
        slack.limits.on = limits
        bound = listening(host, port)
        slack.use(f"http://{host}:{bound.getsockname()[1]}")
        sandbox = cls(slack)
        server = QuietServer(configuration(application(slack, sandbox._driving)))
        # Not a TaskGroup: it would wrap what a test raises inside the block into an ExceptionGroup.
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event to wait on
                await asyncio.sleep(0.005)
            yield sandbox
        finally:
            await slack.close()
            server.should_exit = True
            await serving
            bound.close()
