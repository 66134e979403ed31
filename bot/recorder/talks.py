"""What is asked of the parsing process and how its answers are read: one function for each kind of request."""

from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO

from pydantic_core import from_json

from bot.domain.catalogue import Catalogue
from bot.domain.span import PackedSpan
from bot.recorder.child import Talk, answer_head, ask
from bot.recorder.pack import PackedExport
from bot.recorder.run_reading import RunReading, from_lines
from bot.recorder.worker import cut, frame_of, joined


def parse_talk(body: bytes, content_type: str, encoding: str) -> "Talk[PackedExport]":
    """An export's body to redacted spans."""

    def talk(requests: BinaryIO, answers: BinaryIO) -> PackedExport:
        ask(requests, {"do": "parse", "content_type": content_type, "encoding": encoding}, [body])
        head = answer_head(answers)
        spans: list[PackedSpan] = []
        while len(spans) < head["spans"]:
            rows = from_json(frame_of(answers))
            data = frame_of(answers)
            pieces = cut(data, [row[-1] for row in rows])
            spans += [
                PackedSpan(trace_id, span_id, parent_id, agent, service, piece)
                for (trace_id, span_id, parent_id, agent, service, _), piece in zip(rows, pieces, strict=True)
            ]
        return PackedExport(tuple(spans), head["rejected"], head["reason"])

    return talk


def read_talk(
    records: Sequence[bytes], catalogue: Catalogue, now: datetime, notes: Sequence[str]
) -> "Talk[RunReading]":
    """Stored spans to what an incident needs of their run."""

    def talk(requests: BinaryIO, answers: BinaryIO) -> RunReading:
        head = {
            "do": "read",
            "catalogue": catalogue.model_dump(by_alias=True, exclude_defaults=True),
            "now": now.isoformat(),
            "notes": list(notes),
        }
        ask(requests, head, list(joined(records)))
        count = answer_head(answers)["lines"]
        return from_lines((frame_of(answers) for _ in range(count)), count)

    return talk
