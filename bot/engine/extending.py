"""``Work.EXTEND``: the end of a temporary mitigation is moved.

First where agents are shown it, then on the timeline, together with the due times of the end and of the next question.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain.action import Applied, Execution, Snapshot
from bot.domain.events import PULLCORD, Actor, Event, ExpiryAnswered, NoteAdded
from bot.domain.incident import Incident
from bot.domain.work import Due, WorkItem
from bot.engine import names
from bot.engine.deed import DO_SECONDS, ApplyChange, bounded
from bot.engine.deeds import restrained
from bot.engine.ending import expire_due
from bot.engine.may_extend import may_extend
from bot.engine.membership import WORK_SECONDS
from bot.engine.mitigations import ask_at, ask_due, ends_first, temporary, together_with
from bot.engine.offers import UNSETTLED
from bot.engine.parts import Parts, incident_of, number_of, optional_text, person, tell, text_of
from bot.engine.planning import said
from bot.engine.words import plain
from bot.errors import PullcordError, Refused, StoreUnavailable
from bot.ports import CarriesRestraint
from bot.timeline.timeline import Write
from bot.views.text import clock, day_and_clock
from bot.views.text import person as mentioned

log = structlog.get_logger(__name__)


def over(incident: Incident, execution: Execution) -> str:
    """Why there is nothing to decide about this one (any more)."""
    did = plain(execution.summary or execution.title)
    if execution.undone_by is not None:
        ended = incident.execution(execution.undone_by)
        by = mentioned(ended.by) if ended is not None else "somebody"
        return f"{did} is not in force any more: {by} took it back."
    if execution.expires_at is None:
        return f"{did} has no end that could be moved."
    return f"{did} is over: it ended {day_and_clock(execution.expires_at)}."


@dataclass(frozen=True, slots=True)
class Moved:
    """The end that one execution had and has now, with the target's answer to showing it."""

    before: datetime
    until: datetime
    applied: Applied | None


class Extend:
    """``Work.EXTEND``."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``execution``, ``from`` (the end that was shown), ``seconds`` more, ``by``, ``team``, ``key``."""
        parts = self._parts
        incident = await parts.store.incidents.read(incident_of(item))
        execution = incident.execution(text_of(item, "execution"))
        by = person(text_of(item, "by"), optional_text(item, "team"))
        if execution is None:
            return
        now, more = parts.now(), timedelta(seconds=number_of(item, "seconds"))
        shown = datetime.fromisoformat(text_of(item, "from"))
        group = together_with(incident, execution, now)
        if not group:
            await self._tell(incident, by, over(incident, execution), item)
            return
        if ends_first(group) != shown:
            who = f" by {mentioned(execution.extended_by)}" if execution.extended_by else ""
            until = clock(ends_first(group))
            await self._tell(incident, by, f"It was extended already{who}: it ends {until}. Nothing was added.", item)
            return
        try:
            await may_extend(parts, incident, execution, by, more, seconds=WORK_SECONDS)
        except Refused as refused:
            await self._tell(incident, by, str(refused), item)
            return
        await self._move(incident, group, by, more, item)

    async def _move(
        self, incident: Incident, group: tuple[Execution, ...], by: Actor, more: timedelta, item: WorkItem
    ) -> None:
        moved: dict[str, Moved] = {}
        troubles: list[str] = []
        for one in group:
            if one.expires_at is None:  # never: it is temporary
                continue
            until = one.expires_at + more
            try:
                applied, trouble = await self._show(incident, one, until)
            except Refused as refused:
                troubles.append(f"{plain(one.summary or one.title)} was not extended: {plain(str(refused), 500)}")
                continue
            troubles += [trouble] if trouble else []
            moved[one.id] = Moved(one.expires_at, until, applied)
        key, now = optional_text(item, "key") or "", self._parts.now()
        before = self._parts.settings.mitigations.ask_before

        def decide(current: Incident) -> Write | None:
            return extended(current, moved, by, now, before, troubles)

        written = await self._parts.store.incidents.write(incident.id, f"extended:{key}", decide)
        if written.status == "nothing":
            troubles.append("Nothing was extended: it is not in force any more, or is being taken back.")
        if troubles:
            await self._tell(incident, by, " ".join(troubles), item)

    async def _show(self, incident: Incident, one: Execution, until: datetime) -> tuple[Applied | None, str]:
        """Write the new end where agents are shown it; the target's answer, and what went wrong with showing it.

        Only we end it, so an end that could not be shown is moved all the same: staying restrained is safe.
        Raises Refused when the target is no longer what we set: there is nothing to extend.
        """
        change, applied = one.change, one.applied
        if change is None or applied is None:
            return None, ""
        parts = self._parts
        try:
            plane = parts.planes.plane(change.target.control)
            if not isinstance(plane, CarriesRestraint):
                return None, ""
            before = one.snapshot or Snapshot(value=None, at=one.at)
            deed = await restrained(parts, ApplyChange(plane, change, before, one.id, None), incident, one)
            restraint = deed.restraint if isinstance(deed, ApplyChange) else None
            if restraint is None:
                return None, ""
            key = names.extension_id(one.id, until.isoformat())
            shown = restraint.model_copy(update={"until": until})
            return await bounded(plane.extend(change, applied, shown, key), DO_SECONDS), ""
        except (StoreUnavailable, Refused):
            raise
        except (PullcordError, TimeoutError) as error:
            why = parts.scrub(said(error)) if isinstance(error, PullcordError) else "it did not answer in time"
        except Exception as error:
            log.exception("extend_broke", incident=incident.id, execution=one.id)
            why = f"its adapter broke ({type(error).__name__})"
        what = plain(one.summary or one.title)
        return None, f"{what}: extended, but {change.target.control} may still show the old end to agents: {plain(why)}"

    async def _tell(self, incident: Incident, by: Actor, text: str, item: WorkItem) -> None:
        key = f"extend-said:{optional_text(item, 'key') or ''}"
        await self._parts.store.work.add(tell(incident.id, incident.channel, by.id, text, key), op=key)


def extended(
    current: Incident,
    moved: dict[str, Moved],
    by: Actor,
    now: datetime,
    ask_before: timedelta,
    notes: list[str],
) -> Write | None:
    """The new ends with their due times, for what is still in force with the end that was to be moved. Pure."""
    events: list[Event] = []
    due: list[Due] = []
    for one in current.executions:
        new = moved.get(one.id)
        if new is None or not temporary(one, now) or one.expires_at != new.before:
            continue
        if any(e.undo_of == one.id and e.state in UNSETTLED for e in current.executions):
            continue
        asks = ask_at(now, new.until, ask_before)
        events.append(
            ExpiryAnswered(
                at=now, by=by, execution=one.id, answer="extend", until=new.until, ask_at=asks, applied=new.applied
            )
        )
        due += [expire_due(current.id, one.id, new.until), ask_due(current.id, one.id, asks)]
    if not events:
        return None
    events += [NoteAdded(at=now, by=PULLCORD, text=text[:1000]) for text in notes]
    return Write(events=tuple(events), due=tuple(due))
