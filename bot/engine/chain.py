"""The recorder chain: our own spans first, then the stores that serve the agent; the more complete reading wins.

A store is asked only where our own record has no root or misses parents. No effect that one record shows is lost to
another that merely has a root. Whatever a store did or did not give is said in words: they stand beside the run on the
card.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bot.domain.run import Completeness, RunSummary
from bot.domain.span import PackedSpan
from bot.domain.trace_ref import TraceRef
from bot.engine.stores import TraceStores
from bot.errors import PullcordError, Refused
from bot.recorder.answers import PackedAnswers, join
from bot.recorder.run_reading import RunReading

log = structlog.get_logger(__name__)

OWN = "otlp"
"""What a run's ``source`` says when the spans came to our own receiver."""
SECONDS = 45.0
"""Until the last store has answered: one piece of work may take 60 s, reading our own record among it."""
_MAX_NOTE = 900
_ORDER = {Completeness.MISSING_ROOT: 0, Completeness.PARTIAL: 1, Completeness.COMPLETE: 2}

ReadRun = Callable[[Sequence[bytes], Sequence[str]], Awaitable[RunReading]]
"""The run of these records, with notes of ours on its holes. Raises Refused when there is none in them."""
ReadStore = Callable[[str, Sequence[bytes], TraceRef], Awaitable[PackedAnswers]]
"""The redacted spans in a store's answers. Raises Refused."""


@dataclass(frozen=True, slots=True)
class Found:
    """A reading and the records that it was read from. ``source``: ours, or the store that made it more complete."""

    reading: RunReading
    records: Sequence[bytes]
    source: str = OWN


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the chain found. ``note`` says why this source; ``failed``: some store gave no answer, so ask again."""

    found: Found | None
    note: str = ""
    failed: bool = False
    asked: bool = False


def rank(summary: RunSummary) -> tuple[int, int, int]:
    """How complete a reading is: a root and no missing parents, then spans, then facts captured."""
    return _ORDER[summary.completeness], summary.steps, summary.capture.found if summary.capture else 0


def is_complete(found: Found | None) -> bool:
    """Whether nothing is missing that a store could add."""
    return found is not None and found.reading.summary.completeness is Completeness.COMPLETE


class Chain:
    """Asks stores in their order, until the run is complete."""

    def __init__(self, stores: TraceStores, read_run: ReadRun, read_store: ReadStore) -> None:
        """``read_run`` and ``read_store`` work off the event loop."""
        self._stores = stores
        self._read_run = read_run
        self._read_store = read_store

    async def best(self, ref: TraceRef, agent: str | None, own: Found | None, began: float) -> Chosen:
        """The most complete of our own and the stores' records of a run.

        ``began`` is when the piece of work did, by the loop's clock: reading our own record may have taken long.
        """
        names = () if is_complete(own) else self._stores.of(agent)
        best, received = own, len(own.records) if own is not None else 0
        notes: list[str] = []
        failed = False
        until = began + SECONDS
        for name in names:
            if is_complete(best):
                break
            told, why = await self._told(name, ref, until)
            if told is None:
                notes.append(why or f"{name} does not have it")
                failed = failed or bool(why)
                continue
            if told.partial:
                notes.append(f"{name}'s answer is partial: {told.partial}")
            better, words = await self._better(name, told, best, received)
            notes.insert(0, words) if better is not None else notes.append(words)
            best = better or best
        return Chosen(best, "; ".join(notes)[:_MAX_NOTE], failed, bool(names))

    async def _told(self, name: str, ref: TraceRef, until: float) -> tuple[PackedAnswers | None, str]:
        """A store's spans; or None and why, with no words when it does not have the run."""
        try:
            async with asyncio.timeout_at(until):
                answers = await self._stores.fetch(name, ref)
                told = await self._read_store(name, answers, ref) if answers else None
        except TimeoutError:
            return None, f"{name} was not asked to the end: reading this run took over {SECONDS:g} s"
        except PullcordError as error:
            log.warning("trace_store_failed", store=name, error=type(error).__name__)
            said = error.message.rstrip(".")
            return None, said if said.startswith(name) else f"{name}: {said}"
        return (told, "") if told is not None and told.spans else (None, "")

    async def _better(
        self, name: str, told: PackedAnswers, best: Found | None, received: int
    ) -> tuple[Found | None, str]:
        """A better reading with this store's spans, or None; and in words how they compare."""
        joined = await asyncio.to_thread(join, best.records if best is not None else (), told.spans)
        count = len({span.span_id for span in told.spans})
        notes = (f"{name}'s answer is partial: {told.partial}",) if told.partial else ()
        new = joined.theirs > 0
        records: Sequence[bytes] = joined.records if new else _records(told.spans)
        try:
            reading = await self._read_run(records, notes)
        except Refused as refused:
            return None, f"{name} has {_spans(count)}, and no run can be read from them: {refused.message.rstrip('.')}"
        if best is not None and not _is_better(reading, best.reading, joined=new and joined.same):
            return None, f"{name} has {_spans(count)}, and nothing that we lack"
        words = f"{name} has {_spans(count)}, we received {received or 'none'}"
        if new and joined.same and reading.summary.steps > count:
            words += f", together they are {reading.summary.steps}"
        return Found(reading, records, name), words


def _is_better(one: RunReading, other: RunReading, *, joined: bool) -> bool:
    """``joined``: the one holds every span of the other. Else it must not list fewer effects, whatever else it has."""
    if joined:
        return rank(one.summary) > rank(other.summary)
    return (len(one.effects), *rank(one.summary)) > (len(other.effects), *rank(other.summary))


def _records(spans: Sequence[PackedSpan]) -> tuple[bytes, ...]:
    return tuple({span.span_id: span.packed for span in spans}.values())


def _spans(count: int) -> str:
    return f"{count:,} span" + ("" if count == 1 else "s")
