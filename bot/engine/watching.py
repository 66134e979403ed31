"""``Work.LOOK``: a wait is over. Say from facts whether an alert still fires and whether new runs did the same since.

Both are written together with the request to end the wait, so that a worker that dies in between looks once.
"""

from datetime import datetime
from typing import Final

from bot.domain.action import Change, Execution
from bot.domain.events import PULLCORD, ActionRequested, WatchLooked
from bot.domain.incident import AlertState, Incident
from bot.domain.work import Due, Work, WorkItem
from bot.engine import names
from bot.engine.alikes import Alikes
from bot.engine.parts import Parts, incident_of, tell, text_of
from bot.engine.words import plain
from bot.timeline.timeline import Write

_MOST_RUNS: Final = 5
"""Runs of the incident for which others are looked for."""


def look_due(incident: str, execution: str, at: datetime) -> Due:
    """The due time at which it is looked again."""
    item = WorkItem(kind=Work.LOOK, incident=incident, payload={"execution": execution})
    return Due(id=f"look:{execution}", at=at, item=item)


def look_of(incident: str, execution: str, change: Change | None) -> tuple[Due, ...]:
    """The due times that a started change needs for being looked at again; none for what restrains."""
    if change is None or change.look_at is None:
        return ()
    return (look_due(incident, execution, change.look_at),)


class Watching:
    """Looks again."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``execution``. Nothing to say when it was taken back, never came into force, or all is over."""
        incident = await self._parts.store.incidents.read(incident_of(item))
        execution = incident.execution(text_of(item, "execution"))
        if execution is None or not _waits(incident, execution):
            return
        since = execution.started_at or execution.at
        alike, newest = await self._alike_since(incident, since)
        event = self._looked(incident, execution, since, alike, newest)
        mine = names.expiry_id(execution.id, 1)
        end = ActionRequested(
            at=event.at,
            by=PULLCORD,
            execution=mine,
            action=execution.action,
            title=f"End of {execution.title}"[:200],
            params={},
            offer="",
            undo_of=execution.id,
            reason="its time has come",
        )
        work = [WorkItem(kind=Work.EXECUTE, incident=incident.id, payload={"execution": mine})]
        if not event.quiet:
            text = f"You waited for {incident.id}: {plain(event.words, 600)}"
            work.append(tell(incident.id, incident.channel, execution.by, text, f"looked:{execution.id}"))

        def decide(current: Incident) -> Write | None:
            held = current.execution(execution.id)
            if held is None or not _waits(current, held) or current.execution(mine) is not None:
                return None
            return Write(events=(event, end), work=tuple(work))

        await self._parts.store.incidents.write(incident.id, f"looked:{execution.id}", decide)

    def _looked(
        self, incident: Incident, execution: Execution, since: datetime, alike: int | None, newest: datetime | None
    ) -> WatchLooked:
        firing = incident.alert_state is AlertState.FIRING if incident.alerts else None
        said = {True: "an alert is still firing", False: "the sources say that the alert is over", None: "no alert"}
        if alike is None:
            runs = "whether new runs did the same is not known: no run of this incident is in the index"
        elif alike:
            when = f", the newest ended at {newest:%H:%M} UTC" if newest is not None else ""
            runs = f"{alike:,} new run{'' if alike == 1 else 's'} did the same since {since:%H:%M} UTC{when}"
        else:
            runs = f"no new run did the same since {since:%H:%M} UTC"
        return WatchLooked(
            at=self._parts.now(),
            by=PULLCORD,
            execution=execution.id,
            firing=firing,
            alike=alike,
            quiet=not firing and alike == 0,
            words=f"{said[firing]}; {runs}",
        )

    async def _alike_since(self, incident: Incident, since: datetime) -> tuple[int | None, datetime | None]:
        """How many runs ended since and look like one of the incident's; None when there is nothing to look with."""
        index = self._parts.store.run_index
        alikes, found, looked = Alikes(index), dict[str, datetime](), False
        before = {run.summary.trace_id for run in incident.runs if run.attached_at <= since}
        for run in incident.runs[:_MOST_RUNS]:
            trace_id = run.summary.trace_id
            if trace_id not in before:  # it joined since: nobody has to look whether it is alike
                found[trace_id] = run.summary.ended_at or run.attached_at
            held = await index.get(trace_id)
            if held is None:
                continue
            looked = True
            compared = incident.compared_run(trace_id)
            changes = compared.changes if compared is not None else ()
            answer = await alikes.find(held.profile, incident.effects_of(trace_id), changes, before)
            members = list(dict.fromkeys(one for group in answer.members.values() for one in group))
            for other in await index.many(members):
                at = other.profile.ended_at
                if at is not None and at > since:
                    found[other.profile.trace_id] = at
        return (len(found) if looked or found else None), max(found.values(), default=None)


def _waits(incident: Incident, execution: Execution) -> bool:
    return incident.open and execution.in_force_or_may_be and execution.undone_by is None
