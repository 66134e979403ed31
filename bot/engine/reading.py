"""Finding a run's spans and reading them: from what Pullcord itself received and from the team's trace stores.

Reading and freezing are CPU work and run off the event loop. What other stores answer is redacted before anything else.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from bot.domain.catalogue import Catalogue, ToolRule
from bot.domain.desired import TOOL_CLASS, Setting, catalogue_of
from bot.domain.effect import Reversibility
from bot.domain.trace_ref import TraceRef
from bot.engine.attaching import Reading
from bot.engine.chain import Chain, Found, is_complete
from bot.engine.stores import TraceStores
from bot.errors import Refused
from bot.plugin import TraceSource
from bot.ports import Clock
from bot.recorder.answers import PackedAnswers, read_answers
from bot.recorder.limits import Limits
from bot.recorder.redact import Redactor
from bot.recorder.run_reading import RunReading, read_run
from bot.settings import Settings
from bot.timeline.store import Store

_LARGE = 1_000_000
"""Bytes of a trace as it is kept."""
_CLASSES = frozenset(Reversibility) - {Reversibility.UNCLASSIFIED}


class RunReader(Protocol):
    """Reads runs off the event loop, large ones in a process of its own (``bot.recorder.offload.Parser``)."""

    async def read(
        self,
        records: Sequence[bytes],
        catalogue: Catalogue,
        now: datetime,
        notes: Sequence[str] = (),
        *,
        frozen: bool = True,
    ) -> RunReading:
        """The summary, the effects and the frozen bytes of these stored spans; a large list is emptied.

        Raises Refused and Busy.
        """
        ...

    async def read_answers(self, source: TraceSource, answers: Sequence[bytes], ref: TraceRef) -> PackedAnswers:
        """The redacted spans of one trace in a store's answers. Raises Refused and Busy."""
        ...


@dataclass(frozen=True, slots=True)
class Sought:
    """What looking for a run gave. ``note`` says what the stores answered.

    ``failed``: some store gave no answer. ``again``: a store may still come to have more than was found.
    """

    reading: Reading | None
    note: str = ""
    failed: bool = False
    again: bool = False


def _why(setting: Setting) -> str:
    """Who said so, and where."""
    said = setting.restraint
    return f"classified by {said.by} in {said.incident}" if said is not None else "classified by a person"


class Reader:
    """Finds, reads and freezes runs."""

    def __init__(
        self,
        store: Store,
        stores: TraceStores,
        settings: Settings,
        clock: Clock,
        redactor: Redactor,
        parser: RunReader | None = None,
    ) -> None:
        """``stores`` are the team's; ``parser`` reads large runs off this process."""
        self._store = store
        self._stores = stores
        self._catalogue = settings.catalogue
        self._clock = clock
        self._redactor = redactor
        self._parser = parser
        self._turn = asyncio.Lock()

    async def read(self, ref: TraceRef, agent: str | None) -> Sought:
        """The run of this trace, frozen as evidence, from whoever has most of it. Refused when it cannot be read."""
        now, began = self._clock.now(), asyncio.get_running_loop().time()
        catalogue = await self._catalogue_for(agent)

        async def read_records(records: Sequence[bytes], notes: Sequence[str] = ()) -> RunReading:
            if self._parser is not None:
                return await self._parser.read(records, catalogue, now, notes)
            return await asyncio.to_thread(read_run, records, catalogue, now, notes)

        async with self._in_turn(ref.trace_id):
            own, refused = await self._own(ref.trace_id, read_records)
        chosen = await Chain(self._stores, read_records, self._answers).best(ref, agent, own, began)
        found = chosen.found
        if found is None:
            if refused is not None:
                raise refused
            return Sought(None, chosen.note, failed=chosen.failed, again=chosen.asked)
        digest = await self._store.evidence.put(found.reading.frozen)
        reading = Reading(
            summary=found.reading.summary,
            effects=found.reading.effects,
            evidence=digest,
            evidence_bytes=len(found.reading.frozen),
            source=found.source,
            source_note=chosen.note,
            catalogue=catalogue.version,
            profiled=found.reading.profiled,
        )
        again = chosen.asked and not is_complete(found)
        return Sought(reading, chosen.note, failed=chosen.failed, again=again)

    async def received(self, trace_id: str, agent: str | None) -> RunReading | None:
        """The run as our own spans have it, for the index of runs; None when none came. Refused when they hold none."""
        async with self._in_turn(trace_id):
            records, notes = await self._received(trace_id)
            if not records:
                return None
            now, catalogue = self._clock.now(), await self._catalogue_for(agent)
            if self._parser is not None:
                return await self._parser.read(records, catalogue, now, notes, frozen=False)
            return await asyncio.to_thread(read_run, records, catalogue, now, notes, frozen=False)

    @asynccontextmanager
    async def _in_turn(self, trace_id: str) -> AsyncIterator[None]:
        """One large trace at a time: they are read one after the other anyway, and each in hand is its size in memory.

        What waits holds nothing yet.
        """
        meta = await self._store.spans.meta(trace_id)
        if meta is None or meta.bytes < _LARGE:
            yield
            return
        async with self._turn:
            yield

    async def _received(self, trace_id: str) -> tuple[list[bytes], tuple[str, ...]]:
        """Our own records, compressed as they are kept, and what was cut of them."""
        records = await self._store.spans.packed(trace_id)
        meta = await self._store.spans.meta(trace_id) if records else None
        return records, (meta.note,) if meta is not None and meta.note is not None else ()

    async def _own(
        self, trace_id: str, read: Callable[[Sequence[bytes], Sequence[str]], Awaitable[RunReading]]
    ) -> tuple[Found | None, Refused | None]:
        """What our receiver got; a refusal when there is no run in it, since a store may still have one."""
        records, notes = await self._received(trace_id)
        if not records:
            return None, None
        try:
            found = Found(await read(records, notes), records)
        except Refused as refused:
            return None, refused
        if not records and not is_complete(found):  # a large list was let go of, and stores will be asked
            found = replace(found, records=await self._store.spans.packed(trace_id))
        return found, None

    async def _answers(self, name: str, answers: Sequence[bytes], ref: TraceRef) -> PackedAnswers:
        source = self._stores.source(name)
        if self._parser is not None:
            return await self._parser.read_answers(source, answers, ref)
        return await asyncio.to_thread(read_answers, source.read, answers, ref, self._redactor, Limits())

    async def _catalogue_for(self, agent: str | None) -> Catalogue:
        """The configured rules, then what people said of the agent's tools in incidents."""
        if agent is None:
            return self._catalogue
        said = (await self._store.desired.state(catalogue_of(agent))).settings
        rules = [
            ToolRule(name=s.element, reversibility=Reversibility(s.value), reason=_why(s))
            for s in said
            if s.flag == TOOL_CLASS and s.element and s.value in _CLASSES
        ]
        return Catalogue(rules=(*self._catalogue.rules, *rules))
