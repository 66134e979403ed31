"""Stop on the message that says how far a long action is: it ends at its next step, and says how far it came."""

from bot.errors import Refused
from bot.plugin import Click, Kind, Reply, Services, interaction
from handlers.slack.where import incident_id


@interaction("pullcord_stop", Kind.BUTTON)
async def stop_button(click: Click, services: Services) -> Reply:
    """The button names the execution; the answer shows in its message and on the timeline."""
    named, _, execution = click.value.partition("|")
    incident = incident_id(named)
    if incident is None or not execution:
        raise Refused("This button names no action.", next_step="Use the buttons of the newest card.")
    return await services.requests.stop(incident, execution, click.by, key=click.key)
