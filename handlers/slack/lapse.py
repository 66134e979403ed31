"""Let it lapse: a temporary mitigation may end at its time."""

from bot.plugin import Click, Kind, Reply, Services, interaction
from handlers.slack.expiry import subject


@interaction("pullcord_lapse", Kind.BUTTON)
async def lapse_button(click: Click, services: Services) -> Reply:
    """Nothing happens before the end; it is on the timeline who said so."""
    incident, execution = subject(click.value)
    return await services.requests.lapse(incident, execution, click.by, key=click.key)
