"""From a trace store's answers to redacted spans, and how they and our own become one run. Pure; run in a worker."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from bot.domain.span import PackedSpan
from bot.domain.trace_ref import TraceRef
from bot.errors import Refused
from bot.plugin import Fetched
from bot.recorder.limits import Limits
from bot.recorder.pack import cleaned, pack
from bot.recorder.redact import Redactor

ReadAnswers = Callable[[Sequence[bytes], TraceRef], Fetched]
_MAX_NOTE = 500


@dataclass(frozen=True, slots=True)
class PackedAnswers:
    """What a store told of one trace, redacted and fit for the evidence. ``partial`` says in words what it lacks."""

    spans: tuple[PackedSpan, ...]
    partial: str | None = None


def read_answers(
    read: ReadAnswers, answers: Sequence[bytes], ref: TraceRef, redactor: Redactor, limits: Limits
) -> PackedAnswers:
    """A store's answers through its plug-in's ``read``; then redacted before anything else sees them.

    Spans of other traces are left out, and what is over the caps, with words for it. Raises ``Refused`` for anything
    that the plug-in could not read, whatever it raised.
    """
    try:
        fetched = read(answers, ref)
        spans = [span for span in fetched.spans if span.trace_id == ref.trace_id]
        notes = [redactor.text(fetched.partial)] if fetched.partial else []
        packed = list(pack(cleaned(spans, redactor, limits)))
        if len(packed) > limits.spans:
            packed.sort(key=lambda span: span.rank)  # what may have had an effect first
            notes.append(f"{len(packed) - limits.spans:,} of its {len(packed):,} spans were over the cap and left out")
            del packed[limits.spans :]
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 - foreign answers in a plug-in's hands: whatever it raises is a refusal
        raise Refused(
            f"The store's answer could not be read ({type(error).__name__}).",
            next_step="See whether the store's version is one that its plug-in knows.",
        ) from None
    return PackedAnswers(tuple(packed), "; ".join(notes)[:_MAX_NOTE] or None)


@dataclass(frozen=True, slots=True)
class Joined:
    """Our records and a store's as the records of one run. ``theirs`` of them came from the store alone.

    ``same`` is False when no span is in both: then a store has ids of its own, nothing was joined, and ``records``
    are the store's.
    """

    records: tuple[bytes, ...]
    same: bool
    theirs: int


def join(ours: Sequence[bytes], theirs: Sequence[PackedSpan]) -> Joined:
    """One record for each span id. Of a span in both ours is taken, since stores rename and drop attributes.

    A store's is taken instead of one of ours that had to be shortened. Without a span in both nothing is joined: the
    same step under two ids would be two effects.
    """
    held = {
        str(plain["span_id"]): (record, bool(plain.get("marks")))
        for record, plain in zip(ours, map(_plain, ours), strict=True)
    }
    other = {span.span_id: span for span in theirs}
    if held and not held.keys() & other.keys():
        return Joined(tuple(span.packed for span in other.values()), same=False, theirs=len(other))
    joined: dict[str, bytes] = {
        span_id: other[span_id].packed if shortened and span_id in other else record
        for span_id, (record, shortened) in held.items()
    }
    new = {span_id: span.packed for span_id, span in other.items() if span_id not in held}
    return Joined((*joined.values(), *new.values()), same=True, theirs=len(new))


def _plain(record: bytes) -> Mapping[str, Any]:
    read: Mapping[str, Any] = from_json(record if record.startswith(b"{") else zlib.decompress(record))
    return read
