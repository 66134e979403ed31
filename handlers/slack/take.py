"""Take command: I lead this. Acknowledges too."""

from bot.domain.incident import Incident
from bot.plugin import Click, Kind, Quiet, Reply, Say, Services, interaction
from handlers.slack.where import incident_id, incident_of
from handlers.slack.words import ago


async def _take(click: Click, services: Services, incident: Incident) -> Say | None:
    if not incident.open:
        return Say(f"{incident.id} was resolved by <@{incident.resolved_by}>; there is nothing to lead.")
    if incident.commander == click.by.id and incident.commander_at is not None:
        return Say(f"You took command of {incident.id} {ago(incident.commander_at, services.clock())}.")
    await services.requests.lifecycle(incident.id, "take", click.by, key=click.key, channel=click.channel)
    return None


@interaction("pullcord_take", Kind.BUTTON)
async def take_button(click: Click, services: Services) -> Reply:
    """The button on the card."""
    return await _take(click, services, await incident_of(click, services, incident_id(click.value))) or Quiet()


@interaction("take", Kind.COMMAND, help_text="take [INC-42]: you lead it; acknowledges too")
async def take_command(click: Click, services: Services) -> Reply:
    """``/pullcord take``."""
    incident = await incident_of(click, services, incident_id(click.args))
    before = f" from <@{incident.commander}>" if incident.commander else ""
    said = await _take(click, services, incident)
    return said or Say(f"{incident.id}: asked to take command{before}; the card shows it when it is done.")
