"""The modal of an offer: opened with live choices and a preview, and previewed again with what stands in it.

The part of ``ClickRequests`` that shows before anything is asked for. Nothing here writes to a control plane.
"""

import asyncio
from collections.abc import Mapping

from pydantic import ValidationError

from bot.domain.base import Json
from bot.domain.events import Actor
from bot.domain.incident import Incident
from bot.engine.asking import why_stale
from bot.engine.choices import choice_errors, remember, remembered, shown_choices
from bot.engine.offers import ABOUT_UNKNOWN, MARK_DONE
from bot.engine.parts import Parts, scrubbed
from bot.engine.planning import read_params
from bot.engine.prefills import prefilled
from bot.engine.previewing import BUTTON_SECONDS, CLICK_SECONDS, preview_press
from bot.errors import Refused
from bot.plugin import Action, ActionContext, OfferView, Reply, UpdateModal
from bot.views.forms import mark_modal
from bot.views.modal import modal, parse_values

_LONGEST = 2900


class Modals:
    """Opens and previews. Mixed into ``ClickRequests``."""

    _parts: Parts

    async def modal(self, offer: OfferView, by: Actor) -> Mapping[str, Json]:
        """The modal of an offer that asks, with choices and defaults from the incident and a preview."""
        parts = self._parts
        incident = await parts.store.incidents.read(offer.incident)
        if offer.action in ABOUT_UNKNOWN:
            execution = str(offer.params.get("execution", ""))
            return mark_modal(incident, execution, done=offer.action == MARK_DONE)
        verb, ctx = self._about(incident, offer, by)
        shown, told, filled = await asyncio.gather(
            shown_choices(parts, verb, ctx),
            self._as_it_stands(incident, verb, offer, by),
            prefilled(parts, verb, ctx, offer),
        )
        await remember(parts, offer.id, shown)
        return modal(verb, filled, ctx, told, shown)

    async def preview(self, offer_id: str, by: Actor, values: Mapping[str, Json]) -> Reply:
        """The same modal with what would be done with ``values``: bounded, and honest where that cannot be said."""
        parts = self._parts
        offer = await parts.store.offers.get(offer_id)
        incident = await parts.store.incidents.read(offer.incident)
        verb, ctx = self._about(incident, offer, by)
        shown = await remembered(parts, offer.id)
        values = {name: scrubbed(value, parts.scrub) for name, value in values.items()}
        given = parse_values(verb.params, values)
        try:
            params = read_params(verb, {**offer.params, **given})
        except ValidationError as error:
            found = error.errors(include_url=False)
            faults = {str(f["loc"][0]) if f["loc"] else "": _said(f["type"], f["msg"]) for f in found}
        else:
            faults = choice_errors(verb, params, ctx, set(given), shown)
        if faults:
            told = "\n".join(f"{_called(verb, name)}: {fault}" for name, fault in faults.items())
            told = f"With what stands here now it cannot be done.\n{told}"
        else:
            told = (await preview_press(parts, incident, verb, params, by, seconds=BUTTON_SECONDS)).text
        return UpdateModal(modal(verb, offer, ctx, told[:_LONGEST], shown, given))

    async def preview_text(self, offer: OfferView, by: Actor) -> str:
        """What an offer with frozen parameters would do, for whoever is about to press it. Not escaped."""
        incident = await self._parts.store.incidents.read(offer.incident)
        verb, _ = self._about(incident, offer, by)
        return await self._as_it_stands(incident, verb, offer, by) or ""

    def _about(self, incident: Incident, offer: OfferView, by: Actor) -> tuple[Action, ActionContext]:
        verb = self._parts.registry.action(offer.action)
        stale = why_stale(incident, offer, self._parts.now())
        if stale is not None:
            raise Refused(stale, next_step="The card shows what can be done now.")
        profile = self._parts.planes.profile(incident)
        return verb, ActionContext(incident=incident, agent=profile, by=by, now=self._parts.now())

    async def _as_it_stands(self, incident: Incident, verb: Action, offer: OfferView, by: Actor) -> str | None:
        """What the frozen parameters alone would do; None while something is still to be asked."""
        params = None
        if offer.undo_of is None:
            try:
                params = read_params(verb, offer.params)
            except ValidationError:
                return None
        made = await preview_press(
            self._parts, incident, verb, params, by, undo_of=offer.undo_of, seconds=CLICK_SECONDS
        )
        return made.text[:_LONGEST]


def _said(kind: str, message: str) -> str:
    """What pydantic says of a field, in words for whoever fills it in."""
    return "nothing is written here yet" if kind == "missing" else message


def _called(verb: Action, name: str) -> str:
    field = verb.params.model_fields.get(name)
    return (field.title if field is not None else None) or name or "Altogether"
