"""The containment buttons: run an offer at once, or open its modal. A button carries an opaque id, nothing else."""

from bot.domain.incident import Incident
from bot.plugin import Click, Kind, OfferView, OpenModal, Reading, Reply, Say, Services, interaction
from bot.views.modal import preview_blocks
from bot.views.text import foreign as plain
from handlers.slack.timeline import link
from handlers.slack.tray import show
from handlers.slack.where import incident_id, incident_of, split


async def _use(click: Click, services: Services, offer: OfferView) -> Reply:
    if offer.asks:

        async def modal() -> Reply:
            return OpenModal(await services.requests.modal(offer, click.by))

        return Reading(modal)  # live choices and a preview wait for control planes
    return await services.requests.submit(offer.id, click.by, {}, key=click.key)


@interaction("pullcord_run", Kind.BUTTON)
async def run_button(click: Click, services: Services) -> Reply:
    """One of the visible buttons; its confirm dialog was answered already."""
    return await _use(click, services, await services.requests.offer(click.value))


@interaction("pullcord_more", Kind.BUTTON)
async def run_more(click: Click, services: Services) -> Reply:
    """The overflow menu: an offer, or the tray or the timeline of an incident."""
    what, _, rest = click.value.partition(":")
    if what == "tray":
        return await show(click, services, incident_id(rest))
    if what == "link":
        return await link(click, services, incident_id(rest))
    return await _use(click, services, await services.requests.offer(click.value))


@interaction("run", Kind.COMMAND, help_text="run [INC-42] <action>: runs one of the actions on the card", reads=True)
async def run_command(click: Click, services: Services) -> Reply:
    """``/pullcord run revoke_tool``: the offer with this action or label; several are listed with their buttons."""
    named, wanted = split(click.args)
    incident = await incident_of(click, services, named)
    offers = [o for o in await services.requests.offers(incident) if o.undo_of is None]
    fitting = [o for o in offers if _fits(o, wanted)] if wanted else []
    if len(fitting) == 1 and fitting[0].asks:
        return await _use(click, services, fitting[0])
    if fitting:
        return await _previewed(click, services, incident, fitting)
    return Say(_listed(incident, offers, wanted))


@interaction("undo", Kind.COMMAND, help_text="undo [INC-42] [execution]: takes an action back", reads=True)
async def undo_command(click: Click, services: Services) -> Reply:
    """``/pullcord undo``: shows the buttons that take back what is in force, so that each asks before it loosens."""
    named, wanted = split(click.args)
    incident = await incident_of(click, services, named)
    undos = [o for o in await services.requests.offers(incident) if o.undo_of is not None]
    fitting = [o for o in undos if not wanted or wanted == o.action or (o.undo_of or "").startswith(wanted)]
    if fitting:
        return await _previewed(click, services, incident, fitting)
    asked = f" called {plain(wanted, 60)}" if wanted else ""
    return Say(f"{incident.id}: nothing{asked} is in force that can be taken back here.")


async def _previewed(click: Click, services: Services, incident: Incident, fitting: list[OfferView]) -> Reply:
    """The buttons; of a single one also what it would do, as its modal would say it."""
    shown = await show(click, services, incident.id, only=fitting)
    if len(fitting) > 1 or not isinstance(shown, Say):
        return shown
    told = await services.requests.preview_text(fitting[0], click.by)
    if not told:
        return shown
    first, *rest = shown.blocks
    return Say(shown.text, blocks=[first, *preview_blocks(told), *rest])


def _fits(offer: OfferView, wanted: str) -> bool:
    word = wanted.lower()
    return word in {offer.action.lower(), offer.action.replace("_", " ").lower()} or word in offer.label.lower()


def _listed(incident: Incident, offers: list[OfferView], wanted: str) -> str:
    if not offers:
        return f"{incident.id}: no action is possible now."
    names = ", ".join(dict.fromkeys(f"`{plain(o.action, 60)}`" for o in offers))
    asked = f"There is no action {plain(wanted, 60)} here. " if wanted else ""
    return f"{asked}{incident.id} offers: {names}. `/pullcord run <action>` runs one."
