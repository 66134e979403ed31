"""The parsing process as its parent sees it: started when needed, spoken to from one thread, killed when overdue."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar, cast

from pydantic_core import from_json, to_json

from bot.errors import Busy, Refused
from bot.plugin.dialects import Dialect
from bot.recorder.dialects import BUILT_IN, pack_modules
from bot.recorder.limits import Limits
from bot.recorder.redact import Redactor
from bot.recorder.worker import REFUSALS, frame_of, write_frame

_T = TypeVar("_T")
Talk = Callable[[BinaryIO, BinaryIO], _T]
"""One exchange: writes a request, reads its answer."""

_PIPE = 1 << 20
_SECRETS = ("SLACK_", "PULLCORD_")  # the child parses foreign bytes; it has no use for our tokens
_START = (
    "import sys; sys.path[:] = {path!r}; import runpy; runpy.run_module('bot.recorder.worker', run_name='__main__')"
)


class Child:
    """The parsing process, spoken to from one thread only."""

    def __init__(
        self, redactor: Redactor, limits: Limits, timeout: float, dialects: tuple[Dialect, ...] = BUILT_IN
    ) -> None:
        self._hello = to_json(
            {
                "redaction": redactor.settings.model_dump(mode="json"),
                "limits": limits.model_dump(mode="json"),
                "dialects": pack_modules(dialects),
            }
        )
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None

    def exchange(self, talk: "Talk[_T]") -> _T:
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
            _widen(self._process)
        return self._process


def _widen(process: "subprocess.Popen[bytes]") -> None:
    """Larger pipes: fewer turns of both sides for a large body. Where the system says no, they stay as they are."""
    for stream in (process.stdin, process.stdout):
        if stream is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):
                fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)


def ask(requests: BinaryIO, head: dict[str, Any], pieces: Iterable[bytes]) -> None:
    """Send one request: its head, then its pieces; an empty one ends them."""
    write_frame(requests, to_json(head))
    for piece in pieces:
        if piece:
            write_frame(requests, piece)
    write_frame(requests, b"")
    requests.flush()


def answer_head(answers: BinaryIO) -> dict[str, Any]:
    """The head of an answer. Raises the refusal that the child met."""
    head: dict[str, Any] = _answer(answers)
    return head


def answer_rows(answers: BinaryIO) -> list[list[Any]]:
    """The rows of a batch of spans. Raises the refusal that the child met."""
    rows: list[list[Any]] = _answer(answers)
    return rows


def _answer(answers: BinaryIO) -> Any:
    told = from_json(frame_of(answers))
    if isinstance(told, dict) and "refused" in told:
        raise REFUSALS[told["refused"]](told["message"], field=told["field"], next_step=told["next_step"])
    return told
