"""What goes wrong with Pullcord's own work becomes visible: refused senders, and work that was given up."""

import hashlib
from datetime import datetime, timedelta

from bot.domain.action import ExecutionState
from bot.domain.events import (
    PULLCORD,
    ActionFailed,
    ActionUnknown,
    Event,
    IncidentOpened,
    NoteAdded,
    SeveritySet,
    WorkDropped,
)
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine import names
from bot.engine.parts import Parts, optional_text, text_of
from bot.errors import Refused
from bot.timeline.timeline import Write

_OPEN_LOOKED_AT = 50
_SURELY_ITS_OWN = timedelta(seconds=60)
"""An execution younger than this may be on its way with another worker."""


class Trouble:
    """``Work.SOURCE_TROUBLE`` and ``Work.DEAD_LETTER``."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def source(self, item: WorkItem) -> None:
        """Payload: ``source``, ``reason``. One open incident per source; more trouble of it is a note there."""
        source, reason = text_of(item, "source"), text_of(item, "reason")
        now = self._parts.now()
        name = f"alerts of {source} were refused"[:200]
        summary = f"{source} is authenticated, but what it sent could not be read: {reason}"[:1000]
        op = f"trouble:{source}:{int(now.timestamp()) // 3600}"
        held = await self._open_named(name)
        if held is None:
            opened = await self._parts.store.incidents.open(
                op, lambda number: _own(number, name, summary, now), _group(name)
            )
            if opened.opened:
                return
            held = opened.incident_id
        note = NoteAdded(at=now, by=PULLCORD, text=f"again: {reason}"[:1000])
        await self._parts.store.incidents.write(held, op, lambda i: Write(events=(note,)) if i.open else None)

    async def dead(self, item: WorkItem) -> None:
        """Payload: ``work``, ``reason``, ``entry``, and ``execution`` where it was about one.

        Said on its incident, or else on one about Pullcord itself.
        """
        work, reason = text_of(item, "work"), text_of(item, "reason")
        now = self._parts.now()
        op = f"dead:{item.payload.get('entry') or f'{work}:{reason}'}"[:200]
        dropped = WorkDropped(at=now, by=PULLCORD, work=work, reason=reason[:1000])
        execution = optional_text(item, "execution")
        if item.incident is not None:
            try:
                await self._parts.store.incidents.write(
                    item.incident, op, lambda i: given_up(i, dropped, now, execution)
                )
            except Refused:
                pass  # there is no such incident: then it is trouble of Pullcord's own
            else:
                return
        name = "Pullcord gave up work"
        summary = f"A piece of work ({work}) failed five times and was set aside: {reason}"[:1000]
        opened = await self._parts.store.incidents.open(
            op, lambda number: _own(number, name, summary, now), _group(name)
        )
        if not opened.opened:
            await self._parts.store.incidents.write(opened.incident_id, op, lambda _: Write(events=(dropped,)))

    async def _open_named(self, name: str) -> str | None:
        """The open incident with this name, also past the join window: such trouble lasts until a person acts."""
        incidents = self._parts.store.incidents
        for incident_id in await incidents.open_ids(_OPEN_LOOKED_AT):
            incident = await incidents.read(incident_id)
            if incident.name == name and incident.agent is None and incident.open:
                return incident_id
        return None


def given_up(incident: Incident, dropped: WorkDropped, now: datetime, about: str | None = None) -> Write:
    """Say it, and leave no execution behind that looks as if it were still running. Pure.

    ``about`` is the execution whose work it was; without it, all that are too old to be on their way still.
    """
    events: list[Event] = [dropped]
    clear: list[str] = []
    if dropped.work == Work.EXECUTE:
        for execution in incident.executions:
            since = execution.started_at or execution.at
            if execution.id != about if about is not None else now - since < _SURELY_ITS_OWN:
                continue
            if execution.state in {ExecutionState.REQUESTED, ExecutionState.APPROVED}:
                reason = f"it never started: {dropped.reason}"
                events.append(ActionFailed(at=now, by=PULLCORD, execution=execution.id, reason=reason))
                clear.append(names.due_expire(execution.id))
            elif execution.state is ExecutionState.STARTED:
                events.append(ActionUnknown(at=now, by=PULLCORD, execution=execution.id, reason=dropped.reason))
    return Write(events=tuple(events), clear=tuple(clear))


def _own(number: int, name: str, summary: str, now: datetime) -> tuple[IncidentOpened, Write]:
    incident_id = f"INC-{number}"
    opened = IncidentOpened(at=now, by=PULLCORD, number=number, agent=None, name=name, severity="SEV3", summary=summary)
    severity = SeveritySet(at=now, by=PULLCORD, severity="SEV3", why="it is about Pullcord's own work, no run is named")
    page = WorkItem(kind=Work.PAGE, incident=incident_id, payload={"step": 0})
    return opened, Write(events=(severity,), work=(page,))


def _group(name: str) -> str:
    return hashlib.sha256(f"pullcord\x00{name}".encode()).hexdigest()[:20]
