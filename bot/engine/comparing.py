"""``Work.COMPARE_RUN``: what changed since the good runs before, and which other runs look the same.

Both are answered from the index of runs alone. They are looked at again some times, as runs still come in; a later
answer is written when it says something else (``bot.engine.news``).
"""

import asyncio
import hashlib
from datetime import timedelta
from typing import Final

from bot.domain.events import PULLCORD, ChangesFound, Event, SimilarRunsFound
from bot.domain.incident import AttachedRun, Incident
from bot.domain.profile import IndexedRun
from bot.domain.work import Due, Work, WorkItem
from bot.engine.alikes import Alikes, Found, changes_of
from bot.engine.evidence import FrozenRuns
from bot.engine.indexing import index, sender_of
from bot.engine.news import new_changes, new_groups, worth_naming, worth_telling
from bot.engine.parts import Parts, incident_of, number_of, text_of
from bot.recorder.changes import Comparison
from bot.recorder.profile import profile_of
from bot.timeline.timeline import Write

_MOST_SEARCHED: Final = 10
"""Runs of one incident for which others are looked for."""
_AGAIN: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
"""Runs that were still going come into the index later."""


def compare_run(incident_id: str, trace_id: str, attempt: int = 0) -> WorkItem:
    """Work that compares a run of an incident with others."""
    return WorkItem(kind=Work.COMPARE_RUN, incident=incident_id, payload={"trace_id": trace_id, "attempt": attempt})


class Comparing:
    """Finds what changed and who else was hit."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts
        self._index = parts.store.run_index
        self._evidence = FrozenRuns(parts.store.evidence)

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``trace_id``, ``attempt``. A run that is not attached (any more) is left alone."""
        trace_id, attempt = text_of(item, "trace_id"), number_of(item, "attempt")
        incident = await self._parts.store.incidents.read(incident_of(item))
        attached = incident.run(trace_id)
        if attached is None:
            return
        run = await self._indexed(incident, attached)
        found = await changes_of(self._index, run.profile)
        known = incident.wanted_traces | {run.summary.trace_id for run in incident.runs}
        effects = incident.effects_of(trace_id)
        similar = None
        if _worth_it(incident, trace_id):
            similar = await Alikes(self._index).find(run.profile, effects, found.changes, known)
        await self._write(incident, attached, found, similar, attempt)

    async def _indexed(self, incident: Incident, attached: AttachedRun) -> IndexedRun:
        """What the index keeps of the run, as it was attached: it is no good run from now on."""
        trace_id = attached.summary.trace_id
        held = await self._index.get(trace_id)
        if held is not None and held.named and held.profile.ended_at == attached.summary.ended_at:
            return held
        run = await self._evidence.run(incident, trace_id)
        effects = incident.effects_of(trace_id)
        profiled = await asyncio.to_thread(profile_of, run, effects)
        sender = await sender_of(self._parts, trace_id)
        return await index(self._parts, profiled, effects, sender, named=True, otherwise=incident.agent)

    # ------------------------------------------------------------------------------------------------ writing

    async def _write(
        self,
        incident: Incident,
        attached: AttachedRun,
        found: Comparison,
        similar: Found | None,
        attempt: int,
    ) -> None:
        now, trace_id = self._parts.now(), attached.summary.trace_id
        changes = ChangesFound(
            at=now,
            by=PULLCORD,
            trace_id=trace_id,
            compared=found.compared,
            changes=found.changes,
            note=found.note,
            unrecorded=found.unrecorded,
        )
        others = None
        if similar is not None:
            others = SimilarRunsFound(
                at=now,
                by=PULLCORD,
                trace_id=trace_id,
                groups=similar.groups,
                runs=similar.runs,
                searched=similar.searched,
            )
        due = (
            (
                Due(
                    id=f"compare:{incident.id}:{trace_id}",
                    at=now + _AGAIN[attempt],
                    item=compare_run(incident.id, trace_id, attempt + 1),
                ),
            )
            if attempt < len(_AGAIN) and incident.open
            else ()
        )

        last = attempt >= len(_AGAIN)

        def decide(current: Incident) -> Write | None:
            events: list[Event] = []
            if worth_telling(current.compared_run(trace_id), changes, last=last):
                events.append(changes.model_copy(update={"new": new_changes(current, changes)}))
            if others is not None and worth_naming(current.similar_to(trace_id), others, last=last):
                events.append(others.model_copy(update={"new": new_groups(current, others)}))
            return Write(events=tuple(events), due=due, dirty=bool(events)) if events or due else None

        answer = f"{changes.changes}{changes.note}{(others.groups, others.runs) if others is not None else None}"
        told = hashlib.sha256(answer.encode()).hexdigest()[:16]
        op = f"compared:{trace_id}:{attached.evidence[:16]}:{attached.attached_at.isoformat()}:{attempt}:{told}"
        await self._parts.store.incidents.write(incident.id, op, decide)


def _worth_it(incident: Incident, trace_id: str) -> bool:
    """Whether to look for runs like this one: not for each of hundreds that joined since they look like another."""
    if incident.similar_to(trace_id) is not None:
        return True
    return len(incident.similar) < (1 if trace_id in incident.added else _MOST_SEARCHED)
