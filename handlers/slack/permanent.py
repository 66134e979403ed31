"""Make permanent: a pull request that keeps what a temporary mitigation sets."""

from bot.plugin import Click, Kind, Reply, Services, interaction
from handlers.slack.expiry import subject


@interaction("pullcord_permanent", Kind.BUTTON)
async def permanent_button(click: Click, services: Services) -> Reply:
    """Opens the modal of the fix, or says what has to be configured."""
    incident, execution = subject(click.value)
    return await services.requests.permanent(incident, execution, click.by, key=click.key)
