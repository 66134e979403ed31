""":pushpin: on a message, or its shortcut: the message goes on the timeline with its author, time and permalink.

The text is fetched by the worker, not here: reactions carry none, and an event must be answered at once.
"""

from bot.plugin import Click, Kind, Quiet, Reply, Say, Services, interaction
from handlers.slack.where import here, incident_of

_PINS = frozenset({"pushpin", "round_pushpin"})


@interaction("reaction_added", Kind.EVENT)
async def pin_reaction(click: Click, services: Services) -> Reply:
    """Only pins, and only on messages that belong to an incident; anything else is nobody's business."""
    if click.event.get("reaction") not in _PINS or not click.channel or not click.message_ts:
        return Quiet()
    incident = await here(click, services)
    if incident is not None:
        await services.requests.lifecycle(
            incident, "pin", click.by, key=click.key, channel=click.channel, ts=click.message_ts
        )
    return Quiet()


@interaction("pullcord_pin", Kind.SHORTCUT, help_text="Put on the timeline")
async def pin_shortcut(click: Click, services: Services) -> Reply:
    """The message shortcut; works in threads and in a fixed channel too."""
    if not click.channel or not click.message_ts:
        return Say("This message cannot be put on a timeline.")
    incident = await incident_of(click, services)
    await services.requests.lifecycle(
        incident.id,
        "pin",
        click.by,
        key=click.key,
        channel=click.channel,
        ts=click.message_ts,
    )
    return Say(f"{incident.id}: asked; once accepted the message goes on the timeline.")
