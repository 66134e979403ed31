"""What is asked of the parsing process and how its answers are read: one function for each kind of request."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import BinaryIO

from bot.domain.catalogue import Catalogue
from bot.domain.span import PackedSpan, Rank
from bot.domain.trace_ref import TraceRef
from bot.recorder.answers import PackedAnswers
from bot.recorder.child import Talk, answer_head, answer_rows, ask
from bot.recorder.give_back import give_back
from bot.recorder.otlp_values import Signal
from bot.recorder.pack import PackedExport
from bot.recorder.run_reading import RunReading, from_lines
from bot.recorder.worker import cut, frame_of, joined

Body = bytes | list[bytes]
"""A body whole, or in the pieces in which it came; the list is emptied, so that no second copy of it is held."""


def parse_talk(body: list[bytes], content_type: str, encoding: str, signal: Signal) -> "Talk[PackedExport]":
    """An export's body to redacted spans. The pieces of the body are let go of as they are sent."""

    def talk(requests: BinaryIO, answers: BinaryIO) -> PackedExport:
        head = {"do": "parse", "content_type": content_type, "encoding": encoding, "signal": signal.name}
        ask(requests, head, _taken(body))
        give_back()
        spans = _spans(answers)
        told = answer_head(answers)
        return PackedExport(spans, told["rejected"], told["reason"], told["passed"])

    return talk


def _taken(pieces: list[bytes]) -> Iterator[bytes]:
    """The pieces in order, each off the list before it is used."""
    pieces.reverse()
    while pieces:
        yield pieces.pop()


def _spans(answers: BinaryIO) -> tuple[PackedSpan, ...]:
    """Batches of packed spans until an empty one. Raises the refusal that the child met, at whichever batch."""
    spans: list[PackedSpan] = []
    while rows := answer_rows(answers):
        pieces = cut(frame_of(answers), [row[-1] for row in rows])
        spans += [
            PackedSpan(trace_id, span_id, parent_id, agent, service, piece, Rank(rank))
            for (trace_id, span_id, parent_id, agent, service, rank, _), piece in zip(rows, pieces, strict=True)
        ]
    return tuple(spans)


def read_talk(
    records: Sequence[bytes], catalogue: Catalogue, now: datetime, notes: Sequence[str], *, frozen: bool
) -> "Talk[RunReading]":
    """Stored spans to what an incident needs of their run. A list of them is emptied as they are sent."""

    def talk(requests: BinaryIO, answers: BinaryIO) -> RunReading:
        head = {
            "do": "read",
            "catalogue": catalogue.model_dump(by_alias=True, exclude_defaults=True),
            "now": now.isoformat(),
            "notes": list(notes),
            "frozen": frozen,
        }
        ask(requests, head, joined(_taken(records) if isinstance(records, list) else records))
        give_back()
        return from_lines(answer_head(answers), iter(partial(frame_of, answers), None))

    return talk


def answers_talk(module: str, name: str, answers: Sequence[bytes], ref: TraceRef) -> "Talk[PackedAnswers]":
    """A trace store's answers to redacted spans, by the plug-in ``name`` of ``module``."""

    def talk(requests: BinaryIO, replies: BinaryIO) -> PackedAnswers:
        ask(requests, {"do": "answers", "module": module, "name": name, "ref": ref.model_dump()}, joined(answers))
        spans = _spans(replies)
        return PackedAnswers(spans, answer_head(replies)["partial"])

    return talk
