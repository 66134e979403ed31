"""Socket Mode (https://docs.slack.dev/apis/events-api/using-socket-mode): envelopes out, acks in."""

import asyncio
import json
import random
import secrets
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from sandbox.slack.delivery import Answer, Kind, Retry
from sandbox.slack.jobs import Jobs
from sandbox.slack.model import Json
from sandbox.slack.people import APP_ID

MOST_CONNECTIONS = 10
TICKET_LIFETIME = 30.0
LINGER = 1.0
"""Seconds between a disconnect message and the close of its connection; Slack leaves the app some to open the next."""


@dataclass
class Connection:
    """One open socket. `draining` gets no new payloads but may still ack."""

    websocket: WebSocket
    waiting: dict[str, asyncio.Future[Json | None]] = field(default_factory=dict)
    draining: bool = False

    async def send(self, message: Json) -> bool:
        """Send, and say whether that was possible."""
        try:
            await self.websocket.send_text(json.dumps(message))
        except (RuntimeError, WebSocketDisconnect):
            self.draining = True
            return False
        return True

    async def close(self) -> None:
        """Close from our side."""
        self.draining = True
        if self.websocket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self.websocket.close()


class Sockets:
    """All connections of the app; each payload goes to one of them at random."""

    timeout_reason = "timeout"

    def __init__(self, jobs: Jobs, ack_timeout: float) -> None:
        self._jobs = jobs
        self._ack_timeout = ack_timeout
        self._tickets: dict[str, float] = {}
        self.connections: list[Connection] = []
        self.refusing = False

    @property
    def live(self) -> list[Connection]:
        """Those that may be given a payload."""
        return [one for one in self.connections if not one.draining]

    def ticket(self) -> str:
        """Leave to connect, for the URL of `apps.connections.open`."""
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = time.monotonic() + TICKET_LIFETIME
        return ticket

    async def serve(self, websocket: WebSocket) -> None:
        """Hold one connection from hello to its end."""
        until = self._tickets.get(websocket.query_params.get("ticket", ""), 0.0)
        if self.refusing or until < time.monotonic():
            await websocket.close(code=1008)
            return
        await websocket.accept()
        connection = Connection(websocket)
        if len(self.live) >= MOST_CONNECTIONS:
            await connection.send({"type": "disconnect", "reason": "too_many_websockets", "debug_info": _debug()})
            await connection.close()
            return
        self.connections.append(connection)
        hello = {"num_connections": len(self.live), "connection_info": {"app_id": APP_ID}, "debug_info": _debug()}
        await connection.send({"type": "hello", **hello})
        try:
            while True:
                self._heard(connection, await websocket.receive_text())
        except (WebSocketDisconnect, RuntimeError, KeyError):
            pass
        finally:
            connection.draining = True
            self.connections.remove(connection)

    def _heard(self, connection: Connection, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        waiting = connection.waiting.pop(str(message.get("envelope_id", "")), None)
        payload = message.get("payload")
        if waiting is not None and not waiting.done():
            waiting.set_result(payload if isinstance(payload, dict) else None)

    async def send(self, kind: Kind, payload: Json, retry: Retry, *, wants_answer: bool) -> Answer:
        """One envelope to one random connection; no connection at all is `dispatch_failed` at once."""
        live = self.live
        if not live:
            return Answer(acked=False, error="dispatch_failed")
        connection = random.choice(live)  # noqa: S311 - as Slack does; nothing is protected by it
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": wants_answer,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry.attempt, "retry_reason": retry.reason}
        future: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope["envelope_id"]] = future
        started = time.monotonic()
        if not await connection.send(envelope):
            return Answer(acked=False, error="dispatch_failed")
        try:
            answer = await asyncio.wait_for(future, self._ack_timeout)
        except TimeoutError:
            connection.waiting.pop(envelope["envelope_id"], None)
            return Answer(acked=False, error="operation_timeout", ms=(time.monotonic() - started) * 1000)
        return Answer(acked=True, payload=answer if wants_answer else None, ms=(time.monotonic() - started) * 1000)

    async def disconnect(self, reason: str) -> int:
        """Tell every connection to go, as Slack does when it recycles them; returns how many were told.

        `warning` announces only. `refresh_requested` and `link_disabled` end the connection a second later.
        """
        told = list(self.live)
        for connection in told:
            await connection.send({"type": "disconnect", "reason": reason, "debug_info": _debug()})
            if reason != "warning":
                connection.draining = True
                self._jobs.start(self._close_later(connection))
        return len(told)

    async def _close_later(self, connection: Connection) -> None:
        await asyncio.sleep(LINGER)
        await connection.close()

    async def cut(self) -> None:
        """Close all at once, without a word."""
        for connection in list(self.connections):
            await connection.close()


def _debug() -> Json:
    return {"host": "applink-sandbox", "build_number": 1, "approximate_connection_time": 18060}
