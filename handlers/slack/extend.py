"""Extend: a temporary mitigation stays longer. Who may run its verb may extend it."""

from bot.plugin import Click, Kind, Reply, Services, interaction
from handlers.slack.expiry import subject


@interaction("pullcord_extend", Kind.BUTTON)
async def extend_button(click: Click, services: Services) -> Reply:
    """One of the buttons of the question; what follows the colon of its id says how much longer."""
    incident, execution = subject(click.value)
    length = click.id.partition(":")[2]
    return await services.requests.extend(incident, execution, length, click.by, key=click.key)
