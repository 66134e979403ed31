"""How payloads reach the app, and what came back: over a socket (`sockets.py`) or signed HTTP (`Webhook` here)."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import urlencode

import httpx

from sandbox.slack.model import Json

Kind = Literal["interactive", "slash_commands", "events_api"]


@dataclass(frozen=True)
class Answer:
    """The app's answer. `error` is Slack's word for what went wrong: operation_timeout, dispatch_failed, http_error."""

    acked: bool
    payload: Json | None = None
    error: str | None = None
    ms: float = 0.0

    @property
    def timed_out(self) -> bool:
        """Nothing came back in time."""
        return self.error == "operation_timeout"


@dataclass(frozen=True)
class Retry:
    """The how-manieth repeat of an event this is, and why there is one."""

    attempt: int = 0
    reason: str = ""


class Delivery(Protocol):
    """One way to the app."""

    async def send(self, kind: Kind, payload: Json, retry: Retry, *, wants_answer: bool) -> Answer:
        """Deliver and wait for the ack, at most Slack's 3 s."""
        ...


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's request signature, version 0 (https://docs.slack.dev/authentication/verifying-requests-from-slack)."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class Webhook:
    """HTTP mode: signed POSTs to the app's request URL."""

    def __init__(self, url: str, secret: str, timeout: float) -> None:
        self.url = url
        self._secret = secret
        self._timeout = timeout
        self._http = httpx.AsyncClient(timeout=timeout, trust_env=False)

    async def send(self, kind: Kind, payload: Json, retry: Retry, *, wants_answer: bool) -> Answer:
        """POST it as Slack does: events as JSON, interactions as `payload=`, commands as a plain form."""
        if kind == "events_api":
            body, content_type = json.dumps(payload).encode(), "application/json"
        else:
            form = {"payload": json.dumps(payload)} if kind == "interactive" else payload
            body, content_type = urlencode(form).encode(), "application/x-www-form-urlencoded"
        stamp = str(int(time.time()))
        headers = {
            "content-type": content_type,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": signature(self._secret, stamp, body),
        }
        if retry.attempt:
            headers |= {"x-slack-retry-num": str(retry.attempt), "x-slack-retry-reason": retry.reason}
        started = time.monotonic()
        try:
            reply = await self._http.post(self.url, content=body, headers=headers)
        except httpx.TimeoutException:
            return Answer(acked=False, error="operation_timeout", ms=self._timeout * 1000)
        except httpx.HTTPError:
            return Answer(acked=False, error="dispatch_failed")
        took = (time.monotonic() - started) * 1000
        if reply.status_code != 200:
            return Answer(acked=False, error="http_error", ms=took)
        return Answer(acked=True, payload=_answer_of(reply) if wants_answer else None, ms=took)

    async def close(self) -> None:
        """Let go of kept connections."""
        await self._http.aclose()


def _answer_of(reply: httpx.Response) -> Json | None:
    if not reply.content:
        return None
    try:
        parsed = reply.json()
    except ValueError:
        return {"text": reply.text}
    return parsed if isinstance(parsed, dict) else None
