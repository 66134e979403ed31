"""Parts of the thread's lines: who did it, what it is, and whose it was."""

from bot.domain import events as ev
from bot.domain.incident import Incident
from bot.views import words
from bot.views.text import foreign, mention, person


def by_whom(actor: ev.Actor) -> str:
    """Who did it: a person is mentioned, anybody else named."""
    return mention(actor.id) if actor.kind is ev.ActorKind.PERSON else foreign(actor.id, 60)


def what_of(incident: Incident, execution: str) -> str:
    """What an execution does or did, escaped."""
    found = incident.execution(execution)
    return foreign(words.what(found), 200) if found is not None else "an action"


def whose(incident: Incident, execution: str) -> str:
    """Who asked for an execution."""
    found = incident.execution(execution)
    return person(found.by) if found is not None else "somebody"
