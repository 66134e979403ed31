"""A1 as values: whether a button is still good, what its press writes, and what is told instead. Pure."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.action import Execution
from bot.domain.base import Json
from bot.domain.events import ActionRequested, Actor
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


def requested(
    incident: Incident, offer: OfferView, verb: Action, by: Actor, params: dict[str, Json], now: datetime
) -> Write:
    """A1 as one write: the request, the work that carries it on, and the claim that makes the first click win. Pure."""
    execution = names.execution_id(offer.id)
    title = title_of(offer, verb)
    if offer.undo_of is not None:
        of = incident.execution(offer.undo_of)
        title = _undo_title(of, verb)
    why = params.get("why")
    event = ActionRequested(
        at=now,
        by=by,
        execution=execution,
        action=verb.id,
        title=title,
        params=params,
        offer=offer.id,
        undo_of=offer.undo_of,
        reason=why if isinstance(why, str) else "",
    )
    payload: dict[str, Json] = {"execution": execution, "team": by.team, "channel": incident.channel}
    work = WorkItem(kind=Work.EXECUTE, incident=incident.id, payload=payload)
    claim = Claim(key=f"offer:{offer.id}", value={"execution": execution, "by": by.id, "at": now.isoformat()})
    return Write(events=(event,), work=(work,), claims=(claim,))


def title_of(offer: OfferView, verb: Action) -> str:
    """What the timeline calls it: the button's words without the dots that promise a modal."""
    return f"Undo {verb.title}" if offer.undo_of is not None else offer.label.rstrip("…").strip() or verb.title


def _undo_title(of: Execution | None, verb: Action) -> str:
    return f"Undo: {(of.summary or of.title) if of is not None else verb.title}"[:200]


def at_fields(offer: OfferView, faults: Mapping[str, str]) -> FieldErrors | Say:
    """Errors at their fields, where the person saw fields; else in one sentence."""
    shown = {name: fault for name, fault in faults.items() if name and name not in offer.params}
    if offer.asks and shown:
        return FieldErrors(shown)
    reasons = "; ".join(f"{name}: {fault}" if name else fault for name, fault in faults.items())
    return Say(f"This cannot be done with these parameters: {reasons}. Use the button of the newest card.")
