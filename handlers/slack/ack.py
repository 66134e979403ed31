"""Acknowledge: I have it. Paging stops. Any full member of the workspace may."""

from bot.domain.incident import Incident
from bot.plugin import Click, Kind, Quiet, Reply, Say, Services, interaction
from handlers.slack.where import incident_id, incident_of
from handlers.slack.words import ago


def already(incident: Incident, services: Services) -> Say | None:
    """Who was first, or that it is over; None while nobody has it."""
    if not incident.open:
        return Say(f"{incident.id} was resolved by <@{incident.resolved_by}>; there is nothing to acknowledge.")
    if incident.acknowledged_by is not None and incident.acknowledged_at is not None:
        when = ago(incident.acknowledged_at, services.clock())
        return Say(f"{incident.id} is already acknowledged by <@{incident.acknowledged_by}>, {when}.")
    return None


async def _acknowledge(click: Click, services: Services, incident: Incident) -> Say | None:
    said = already(incident, services)
    if said is None:
        await services.requests.lifecycle(incident.id, "acknowledge", click.by, key=click.key, channel=click.channel)
    return said


@interaction("pullcord_ack", Kind.BUTTON)
async def ack_button(click: Click, services: Services) -> Reply:
    """The button on the card and in a direct message; the card shows the outcome."""
    incident = await incident_of(click, services, incident_id(click.value))
    return await _acknowledge(click, services, incident) or Quiet()


@interaction("ack", Kind.COMMAND, help_text="ack [INC-42]: you have it; paging stops")
async def ack_command(click: Click, services: Services) -> Reply:
    """``/pullcord ack``."""
    incident = await incident_of(click, services, incident_id(click.args))
    said = await _acknowledge(click, services, incident)
    return said or Say(f"{incident.id}: asked to acknowledge; the card shows it when it is done.")
