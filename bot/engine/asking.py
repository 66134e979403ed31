"""A1 as values: whether a button is still good, what its press writes, and what is told instead. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.action import Execution
from bot.domain.base import Json
from bot.domain.events import ActionRequested, Actor, Event, GlassBroken
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine import names
from bot.engine.offers import why_not_undone
from bot.engine.words import plain, resolved
from bot.plugin import Action, FieldErrors, OfferView, Say
from bot.timeline.timeline import Claim, Write


def why_stale(incident: Incident, offer: OfferView, now: datetime) -> str | None:
    """Why this offer cannot be used any more, or None. Whether it was used is another question (``already``)."""
    if offer.undo_of is not None:
        of = incident.execution(offer.undo_of)
        if of is None:
            return "What this button undoes is not in this incident."
        why = why_not_undone(incident, of)
        return None if why is None else f"{plain(of.summary or of.title)} cannot be undone: {why}."
    if not incident.open:
        return resolved(incident, now)
    return None


@dataclass(frozen=True, slots=True)
class Spot:
    """One of the executions of a press: an agent and an enforcement point, or what is undone there.

    ``agent`` and ``control`` are None where there is only one of them: the incident's, the first of its configuration.
    """

    agent: str | None = None
    control: str | None = None
    undo_of: str | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """A press that was decided about: who asks for what, where, and how it goes on.

    ``note`` says how it was decided; ``second`` that a second person is asked first (``asked``: since the requester may
    not run it alone); ``glass`` is the reason of somebody who goes alone instead.
    """

    offer: OfferView
    verb: Action
    by: Actor
    params: dict[str, Json]
    spots: tuple[Spot, ...] = (Spot(),)
    note: str = ""
    second: bool = False
    asked: bool = False
    glass: str | None = None

    @property
    def execution(self) -> str:
        """Id of the first of its executions."""
        return names.execution_id(self.offer.id)


def requested(incident: Incident, press: Press, now: datetime) -> Write:
    """A1 as one write: every request, the work that carries them on, and the claim that makes the first click win."""
    by, lead = press.by, press.execution
    why = press.params.get("why")
    events: list[Event] = []
    for place, spot in enumerate(press.spots):
        of = incident.execution(spot.undo_of) if spot.undo_of is not None else None
        events.append(
            ActionRequested(
                at=now,
                by=by,
                execution=lead if place == 0 else _id(lead, spot),
                action=press.verb.id,
                title=title_of(press.offer, press.verb) if spot.undo_of is None else undo_title(of, press.verb),
                params=press.params,
                offer=press.offer.id,
                undo_of=spot.undo_of,
                reason=why if isinstance(why, str) else "",
                agent=spot.agent,
                control=spot.control,
                leads=None if place == 0 else lead,
                note=press.note if place == 0 else "",
            )
        )
    ids = tuple(event.execution for event in events if isinstance(event, ActionRequested))
    work = tuple(execute(incident, execution, by.team) for execution in ids)
    if press.second:
        payload: dict[str, Json] = {"execution": lead, "asked": press.asked}
        work = (WorkItem(kind=Work.APPROVAL_ASK, incident=incident.id, payload=payload),)
    elif press.glass is not None:
        events.append(GlassBroken(at=now, by=by, execution=lead, reason=press.glass))
        work = (*work, WorkItem(kind=Work.GLASS_PAGE, incident=incident.id, payload={"execution": lead}))
    claim = Claim(key=f"offer:{press.offer.id}", value={"execution": lead, "by": by.id, "at": now.isoformat()})
    return Write(events=tuple(events), work=work, claims=(claim,))


def _id(lead: str, spot: Spot) -> str:
    """Of a further execution: by where it is done, an undo by what it takes back."""
    return names.point_id(lead, spot.agent or spot.undo_of, spot.control)


def execute(incident: Incident, execution: str, team: str | None) -> WorkItem:
    """The work that carries an execution on."""
    payload: dict[str, Json] = {"execution": execution, "team": team, "channel": incident.channel}
    return WorkItem(kind=Work.EXECUTE, incident=incident.id, payload=payload)


def title_of(offer: OfferView, verb: Action) -> str:
    """What the timeline calls it: the button's words without the dots that promise a modal."""
    return f"Undo {verb.title}" if offer.undo_of is not None else offer.label.rstrip("…").strip() or verb.title


def undo_title(of: Execution | None, verb: Action) -> str:
    """What an undo is called."""
    return f"Undo: {(of.summary or of.title) if of is not None else verb.title}"[:200]


def at_fields(offer: OfferView, faults: Mapping[str, str]) -> FieldErrors | Say:
    """Errors at their fields, where the person saw fields; else in one sentence."""
    shown = {name: fault for name, fault in faults.items() if name and name not in offer.params}
    if offer.asks and shown:
        return FieldErrors(shown)
    reasons = "; ".join(f"{name}: {fault}" if name else fault for name, fault in faults.items())
    return Say(f"This cannot be done with these parameters: {reasons}. Use the button of the newest card.")
