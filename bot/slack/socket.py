"""Socket Mode, supervised: connect, watch for signs of life, connect anew. Never a reason to be unready.

The SDK's own monitor is not enough: connections that look open have been deaf for hours, and after a failed start it
asks the same used-up address for ever. So the age of the last ping-pong is watched from outside.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import PullcordError
from bot.metrics import SLACK_SOCKET_AGE
from bot.slack.app import bolt_logger
from bot.slack.client import SlackClient
from bot.slack.identity import Identity
from bot.slack.metrics import SOCKET_RECONNECTS

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SocketTimes:
    """Seconds: between pings, how long without a sign of life is too long, and how often to look."""

    ping: float = 10.0
    stale: float = 60.0
    look: float = 1.0
    retry: float = 2.0
    retry_most: float = 30.0


@dataclass(frozen=True, slots=True)
class SocketHealth:
    """For ``doctor`` and the metric. ``age`` in seconds since the last ping-pong, None while there is no connection."""

    connected: bool
    age: float | None
    reconnects: int
    last_error: str | None


class SocketConnection:
    """Keeps one Socket Mode connection alive while ``run`` runs."""

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        client: SlackClient,
        identity: Identity,
        *,
        times: SocketTimes | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``app_token`` begins with ``xapp-`` and has the scope ``connections:write``."""
        self._app = app
        self._app_token = app_token
        self._client = client
        self._identity = identity
        self._times = times or SocketTimes()
        self._monotonic = monotonic
        self._socket: SocketModeClient | None = None
        self._reconnects = 0
        self._last_error: str | None = None

    def health(self) -> SocketHealth:
        """How the connection is now."""
        socket = self._socket
        session = socket.current_session if socket is not None else None
        connected = session is not None and not session.closed
        heard = socket.last_ping_pong_time if socket is not None else None
        age = max(0.0, time.time() - heard) if heard is not None else None  # the SDK keeps wall-clock time
        return SocketHealth(connected=connected, age=age, reconnects=self._reconnects, last_error=self._last_error)

    async def run(self) -> None:
        """Connect and keep connected until cancelled. Slack being away is waited out."""
        wait = self._times.retry
        while True:
            try:
                await self._identity.learn()
                async with self._connected() as socket:
                    lived = await self._watch(socket)
                wait = self._times.retry if lived else wait
            except PullcordError as error:
                self._last_error = str(error)
            except Exception as error:  # noqa: BLE001 - the supervisor outlives whatever the SDK raises
                self._last_error = f"{type(error).__name__}: {error}"[:300]
            self._reconnects += 1
            SOCKET_RECONNECTS.inc()
            _LOG.warning("slack socket lost, connecting again", reason=self._last_error, wait_seconds=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, self._times.retry_most)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[SocketModeClient]:
        web = AsyncWebClient(token=self._app_token, base_url=self._client.web.base_url, timeout=10)
        handler = AsyncSocketModeHandler(
            self._app,
            self._app_token,
            logger=bolt_logger("bot.slack.socket_mode"),
            web_client=web,
            ping_interval=self._times.ping,
        )
        socket = handler.client
        self._socket = socket
        try:
            async with asyncio.timeout(self._times.stale / 2):
                await socket.connect_to_new_endpoint(force=True)
            yield socket
        finally:
            self._socket = None
            tasks = [socket.message_processor, socket.current_session_monitor, socket.message_receiver]
            with contextlib.suppress(Exception):
                await socket.close()  # type: ignore[no-untyped-call]
            await asyncio.gather(*(t for t in tasks if t is not None), return_exceptions=True)

    async def _watch(self, socket: SocketModeClient) -> bool:
        """Return when the connection has shown no sign of life for too long; True when it ever had one."""
        alive = self._monotonic()
        lived = False
        seen: float | None = None
        while True:
            await asyncio.sleep(self._times.look)
            heard = socket.last_ping_pong_time
            now = self._monotonic()
            if heard is not None and heard != seen:
                seen, alive, lived = heard, now, True
                self._last_error = None
            SLACK_SOCKET_AGE.set(now - alive)
            if now - alive > self._times.stale:
                self._last_error = f"no sign of life for {now - alive:.0f} s"
                return lived
