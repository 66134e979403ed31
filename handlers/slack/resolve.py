"""Resolve: it is over, with a reason that stands on the timeline."""

from bot.domain.incident import Incident
from bot.plugin import Click, FieldErrors, Kind, OpenModal, Quiet, Reply, Say, Services, interaction
from bot.views.forms import resolve_modal
from handlers.slack.fields import field
from handlers.slack.where import incident_id, incident_of, split
from handlers.slack.words import ago


def _over(incident: Incident, services: Services) -> Say | None:
    if incident.open or incident.resolved_at is None:
        return None
    when = ago(incident.resolved_at, services.clock())
    return Say(f"{incident.id} is already resolved by <@{incident.resolved_by}>, {when}.")


@interaction("pullcord_resolve", Kind.BUTTON)
async def resolve_button(click: Click, services: Services) -> Reply:
    """The button asks for the reason."""
    incident = await incident_of(click, services, incident_id(click.value))
    over = _over(incident, services)
    if over is not None:
        return over
    await services.requests.may_ask("resolve", click.by, incident.id)
    return OpenModal(resolve_modal(incident))


@interaction("pullcord_resolve_submit", Kind.VIEW)
async def resolve_submit(click: Click, services: Services) -> Reply:
    """The reason came."""
    reason = field(click.values, "reason")
    if not reason:
        return FieldErrors({"reason": "Say why it is over; it stands on the timeline."})
    incident = await incident_of(click, services, incident_id(click.metadata))
    over = _over(incident, services)
    if over is not None:
        return over
    await services.requests.lifecycle(incident.id, "resolve", click.by, key=click.key, text=reason)
    return Quiet()


@interaction("resolve", Kind.COMMAND, help_text="resolve [INC-42] <reason>: it is over")
async def resolve_command(click: Click, services: Services) -> Reply:
    """``/pullcord resolve <reason>``; without a reason the modal asks."""
    named, reason = split(click.args)
    incident = await incident_of(click, services, named)
    over = _over(incident, services)
    if over is not None:
        return over
    if not reason:
        await services.requests.may_ask("resolve", click.by, incident.id)
        return OpenModal(resolve_modal(incident))
    await services.requests.lifecycle(
        incident.id, "resolve", click.by, key=click.key, text=reason, channel=click.channel
    )
    return Say(f"{incident.id}: asked to resolve it; the card shows it when it is done.")
