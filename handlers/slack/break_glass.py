"""Break glass: go alone, with a reason, when nobody is there to approve. Every commander is told at once."""

from bot.plugin import Click, FieldErrors, Kind, OpenModal, Reply, Services, interaction
from bot.views.forms import glass_modal
from handlers.slack.fields import field
from handlers.slack.where import subject


@interaction("pullcord_glass", Kind.BUTTON)
async def glass_button(click: Click, services: Services) -> Reply:
    """Asks for the reason."""
    incident, execution = subject(click.value)
    return OpenModal(glass_modal(await services.incidents.get(incident), execution))


@interaction("pullcord_glass_submit", Kind.VIEW)
async def glass_submit(click: Click, services: Services) -> Reply:
    """The reason came."""
    incident, execution = subject(click.metadata)
    reason = field(click.values, "reason")
    if not reason:
        return FieldErrors({"reason": "Say why this cannot wait; every commander is told at once."})
    return await services.requests.break_glass(incident, execution, click.by, reason=reason, key=click.key)
