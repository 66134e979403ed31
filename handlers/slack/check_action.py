"""Check and mark: find out what became of an execution whose outcome is unknown, or say so as a person."""

from bot.errors import Refused
from bot.plugin import Click, FieldErrors, Kind, OpenModal, Reply, Services, interaction
from bot.views.forms import mark_modal
from handlers.slack.fields import field
from handlers.slack.where import incident_id


def _subject(value: str) -> tuple[str, str]:
    incident, _, execution = value.partition("|")
    found = incident_id(incident)
    if found is None or not execution:
        raise Refused("This button names no execution.", next_step="Use the button of the newest card.")
    return found, execution


@interaction("pullcord_check", Kind.BUTTON)
async def check_button(click: Click, services: Services) -> Reply:
    """Ask the target what happened."""
    incident, execution = _subject(click.value)
    return await services.requests.check(incident, execution, click.by, key=click.key)


@interaction("pullcord_mark_done", Kind.BUTTON)
async def mark_done(click: Click, services: Services) -> Reply:
    """A person looked: it happened."""
    incident, execution = _subject(click.value)
    return OpenModal(mark_modal(await services.incidents.get(incident), execution, done=True))


@interaction("pullcord_mark_not_done", Kind.BUTTON)
async def mark_not_done(click: Click, services: Services) -> Reply:
    """A person looked: it did not happen."""
    incident, execution = _subject(click.value)
    return OpenModal(mark_modal(await services.incidents.get(incident), execution, done=False))


@interaction("pullcord_mark_submit", Kind.VIEW)
async def mark_submit(click: Click, services: Services) -> Reply:
    """The reason came."""
    reason = field(click.values, "reason")
    if not reason:
        return FieldErrors({"reason": "Say how you know; it stands on the timeline."})
    subject, _, word = click.metadata.rpartition("|")
    incident, execution = _subject(subject)
    done = word == "done"
    return await services.requests.mark(incident, execution, click.by, done=done, reason=reason, key=click.key)
