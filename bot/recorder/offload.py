"""Parsing and redaction off the event loop: a thread for small bodies, one child process for large ones.

A large export costs seconds of pure Python; in a thread it would take the interpreter from a click. The child is
started when it is first needed, is sent home after it was idle, and ends by itself when this process dies (its pipe
closes).
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Self, TypeVar

from bot.domain.catalogue import Catalogue
from bot.errors import Busy
from bot.recorder.child import Child, Talk
from bot.recorder.limits import Limits
from bot.recorder.pack import PackedExport, pack, read_body
from bot.recorder.redact import Redactor
from bot.recorder.run_reading import RunReading, read_run, weight
from bot.recorder.talks import parse_talk, read_talk

_T = TypeVar("_T")

_PATIENCE = 5.0  # seconds that a parse may still run when we are asked to end
_GZIP_SIZE = 4  # RFC 1952: the last four bytes say the plain size, modulo 2**32


@dataclass(frozen=True, slots=True)
class ParserSettings:
    """``large`` is from how many plain bytes on the child does it; waiting requests over a bound are refused as busy.

    ``timeout`` and ``idle`` are seconds: of one large parse, and of idleness after which the child ends.
    """

    large: int = 256_000
    threads: int = 2
    waiting_small: int = 64
    waiting_large: int = 8
    timeout: float = 120.0
    idle: float = 60.0


class Parser:
    """Parses and redacts exports. Use as an async context manager; after it no thread and no process is left."""

    def __init__(self, redactor: Redactor, limits: Limits, settings: ParserSettings | None = None) -> None:
        """Start nothing yet."""
        self._redactor = redactor
        self._limits = limits
        self._settings = settings or ParserSettings()
        self._small = ThreadPoolExecutor(self._settings.threads, "parse")
        self._large = ThreadPoolExecutor(1, "parse-large")
        self._child = Child(redactor, limits, self._settings.timeout)
        self._counts = {"small": 0, "large": 0}
        self._lock = threading.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        """Nothing is started before it is needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End as ``close``."""
        await self.close()

    async def parse(self, body: bytes, content_type: str, encoding: str = "") -> PackedExport:
        """The redacted spans of one export.

        Raises ``Refused`` (with ``TooLarge`` and ``UnsupportedMedia``) as ``parse_export``, and ``Busy`` when too many
        wait or the child died; the sender may then send the same again.
        """
        if len(body) > self._limits.body:  # before any queue: it would only wait to be refused
            return _parse_here(body, content_type, encoding, self._redactor, self._limits)
        if plain_size(body, encoding) > self._settings.large:
            return await self._in_child(parse_talk(body, content_type, encoding))
        return await self._run(
            "small",
            self._settings.waiting_small,
            lambda: self._small.submit(_parse_here, body, content_type, encoding, self._redactor, self._limits),
        )

    async def read(
        self, records: Sequence[bytes], catalogue: Catalogue, now: datetime, notes: Sequence[str] = ()
    ) -> RunReading:
        """What an incident needs of the run of these stored spans (plain, or compressed as the store keeps them).

        Normalised, assessed and frozen by the child when they are large, else in a thread. ``notes`` are added to what
        the run says of its holes. Raises ``Refused`` as ``normalise``, and ``Busy``.
        """
        if weight(records) > self._settings.large:
            return await self._in_child(read_talk(records, catalogue, now, notes))
        return await self._run(
            "small", self._settings.waiting_small, lambda: self._small.submit(read_run, records, catalogue, now, notes)
        )

    async def _in_child(self, talk: "Talk[_T]") -> _T:
        result = await self._run(
            "large", self._settings.waiting_large, lambda: self._large.submit(self._child.exchange, talk)
        )
        self._rest_later()
        return result

    async def _run(self, name: str, most: int, submit: "Callable[[], Future[_T]]") -> _T:
        if self._closed:
            raise Busy("The recorder is shutting down.")
        with self._lock:
            if self._counts[name] >= most:
                raise Busy(f"{most} {name} exports are already waiting to be read.")
            self._counts[name] += 1
        try:
            future = submit()
        except RuntimeError:  # closed meanwhile
            self._left(name)
            raise Busy("The recorder is shutting down.") from None
        future.add_done_callback(lambda _: self._left(name))
        # A caller that goes away must not stop the exchange with the child half-way: the future lives on by itself.
        try:
            return await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError:
            if future.cancelled():  # it was still queued when the recorder closed; the caller itself goes on
                raise Busy("The recorder is shutting down.") from None
            raise

    async def close(self) -> None:
        """Wait for what is being parsed, then end the threads and the child."""
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        await asyncio.to_thread(self._end)

    def _left(self, name: str) -> None:
        with self._lock:
            self._counts[name] -= 1

    def _rest_later(self) -> None:
        """Send the child home when nothing large has come for a while; its memory goes back to the system."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._settings.idle, self._rest)

    def _rest(self) -> None:
        if not self._closed and self._counts["large"] == 0:
            self._large.submit(self._child.stop)

    def _end(self) -> None:
        deadline = threading.Timer(_PATIENCE, self._child.kill)  # a long parse must not hold up the end
        deadline.daemon = True
        deadline.start()
        self._small.shutdown(wait=True, cancel_futures=True)
        self._large.shutdown(wait=True, cancel_futures=True)
        deadline.cancel()
        self._child.stop()


def plain_size(body: bytes, encoding: str) -> int:
    """How large the body will be, by gzip's own word: a hint for where to parse it, never trusted as a limit."""
    if encoding.strip().lower() == "gzip" and len(body) > _GZIP_SIZE:
        return max(len(body), int.from_bytes(body[-_GZIP_SIZE:], "little"))
    return len(body)


def _parse_here(body: bytes, content_type: str, encoding: str, redactor: Redactor, limits: Limits) -> PackedExport:
    export = read_body(body, content_type, encoding, redactor, limits)
    return PackedExport(tuple(pack(export.spans)), export.rejected, export.reason)
