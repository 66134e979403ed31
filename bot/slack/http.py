"""HTTP mode: the guard in front of Bolt, and the route that feeds it.

The SDK's verifier raises on hostile headers and Bolt answers 500 to bytes that are no text (measured), so whatever
does not check out is a plain 401 here, and nothing of it reaches Bolt. Algorithm: Slack's "Verifying requests from
Slack", version v0. What counts as a replay, and why a repeat by Slack is none: ``docs/adr/0021``.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot.errors import StoreUnavailable
from bot.ports import Clock
from bot.slack.identity import Identity
from bot.slack.metrics import REQUESTS_REFUSED
from bot.timeline.replays import Replays

PATH = "/slack/events"
MAX_BODY = 1_000_000
BODY_SECONDS = 10.0
STAMP, SIGNATURE, RETRY = "x-slack-request-timestamp", "x-slack-signature", "x-slack-retry-num"
_LEARN_SECONDS = 1.0
_SKEW_SECONDS = 300
_LOG = structlog.get_logger(__name__)

Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SlackAnswer:
    """Status, headers and body of the answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True)
class _Signed:
    """The headers that prove a request, each there exactly once and of the right shape."""

    stamp: str
    signature: str


class SlackHttp:
    """Everything that is sent to ``/slack/events``. ``handle`` takes the raw body and all headers; it never raises."""

    def __init__(
        self,
        app: AsyncApp,
        secrets: Sequence[str],
        clock: Clock,
        *,
        replays: Replays | None = None,
        identity: Identity | None = None,
    ) -> None:
        """``secrets``: the signing secret, and while it is rotated the other one too; any of them is good.

        ``replays`` is the store's list of signatures that were taken; ``identity`` is asked of Slack once, if need be.
        """
        self._app = app
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._clock = clock
        self._replays = replays
        self._identity = identity

    async def handle(self, body: bytes, headers: Headers) -> SlackAnswer:
        """401 for what is not provably from Slack or was taken before, 413 over 1 MB, else what Bolt answers."""
        if len(body) > MAX_BODY:
            return refusal("large", 413)
        given = [(name.lower(), value) for name, value in headers]
        signed = self.fresh(given)
        if signed is None or not self._matches(signed, body):
            return refusal("forged", 401)
        if not await self._first(signed):
            return self._repeated(given)
        answer = await self._dispatch(body, given)
        if answer.status >= 500:
            await self._forget(signed)
        return answer

    def fresh(self, headers: Headers) -> _Signed | None:
        """What the headers claim, if they could prove anything: each once, well formed, at most 5 minutes off."""
        stamps: list[str] = []
        signatures: list[str] = []
        for name, value in headers:
            if name.lower() == STAMP:
                stamps.append(value)
            elif name.lower() == SIGNATURE:
                signatures.append(value)
        if len(stamps) != 1 or len(signatures) != 1:
            return None
        stamp, signature = stamps[0], signatures[0]
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12 or not signature.isascii():
            return None
        if abs(self._clock.now().timestamp() - int(stamp)) > _SKEW_SECONDS:
            return None
        return _Signed(stamp, signature)

    def _matches(self, signed: _Signed, body: bytes) -> bool:
        base = b"v0:" + signed.stamp.encode() + b":" + body
        given = signed.signature.encode()
        made = [b"v0=" + hmac.new(one, base, hashlib.sha256).hexdigest().encode() for one in self._secrets]
        return any([hmac.compare_digest(one, given) for one in made])  # noqa: C419 - all of them, in constant time

    async def _first(self, signed: _Signed) -> bool:
        """Whether this very request was not taken before. Without the store nothing can have an effect, so: go on."""
        if self._replays is None:
            return True
        try:
            return await self._replays.first(signed.signature)
        except StoreUnavailable:
            return True

    async def _forget(self, signed: _Signed) -> None:
        if self._replays is None:
            return
        try:
            await self._replays.forget(signed.signature)
        except StoreUnavailable:
            return  # it was asked to come again, and Slack signs that anew

    def _repeated(self, headers: Headers) -> SlackAnswer:
        """Slack's own repeat of an event was dealt with: 200, or it would be sent again. Anybody else's is refused."""
        if any(name == RETRY for name, _ in headers):
            return SlackAnswer(200)
        _LOG.warning("slack request refused: its signature was used before")
        return refusal("replayed", 401)

    async def _dispatch(self, body: bytes, headers: Headers) -> SlackAnswer:
        await self._learn()
        grouped: dict[str, list[str]] = {}
        for name, value in headers:
            grouped.setdefault(name, []).append(value)
        try:
            request = AsyncBoltRequest(body=body.decode(), headers=dict(grouped), mode="http")
            answer = await self._app.async_dispatch(request)
        except Exception as error:  # noqa: BLE001 - signed, yet not what Slack documents: the sender's fault, no trace
            _LOG.warning("slack request not understood", reason=type(error).__name__)
            return refusal("malformed", 400)
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:  # Bolt's own word for it: our listeners never raise
            return refusal("malformed", 400)
        flat = {name: values[0] for name, values in answer.headers.items() if values}
        return SlackAnswer(status=answer.status, headers=flat, body=answer.body or "")

    async def _learn(self) -> None:
        """Only for what is really from Slack: anyone may send, and this calls Slack."""
        if self._identity is None or self._identity.known is not None:
            return
        try:
            async with asyncio.timeout(_LEARN_SECONDS):
                await self._identity.learn_quietly()
        except TimeoutError:
            return  # whoever pressed is told that we are still starting


_REASONS = {
    "large": "The body is over 1 MB.",
    "forged": "The signature does not match, or its time is more than 5 minutes off.",
    "replayed": "This request was received before.",
    "malformed": "The body is not what Slack sends.",
    "slow": "The body did not arrive whole.",
}


def refusal(why: str, status: int) -> SlackAnswer:
    """A refusal in words, counted by its reason."""
    REQUESTS_REFUSED.labels(why).inc()
    headers = {"content-type": "text/plain"}
    if why == "malformed":
        headers["x-slack-no-retry"] = "1"
    return SlackAnswer(status=status, headers=headers, body=_REASONS[why])


def events_route(http: SlackHttp) -> Route:
    """``/slack/events``: POST for all that Slack sends, GET for its check of the certificate, which is not signed."""

    async def receive(request: Request) -> SlackAnswer:
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > MAX_BODY:
            return refusal("large", 413)
        if http.fresh(request.headers.items()) is None:
            return refusal("forged", 401)  # unread: nobody makes us wait for a body that can prove nothing
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MAX_BODY:
                        break
        except (TimeoutError, ClientDisconnect):
            return refusal("slow", 408)
        return await http.handle(bytes(body), request.headers.items())

    async def events(request: Request) -> Response:
        if request.method != "POST":
            checked = request.query_params.get("ssl_check") == "1"
            return Response(status_code=200 if checked else 405, headers={} if checked else {"allow": "POST"})
        answer = await receive(request)
        return Response(answer.body, status_code=answer.status, headers=dict(answer.headers))

    return Route(PATH, events, methods=["GET", "POST"])


def challenge_body(challenge: str) -> bytes:
    """What Slack sends when an address is typed into the app's settings; ``doctor`` sends it to our own."""
    return json.dumps({"type": "url_verification", "token": "", "challenge": challenge}).encode()


def signed_headers(secret: str, stamp: int, body: bytes) -> dict[str, str]:
    """The headers that prove a JSON body, as Slack makes them."""
    base = f"v0:{stamp}:".encode() + body
    made = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", STAMP: str(stamp), SIGNATURE: f"v0={made}"}
