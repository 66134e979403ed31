"""All that is in force, over all incidents: for the asker alone."""

from bot.plugin import Click, Kind, Reply, Say, Services, interaction
from bot.views.mitigations import listing

_READ = 200


@interaction("mitigations", Kind.COMMAND, help_text="mitigations: what is in force, until when, and what was changed")
async def mitigations_command(click: Click, services: Services) -> Reply:
    """``/pullcord mitigations``."""
    await services.requests.may_look(click.by)
    rows = await services.incidents.mitigations(_READ)
    shown = listing(rows, services.clock(), len(rows))
    return Say(shown.text, shown.blocks)
