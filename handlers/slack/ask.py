"""Ask @commander: whoever was refused asks those who may, with the very parameters that were refused."""

from bot.plugin import Click, Kind, Reply, Services, interaction
from handlers.slack.where import subject


@interaction("pullcord_ask", Kind.BUTTON)
async def ask_button(click: Click, services: Services) -> Reply:
    """The button under a refusal. It names the refused request; its parameters are on the server."""
    incident, execution = subject(click.value)
    return await services.requests.ask(incident, execution, click.by, key=click.key)
