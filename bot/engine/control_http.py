"""Requests to one control plane: below its configured ``url`` only, capped, bounded, and a write is sent once.

What answers is not trusted: no redirect is followed, TLS is verified, neither proxies nor ``.netrc`` of the environment
are used, and an error's text never quotes a header, an answer or another library's message, since any may hold a
credential.
"""

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache
from typing import NoReturn
from urllib.parse import unquote

import httpx

from bot.domain.base import Json
from bot.errors import ActionFailed, OutcomeUnknown
from bot.plugin.controls import ControlAnswer, ControlHttpSettings
from bot.recorder.answer_body import Damaged, EndsEarly, OverCap, read_raw
from bot.recorder.fetch import is_certificate, tls_context

_HEADERS = {"accept": "application/json", "accept-encoding": "gzip", "user-agent": "pullcord"}
_NOBODY_KNOWS = frozenset({408, 425, 429})
"""A 4xx that does not say that nothing was done (RFC 9110 15.5.9, RFC 8470, RFC 6585)."""


@cache
def _tls() -> ssl.SSLContext:
    """One for all control planes of the process: reading the authorities takes a tenth of a second."""
    return tls_context()


class ControlClient:
    """``ControlHttp`` for one instance of ``controls``. Each request has a connection of its own: none outlives it."""

    def __init__(self, name: str, settings: ControlHttpSettings) -> None:
        """``name`` is the instance's; errors name it and the setting to look at."""
        self._name = name
        self._settings = settings
        self._seconds = settings.timeout.total_seconds()
        self._tls = _tls()

    async def read(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Json = None,
        headers: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> ControlAnswer:
        """See ``ControlHttp.read``: tried twice where the connection broke."""
        try:
            return await self._send(method, path, params, json, None, headers, accept, writes=False)
        except httpx.TransportError:
            pass
        try:
            return await self._send(method, path, params, json, None, headers, accept, writes=False)
        except httpx.TransportError as error:
            self._unreached(error, wrote=False)

    async def write(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Json = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> ControlAnswer:
        """See ``ControlHttp.write``: sent once."""
        try:
            return await self._send(method, path, params, json, content, headers, accept, writes=True)
        except httpx.TransportError as error:
            self._unreached(error, wrote=True)

    async def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        json: Json,
        content: bytes | None,
        headers: Mapping[str, str] | None,
        accept: frozenset[int],
        *,
        writes: bool,
    ) -> ControlAnswer:
        client = httpx.AsyncClient(
            verify=self._tls,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(self._seconds, connect=min(3.0, self._seconds)),
            headers=_HEADERS,
        )
        async with client:
            try:
                url = self._url(path)
                request = client.build_request(
                    method,
                    url.copy_merge_params(dict(params)) if params else url,
                    headers=None if headers is None else dict(headers),
                    json=json if content is None and json is not None else None,
                    content=content,
                )
            except (ValueError, TypeError, httpx.InvalidURL):
                self._no("cannot be asked: a setting does not fit a header or an address", f"See {self._where()}.")
            try:
                async with asyncio.timeout(self._seconds):
                    response = await client.send(request, stream=True)
                    try:
                        return await self._judge(response, accept, writes=writes)
                    finally:
                        await response.aclose()
            except TimeoutError:
                self._unknown(f"did not answer within {self._seconds:g} s")

    def _url(self, path: str) -> httpx.URL:
        """Below the base, whatever the path holds. Raises ``ActionFailed``."""
        pieces = [piece for segment in path.split("/") for piece in unquote(segment).split("/")]
        if any(piece in {".", ".."} or not piece.isprintable() for piece in pieces) or any(c in path for c in "?#\\ "):
            self._no("cannot be asked: a name does not fit an address", "Look at the names in the request.")
        # The base was checked by the settings; what follows it is a path, so that no other host can be meant.
        return httpx.URL(f"{self._settings.url}/{path.lstrip('/')}")

    async def _judge(self, response: httpx.Response, accept: frozenset[int], *, writes: bool) -> ControlAnswer:
        status = response.status_code
        body = await self._body(response)
        if status in accept or status // 100 == 2:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return ControlAnswer(status, headers, body)
        if status // 100 == 3:
            self._no(
                f"answered with a redirect ({status}), and none is followed",
                f"Set {self._where('url')} to where the API itself is.",
            )
        if status in {401, 403, 407}:
            self._no(f"refused our credentials ({status})", f"See the credentials of {self._where()}.")
        if status >= 500 or status in _NOBODY_KNOWS:
            self._unknown(f"answered {status}" + (" after it was sent the change" if writes else ""))
        said = f"answered {status}, so nothing was done"
        raise ActionFailed(f"{self._name} {said}.", next_step=f"See {self._where()} and what it was asked for.")

    async def _body(self, response: httpx.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        try:
            return await read_raw(
                response.aiter_raw(), int(self._settings.max_bytes), inflate=encoding in {"gzip", "x-gzip"}
            )
        except (OverCap, Damaged, EndsEarly):
            self._unknown("answered more than may be read, or a damaged answer")

    def _unreached(self, error: httpx.TransportError, *, wrote: bool) -> NoReturn:
        if is_certificate(error):
            self._no("shows a certificate that cannot be trusted", f"Correct {self._where('url')}, or SSL_CERT_FILE.")
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)):
            self._no("could not be reached, so nothing was sent", f"See whether {self._where('url')} is right.")
        if isinstance(error, httpx.LocalProtocolError):
            self._no("cannot be asked: a setting does not fit a header", f"See {self._where()}.")
        late = isinstance(error, httpx.TimeoutException)
        what = f"did not answer within {self._seconds:g} s" if late else "closed the connection early"
        self._unknown(what + (" after it was sent the change" if wrote else ""))

    def _no(self, reason: str, next_step: str) -> NoReturn:
        raise ActionFailed(f"{self._name} {reason}.", next_step=next_step) from None

    def _unknown(self, reason: str) -> NoReturn:
        raise OutcomeUnknown(f"{self._name} {reason}.", next_step=f"Check {self._where('url')}.") from None

    def _where(self, field: str = "") -> str:
        return f"controls.{self._name}" + (f".{field}" if field else "")
