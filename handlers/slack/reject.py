"""Reject: a second person says no, with a reason; whoever asked takes the request back the same way."""

from bot.plugin import Click, Kind, OpenModal, Reply, Services, interaction
from bot.views.forms import reject_modal
from handlers.slack.fields import field
from handlers.slack.where import subject


@interaction("pullcord_reject", Kind.BUTTON)
async def reject_button(click: Click, services: Services) -> Reply:
    """Asks for the reason."""
    incident_id, execution_id = subject(click.value)
    incident = await services.incidents.get(incident_id)
    execution = incident.execution(execution_id)
    own = execution is not None and execution.by == click.by.id
    return OpenModal(reject_modal(incident, execution_id, own=own))


@interaction("pullcord_reject_submit", Kind.VIEW)
async def reject_submit(click: Click, services: Services) -> Reply:
    """The reason came."""
    incident, execution = subject(click.metadata)
    reason = field(click.values, "reason")
    return await services.requests.reject(incident, execution, click.by, reason=reason, key=click.key)
