"""The messages that wake people, from ``bot.views``; here only the line that mentions people again."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.incident import Incident
from bot.ports import DirectMessage
from bot.views import messages
from bot.views.blocks import Card, section
from bot.views.card import sentence
from bot.views.text import cut_escaped, foreign, person

_MENTIONS = 20
_LONGEST = 2500


def announcement(incident: Incident, now: datetime, users: Sequence[str]) -> DirectMessage:
    """The message in the fixed channel, with a mention."""
    return _message(messages.announcement(incident, now, mention=users))


def direct(incident: Incident, now: datetime, reason: str, announced: str | None = None) -> DirectMessage:
    """The direct message to one person, with Acknowledge. ``announced`` is the fixed channel where it is announced."""
    return _message(messages.direct_message(incident, now, reason=reason, announced=announced))


def mention(incident: Incident, now: datetime, users: Sequence[str], reason: str) -> DirectMessage:
    """A line in the thread that mentions people again, with why."""
    called = " ".join(person(user) for user in users[:_MENTIONS])
    text = cut_escaped(f"{called} {foreign(reason, 300)} {sentence(incident, now)}".strip(), _LONGEST)
    return _message(Card(text, (section(text),)))


def plain(incident: Incident, reason: str, users: Sequence[str]) -> DirectMessage:
    """The same in one plain sentence, from as little as can go wrong."""
    called = " ".join(person(user) for user in users[:_MENTIONS])
    what = f"{incident.severity} {incident.id} needs somebody: {foreign(incident.name, 200)}."
    text = f"{called} {foreign(reason, 300)} {what} `/pullcord ack {incident.id}` stops the paging.".strip()
    return DirectMessage(text=text, blocks=())


def _message(made: Card) -> DirectMessage:
    return DirectMessage(text=made.text, blocks=made.blocks)
