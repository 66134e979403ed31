"""The way to the timeline page: a link that is good once and for a minute, so that no token stands in a posted URL."""

from bot.plugin import Click, Kind, Reply, Say, Services, interaction
from handlers.slack.where import incident_id, incident_of


async def link(click: Click, services: Services, named: str | None) -> Reply:
    """Say the one-time link to the clicker alone."""
    incident = await incident_of(click, services, named)
    url = await services.requests.page_link(incident.id, click.by)
    return Say(f"<{url}|Timeline of {incident.id}>: good once, for 60 seconds, for you alone.")


@interaction("pullcord_timeline", Kind.BUTTON)
async def timeline_button(click: Click, services: Services) -> Reply:
    """The button on the card."""
    return await link(click, services, incident_id(click.value))


@interaction("timeline", Kind.COMMAND, help_text="timeline [INC-42]: a link to its page, for you alone")
async def timeline_command(click: Click, services: Services) -> Reply:
    """``/pullcord timeline``."""
    return await link(click, services, incident_id(click.args))
