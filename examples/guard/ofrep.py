"""One read of the control plane: OFREP's bulk evaluation, with a bearer token, an ETag and a short deadline.

Source: OpenFeature Remote Evaluation Protocol, ``POST /ofrep/v1/evaluate/flags``.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx
from pydantic_core import from_json

from .state import NEUTRAL, Flag, parse_flag

_MOST_BYTES: Final = 1_000_000


class Unreachable(Exception):
    """No usable answer came. The message says what did; it never holds the token."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The flags that could be read, and a sentence for each that could not. ``etag`` only when all could."""

    flags: Mapping[str, Flag]
    problems: tuple[str, ...]
    etag: str | None


class OfrepReader:
    """Reads all flags of one agent in one request. Not for several threads at once: the caller takes turns."""

    def __init__(self, base_url: str, *, agent: str, token: str, timeout: float) -> None:
        """``base_url`` is Pullcord's address; ``timeout`` in seconds bounds a read (one that trickles in: twice it)."""
        self._url = f"{base_url.rstrip('/')}/ofrep/v1/evaluate/flags"
        self._agent = agent
        self._timeout = timeout
        self._client = httpx.Client(timeout=timeout, headers={"authorization": f"Bearer {token}"})

    def read(self, etag: str | None) -> Answer | None:
        """Fetch the flags; ``None`` when they are still those of ``etag``. Raises ``Unreachable``."""
        headers = {"if-none-match": etag} if etag else {}
        deadline = time.monotonic() + self._timeout
        body = bytearray()
        try:
            request = {"context": {"targetingKey": self._agent}}
            with self._client.stream("POST", self._url, json=request, headers=headers) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise Unreachable(f"{self._url} answered more than {_MOST_BYTES} bytes")
                    if time.monotonic() > deadline:
                        raise Unreachable(f"{self._url} did not finish its answer within {self._timeout:g} s")
        except httpx.TimeoutException:
            raise Unreachable(f"{self._url} did not answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{self._url} cannot be reached: {str(error) or type(error).__name__}") from None
        if response.status_code == HTTPStatus.NOT_MODIFIED and etag:
            return None
        if response.status_code != HTTPStatus.OK:
            raise Unreachable(_refusal(self._url, response.status_code, self._agent))
        return self._parse(bytes(body), response.headers.get("etag"))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _parse(self, body: bytes, etag: str | None) -> Answer:
        try:
            answer = from_json(body, allow_inf_nan=False)
        except ValueError as error:
            raise Unreachable(f"{self._url} answered something that is not JSON: {error}") from None
        entries = answer.get("flags") if isinstance(answer, dict) else None
        if not isinstance(entries, list):
            raise Unreachable(f"{self._url} answered JSON without a list of flags")
        by_key = {
            entry["key"]: entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("key"), str)
        }
        flags: dict[str, Flag] = {}
        problems: list[str] = []
        for key in NEUTRAL:
            try:
                flags[key] = parse_flag(key, by_key[key])
            except KeyError:
                problems.append(f"{key} is missing from the answer")
            except ValueError as error:
                problems.append(str(error))
        return Answer(flags=flags, problems=tuple(problems), etag=None if problems else etag)


def _refusal(url: str, status: int, agent: str) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return f"{url} does not know this token (401). Give {agent} the token that Pullcord's config names for it"
    if status == HTTPStatus.FORBIDDEN:
        return f"{url} says that this token is not {agent}'s (403). Each agent has its own"
    if status == HTTPStatus.NOT_FOUND:
        return f"{url} is not there (404). Check the base address"
    return f"{url} answered {status}"
