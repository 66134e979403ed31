"""What the index of runs answers about one run: what changed before it, and which other runs look the same.

No spans are read. Who looks the same is found by the run's telling signatures: a few counts, then the members of those.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from bot.domain.effect import Effect, EffectCounts
from bot.domain.incident import Incident
from bot.domain.profile import (
    Alike,
    ChangeKind,
    Difference,
    IndexedRun,
    RunLine,
    RunProfile,
    SimilarGroup,
    SimilarKind,
)
from bot.engine.run_lines import line_of
from bot.recorder.changes import Comparison, compare
from bot.recorder.profile import toolset_of
from bot.recorder.run_times import when
from bot.recorder.signatures import Level, Signed, document_signature, signed
from bot.recorder.telling import Counts, Telling, telling, to_count
from bot.timeline.run_index import MOST_ALIKE, RunIndex

_NEWEST: Final = 250
_SAMPLED: Final = 100
_SINCE: Final = 200
_MOST_PROMPTS: Final = 120
_MOST_TOOLS: Final = 400
_MOST_GROUPS: Final = 12
_MOST_LINES: Final = 50
_ALL_LINES: Final = 200
"""Of all groups, so that the entry stays under 256 kB."""
_MOST_CANDIDATES: Final = 5000
"""Of one group: their effects are counted one by one."""


@dataclass(frozen=True, slots=True)
class Found:
    """Runs that look the same: ``runs`` counts each once, ``searched`` how many the index holds.

    ``members`` are the trace ids of each group, newest first: more than its lines may show.
    """

    groups: tuple[SimilarGroup, ...]
    runs: int
    searched: int
    members: Mapping[str, tuple[str, ...]]


async def changes_of(index: RunIndex, failing: RunProfile) -> Comparison:
    """What differs in a run from the good ones of its kind that came before it."""
    began = when(failing)
    before = await index.of_kind(failing.agent, failing.kind, began, _NEWEST, _SAMPLED)
    since = await index.of_kind_since(failing.agent, failing.kind, began, _SINCE)
    runs = [r.profile for r in await index.many(list(dict.fromkeys((*before, *since))))]
    calls = [call for run in (failing, *runs) for call in run.calls]
    toolsets = await index.texts(call.tools for call in calls if call.tools)
    prompts = list(dict.fromkeys(call.prompt for call in calls if call.prompt))[:_MOST_PROMPTS]
    mine = {h for call in failing.calls if call.tools for h in toolset_of(toolsets.get(call.tools)).values()}
    tools = dict.fromkeys(h for text in toolsets.values() for h in toolset_of(text).values())
    wanted = [*mine, *(h for h in tools if h not in mine)][:_MOST_TOOLS]
    texts = {**await index.texts(prompts), **await index.texts(wanted), **toolsets}
    return await asyncio.to_thread(compare, failing, runs, texts)


class Alikes:
    """Finds runs that look the same."""

    def __init__(self, index: RunIndex) -> None:
        """``index`` is the index of runs."""
        self._index = index

    async def find(
        self,
        failing: RunProfile,
        effects: Sequence[Effect],
        changes: Sequence[Difference],
        known: AbstractSet[str] = frozenset(),
    ) -> Found:
        """The runs that look like a run with these effects and changes, without those that are ``known`` already."""
        marks = await asyncio.to_thread(signed, failing, effects)
        stale = {
            document_signature(change.name, failing.documents[change.name] or "").id
            for change in changes
            if change.kind is ChangeKind.DOCUMENT and failing.documents.get(change.name)
        }
        counts = await self._counts(failing, marks)
        left_out = {*known, failing.trace_id}
        seen: set[str] = set()
        groups: list[SimilarGroup] = []
        members: dict[str, tuple[str, ...]] = {}
        room = _ALL_LINES
        for what in telling(marks, counts, stale):
            runs = [run for run in await self._candidates(what) if run.profile.trace_id not in left_out]
            if not runs or any(group.id == _group_id(what) for group in groups):
                continue
            lines = tuple(line_of(run.profile, what.words) for run in runs[: min(_MOST_LINES, room)])
            room -= len(lines)
            seen |= {run.profile.trace_id for run in runs}
            groups.append(_group(what, runs, lines))
            members[groups[-1].id] = tuple(run.profile.trace_id for run in runs)
        kept = tuple(sorted(groups, key=lambda group: -group.counts.no_way_back)[:_MOST_GROUPS])
        searched = await self._index.runs_of(await self._index.agents())
        return Found(kept, len(seen), searched.runs, members)

    async def of_groups(self, incident: Incident, groups: Sequence[str]) -> tuple[str, ...]:
        """The trace ids of whole groups that an incident shows, searched for again: more than its lines show."""
        held = {run.summary.trace_id for run in incident.runs} | incident.wanted_traces
        found: list[str] = []
        for similar in incident.similar:
            wanted = [group.id for group in similar.groups if group.id in groups]
            run = await self._index.get(similar.trace_id) if wanted else None
            if run is None:
                continue
            compared = incident.compared_run(similar.trace_id)
            changes = compared.changes if compared is not None else ()
            answer = await self.find(run.profile, incident.effects_of(similar.trace_id), changes, held)
            found += [trace_id for group in wanted for trace_id in answer.members.get(group, ())]
        return tuple(dict.fromkeys(found))

    async def _counts(self, failing: RunProfile, marks: Signed) -> Counts:
        ids, places = to_count(marks)
        alike = {i: _without_self(a) for i, a in (await self._index.alike(ids)).items()} if ids else {}
        total = await self._index.runs_of([failing.agent])
        users = {s.tool: s.id for s in marks.signatures if s.level is Level.TOOL}
        full = [alike[i].first or 0 for i in users.values() if alike[i].runs >= MOST_ALIKE - 1]
        if full:  # of a tool only the newest runs are kept: values are counted over the same time, or all look frequent
            lately = await self._index.alike(ids, max(full))
            alike = {i: a.model_copy(update={"failed": a.runs - min(a.runs, lately[i].good)}) for i, a in alike.items()}
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
