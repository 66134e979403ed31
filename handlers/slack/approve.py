"""Approve: a second person says yes. Not the one who asked."""

from bot.plugin import Click, Kind, Reply, Services, interaction
from handlers.slack.where import subject


@interaction("pullcord_approve", Kind.BUTTON)
async def approve_button(click: Click, services: Services) -> Reply:
    """The button of the question, in the thread, in a direct message and on the Home tab."""
    incident, execution = subject(click.value)
    return await services.requests.approve(incident, execution, click.by, key=click.key)
