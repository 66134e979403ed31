"""``Work.COMPARE_RUN``: what changed since the good runs before, and which other runs look the same.

Both are answered from the index of runs alone. They are looked at again some times, as runs still come in; a later
answer that says the same is not written.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from bot.domain.effect import EffectCounts
from bot.domain.events import PULLCORD, ChangesFound, SimilarRunsFound
from bot.domain.incident import AttachedRun, Incident
from bot.domain.profile import Alike, ChangeKind, IndexedRun, RunLine, RunProfile, SimilarGroup, SimilarKind
from bot.domain.work import Due, Work, WorkItem
from bot.engine.evidence import FrozenRuns
from bot.engine.indexing import index, sender_of
from bot.engine.parts import Parts, incident_of, number_of, text_of
from bot.engine.run_lines import line_of
from bot.recorder.changes import Comparison, compare
from bot.recorder.profile import profile_of, toolset_of
from bot.recorder.run_times import when
from bot.recorder.signatures import Level, Signed, document_signature, signed
from bot.recorder.telling import Counts, Telling, telling, to_count
from bot.timeline.timeline import Write

log = structlog.get_logger(__name__)

_NEWEST: Final = 250
_SAMPLED: Final = 100
_SINCE: Final = 200
_MOST_PROMPTS: Final = 120
_MOST_GROUPS: Final = 12
_MOST_LINES: Final = 50
_ALL_LINES: Final = 200
"""Of all groups, so that the entry stays under 256 kB."""
_MOST_CANDIDATES: Final = 5000
"""Of one group: their effects are counted one by one."""
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
        found = await self._changes(run.profile)
        marks = await asyncio.to_thread(signed, run.profile, incident.effects_of(trace_id))
        similar = await self._similar(incident, run.profile, marks, found)
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

    # ------------------------------------------------------------------------------------------------ what changed

    async def _changes(self, failing: RunProfile) -> Comparison:
        index, began = self._index, when(failing)
        before = await index.of_kind(failing.agent, failing.kind, began, _NEWEST, _SAMPLED)
        since = await index.of_kind_since(failing.agent, failing.kind, began, _SINCE)
        runs = [r.profile for r in await index.many(list(dict.fromkeys((*before, *since))))]
        calls = [call for run in (failing, *runs) for call in run.calls]
        toolsets = await index.texts(call.tools for call in calls if call.tools)
        prompts = list(dict.fromkeys(call.prompt for call in calls if call.prompt))[:_MOST_PROMPTS]
        mine = {h for call in failing.calls if call.tools for h in toolset_of(toolsets.get(call.tools)).values()}
        tools = dict.fromkeys(h for text in toolsets.values() for h in toolset_of(text).values())
        wanted = [*mine, *(h for h in tools if h not in mine)][:400]
        texts = {**await index.texts(prompts), **await index.texts(wanted), **toolsets}
        return await asyncio.to_thread(compare, failing, runs, texts)

    # ------------------------------------------------------------------------------------------------ who else

    async def _similar(
        self, incident: Incident, failing: RunProfile, marks: Signed, found: Comparison
    ) -> tuple[tuple[SimilarGroup, ...], int, int]:
        """The groups, how many runs there are in them, and how many were searched."""
        stale = {
            document_signature(change.name, failing.documents[change.name] or "").id
            for change in found.changes
            if change.kind is ChangeKind.DOCUMENT and failing.documents.get(change.name)
        }
        counts = await self._counts(failing, marks)
        known = incident.wanted_traces | {run.summary.trace_id for run in incident.runs}
        seen: set[str] = set()
        groups: list[SimilarGroup] = []
        room = _ALL_LINES
        for what in telling(marks, counts, stale):
            runs = [run for run in await self._candidates(what) if run.profile.trace_id not in known]
            if not runs or any(group.id == _group_id(what) for group in groups):
                continue
            lines = tuple(line_of(run.profile, what.words) for run in runs[: min(_MOST_LINES, room)])
            room -= len(lines)
            seen |= {run.profile.trace_id for run in runs}
            groups.append(_group(what, runs, lines))
        kept = tuple(sorted(groups, key=lambda group: -group.counts.no_way_back)[:_MOST_GROUPS])
        searched = await self._index.runs_of(await self._index.agents())
        return kept, len(seen), searched.runs

    async def _counts(self, failing: RunProfile, marks: Signed) -> Counts:
        ids, places = to_count(marks)
        alike = {i: _without_self(a) for i, a in (await self._index.alike(ids)).items()} if ids else {}
        total = await self._index.runs_of([failing.agent])
        users = {s.tool: s.id for s in marks.signatures if s.level is Level.TOOL}
        earlier: dict[str, int] = {}
        for signature in marks.signatures:
            first = alike[signature.id].first
            if signature.kind is SimilarKind.CALL and signature.place and first is not None and signature.tool in users:
                earlier[signature.id] = await self._index.before(users[signature.tool], first)
        return Counts(alike, await self._index.spreads(places), total.good, earlier)

    async def _candidates(self, what: Telling) -> list[IndexedRun]:
        """The runs that fit, newest first."""
        ids = [i for s in what.signatures for i in await self._index.members(s.id, _MOST_CANDIDATES)]
        runs = await self._index.many(list(dict.fromkeys(ids))[:_MOST_CANDIDATES])
        fitting = [run for run in runs if what.fits(set(run.signatures))]
        return sorted(fitting, key=lambda run: when(run.profile), reverse=True)

    # ------------------------------------------------------------------------------------------------ writing

    async def _write(
        self,
        incident: Incident,
        attached: AttachedRun,
        found: Comparison,
        similar: tuple[tuple[SimilarGroup, ...], int, int],
        attempt: int,
    ) -> None:
        now, trace_id = self._parts.now(), attached.summary.trace_id
        groups, runs, searched = similar
        changes = ChangesFound(
            at=now, by=PULLCORD, trace_id=trace_id, compared=found.compared, changes=found.changes, note=found.note
        )
        others = SimilarRunsFound(at=now, by=PULLCORD, trace_id=trace_id, groups=groups, runs=runs, searched=searched)
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

        def decide(current: Incident) -> Write | None:
            before, like = current.compared_run(trace_id), current.similar_to(trace_id)
            events = (
                *(() if before and (before.changes, before.note) == (changes.changes, changes.note) else (changes,)),
                *(() if like and (like.groups, like.runs) == (groups, runs) else (others,)),
            )
            return Write(events=events, due=due, dirty=bool(events)) if events or due else None

        told = hashlib.sha256(f"{changes.changes}{changes.note}{groups}{runs}".encode()).hexdigest()[:16]
        op = f"compared:{trace_id}:{attached.evidence[:16]}:{attached.attached_at.isoformat()}:{attempt}:{told}"
        await self._parts.store.incidents.write(incident.id, op, decide)


def _without_self(alike: Alike) -> Alike:
    """The failing run itself stands in each of its own sets, among the failed."""
    return alike.model_copy(update={"runs": max(0, alike.runs - 1), "failed": max(0, alike.failed - 1)})


def _group_id(what: Telling) -> str:
    return hashlib.sha256("".join(sorted(s.id for s in what.signatures)).encode()).hexdigest()[:16]


def _group(what: Telling, runs: Sequence[IndexedRun], lines: tuple[RunLine, ...]) -> SimilarGroup:
    times = [ended for run in runs if (ended := run.profile.ended_at) is not None]
    return SimilarGroup(
        id=_group_id(what),
        kind=what.kind,
        words=what.words,
        runs=len(runs),
        counts=sum((run.profile.counts for run in runs), EffectCounts()),
        lines=lines,
        agents=tuple(dict.fromkeys(run.profile.agent for run in runs))[:20],
        first=min(times, default=None),
        last=max(times, default=None),
    )
