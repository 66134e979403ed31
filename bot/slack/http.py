"""HTTP mode: check the signature on the raw bytes ourselves, then let Bolt dispatch.

The SDK's verifier raises on hostile headers and Bolt answers 500 to bytes that are no text (measured), so whatever
does not check out is a plain 401 here. Algorithm: Slack's "Verifying requests from Slack", version v0.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.ports import Clock

MAX_BODY = 1_000_000
_SKEW_SECONDS = 300


@dataclass(frozen=True, slots=True)
class SlackAnswer:
    """Status, headers and body of the answer."""

    status: int
    headers: Mapping[str, str]
    body: str


class SlackHttp:
    """``POST /slack/events``: ``handle`` takes the raw body and the headers (any case) and never raises."""

    def __init__(self, app: AsyncApp, signing_secret: str, clock: Clock) -> None:
        """``signing_secret`` as on the app's page "Basic information"."""
        self._app = app
        self._secret = signing_secret.encode()
        self._clock = clock

    async def handle(self, body: bytes, headers: Mapping[str, str]) -> SlackAnswer:
        """401 for anything that is not provably from Slack, 413 over 1 MB, else what Bolt answers."""
        if len(body) > MAX_BODY:
            return _plain(413, "the body is over 1 MB")
        if not self.genuine(body, headers):
            return _plain(401, "the signature does not match")
        lowered = {name.lower(): value for name, value in headers.items()}
        try:
            text = body.decode()
            request = AsyncBoltRequest(body=text, headers={k: [v] for k, v in lowered.items()}, mode="http")
            answer = await self._app.async_dispatch(request)
        except (ValueError, TypeError, AttributeError, KeyError):
            return _plain(400, "the body is not what Slack sends")
        flat = {name: values[0] for name, values in answer.headers.items() if values}
        return SlackAnswer(status=answer.status, headers=flat, body=answer.body or "")

    def genuine(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the raw body is signed by Slack, now. Header names in any case."""
        lowered = {name.lower(): value for name, value in headers.items()}
        stamp = lowered.get("x-slack-request-timestamp", "")
        if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
            return False
        if abs(self._clock.now().timestamp() - int(stamp)) > _SKEW_SECONDS:
            return False
        expected = hmac.new(self._secret, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        given = lowered.get("x-slack-signature", "").encode("utf-8", "replace")
        return hmac.compare_digest(f"v0={expected}".encode(), given)


def _plain(status: int, reason: str) -> SlackAnswer:
    return SlackAnswer(status=status, headers={"content-type": "text/plain"}, body=reason)
