"""Requests to one trace store for one fetch: below its configured ``url`` only, capped, and over at the deadline.

What answers is not trusted. No redirect is followed, nothing larger than ``max_bytes`` is held (before and after
inflating), TLS is verified, and neither proxies nor ``.netrc`` of the environment are used: a store's credential goes
to the configured address and nowhere else. An error's text never quotes a header, an answer, or another library's
message, since any of them may hold a credential.
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn, Self
from urllib.parse import unquote, urlsplit

import certifi
import httpx

from bot.domain.base import Json
from bot.errors import ActionFailed, OutcomeUnknown
from bot.plugin import StoreAnswer, StoreSettings
from bot.plugin.traces import QueryParams
from bot.recorder.answer_body import Damaged, EndsEarly, OverCap, read_raw

_CONNECT_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 3.0
_HOST = re.compile(r"[a-z0-9.-]{1,120}")
_HEADERS = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": "pullcord"}

_NOT_SERVED = frozenset({400, 405, 406, 409, 410, 413, 415, 422, 501, 505})
_SAYS_NO = frozenset({401, 403, 407})


def tls_context() -> ssl.SSLContext:
    """Verifies certificates against the machine's authorities (``SSL_CERT_FILE`` too) and the bundled ones.

    Made once per process: reading the authorities takes tens of milliseconds.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class StoreClient:
    """``StoreHttp`` for one fetch. Use as an async context manager: the deadline and the cap start when it is entered.

    ``name`` is the store's in ``trace_stores``; errors name it and the setting to look at.
    """

    def __init__(self, name: str, settings: StoreSettings, tls: ssl.SSLContext) -> None:
        """Nothing is connected yet."""
        self._name = name
        self._settings = settings
        self._seconds = settings.deadline.total_seconds()
        self._left = int(settings.max_bytes)
        self._until = 0.0
        self._trouble = ""
        self._client = httpx.AsyncClient(
            verify=tls,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(self._seconds, connect=min(_CONNECT_SECONDS, self._seconds / 2)),
            headers=_HEADERS,
        )

    async def __aenter__(self) -> Self:
        """Start the clock."""
        self._until = asyncio.get_running_loop().time() + self._seconds
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(
        self, path: str, params: QueryParams | None = None, headers: Mapping[str, str] | None = None
    ) -> StoreAnswer:
        """GET. Raises as ``StoreHttp``."""
        return await self._ask(lambda: self._request("GET", path, params, headers))

    async def post(self, path: str, body: Json, headers: Mapping[str, str] | None = None) -> StoreAnswer:
        """POST a JSON body, a search. It is sent again like a GET, since it changes nothing."""
        return await self._ask(lambda: self._request("POST", path, None, headers, body))

    def _request(
        self,
        method: str,
        path: str,
        params: QueryParams | None,
        headers: Mapping[str, str] | None,
        body: Json = None,
    ) -> httpx.Request:
        """The request, made sure to go below the base. Raises ``ActionFailed``."""
        pieces = [piece for segment in path.split("/") for piece in unquote(segment).split("/")]
        unfit = any(piece in {".", ".."} or not piece.isprintable() for piece in pieces)
        if unfit or "//" in path or any(c in path for c in "?#\\ "):
            self._no("cannot be asked for that run: its id does not fit an address", "Look at what the alert names.")
        # The base is checked by the settings; what follows it is a path, so that no other host can be meant.
        url = httpx.URL(f"{self._settings.url}/{path.lstrip('/')}")
        try:
            return self._client.build_request(
                method,
                url.copy_merge_params(_query(params)) if params else url,
                headers=None if headers is None else dict(headers),
                json=body if method == "POST" else None,
            )
        except (ValueError, TypeError, httpx.InvalidURL):
            self._no("cannot be asked: a setting does not fit a header or an address", f"See {self._where()}.")

    async def _ask(self, make: Callable[[], httpx.Request]) -> StoreAnswer:
        """One answer, asked for again after trouble that may pass, until the deadline."""
        self._trouble = ""
        request = make()
        pause = _FIRST_PAUSE
        try:
            async with asyncio.timeout_at(self._until):
                while True:
                    answer, wait = await self._once(request)
                    if answer is not None:
                        return answer
                    wait = pause if wait is None else wait
                    if asyncio.get_running_loop().time() + wait >= self._until:
                        self._unknown()
                    await asyncio.sleep(wait)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                    request = make()
        except TimeoutError:
            self._unknown()

    async def _once(self, request: httpx.Request) -> tuple[StoreAnswer | None, float | None]:
        """The answer; or None and the seconds to wait that the store asked for, with ``_trouble`` saying why."""
        try:
            response = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            self._passing(error)
            return None, None
        try:
            return await self._judge(response)
        except httpx.TransportError as error:
            self._passing(error, "closed the connection early")
            return None, None
        finally:
            await response.aclose()

    async def _judge(self, response: httpx.Response) -> tuple[StoreAnswer | None, float | None]:
        status = response.status_code
        if response.is_redirect or status // 100 == 3:
            self._redirected(response)
        if status == 429 or (status >= 500 and status not in _NOT_SERVED):
            self._trouble = f"answered {status}"
            return None, _retry_after(response.headers.get("retry-after", ""))
        if status in _SAYS_NO:
            self._no(f"refused our credentials ({status})", f"See the credentials of {self._where()}.")
        if status // 100 != 2 and status != 404:
            self._no(f"answered {status} instead of a run", f"See whether {self._where('url')} is the API's base.")
        body = await self._body(response)
        media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return StoreAnswer(status, media, body), None

    async def _body(self, response: httpx.Response) -> bytes:
        """The whole body, inflated, counted while it comes. Raises ``ActionFailed`` when it is over the cap."""
        if not 0 <= _number(response.headers.get("content-length", "0")) <= self._left:
            self._too_large()
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"gzip", "x-gzip", "identity", ""}:
            self._no("answered in an encoding that was not asked for", f"See whether {self._where('url')} is right.")
        try:
            body = await read_raw(response.aiter_raw(), self._left, inflate="gzip" in encoding)
        except OverCap:
            self._too_large()
        except Damaged:
            self._no("sent a damaged answer (its gzip cannot be read)", f"See what stands at {self._where('url')}.")
        except EndsEarly:
            raise httpx.RemoteProtocolError("the gzip stream ends early", request=response.request) from None
        self._left -= len(body)
        return body

    def _passing(self, error: httpx.TransportError, otherwise: str = "could not be reached") -> None:
        """Note trouble that may pass. Raises ``ActionFailed`` for what will not: a certificate, a bad request."""
        if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
            self._no("cannot be asked: a setting does not fit a header or an address", f"See {self._where()}.")
        if is_certificate(error):
            self._no(
                "shows a certificate that cannot be trusted",
                f"Correct {self._where('url')}, or add the authority to the machine's (SSL_CERT_FILE).",
            )
        if isinstance(error, httpx.TimeoutException):
            self._trouble = "did not answer"
        elif isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
            self._trouble = "closed the connection early"
        else:
            self._trouble = otherwise

    def _redirected(self, response: httpx.Response) -> NoReturn:
        target = response.headers.get("location", "")
        try:
            host = (urlsplit(target).hostname or "").lower()
        except ValueError:
            host = ""
        to = f" to {host}" if _HOST.fullmatch(host) else ""
        self._no(
            f"answered with a redirect{to} ({response.status_code}), and none is followed",
            f"Set {self._where('url')} to where the API itself is.",
        )

    def _too_large(self) -> NoReturn:
        most = int(self._settings.max_bytes) / 1_000_000
        self._no(f"has more than {most:g} MB of that run", f"Raise {self._where('max_bytes')} if it may be so large.")

    def _no(self, reason: str, next_step: str) -> NoReturn:
        raise ActionFailed(f"{self._name} {reason}.", next_step=next_step) from None

    def _unknown(self) -> NoReturn:
        if self._trouble and self._trouble != "did not answer":
            message = f"{self._name} {self._trouble} for {self._seconds:g} s."
        else:
            message = f"{self._name} did not answer within {self._seconds:g} s."
        raise OutcomeUnknown(message, next_step=f"See whether {self._where('url')} can be reached.") from None

    def _where(self, field: str = "") -> str:
        return f"trace_stores.{self._name}" + (f".{field}" if field else "")


def _query(params: QueryParams) -> dict[str, str | list[str]]:
    return {name: value if isinstance(value, str) else list(value) for name, value in params.items()}


def is_certificate(error: BaseException | None) -> bool:
    """Whether a certificate that cannot be trusted is behind this error."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1


def _retry_after(text: str) -> float | None:
    """Seconds that the store asks to wait (RFC 9110, section 10.2.3: a number or a date); None when it says nothing."""
    seconds = _number(text.strip())
    if seconds >= 0:
        return float(seconds)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
