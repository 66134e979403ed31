"""From stored spans to what an incident needs of a run: its summary, its effects, the bytes to freeze. Pure.

Small runs are read so in a thread, large ones in the parsing process: the whole ``Run`` of ten thousand spans never
has to live in the server.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from pydantic_core import from_json, to_json

from bot.domain.base import Json, lean
from bot.domain.catalogue import Catalogue
from bot.domain.effect import Effect, counts
from bot.domain.profile import RunProfile
from bot.domain.run import Run, RunSummary, summarise
from bot.domain.span import SpanRecord
from bot.effects.assess import assess
from bot.plugin.dialects import Dialect
from bot.recorder.dialects import BUILT_IN, pack_modules
from bot.recorder.evidence import FrozenWriter
from bot.recorder.normalise import normalise
from bot.recorder.profile import Profiled, profile_of
from bot.recorder.reader import reader
from bot.recorder.span_view import time_of
from bot.recorder.spool import Spool

_ID = 16
"""Letters of a span's id."""
_EFFECTS = 50
"""In one line: decoding it never holds up the event loop."""
_JSON = b"{"
_LONG = 1_000
_MESSAGES = ("gen_ai.input.messages", "gen_ai.output.messages")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INFLATED = 4
"""How much larger a compressed record is, about: only a hint for where to read it."""


@dataclass(frozen=True, slots=True)
class RunReading:
    """A run as it was read. ``frozen`` is one zlib stream, as the evidence store takes it.

    ``profiled`` is what the index of runs keeps of it.
    """

    summary: RunSummary
    effects: tuple[Effect, ...]
    frozen: bytes
    profiled: Profiled


def read_run(
    records: Iterable[bytes],
    catalogue: Catalogue,
    now: datetime,
    notes: Sequence[str] = (),
    dialects: tuple[Dialect, ...] = BUILT_IN,
    *,
    frozen: bool = True,
) -> RunReading:
    """Read stored spans of one trace. ``notes`` are added to what the run says of its holes (a cap, a partial answer).

    Without ``frozen`` no bytes are made for the evidence, which is half of the work.

    Raises Refused when there is no run in them.
    """
    opened = open_run(records, catalogue, now, notes, dialects)
    return RunReading(opened.summary, opened.effects, _whole(opened.frozen) if frozen else b"", opened.profiled)


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """A run as it was read, before its frozen bytes are made: ``frozen`` makes them piece by piece, once."""

    summary: RunSummary
    effects: tuple[Effect, ...]
    profiled: Profiled
    frozen: Iterator[bytes]


def open_run(
    records: Iterable[bytes],
    catalogue: Catalogue,
    now: datetime,
    notes: Sequence[str] = (),
    dialects: tuple[Dialect, ...] = BUILT_IN,
) -> OpenedRun:
    """As ``read_run``. The spans are read from their records again to be frozen: they need not all live till then."""
    spans = _Spans(records)
    run = normalise(spans.first(), dialects)
    if notes:
        run = run.model_copy(update={"notes": tuple(dict.fromkeys((*run.notes, *notes)))})
    effects = tuple(assess(run, catalogue, now))
    lasting = _lasting(run, spans.ended, catalogue, effects)
    read_by = reader(pack_modules(dialects))
    frozen = FrozenWriter(run, spans.again(), catalogue, lasting, read_by=read_by)
    return OpenedRun(summarise(run, counts(iter(effects))), effects, profile_of(run, effects), iter(frozen))


class _Spans:
    """The spans of records, read twice: to normalise them, and to freeze them."""

    def __init__(self, records: Iterable[bytes]) -> None:
        self._records = Spool(records)
        # in three blocks: ten thousand small objects between the spans would hold every page of theirs
        self._ids, self._starts, self._ends = bytearray(), list[int](), list[int]()  # times reach beyond 64 bits
        self.ended = 0

    def first(self) -> Iterator[SpanRecord]:
        """Each span. The resource, which most share, is one object."""
        shared: dict[str, Json] = {}
        for record in self._records:
            span = lean(_structured(span_of(record)))
            self._ids += span.span_id.encode()
            self._starts.append(span.start_ns)
            self._ends.append(span.end_ns)
            self.ended = max(self.ended, _end_of(span))
            if span.resource == shared:
                span = lean(span.model_copy(update={"resource": shared}))
            shared = span.resource
            yield span

    def again(self) -> Iterator[SpanRecord]:
        """Each span once, by start and id, as evidence has them."""
        chosen: dict[bytes, int] = {}
        for at, end in enumerate(self._ends):
            span_id = bytes(self._ids[at * _ID : at * _ID + _ID])
            before = chosen.get(span_id)
            if before is None or end >= self._ends[before]:  # as ``normalise.latest`` chooses
                chosen[span_id] = at
        for _, at in sorted(chosen.items(), key=lambda one: (self._starts[one[1]], one[0])):
            yield span_of(self._records[at])


def reading_of(run: Run, spans: Sequence[SpanRecord], catalogue: Catalogue, now: datetime) -> RunReading:
    """Assess and freeze a run that was normalised already."""
    effects = tuple(assess(run, catalogue, now))
    lasting = as_it_ended(run, spans, catalogue, effects)
    frozen = b"".join(FrozenWriter(run, spans, catalogue, lasting))
    return RunReading(summarise(run, counts(effects)), effects, frozen, profile_of(run, effects))


def as_it_ended(
    run: Run, spans: Iterable[SpanRecord], catalogue: Catalogue, effects: Sequence[Effect] | None = None
) -> tuple[Effect, ...]:
    """The effects as they stood when the run ended: those that are frozen, whatever the hour is now.

    ``effects`` are those of now, taken over where no rule has a window that could have closed meanwhile.
    """
    return _lasting(run, max(map(_end_of, spans), default=0), catalogue, effects)


def _lasting(run: Run, ended: int, catalogue: Catalogue, effects: Sequence[Effect] | None) -> tuple[Effect, ...]:
    if effects is not None and not any(rule.undo_window is not None for rule in catalogue.rules):
        return tuple(effects)
    return tuple(assess(run, catalogue, time_of(ended) or _EPOCH))


def _end_of(span: SpanRecord) -> int:
    return span.end_ns or span.start_ns


def _structured(span: SpanRecord) -> SpanRecord:
    """The span with long message lists read already, as instrumentations of the structured form write them.

    Else each text would be held twice: in the attribute's JSON, and in the message that is read from it.
    """
    read: dict[str, Json] = {}
    for name in _MESSAGES:
        text = span.attributes.get(name)
        if isinstance(text, str) and len(text) > _LONG and text.startswith("["):
            with suppress(ValueError):
                read[name] = from_json(text, allow_inf_nan=False)
    return span.model_copy(update={"attributes": {**span.attributes, **read}}) if read else span


def span_of(record: bytes) -> SpanRecord:
    """A stored record, plain or compressed as the store keeps it."""
    return SpanRecord.from_bytes(record if record.startswith(_JSON) else zlib.decompress(record))


def weight(records: Sequence[bytes]) -> int:
    """About how many plain bytes these records are."""
    return sum(len(record) if record.startswith(_JSON) else _INFLATED * len(record) for record in records)


def to_lines(opened: OpenedRun, *, frozen: bool) -> Iterator[bytes]:
    """A run for the pipe: its summary, its effects some at a time, then the frozen bytes; an empty line ends each."""
    profiled = {"profile": opened.profiled.profile.model_dump(mode="json"), "texts": dict(opened.profiled.texts)}
    yield to_json({"summary": opened.summary.model_dump(mode="json"), **profiled})
    for at in range(0, len(opened.effects), _EFFECTS):
        yield to_json([e.model_dump(mode="json") for e in opened.effects[at : at + _EFFECTS]])
    yield b""
    pieces = opened.frozen
    del opened, profiled
    if frozen:
        yield from pieces
    yield b""


def from_lines(head: dict[str, Any], lines: Iterator[bytes]) -> RunReading:
    """The reading that ``to_lines`` wrote; ``head`` is its first line, read."""
    summary = RunSummary.model_validate(head["summary"])
    profiled = Profiled(RunProfile.model_validate(head["profile"]), head["texts"])
    effects: list[Effect] = []
    while line := next(lines):
        effects += [Effect.model_validate(effect) for effect in from_json(line)]
    return RunReading(summary, tuple(effects), _whole(iter(lines.__next__, b"")), profiled)


def _whole(pieces: Iterable[bytes]) -> bytes:
    """The pieces as one, without holding them twice as a join of a list would."""
    whole = BytesIO()
    for piece in pieces:
        whole.write(piece)
    return whole.getvalue()
