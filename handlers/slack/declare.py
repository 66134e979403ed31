"""Declare: a person says that something is wrong, without an alert."""

from bot.plugin import Click, FieldErrors, Kind, OpenModal, Quiet, Reply, Say, Services, interaction
from bot.views.forms import declare_modal
from handlers.slack.fields import field


@interaction("declare", Kind.COMMAND, help_text="declare [what happened]: opens an incident")
async def declare_command(click: Click, services: Services) -> Reply:
    """``/pullcord declare <what happened>``; without words the modal asks."""
    if not click.args:
        await services.requests.may_ask("declare", click.by)
        return OpenModal(declare_modal(click.channel))
    await services.requests.declare(click.by, key=click.key, agent=None, summary=click.args, channel=click.channel)
    return Say("Asked to open an incident; its card comes in a moment, or you are told why not.")


@interaction("pullcord_declare", Kind.BUTTON)
async def declare_button(click: Click, services: Services) -> Reply:
    """The tray's button."""
    await services.requests.may_ask("declare", click.by)
    return OpenModal(declare_modal(click.channel))


@interaction("pullcord_declare_submit", Kind.VIEW)
async def declare_submit(click: Click, services: Services) -> Reply:
    """What happened came."""
    summary = field(click.values, "summary")
    if not summary:
        return FieldErrors({"summary": "Say in one sentence what went wrong."})
    agent = field(click.values, "agent") or None
    channel = click.metadata or None
    await services.requests.declare(click.by, key=click.key, agent=agent, summary=summary, channel=channel)
    return Quiet()
