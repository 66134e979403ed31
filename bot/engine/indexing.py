"""``Work.INDEX_RUN``: a run whose spans stopped coming is read and put into the index of runs."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from bot.domain.effect import Effect
from bot.domain.profile import Grade, IndexedRun, RunProfile
from bot.domain.work import Due, WorkItem
from bot.engine.parts import Parts, text_of
from bot.errors import Busy, Refused
from bot.recorder.profile import Profiled
from bot.recorder.run_reading import RunReading
from bot.recorder.signatures import signed

_WHEN_BUSY = timedelta(seconds=30)
log = structlog.get_logger(__name__)


class ReadsRuns(Protocol):
    """Reads what we received of a run (``bot.engine.reading.Reader``)."""

    async def received(self, trace_id: str, agent: str | None) -> RunReading | None:
        """The run and its effects from our own spans; None when there are none. Refused when they hold no run."""
        ...


class Indexing:
    """Keeps the index of runs."""

    def __init__(self, parts: Parts, reader: ReadsRuns) -> None:
        """``reader`` reads our own spans."""
        self._parts = parts
        self._reader = reader

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``trace_id``. A trace that holds no run of an agent (an ordinary web request) is left out."""
        trace_id = text_of(item, "trace_id")
        store = self._parts.store
        meta = await store.spans.meta(trace_id)
        if meta is None or await self._read_by_another(item, trace_id):
            return
        try:
            found = await self._reader.received(trace_id, meta.agent)
        except Refused as refused:
            log.info("run_not_indexed", trace_id=trace_id, reason=refused.message)
            return
        except Busy:  # no fault of the run: five tries would be over before a flood of large ones is
            at = self._parts.now() + _WHEN_BUSY
            await store.background.schedule(Due(id=f"index:{trace_id}", at=at, item=item))
            return
        if found is None or not is_run(found.profiled.profile, found.effects):
            return
        named = bool(await store.incidents.waiting_for(trace_id))
        await index(self._parts, found.profiled, found.effects, meta.agent, named=named)

    async def _read_by_another(self, item: WorkItem, trace_id: str) -> bool:
        """Whether an incident names the run: whoever reads it for that puts it into the index too.

        Where that has not happened yet it is waited for once: a large run is not read twice at a time.
        """
        store = self._parts.store
        if not await store.incidents.waiting_for(trace_id):
            return False
        known = await store.run_index.get(trace_id)
        if known is not None and known.named:
            return True
        if item.payload.get("waited"):
            return False
        later = item.model_copy(update={"payload": {**item.payload, "waited": True}})
        at = self._parts.now() + _WHEN_BUSY
        await store.background.schedule(Due(id=f"index:{trace_id}", at=at, item=later))
        return True


async def index(
    parts: Parts,
    profiled: Profiled,
    effects: Sequence[Effect],
    agent: str | None,
    *,
    named: bool,
    otherwise: str | None = None,
) -> IndexedRun:
    """Put a run that was read into the index. ``agent`` is whose spans they are; ``named``: an incident wants it.

    ``otherwise`` is the incident's agent: it counts only for a run that says nothing itself, or the same agent's runs
    would stand in two places.
    """
    profile = profiled.profile
    update = {"agent": owner(profile, agent, parts) or otherwise or "", **({"grade": Grade.FAILED} if named else {})}
    profile = profile.model_copy(update=update)
    found = await asyncio.to_thread(signed, profile, effects)
    entry = IndexedRun(profile=profile, signatures=tuple(s.id for s in found.signatures), named=named)
    return await parts.store.run_index.put(entry, profiled.texts, found.spreads)


async def sender_of(parts: Parts, trace_id: str) -> str | None:
    """Whose spans of this run we received, where we did."""
    meta = await parts.store.spans.meta(trace_id)
    return meta.agent if meta is not None else None


def owner(profile: RunProfile, agent: str | None, parts: Parts) -> str:
    """Whose run it is: the name of it that the configuration has, else as the run says itself, else as its sender."""
    names = [name for name in (agent, profile.agent, profile.service) if name]
    configured = next((name for name in names if name in parts.settings.agents), None)
    return configured or profile.agent or (names[0] if names else "")


def is_run(profile: RunProfile, effects: Sequence[Effect]) -> bool:
    """Whether there is anything of an agent in it: a model was called, a tool, or something was retrieved."""
    return bool(profile.calls or effects or profile.sources or profile.documents)
