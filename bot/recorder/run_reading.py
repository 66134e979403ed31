"""From stored spans to what an incident needs of a run: its summary, its effects, the bytes to freeze. Pure.

Small runs are read so in a thread, large ones in the parsing process: the whole ``Run`` of ten thousand spans never
has to live in the server.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json, to_json

from bot.domain.catalogue import Catalogue
from bot.domain.effect import Effect, counts
from bot.domain.profile import RunProfile
from bot.domain.run import Run, RunSummary, summarise
from bot.domain.span import SpanRecord
from bot.effects.assess import assess
from bot.plugin.dialects import Dialect
from bot.recorder.dialects import BUILT_IN
from bot.recorder.evidence import freeze
from bot.recorder.normalise import normalise
from bot.recorder.profile import Profiled, profile_of
from bot.recorder.span_view import time_of

_EFFECTS = 50
"""In one line: decoding it never holds up the event loop."""
_JSON = b"{"
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
) -> RunReading:
    """Read stored spans of one trace. ``notes`` are added to what the run says of its holes (a cap, a partial answer).

    Raises Refused when there is no run in them.
    """
    spans = [span_of(record) for record in records]
    run = normalise(spans, dialects)
    if notes:
        run = run.model_copy(update={"notes": tuple(dict.fromkeys((*run.notes, *notes)))})
    return reading_of(run, spans, catalogue, now)


def reading_of(run: Run, spans: Sequence[SpanRecord], catalogue: Catalogue, now: datetime) -> RunReading:
    """Assess and freeze a run that was normalised already."""
    effects = tuple(assess(run, catalogue, now))
    lasting = as_it_ended(run, spans, catalogue, effects)
    frozen = b"".join(freeze(run, spans, catalogue, lasting).chunks)
    return RunReading(summarise(run, counts(effects)), effects, frozen, profile_of(run, effects))


def as_it_ended(
    run: Run, spans: Sequence[SpanRecord], catalogue: Catalogue, effects: Sequence[Effect] | None = None
) -> tuple[Effect, ...]:
    """The effects as they stood when the run ended: those that are frozen, whatever the hour is now.

    ``effects`` are those of now, taken over where no rule has a window that could have closed meanwhile.
    """
    if effects is not None and not any(rule.undo_window is not None for rule in catalogue.rules):
        return tuple(effects)
    ended = max((span.end_ns or span.start_ns for span in spans), default=0)
    return tuple(assess(run, catalogue, time_of(ended) or _EPOCH))


def span_of(record: bytes) -> SpanRecord:
    """A stored record, plain or compressed as the store keeps it."""
    return SpanRecord.from_bytes(record if record.startswith(_JSON) else zlib.decompress(record))


def weight(records: Sequence[bytes]) -> int:
    """About how many plain bytes these records are."""
    return sum(len(record) if record.startswith(_JSON) else _INFLATED * len(record) for record in records)


def to_lines(reading: RunReading) -> Iterator[bytes]:
    """A reading for the pipe: the summary, its effects some at a time, the frozen bytes last."""
    profiled = {"profile": reading.profiled.profile.model_dump(mode="json"), "texts": dict(reading.profiled.texts)}
    yield to_json({"summary": reading.summary.model_dump(mode="json"), **profiled})
    for at in range(0, len(reading.effects), _EFFECTS):
        yield to_json({"effects": [e.model_dump(mode="json") for e in reading.effects[at : at + _EFFECTS]]})
    yield reading.frozen


def from_lines(lines: Iterator[bytes], count: int) -> RunReading:
    """The reading that ``to_lines`` wrote in ``count`` lines."""
    head: dict[str, Any] = from_json(next(lines))
    summary = RunSummary.model_validate(head["summary"])
    profiled = Profiled(RunProfile.model_validate(head["profile"]), head["texts"])
    effects: list[Effect] = []
    for _ in range(count - 2):
        told: dict[str, Any] = from_json(next(lines))
        effects += [Effect.model_validate(effect) for effect in told["effects"]]
    return RunReading(summary, tuple(effects), next(lines), profiled)
