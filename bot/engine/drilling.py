"""Drills: an incident on which people press every button, and nothing is written anywhere else.

It is opened on a recorded run of the agent where one is at hand, else on a made-up one, which is said. No alert ever
joins it, nobody is paged, and every action ends with its preview (``bot.engine.execute``).
"""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

from bot.domain.events import PULLCORD, Actor, IncidentOpened, NoteAdded, RunsAdded, SeveritySet
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine.attaching import Reading, attach
from bot.engine.opening import read_run
from bot.engine.parts import Parts, incident_of
from bot.engine.run_lines import worst_first
from bot.engine.sample_run import MADE_UP, sample_spans, trace_of
from bot.errors import Refused
from bot.ports import Clock
from bot.recorder.run_reading import read_run as read_spans
from bot.settings import Settings
from bot.timeline.store import Store
from bot.timeline.timeline import Write

NAME: Final = "drill"
_RECENT: Final = timedelta(days=7)
_LOOKED_AT: Final = 50
_WHY: Final = "a drill: people practise, nothing is written and nobody is paged"


async def open_drill(store: Store, settings: Settings, clock: Clock, by: Actor, agent: str | None, op: str) -> str:
    """Open a drill about an agent of the configuration (None: its first one), once per ``op``; answers its id.

    Raises Refused for an agent that is not configured, StoreUnavailable when it was not confirmed.
    """
    about = agent_of(settings, agent)
    now = clock.now()

    def make(number: int) -> tuple[IncidentOpened, Write]:
        incident_id = f"INC-{number}"
        opened = IncidentOpened(
            at=now,
            by=by,
            number=number,
            agent=about,
            name=NAME,
            severity="SEV3",
            summary="Practise on it: press every button. Nothing is written anywhere else and nobody is paged.",
            drill=True,
        )
        work = (
            WorkItem(kind=Work.DRILL, incident=incident_id),
            WorkItem(kind=Work.PAGE, incident=incident_id, payload={"step": 0}),
        )
        events = (SeveritySet(at=now, by=PULLCORD, severity="SEV3", why=_WHY),)
        return opened, Write(events=events, work=work)

    return (await store.incidents.open(f"drill:{op}", make, None)).incident_id


def agent_of(settings: Settings, agent: str | None) -> str:
    """The agent that a drill is about. Raises Refused for one that the configuration does not name."""
    known = sorted(settings.agents)
    if not known:
        raise Refused(
            "There is no agent to practise with: the configuration names none.",
            field="agent",
            next_step="Name one under agents in pullcord.yaml, or run `pullcord demo`.",
        )
    if agent is None or not agent.strip():
        return known[0]
    if agent.strip() not in settings.agents:
        named = ", ".join(known[:10]) + (" and others" if len(known) > 10 else "")
        raise Refused(
            f"There is no agent {agent.strip()[:60]!r} in the configuration.",
            field="agent",
            next_step=f"Name one of: {named}.",
        )
    return agent.strip()


class Drilling:
    """``Work.DRILL``: give the drill its run."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def handle(self, item: WorkItem) -> None:
        """No payload. A recorded run that is still whole comes first; else the made-up one, and that is said."""
        incident = await self._parts.store.incidents.read(incident_of(item))
        if not incident.drill or incident.agent is None or incident.runs or incident.added:
            return
        found = await self._recorded(incident.agent)
        write = await self._made_up(incident) if found is None else self._real(incident, found)

        def decide(current: Incident) -> Write | None:
            return None if current.runs or current.added else write

        await self._parts.store.incidents.write(incident.id, f"drill-run:{incident.id}", decide)

    async def _recorded(self, agent: str) -> str | None:
        """The recent run of the agent that shows most, of those whose spans are still here."""
        store, now = self._parts.store, self._parts.now()
        ids, _ = await store.run_index.in_window(agent, now - _RECENT, now, _LOOKED_AT)
        runs = sorted((run.profile for run in await store.run_index.many(ids)), key=worst_first)
        for profile in runs:
            if await store.spans.meta(profile.trace_id) is not None:
                return profile.trace_id
        return None

    def _real(self, incident: Incident, trace_id: str) -> Write:
        now = self._parts.now()
        added = RunsAdded(at=now, by=PULLCORD, trace_ids=(trace_id,), why=NAME)
        return Write(events=(added,), work=(read_run(incident.id, trace_id),))

    async def _made_up(self, incident: Incident) -> Write:
        parts, now = self._parts, self._parts.now()
        agent = incident.agent or ""
        duty = parts.settings.agent(agent)
        model = next(iter(duty.models), None)
        spans = sample_spans(incident.id, agent, duty.tools, model, now)
        catalogue = parts.settings.catalogue
        read = await asyncio.to_thread(partial(read_spans, spans, catalogue, now))
        digest = await parts.store.evidence.put(read.frozen)
        reading = Reading(
            summary=read.summary,
            effects=read.effects,
            evidence=digest,
            evidence_bytes=len(read.frozen),
            source=MADE_UP,
            source_note=f"No recorded run of {agent} is at hand: this one is {MADE_UP}, none of it happened.",
            catalogue=catalogue.version,
        )
        added = RunsAdded(at=now, by=PULLCORD, trace_ids=(trace_of(incident.id),), why=NAME)
        told = NoteAdded(at=now, by=PULLCORD, text=reading.source_note)
        attached = attach(incident, reading, parts.settings, now)
        return Write(events=(added, *attached.events, told))
