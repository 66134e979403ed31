"""A store's answers: through its plug-in, redacted, cut with words; and one run of theirs and ours."""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from bot.domain.span import PackedSpan, SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.errors import Refused
from bot.plugin import Fetched
from bot.recorder.answers import join, read_answers
from bot.recorder.limits import Limits
from bot.recorder.redact import Redactor
from tests.support.spans import root_span, tool_span

TRACE = "ab" * 16
REF = TraceRef(trace_id=TRACE)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
SECRET = "sk-proj-" + "a1B2c3D4" * 6


def tool(number: int, trace_id: str = TRACE, note: str = "x") -> SpanRecord:
    """A refund."""
    return tool_span(trace_id, number, "issue_refund", {"note": note}, NOW)


def step(number: int) -> SpanRecord:
    """Something that has no effect."""
    return SpanRecord(trace_id=TRACE, span_id=f"{number:016x}", parent_id=f"{0xF00:016x}", name="http get")


def telling(*spans: SpanRecord, partial: str | None = None) -> Fetched:
    """What a plug-in's ``read`` gives."""
    return Fetched(spans, partial)


def test_spans_are_redacted_and_those_of_other_traces_are_left_out() -> None:
    """Before anything is stored, posted or frozen; words of the store too."""
    fetched = telling(tool(1, note=SECRET), tool(2, "cd" * 16), partial=f"could not use {SECRET}")
    packed = read_answers(lambda _, __: fetched, [b""], REF, Redactor(), Limits())
    assert [span.span_id for span in packed.spans] == [f"{1:016x}"]
    assert SECRET.encode() not in packed.spans[0].data
    assert packed.partial is not None
    assert SECRET not in packed.partial


def test_over_the_cap_tools_are_kept_first_and_it_is_said() -> None:
    """Effects must not be lost to steps that have none."""
    fetched = telling(*(step(n) for n in range(1, 50)), tool(90), tool(91), root_span(TRACE, NOW))
    packed = read_answers(lambda _, __: fetched, [b""], REF, Redactor(), Limits(spans=10))
    kept = {span.span_id for span in packed.spans}
    assert len(kept) == 10
    assert {f"{90:016x}", f"{91:016x}", f"{0xF00:016x}"} <= kept
    assert packed.partial == "42 of its 52 spans were over the cap and left out"


@pytest.mark.parametrize(
    "error", [KeyError("x"), TypeError(SECRET), RecursionError(), ValueError(SECRET), MemoryError()]
)
def test_whatever_a_plug_in_raises_is_a_refusal_without_its_text(error: Exception) -> None:
    """Its text may quote what was being read, before anything was redacted."""

    def read(_: Sequence[bytes], __: TraceRef) -> Fetched:
        raise error

    with pytest.raises(Refused, match=type(error).__name__) as raised:
        read_answers(read, [b""], REF, Redactor(), Limits())
    assert SECRET not in str(raised.value)


def packed(*spans: SpanRecord) -> Sequence[PackedSpan]:
    """As a store's answers are packed."""
    return read_answers(lambda _, __: telling(*spans), [b""], REF, Redactor(), Limits()).spans


def ids(records: Sequence[bytes]) -> list[str]:
    """Whose records these are."""
    return [record_of(record).span_id for record in records]


def record_of(record: bytes) -> SpanRecord:
    """A record, compressed or not."""
    return SpanRecord.from_bytes(record if record[:1] == b"{" else zlib.decompress(record))


def test_of_a_span_that_both_have_ours_is_taken_unless_it_was_shortened() -> None:
    """Plain and compressed records of ours; what is only theirs is added."""
    ours = [
        tool(1, note="ours").to_bytes(),
        zlib.compress(tool(2, note="ours").to_bytes()),
        zlib.compress(tool(3, note="ours").model_copy(update={"marks": ("cut",)}).to_bytes()),
    ]
    theirs = packed(*(tool(n, note="theirs") for n in (1, 2, 3, 4)))
    joined = join(ours, theirs)
    assert (joined.same, joined.theirs) == (True, 1)
    notes = {record_of(r).span_id[-1]: "ours" in str(record_of(r).attributes) for r in joined.records}
    assert notes == {"1": True, "2": True, "3": False, "4": False}


def test_without_a_span_in_both_nothing_is_joined() -> None:
    """A store that has ids of its own."""
    joined = join([tool(1).to_bytes()], packed(tool(2), tool(3)))
    assert (joined.same, joined.theirs, ids(joined.records)) == (False, 2, [f"{2:016x}", f"{3:016x}"])
    alone = join([], packed(tool(2)))
    assert (alone.same, alone.theirs) == (True, 1)
