"""A press as a value: which executions it asks for, whether it is allowed, and what its refusal looks like."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.domain.base import Json
from bot.domain.events import ActionRefused, ActionRequested, Actor, ActorKind
from bot.domain.incident import Incident
from bot.engine import names
from bot.engine.asking import Press, Spot, requested, title_of, undo_title, why_stale
from bot.engine.authorise import Allowed, Decision, NeedsSecond, No, asked_of, decide
from bot.engine.clicking import Clicking
from bot.engine.deciding import Asked
from bot.engine.parts import Parts
from bot.engine.previewing import undone_with
from bot.engine.words import NOT_CONFIRMED, already
from bot.errors import Refused
from bot.plugin import Action, OfferView, Quiet, Reply, Say
from bot.timeline.timeline import Write
from bot.views.approval_blocks import refusal

MOST_SPOTS: Final = 200
"""So many agents and enforcement points one press may touch."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants done: an offer with its parameters, in the incident as it stands."""

    incident: Incident
    offer: OfferView
    verb: Action
    by: Actor
    params: dict[str, Json]


class Pressing(Clicking):
    """Decides about a press and writes what follows: the request, the question to a second person, or the refusal."""

    async def _press(self, wanted: Wanted, key: str, *, ask: bool = False) -> Reply:
        """``ask``: the person was told no and asks those who may."""
        asked = asked_of(self._parts, wanted.incident, wanted.verb, wanted.by, wanted.params, wanted.offer.undo_of)
        decision = await decide(self._parts, wanted.incident, asked, wanted.by)
        if isinstance(decision, No) and not (ask and decision.askable is not None):
            return await self._refuse(wanted, decision)
        spots = spots_of(self._parts, wanted, asked)
        press = press_of(wanted, spots, decision)
        return await self._request(wanted, press, f"{'ask' if ask else 'submit'}:{wanted.offer.id}:{key}")

    async def _request(self, wanted: Wanted, press: Press, op: str) -> Reply:
        now = self._parts.now()

        def decide_newest(current: Incident) -> Write | None:
            if current.execution(press.execution) is not None:
                return None
            stale = why_stale(current, wanted.offer, now)
            if stale is not None:
                raise Refused(stale, next_step="The card shows what can be done now.")
            return requested(current, press, now)

        written = await self._write(wanted.incident.id, op, decide_newest)
        if written.status in {"written", "seen"}:
            return Quiet()
        first = written.incident.execution(press.execution)
        return Say(already(first, self._parts.now()) if first is not None else NOT_CONFIRMED)

    async def _refuse(self, wanted: Wanted, no: No) -> Reply:
        """Requested and refused, once per person, offer and parameters: it does not use the offer up for those who may.

        The parameters stay frozen there, so that what is asked of others is what was wanted here.
        """
        offer, verb, by = wanted.offer, wanted.verb, wanted.by
        if by.kind is not ActorKind.PERSON:
            return Say(str(no.refused()))
        now = self._parts.now()
        execution = names.refused_id(offer.id, by.id, wanted.params if wanted.params != offer.params else None)
        of = wanted.incident.execution(offer.undo_of) if offer.undo_of is not None else None
        asked = ActionRequested(
            at=now,
            by=by,
            execution=execution,
            action=verb.id,
            title=title_of(offer, verb) if offer.undo_of is None else undo_title(of, verb),
            params=wanted.params,
            offer=offer.id,
            undo_of=offer.undo_of,
        )
        refused = ActionRefused(at=now, by=by, execution=execution, reason=no.message[:1000], who_may=no.who_may[:500])
        await self._write(
            offer.incident,
            f"refused:{execution}",
            lambda current: Write(events=(asked, refused)) if current.execution(execution) is None else None,
        )
        # a button that cannot be used any more offers nothing to ask for
        stale = why_stale(wanted.incident, offer, now) is not None
        card = refusal(
            str(no.refused()),
            f"{offer.incident}|{execution}",
            askable=None if stale else no.askable,
            glass=no.glass and not stale,
        )
        return Say(card.text, card.blocks)


def press_of(wanted: Wanted, spots: Sequence[Spot], decision: Decision) -> Press:
    """How a press goes on after the decision: at once, or first to a second person."""
    press = Press(wanted.offer, wanted.verb, wanted.by, wanted.params, tuple(spots))
    match decision:
        case Allowed(note=note):
            return replace(press, note=note)
        case NeedsSecond(note=note):
            return replace(press, note=note, second=True)
        case No():
            return replace(press, second=True, asked=True)


def spots_of(parts: Parts, wanted: Wanted, asked: Asked) -> tuple[Spot, ...]:
    """Every agent and enforcement point of a press, the first first. Raises Refused when there are too many."""
    incident, offer = wanted.incident, wanted.offer
    if offer.undo_of is not None:
        group = undone_with(incident, offer.undo_of, wanted.by, parts.now())
        first = sorted(group, key=lambda e: e.undo_of != offer.undo_of)
        return tuple(Spot(e.agent, e.control, e.undo_of) for e in first) or (Spot(undo_of=offer.undo_of),)
    own = parts.planes.profile(incident).name
    found: list[Spot] = []
    for agent in asked.agents or ("",):
        profile = parts.planes.profile(incident, agent or None)
        found += [Spot(agent or None, control) for control in parts.planes.points(wanted.verb, profile) or (None,)]
    if len(found) > MOST_SPOTS:
        raise Refused(
            f"This would touch {len(found)} agents and enforcement points; one press may touch {MOST_SPOTS}.",
            next_step="Choose fewer agents.",
        )
    if len(found) == 1:
        return (Spot(agent=None if found[0].agent == own else found[0].agent),)
    return tuple(found)
