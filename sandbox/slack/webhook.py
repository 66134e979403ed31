"""HTTP mode: really signed POSTs to the app's request URLs, as Slack makes them."""

import hashlib
import hmac
import itertools
import json
import secrets
import time
from collections import deque
from collections.abc import Sequence
from urllib.parse import urlencode

import httpx

from sandbox.slack.delivery import Answer, Kind, Retry
from sandbox.slack.errors import DriveError
from sandbox.slack.model import Json

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
_NOT_TWICE = 200


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's request signature, version 0 (https://docs.slack.dev/authentication/verifying-requests-from-slack)."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def body_of(kind: Kind, payload: Json) -> tuple[bytes, str]:
    """Body and content type: events as JSON, interactions as a form's `payload`, commands as a plain form."""
    if kind == "events_api":
        return json.dumps(payload).encode(), JSON
    form = {"payload": json.dumps(payload)} if kind == "interactive" else payload
    return urlencode(form).encode(), FORM


class Webhook:
    """Posts to each of `urls` in turn: several are the replicas behind one address."""

    timeout_reason = "http_timeout"

    def __init__(self, urls: Sequence[str], secret: str, timeout: float) -> None:
        self.urls = tuple(urls)
        self._turn = itertools.cycle(self.urls)
        self._secret = secret
        self._timeout = timeout
        self._http = httpx.AsyncClient(timeout=timeout, trust_env=False)
        self._recent: deque[str] = deque(maxlen=_NOT_TWICE)

    def _signed(self, body: bytes, content_type: str) -> dict[str, str]:
        """Headers. A repeat is signed anew, as Slack does: no two requests here carry the same signature."""
        stamp = int(time.time())
        while (made := signature(self._secret, str(stamp), body)) in self._recent:
            stamp -= 1
        self._recent.append(made)
        return {"content-type": content_type, "x-slack-request-timestamp": str(stamp), "x-slack-signature": made}

    async def verify(self) -> None:
        """What Slack does when the URL is typed into the app's settings: send a challenge, expect it back.

        Raises:
            DriveError: an address did not answer, or with something else.
        """
        for url in self.urls:
            challenge = secrets.token_urlsafe(24)
            asked = {"token": "verification-token", "challenge": challenge, "type": "url_verification"}
            body = json.dumps(asked).encode()
            try:
                reply = await self._http.post(url, content=body, headers=self._signed(body, JSON))
            except httpx.HTTPError as error:
                raise DriveError(f"{url} cannot be reached ({type(error).__name__})") from error
            said = _answer_of(reply) or {}
            if reply.status_code != 200 or challenge not in (said.get("challenge"), said.get("text")):
                raise DriveError(
                    f"{url} did not respond with the value of the challenge parameter "
                    f"(status {reply.status_code}: {reply.text[:80]!r})"
                )

    async def send(self, kind: Kind, payload: Json, retry: Retry, *, wants_answer: bool) -> Answer:
        """POST it signed, with Slack's retry headers where it is a repeat, and wait for the answer."""
        body, content_type = body_of(kind, payload)
        headers = self._signed(body, content_type)
        if retry.attempt:
            headers |= {"x-slack-retry-num": str(retry.attempt), "x-slack-retry-reason": retry.reason}
        url = next(self._turn)
        request: Json = {"url": url, "body": body.decode(), "headers": headers, "status": None}
        started = time.monotonic()
        try:
            reply = await self._http.post(url, content=body, headers=headers)
        except httpx.TimeoutException:
            return Answer(acked=False, error="operation_timeout", ms=self._timeout * 1000, request=request)
        except httpx.HTTPError:
            return Answer(acked=False, error="dispatch_failed", request=request)
        took = (time.monotonic() - started) * 1000
        request["status"] = reply.status_code
        good = reply.is_success if kind == "events_api" else reply.status_code == 200
        if not good:
            no_retry = reply.headers.get("x-slack-no-retry") == "1"
            return Answer(acked=False, error="http_error", ms=took, request=request, no_retry=no_retry)
        return Answer(acked=True, payload=_answer_of(reply) if wants_answer else None, ms=took, request=request)

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
