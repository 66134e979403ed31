"""The parsing process: reads requests from standard input, answers on standard output, ends when its parent is gone.

Run by ``offload`` as a child; never imported by the server. Frames are a length in eight bytes and that many bytes;
the first of a message is JSON. No pickle: what comes back is JSON and the stored bytes of spans. Standard output
belongs to the frames alone, so whatever prints goes to standard error.
"""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from pydantic_core import from_json, to_json

from bot.domain.catalogue import Catalogue
from bot.domain.span import PackedSpan
from bot.errors import Refused
from bot.recorder.limits import Limits, TooLarge, UnsupportedMedia
from bot.recorder.pack import pack, read_body
from bot.recorder.redact import RedactionSettings, Redactor
from bot.recorder.run_reading import read_run, to_lines

_BATCH = 400  # spans in one frame of the answer: small enough that decoding its head never holds up the event loop
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides when we end
    gc.disable()  # our values hold no cycles; scanning a large trace's over and over costs a third of the time
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    first = read_frame(requests)
    if first is None:
        return
    settings = from_json(first)
    redactor = Redactor(RedactionSettings.model_validate(settings["redaction"]))
    limits = Limits.model_validate(settings["limits"])
    while (head := read_frame(requests)) is not None:
        asked = from_json(head)
        pieces = [frame_of(requests) for _ in range(asked["pieces"])]
        try:
            if asked["do"] == "read":
                _read(answers, asked, pieces)
            else:
                _parse(answers, asked, pieces, redactor, limits)
        except Refused as refusal:
            write_frame(answers, to_json(_refusal(refusal)))
        answers.flush()


def _parse(answers: BinaryIO, asked: dict[str, Any], pieces: list[bytes], redactor: Redactor, limits: Limits) -> None:
    export = read_body(pieces.pop(), asked["content_type"], asked["encoding"], redactor, limits)
    spans = export.spans
    write_frame(answers, to_json({"rejected": export.rejected, "reason": export.reason, "spans": len(spans)}))
    for at in range(0, len(spans), _BATCH):
        batch = list(pack(spans[at : at + _BATCH]))
        write_frame(answers, to_json([_row(span) for span in batch]))
        write_frame(answers, b"".join(span.data for span in batch))


def _read(answers: BinaryIO, asked: dict[str, Any], pieces: list[bytes]) -> None:
    """What an incident needs of a run, from its stored spans; each piece begins with the sizes of its records."""
    records = [record for piece in pieces for record in unjoined(piece)]
    pieces.clear()
    catalogue = Catalogue.model_validate(asked["catalogue"])
    reading = read_run(records, catalogue, datetime.fromisoformat(asked["now"]), asked["notes"])
    lines = list(to_lines(reading))
    write_frame(answers, to_json({"lines": len(lines)}))
    for line in lines:
        write_frame(answers, line)


def joined(records: Sequence[bytes]) -> Iterator[bytes]:
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


def unjoined(piece: bytes) -> Iterator[bytes]:
    """The records of one piece."""
    sizes, _, data = piece.partition(b"\n")
    return cut(data, from_json(sizes))


def cut(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The pieces of these sizes."""
    at = 0
    for size in sizes:
        yield body[at : at + size]
        at += size


def _row(span: PackedSpan) -> list[str | int | None]:
    return [span.trace_id, span.span_id, span.parent_id, span.agent, span.service, len(span.data)]


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
