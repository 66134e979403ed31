"""The parsing process: reads requests from standard input, answers on standard output, ends when its parent is gone.

Run by ``offload`` as a child; never imported by the server. Frames are a length in eight bytes and that many bytes;
the first of a message is JSON. No pickle: what comes back is JSON and the stored bytes of spans. Standard output
belongs to the frames alone, so whatever prints goes to standard error.
"""

import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from pydantic_core import from_json, to_json

from bot.domain.catalogue import Catalogue
from bot.domain.span import PackedSpan
from bot.domain.trace_ref import TraceRef
from bot.errors import Refused
from bot.plugin import TraceSource
from bot.plugin.dialects import Dialect
from bot.recorder.answers import ReadAnswers, read_answers
from bot.recorder.dialects import dialects_of
from bot.recorder.give_back import give_back, keep_large_apart
from bot.recorder.limits import Limits, TooLarge, UnsupportedMedia
from bot.recorder.otlp import Items
from bot.recorder.otlp_values import SIGNALS
from bot.recorder.pack import cleaned, pack
from bot.recorder.redact import RedactionSettings, Redactor
from bot.recorder.run_reading import open_run, to_lines

_BATCH = 400
"""Spans in one frame of the answer."""
_NICE = 5
"""Our share of a busy machine is a third of the server's: a click must not wait for a trace."""
_LONG = 100_000
_LENGTH = 8
_PIECE = 1_000_000


def write_frame(stream: BinaryIO, payload: bytes) -> None:
    """One frame: its length and its bytes."""
    stream.write(len(payload).to_bytes(_LENGTH, "big"))
    stream.write(payload)


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame; ``None`` when the other side has closed. Raises ``EOFError`` in the middle of one."""
    head = stream.read(_LENGTH)
    if not head:
        return None
    size = int.from_bytes(head, "big")
    payload = stream.read(size) if len(head) == _LENGTH else b""
    if len(payload) != size or len(head) != _LENGTH:
        raise EOFError("a frame ends early")
    return payload


def frame_of(stream: BinaryIO) -> bytes:
    """A frame that must be there. Raises ``EOFError`` when the other side is gone."""
    payload = read_frame(stream)
    if payload is None:
        raise EOFError("the other side has closed")
    return payload


def main() -> None:
    """Answer requests until standard input ends, which it does when the parent closes it or dies."""
    with suppress(OSError):
        os.nice(_NICE)
    keep_large_apart()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides when we end
    gc.disable()  # our values hold no cycles; scanning a large trace's over and over costs a third of the time
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    first = read_frame(requests)
    if first is None:
        return
    setting = _Setting.of(from_json(first))
    while (head := read_frame(requests)) is not None:
        asked = from_json(head)
        pieces = list(iter(lambda: frame_of(requests), b""))
        size = sum(map(len, pieces))
        try:
            _CHORES[asked["do"]](answers, asked, pieces, setting)
        except Refused as refusal:
            write_frame(answers, to_json(_refusal(refusal)))
        answers.flush()
        if size > _PIECE:
            give_back()


@dataclass(frozen=True, slots=True)
class _Setting:
    """What the parent said when it started us."""

    redactor: Redactor
    limits: Limits
    dialects: tuple[Dialect, ...]

    @classmethod
    def of(cls, told: dict[str, Any]) -> "_Setting":
        return cls(
            Redactor(RedactionSettings.model_validate(told["redaction"])),
            Limits.model_validate(told["limits"]),
            dialects_of(told["dialects"]),
        )


def _parse(answers: BinaryIO, asked: dict[str, Any], pieces: list[bytes], ours: _Setting) -> None:
    """The spans of an export in batches, as they are read; an empty batch ends them. Then what was not taken."""
    items = Items(whole(pieces), asked["content_type"], asked["encoding"], ours.limits, SIGNALS[asked["signal"]])
    _send(answers, pack(cleaned(items, ours.redactor, ours.limits), ours.dialects))
    told = {"rejected": items.rejected, "reason": items.reason, "passed": dict(items.passed)}
    write_frame(answers, to_json(told))


def _send(answers: BinaryIO, spans: Iterator[PackedSpan]) -> None:
    """Packed spans in batches, small enough that decoding a head never holds up the event loop; an empty one ends."""
    while batch := list(islice(spans, _BATCH)):
        write_frame(answers, to_json([_row(span) for span in batch]))
        write_frame(answers, b"".join(span.packed for span in batch))
    write_frame(answers, to_json([]))


def whole(pieces: list[bytes]) -> bytes:
    """The pieces joined; they are gone from the list."""
    if len(pieces) == 1:
        return pieces.pop()
    body = b"".join(pieces)
    pieces.clear()
    return body


def _read(answers: BinaryIO, asked: dict[str, Any], pieces: list[bytes], ours: _Setting) -> None:
    """What an incident needs of a run, from its stored spans."""
    catalogue = Catalogue.model_validate(asked["catalogue"])
    now = datetime.fromisoformat(asked["now"])
    lines = to_lines(open_run(unjoined(pieces), catalogue, now, asked["notes"], ours.dialects), frozen=asked["frozen"])
    for line in lines:
        write_frame(answers, line)
        if len(line) > _LONG:  # what was written of a large run is let go of, while the server comes to hold it
            give_back()


def _answers(answers: BinaryIO, asked: dict[str, Any], pieces: list[bytes], ours: _Setting) -> None:
    """The redacted spans in a trace store's answers: its plug-in is found again in its module, by its name."""
    ref = TraceRef.model_validate(asked["ref"])
    told = read_answers(
        reader_of(asked["module"], asked["name"]), list(unjoined(pieces)), ref, ours.redactor, ours.limits
    )
    _send(answers, iter(told.spans))
    write_frame(answers, to_json({"partial": told.partial}))


def reader_of(module: str, name: str) -> ReadAnswers:
    """How a trace store's answers are read. Raises Refused when the module has no such store (any more)."""
    try:
        found = vars(importlib.import_module(module)).values()
    except Exception as error:  # noqa: BLE001 - whatever a plug-in raises at import is a fault of it
        raise Refused(f"{module} cannot be imported ({type(error).__name__}).", next_step="Fix the plug-in.") from None
    source = next((held for held in found if isinstance(held, TraceSource) and held.name == name), None)
    if source is None:
        raise Refused(f"{module} declares no trace store {name}.", next_step="Declare it in the module of its class.")
    return source.read


_CHORES = {"parse": _parse, "read": _read, "answers": _answers}


def joined(records: Iterable[bytes]) -> Iterator[bytes]:
    """Records in pieces of about 1 MB: the sizes as JSON on the first line, then the bytes."""
    batch: list[bytes] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record)
        if size > _PIECE:
            yield b"%b\n%b" % (to_json([len(each) for each in batch]), b"".join(batch))
            batch, size = [], 0
    if batch:
        yield b"%b\n%b" % (to_json([len(each) for each in batch]), b"".join(batch))


def unjoined(pieces: list[bytes]) -> Iterator[bytes]:
    """The records of such pieces, in order; each piece is let go of before the next is cut."""
    pieces.reverse()
    while pieces:
        sizes, _, data = pieces.pop().partition(b"\n")
        yield from cut(data, from_json(sizes))


def cut(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The pieces of these sizes."""
    at = 0
    for size in sizes:
        yield body[at : at + size]
        at += size


def _row(span: PackedSpan) -> list[str | int | None]:
    return [span.trace_id, span.span_id, span.parent_id, span.agent, span.service, int(span.rank), len(span.packed)]


def _refusal(refusal: Refused) -> dict[str, str | None]:
    kind = next((name for name, known in REFUSALS.items() if type(refusal) is known), "refused")
    return {"refused": kind, "message": refusal.message, "field": refusal.field, "next_step": refusal.next_step}


REFUSALS: dict[str, type[Refused]] = {"too_large": TooLarge, "media": UnsupportedMedia, "refused": Refused}

if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, EOFError, KeyboardInterrupt):
        sys.exit(0)
    except Exception as problem:  # noqa: BLE001 - its text may quote what was being read, before anything was redacted
        where = traceback.extract_tb(problem.__traceback__)[-1]
        sys.exit(f"the parsing process ended: {type(problem).__name__} at {where.filename}:{where.lineno}")
