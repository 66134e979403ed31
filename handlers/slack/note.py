"""Note: a sentence by a person on the timeline."""

from bot.plugin import Click, FieldErrors, Kind, OpenModal, Quiet, Reply, Say, Services, interaction
from bot.views.forms import note_modal
from handlers.slack.fields import field
from handlers.slack.where import incident_id, incident_of, split


@interaction("pullcord_note", Kind.BUTTON)
async def note_button(click: Click, services: Services) -> Reply:
    """The button opens a box to write in."""
    await services.requests.may_ask("note", click.by)
    return OpenModal(note_modal(await incident_of(click, services, incident_id(click.value))))


@interaction("pullcord_note_submit", Kind.VIEW)
async def note_submit(click: Click, services: Services) -> Reply:
    """The note came."""
    text = field(click.values, "text")
    if not text:
        return FieldErrors({"text": "Write the note."})
    incident = await incident_of(click, services, incident_id(click.metadata))
    await services.requests.lifecycle(incident.id, "note", click.by, key=click.key, text=text)
    return Quiet()


@interaction("note", Kind.COMMAND, help_text="note [INC-42] <text>: puts a note on the timeline")
async def note_command(click: Click, services: Services) -> Reply:
    """``/pullcord note <text>``; without text the modal asks."""
    named, text = split(click.args)
    incident = await incident_of(click, services, named)
    if not text:
        await services.requests.may_ask("note", click.by)
        return OpenModal(note_modal(incident))
    await services.requests.lifecycle(incident.id, "note", click.by, key=click.key, text=text, channel=click.channel)
    return Say(f"{incident.id}: asked; once accepted the note goes on the timeline.")
