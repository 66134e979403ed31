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
from functools import partial
from typing import Self, TypeVar

from bot.domain.catalogue import Catalogue
from bot.domain.trace_ref import TraceRef
from bot.errors import Busy
from bot.plugin import TraceSource
from bot.plugin.dialects import Dialect
from bot.recorder.answers import PackedAnswers, read_answers
from bot.recorder.child import Child, Talk
from bot.recorder.dialects import BUILT_IN
from bot.recorder.give_back import give_back, keep_large_apart
from bot.recorder.limits import Limits
from bot.recorder.otlp import Items
from bot.recorder.otlp_values import TRACES, Signal
from bot.recorder.pack import PackedExport, cleaned, pack
from bot.recorder.redact import Redactor
from bot.recorder.run_reading import RunReading, read_run, weight
from bot.recorder.talks import Body, answers_talk, parse_talk, read_talk
from bot.recorder.worker import whole

_T = TypeVar("_T")

_PATIENCE = 5.0  # seconds that a parse may still run when we are asked to end
_GIVE_BACK = 1.0  # seconds after a large one
_GZIP_SIZE = 4  # RFC 1952: the last four bytes say the plain size, modulo 2**32


@dataclass(frozen=True, slots=True)
class ParserSettings:
    """``large`` is from how many plain bytes on the child does it; waiting requests over a bound are refused as busy.

    ``timeout`` and ``idle`` are seconds: of one large parse, and of idleness after which the child ends; after one of
    ``heavy`` bytes it is ``idle_heavy``, since what such a one leaves in memory is more than starting anew costs.
    """

    large: int = 256_000
    threads: int = 2
    waiting_small: int = 64
    waiting_large: int = 8
    waiting_urgent: int = 32
    timeout: float = 120.0
    idle: float = 60.0
    heavy: int = 5_000_000
    idle_heavy: float = 10.0


class Parser:
    """Parses and redacts exports. Use as an async context manager; after it no thread and no process is left."""

    def __init__(
        self,
        redactor: Redactor,
        limits: Limits,
        settings: ParserSettings | None = None,
        dialects: tuple[Dialect, ...] = BUILT_IN,
    ) -> None:
        """Start nothing yet. ``dialects`` are those of the packs too (``bot.recorder.dialects.with_packs``)."""
        self._dialects = dialects
        self._redactor = redactor
        self._limits = limits
        self._settings = settings or ParserSettings()
        self._small = ThreadPoolExecutor(self._settings.threads, "parse")
        self._large = ThreadPoolExecutor(1, "parse-large")
        self._child = Child(redactor, limits, self._settings.timeout, dialects)
        self._counts = {"small": 0, "large": 0, "urgent": 0}
        # What waits for its turn here is not in an executor's queue yet: an incident's run is then the next one there.
        self._turns = {"small": asyncio.Semaphore(self._settings.threads), "large": asyncio.Semaphore(1)}
        self._lock = threading.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        """Nothing is started before it is needed."""
        keep_large_apart()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End as ``close``."""
        await self.close()

    async def parse(self, body: Body, content_type: str, encoding: str = "", signal: Signal = TRACES) -> PackedExport:
        """The redacted spans of one export, or its log records as spans. A body in pieces is emptied as it is read.

        Raises ``Refused`` (with ``TooLarge`` and ``UnsupportedMedia``) as ``parse_export``, and ``Busy`` when too many
        wait or the child died; the sender may then send the same again.
        """
        pieces = body if isinstance(body, list) else [body]
        size = sum(map(len, pieces))
        if size <= self._limits.body and plain_size(size, pieces, encoding) > self._settings.large:
            return await self._in_child(
                parse_talk(pieces, content_type, encoding, signal), plain_size(size, pieces, encoding)
            )
        here = partial(self._parse_here, whole(pieces), content_type, encoding, signal)
        if size > self._limits.body:  # before any queue: it would only wait to be refused
            return here()
        return await self._near(here)

    async def read(
        self,
        records: Sequence[bytes],
        catalogue: Catalogue,
        now: datetime,
        notes: Sequence[str] = (),
        *,
        frozen: bool = True,
    ) -> RunReading:
        """What an incident needs of the run of these stored spans (plain, or compressed as the store keeps them).

        Normalised, assessed and frozen by the child when they are large, else in a thread; a large list is emptied as
        it is sent. ``notes`` are added to what the run says of its holes; without ``frozen`` nothing is frozen, and it
        waits its turn behind exports: only the index asks so. Raises ``Refused`` as ``normalise``, and ``Busy``.
        """
        size = weight(records)
        if size > self._settings.large:
            return await self._in_child(read_talk(records, catalogue, now, notes, frozen=frozen), size, urgent=frozen)
        here = partial(read_run, records, catalogue, now, notes, self._dialects, frozen=frozen)
        return await self._near(here, urgent=frozen)

    async def read_answers(self, source: TraceSource, answers: Sequence[bytes], ref: TraceRef) -> PackedAnswers:
        """The redacted spans of one trace in a trace store's answers; large answers are read by the child.

        Raises ``Refused`` for what the plug-in could not read, and ``Busy``.
        """
        if sum(map(len, answers)) > self._settings.large:
            talk = answers_talk(source.module, source.name, answers, ref)
            return await self._in_child(talk, sum(map(len, answers)), urgent=True)
        here = partial(read_answers, source.read, answers, ref, self._redactor, self._limits)
        return await self._near(here, urgent=True)

    async def _near(self, work: "Callable[[], _T]", *, urgent: bool = False) -> _T:
        return await self._in_turn("small", lambda: self._small.submit(work), urgent=urgent)

    async def _in_child(self, talk: "Talk[_T]", size: int, *, urgent: bool = False) -> _T:
        result = await self._in_turn("large", lambda: self._large.submit(self._child.exchange, talk), urgent=urgent)
        self._rest_later(size)
        self._give_back()
        return result

    async def _in_turn(self, queue: str, submit: "Callable[[], Future[_T]]", *, urgent: bool) -> _T:
        """``urgent``: an incident waits for it. It has places of its own, and goes before all that is not."""
        if urgent:
            self._enter("urgent", self._settings.waiting_urgent)
            return await self._run("urgent", submit)
        self._enter(queue, self._settings.waiting_small if queue == "small" else self._settings.waiting_large)
        try:
            await self._turns[queue].acquire()
        except asyncio.CancelledError:
            self._left(queue)
            raise
        try:
            return await self._run(queue, submit)
        finally:
            self._turns[queue].release()

    def _enter(self, name: str, most: int) -> None:
        if self._closed:
            raise Busy("The recorder is shutting down.")
        with self._lock:
            if self._counts[name] >= most:
                raise Busy(f"{most} {name} exports are already waiting to be read.")
            self._counts[name] += 1

    async def _run(self, name: str, submit: "Callable[[], Future[_T]]") -> _T:
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

    def _parse_here(self, body: bytes, content_type: str, encoding: str, signal: Signal) -> PackedExport:
        items = Items(body, content_type, encoding, self._limits, signal)
        spans = tuple(pack(cleaned(items, self._redactor, self._limits), self._dialects))
        return PackedExport(spans, items.rejected, items.reason, dict(items.passed))

    def _left(self, name: str) -> None:
        with self._lock:
            self._counts[name] -= 1

    def _rest_later(self, size: int) -> None:
        """Send the child home when nothing large has come for a while; its memory goes back to the system."""
        if self._idle is not None:
            self._idle.cancel()
        settings = self._settings
        idle = min(settings.idle, settings.idle_heavy) if size > settings.heavy else settings.idle
        self._idle = asyncio.get_running_loop().call_later(idle, self._rest)

    def _give_back(self) -> None:
        """Once the caller has let go of what it got: the bodies of large exports came in many small pieces."""
        if not self._closed:
            asyncio.get_running_loop().call_later(_GIVE_BACK, self._trim)

    def _trim(self) -> None:
        if self._is_idle():
            self._large.submit(give_back)

    def _rest(self) -> None:
        if self._is_idle():
            self._large.submit(self._child.stop)

    def _is_idle(self) -> bool:
        return not self._closed and not self._counts["large"] and not self._counts["urgent"]

    def _end(self) -> None:
        deadline = threading.Timer(_PATIENCE, self._child.kill)  # a long parse must not hold up the end
        deadline.daemon = True
        deadline.start()
        self._small.shutdown(wait=True, cancel_futures=True)
        self._large.shutdown(wait=True, cancel_futures=True)
        deadline.cancel()
        self._child.stop()


def plain_size(size: int, pieces: Sequence[bytes], encoding: str) -> int:
    """How large a body of ``size`` bytes will be, by gzip's own word: a hint for where to parse it, never a limit."""
    if encoding.strip().lower() == "gzip" and size > _GZIP_SIZE:
        return max(size, int.from_bytes(b"".join(pieces[-_GZIP_SIZE:])[-_GZIP_SIZE:], "little"))
    return size
