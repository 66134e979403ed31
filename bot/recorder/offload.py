"""Parsing and redaction off the event loop: a thread for small bodies, one child process for large ones.

A large export costs seconds of pure Python; in a thread it would take the interpreter from a click. The child is
started when it is first needed, is sent home after it was idle, and ends by itself when this process dies (its pipe
closes).
"""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO, Self, TypeVar, cast

from pydantic_core import from_json, to_json

from bot.domain.run import Run
from bot.domain.span import PackedSpan
from bot.errors import Busy, Refused
from bot.recorder.limits import Limits
from bot.recorder.pack import pack, read_body
from bot.recorder.redact import Redactor
from bot.recorder.run_lines import run_of
from bot.recorder.worker import REFUSALS, cut, read_frame, write_frame

_T = TypeVar("_T")
_Talk = Callable[[BinaryIO, BinaryIO], _T]

_PATIENCE = 5.0  # seconds that a parse may still run when we are asked to end
_SECRETS = ("SLACK_", "PULLCORD_")  # the child parses foreign bytes; it has no use for our tokens
_GZIP_SIZE = 4  # RFC 1952: the last four bytes say the plain size, modulo 2**32
_START = (
    "import sys; sys.path[:] = {path!r}; import runpy; runpy.run_module('bot.recorder.worker', run_name='__main__')"
)


@dataclass(frozen=True, slots=True)
class PackedExport:
    """What a request held, ready for the store; ``rejected`` and ``reason`` are OTLP's ``partial_success``."""

    spans: tuple[PackedSpan, ...]
    rejected: int = 0
    reason: str = ""


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
        self._child = _Child(redactor, limits, self._settings.timeout)
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
            return await self._in_child(_parse_there(body, content_type, encoding))
        return await self._run(
            "small",
            self._settings.waiting_small,
            lambda: self._small.submit(_parse_here, body, content_type, encoding, self._redactor, self._limits),
        )

    async def read(self, records: Sequence[bytes]) -> Run:
        """The run of stored spans, normalised by the child. Raises ``Refused`` as ``normalise``, and ``Busy``."""
        return await self._in_child(_read_there(records))

    async def _in_child(self, talk: "_Talk[_T]") -> _T:
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


class _Child:
    """The parsing process, spoken to from one thread only."""

    def __init__(self, redactor: Redactor, limits: Limits, timeout: float) -> None:
        self._hello = to_json(
            {"redaction": redactor.settings.model_dump(mode="json"), "limits": limits.model_dump(mode="json")}
        )
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None

    def exchange(self, talk: "_Talk[_T]") -> _T:
        """One exchange; a child that is gone is started anew, one that takes too long is killed."""
        process = self._started()
        overdue = threading.Event()

        def kill() -> None:
            overdue.set()
            process.kill()

        timer = threading.Timer(self._timeout, kill)
        timer.daemon = True
        timer.start()
        try:
            return talk(cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout))
        except (OSError, EOFError, ValueError):
            self.stop()
            if overdue.is_set():
                raise Refused(
                    f"The export took longer than {self._timeout:g} s to read.",
                    field="body",
                    next_step="Send smaller batches.",
                ) from None
            raise Busy("The parsing process ended unexpectedly.") from None
        finally:
            timer.cancel()

    def kill(self) -> None:
        """End the child at once, from any thread; the exchange with it then fails as busy."""
        process = self._process
        if process is not None:
            process.kill()

    def stop(self) -> None:
        """End the child and wait for it."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue  # unsent bytes of a broken exchange
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self.stop()
        if self._process is None:
            code = _START.format(path=[entry or os.getcwd() for entry in sys.path])  # noqa: PTH109 - only a string
            environment = {name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)}
            self._process = subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
            )
            try:
                write_frame(cast("BinaryIO", self._process.stdin), self._hello)
            except OSError:
                self.stop()
                raise Busy("The parsing process could not be started.") from None
        return self._process


def _parse_there(body: bytes, content_type: str, encoding: str) -> "_Talk[PackedExport]":
    def talk(requests: BinaryIO, answers: BinaryIO) -> PackedExport:
        _ask(requests, {"do": "parse", "content_type": content_type, "encoding": encoding}, body)
        head = _head(answers)
        spans: list[PackedSpan] = []
        while len(spans) < head["spans"]:
            rows = from_json(_frame(answers))
            data = _frame(answers)
            pieces = cut(data, [row[-1] for row in rows])
            spans += [
                PackedSpan(trace_id, span_id, parent_id, agent, service, piece)
                for (trace_id, span_id, parent_id, agent, service, _), piece in zip(rows, pieces, strict=True)
            ]
        return PackedExport(tuple(spans), head["rejected"], head["reason"])

    return talk


def _read_there(records: Sequence[bytes]) -> "_Talk[Run]":
    def talk(requests: BinaryIO, answers: BinaryIO) -> Run:
        _ask(requests, {"do": "read", "sizes": [len(record) for record in records]}, b"".join(records))
        head = _head(answers)
        return run_of(from_json(_frame(answers)) for _ in range(head["lines"]))

    return talk


def _ask(requests: BinaryIO, head: dict[str, Any], body: bytes) -> None:
    write_frame(requests, to_json(head))
    write_frame(requests, body)
    requests.flush()


def _head(answers: BinaryIO) -> dict[str, Any]:
    """The head of an answer. Raises the refusal that the child met."""
    head: dict[str, Any] = from_json(_frame(answers))
    if "refused" in head:
        raise REFUSALS[head["refused"]](head["message"], field=head["field"], next_step=head["next_step"])
    return head


def _frame(stream: BinaryIO) -> bytes:
    payload = read_frame(stream)
    if payload is None:
        raise EOFError("the parsing process closed its answers")
    return payload
