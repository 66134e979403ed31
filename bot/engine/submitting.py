"""Clicks on offers: what may be done now, and A1, the request with frozen or submitted parameters. First one wins."""

import asyncio
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from bot.domain.base import Json
from bot.domain.events import Actor
from bot.domain.incident import Incident
from bot.engine.asking import at_fields
from bot.engine.choices import choice_errors, remembered
from bot.engine.clicking import CLICK_SECONDS
from bot.engine.offers import ABOUT_UNKNOWN
from bot.engine.parts import scrubbed
from bot.engine.planning import read_params
from bot.engine.pressing import Pressing, Wanted
from bot.engine.settling import Settling
from bot.engine.trying import field_fault
from bot.engine.words import NOT_CONFIRMED, plain
from bot.errors import PullcordError, StoreUnavailable
from bot.plugin import Action, FieldErrors, OfferView, Reply, Say
from bot.views.modal import Shown, parse_values


class Submitting(Pressing, Settling):
    """Never raises a PullcordError from ``submit``: the person who clicked gets a sentence in each case."""

    async def offers(self, incident: Incident) -> Sequence[OfferView]:
        """What may be done now, most useful first. They are stored, since a tray or a command shows them."""
        offers = self._parts.menu(incident).offers
        await self._parts.store.offers.put(offers)
        return offers

    async def submit(self, offer_id: str, by: Actor, values: Mapping[str, Json], *, key: str) -> Reply:
        """A1: request the action of an offer. First one wins; the second is told who was first."""
        try:
            values = {name: scrubbed(value, self._parts.scrub) for name, value in values.items()}
            async with asyncio.timeout(CLICK_SECONDS):
                offer = await self.offer(offer_id)
                if offer.action in ABOUT_UNKNOWN:
                    return await self._about_unknown(offer, by, values, key)
                return await self._submit(offer, by, values, key)
        except (TimeoutError, StoreUnavailable):
            return Say(NOT_CONFIRMED)
        except PullcordError as error:
            return Say(str(error))

    async def _submit(self, offer: OfferView, by: Actor, values: Mapping[str, Json], key: str) -> Reply:
        parts = self._parts
        verb = parts.registry.action(offer.action)
        incident = await parts.store.incidents.read(offer.incident)
        params: dict[str, Json] = {}
        if offer.undo_of is None:
            shown = await remembered(parts, offer.id) if offer.asks else {}
            accepted = self._params(verb, offer, incident, by, values, shown)
            if isinstance(accepted, FieldErrors | Say):
                return accepted
            params = accepted
            fault = await field_fault(parts, verb, self._context(incident, by), offer, params)
            if fault is not None:
                return fault
        return await self._press(Wanted(incident, offer, verb, by, params), key)

    def _params(
        self,
        verb: Action,
        offer: OfferView,
        incident: Incident,
        by: Actor,
        values: Mapping[str, Json],
        shown: Mapping[str, Shown],
    ) -> dict[str, Json] | FieldErrors | Say:
        """The frozen parameters, with the submitted ones when the offer asks; or what is wrong, at its field."""
        given = parse_values(verb.params, values) if offer.asks else {}
        try:
            params = read_params(verb, {**offer.params, **given})
        except ValidationError as error:
            faults = {str(f["loc"][0]) if f["loc"] else "": f["msg"] for f in error.errors(include_url=False)}
            return at_fields(offer, {k: plain(v, 150) for k, v in faults.items()})
        faults = choice_errors(verb, params, self._context(incident, by), set(given), shown)
        if faults:
            return at_fields(offer, faults)
        dumped: dict[str, Json] = params.model_dump(mode="json")
        return dumped
