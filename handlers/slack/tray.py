"""The tray: ``/pullcord`` alone, or "more": all buttons of the incident here, for the asker alone."""

from collections.abc import Sequence

from bot.errors import Refused
from bot.plugin import Click, Kind, OfferView, Reply, Say, Services, interaction
from bot.views.tray import tray
from handlers.slack.where import here, incident_id, seen_by


async def show(click: Click, services: Services, named: str | None, only: Sequence[OfferView] | None = None) -> Reply:
    """Say the tray of an incident, or of some of its offers."""
    incident = await seen_by(click, services, named)
    offers = await services.requests.offers(incident) if only is None else only
    made = tray(incident, offers, services.clock(), alone=only is not None)
    return Say(made.text, blocks=made.blocks)


@interaction("pullcord_tray", Kind.BUTTON)
async def tray_button(click: Click, services: Services) -> Reply:
    """The button on the card."""
    return await show(click, services, incident_id(click.value))


@interaction("tray", Kind.COMMAND, help_text="(nothing): the buttons of the incident here")
async def tray_command(click: Click, services: Services) -> Reply:
    """``/pullcord`` without words. Where no incident is meant, the open ones and a way to declare."""
    await services.requests.may_look(click.by)
    if await here(click, services) is None:
        open_ids = list(await services.incidents.open_ids(10))
        if len(open_ids) != 1:
            return _lobby(services, open_ids)
    try:
        return await show(click, services, None)
    except Refused:
        return _lobby(services, [])


def _lobby(services: Services, open_ids: Sequence[str]) -> Say:
    made = tray(None, (), services.clock(), open_ids=open_ids)
    return Say(made.text, blocks=made.blocks)
