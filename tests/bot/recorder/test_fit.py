"""What is stored of a span: without secrets wherever they stand in it, and never nested deeper than it is read."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from bot.domain.base import Json
from bot.domain.catalogue import Catalogue
from bot.domain.span import MAX_NANOSECONDS, SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.plugin import Fetched
from bot.recorder.answers import read_answers
from bot.recorder.evidence import thaw
from bot.recorder.limits import Limits
from bot.recorder.redact import Redactor
from bot.recorder.run_reading import read_run

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TRACE, SPAN = "ab" * 16, "cd" * 8
SECRET = "sk" + "_live_" + "9aB3" * 8


def stored(**fields: object) -> SpanRecord:
    """A span as it is kept of a store's answer."""
    span = SpanRecord.model_validate({"trace_id": TRACE, "span_id": SPAN, **fields})

    def read(_: Sequence[bytes], __: TraceRef) -> Fetched:
        return Fetched(spans=(span,))

    (kept,) = read_answers(read, [b""], TraceRef(trace_id=TRACE), Redactor(), Limits()).spans
    return SpanRecord.from_bytes(kept.data)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": f"GET /x?key={SECRET}"},
        {"status_message": SECRET},
        {"scope": f"shop.{SECRET}"},
        {"scope_version": SECRET},
        {"attributes": {SECRET: 1}},
        {"attributes": {"a": [{"b": SECRET}]}},
        {"resource": {"service.name": SECRET}},
        {"resource": {SECRET: "x"}},
        {"events": [{"name": SECRET, "attributes": {}}]},
        {"events": [{"name": "e", "attributes": {"exception.message": f"refused {SECRET}"}}]},
    ],
    ids=str,
)
def test_no_place_of_a_span_keeps_a_secret(fields: dict[str, object]) -> None:
    """Name, status, scope, attributes, resource and events, keys and values."""
    raw = stored(**fields).to_bytes().decode()
    assert SECRET not in raw
    assert "[redacted: " in raw


def nested(levels: int) -> Json:
    """Lists and objects in turn."""
    value: Json = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("levels", [10, 63, 64, 65, 120, 190, 197])
@pytest.mark.parametrize("place", ["attributes", "resource", "events"])
def test_what_nests_deeply_is_kept_as_text_and_its_run_can_be_frozen_and_read(levels: int, place: str) -> None:
    """JSON readers stop at 200 levels: a document's metadata may not make the evidence of a run unreadable."""
    held = {
        "gen_ai.retrieval.documents": [{"id": "d", "content": "c", "metadata": nested(levels)}],
        "x": nested(levels),
    }
    fields = {place: [{"name": "e", "attributes": held}] if place == "events" else held}
    span = stored(name="retrieval kb", **fields)
    assert "bottom" in span.to_bytes().decode()
    reading = read_run([span.to_bytes()], Catalogue(), NOW, [])
    assert thaw([reading.frozen]).run.trace_id == TRACE


def test_a_span_of_the_year_9999_is_read_and_frozen() -> None:
    """A wrong clock gives times that no 64 bits hold; the run is read all the same."""
    span = stored(start_ns=MAX_NANOSECONDS - 1, end_ns=MAX_NANOSECONDS)
    reading = read_run([span.to_bytes()], Catalogue(), NOW, [])
    assert thaw([reading.frozen]).spans[0].end_ns == MAX_NANOSECONDS
