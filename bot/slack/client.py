"""The client: one shared HTTP session, our own retry rule, a timeout on every call, typed errors.

The SDK's default retries a broken connection also for ``chat.postMessage``, which can post twice (measured); ours
retries only what the table of ``methods`` calls repeatable. A 429 is never slept through here: whoever called
reschedules.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_interval_calculators import FixedValueRetryIntervalCalculator
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import PullcordError
from bot.metrics import SLACK_CALLS
from bot.slack.errors import MissingScope, RateLimited, SlackError, Unreachable, of_answer
from bot.slack.methods import METHODS

DEFAULT_API_URL = "https://slack.com/api/"
TIMEOUT = 8.0
_CONNECT_TIMEOUT = 3.0
_PAGE = 200
_PAGES = 5


class RepeatBrokenConnection(AsyncRetryHandler):
    """Try a repeatable method once more when the connection broke. Never a post, an ephemeral or a view."""

    def __init__(self) -> None:
        """One more try, after 50 ms."""
        super().__init__(max_retry_count=1, interval_calculator=FixedValueRetryIntervalCalculator(0.05))

    async def _can_retry_async(
        self,
        *,
        state: RetryState,  # noqa: ARG002 - the SDK's signature
        request: HttpRequest,
        response: HttpResponse | None = None,  # noqa: ARG002 - same
        error: Exception | None = None,
    ) -> bool:
        method = METHODS.get(urlsplit(request.url or "").path.rsplit("/", 1)[-1])
        broken = isinstance(error, aiohttp.ServerConnectionError | aiohttp.ClientOSError)
        return broken and method is not None and method.repeatable


class SlackClient:
    """Calls the Web API. Make it with ``open`` inside a running loop; ``aclose`` ends the session."""

    def __init__(self, web: AsyncWebClient, session: aiohttp.ClientSession, *, timeout: float = TIMEOUT) -> None:
        """``timeout`` in seconds bounds each call that names none."""
        self.web = web
        self._session = session
        self._timeout = timeout

    @classmethod
    async def open(cls, token: str, base_url: str = DEFAULT_API_URL, *, timeout: float = TIMEOUT) -> Self:
        """A client with a session of its own. ``base_url`` ends with a slash."""
        connector = aiohttp.TCPConnector(limit=32, keepalive_timeout=30)
        session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=timeout, connect=_CONNECT_TIMEOUT),
        )
        logger = logging.getLogger("bot.slack.sdk")
        logger.setLevel(logging.INFO)  # the SDK logs whole bodies at DEBUG
        web = AsyncWebClient(
            token=token,
            base_url=base_url,
            session=session,
            retry_handlers=[RepeatBrokenConnection()],
            timeout=max(1, int(timeout)),
            logger=logger,
        )
        return cls(web, session, timeout=timeout)

    async def aclose(self) -> None:
        """Close the session; calls under way fail as Unreachable."""
        await self._session.close()

    async def call(self, method: str, *, timeout: float | None = None, **arguments: Any) -> dict[str, Any]:
        """Call a method of the table and answer its body. None arguments are left out.

        Raises SlackError (a definite no), RateLimited, or Unreachable (nobody knows; ``sent`` False: surely not).
        """
        answer = "ok"
        try:
            return await self._call(method, timeout, arguments)
        except PullcordError as error:
            answer = _counted(error)
            raise
        finally:
            SLACK_CALLS.labels(method, answer).inc()

    async def _call(self, method: str, timeout: float | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
        spec = METHODS[method]
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            async with asyncio.timeout(timeout or self._timeout):
                if spec.json:
                    response = await self.web.api_call(method, json=given)
                else:
                    response = await self.web.api_call(method, data={k: _form(v) for k, v in given.items()})
        except SlackApiError as error:
            raise _typed(method, error) from None
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(method, f"cannot connect ({type(error).__name__})", sent=False) from None
        except TimeoutError:
            raise Unreachable(method, f"no answer in {timeout or self._timeout:g} s", sent=True) from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise Unreachable(method, f"the connection broke ({type(error).__name__})", sent=True) from None
        data = response.data
        return dict(data) if isinstance(data, dict) else {}

    async def respond(self, response_url: str, payload: Mapping[str, Any]) -> None:
        """Answer an interaction through its ``response_url`` (good for 30 minutes and five answers).

        Raises SlackError or Unreachable.
        """
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._session.post(response_url, json=dict(payload), allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise of_answer("response_url", answer.status, {"error": f"status_{answer.status}"}, None)
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise Unreachable("response_url", type(error).__name__, sent=True) from None

    async def find(
        self, channel: str, dedupe_key: str, *, oldest: float, thread_ts: str | None = None, author: str | None = None
    ) -> str | None:
        """The ts of our own message with this dedupe key in its metadata, posted since ``oldest`` (Unix time), or None.

        ``author`` is our bot's user id: metadata of somebody else's message proves nothing.
        """
        method = "conversations.replies" if thread_ts else "conversations.history"
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await self.call(
                method,
                channel=channel,
                ts=thread_ts,
                oldest=f"{max(0.0, oldest):.6f}",
                inclusive=True,
                include_all_metadata=True,
                limit=_PAGE,
                cursor=cursor,
            )
            for message in page.get("messages") or ():
                if _key_of(message) == dedupe_key and (author is None or message.get("user") in {author, None}):
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                return None
        return None

    async def try_call(self, method: str, **arguments: Any) -> SlackError | None:
        """An optional call: answers the refusal instead of raising it. RateLimited and Unreachable are raised."""
        try:
            await self.call(method, **arguments)
        except SlackError as error:
            return error
        return None


def _counted(error: PullcordError) -> str:
    """A small fixed set of words for the metric."""
    if isinstance(error, RateLimited):
        return "ratelimited"
    if isinstance(error, MissingScope):
        return "missing_scope"
    return "refused" if isinstance(error, SlackError) else "unreachable"


def _form(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _key_of(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    key = (metadata.get("event_payload") or {}).get("dedupe_key")
    return key if isinstance(key, str) else None


def _typed(method: str, error: SlackApiError) -> Exception:
    response: Any = error.response
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    data = getattr(response, "data", None)
    headers = getattr(response, "headers", None) or {}
    retry_after = next((v for k, v in dict(headers).items() if k.lower() == "retry-after"), None)
    return of_answer(method, status, data if isinstance(data, dict) else {}, retry_after)
