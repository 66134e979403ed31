"""The announcement in the fixed channel and the direct message to those who are woken. The card holds the rest."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.effect import counts
from bot.domain.incident import Incident, IncidentState
from bot.views import blocks as b
from bot.views import limits, words
from bot.views.blocks import Block, Card
from bot.views.card import sentence
from bot.views.card_buttons import ACK, TIMELINE, TRAY, lifecycle
from bot.views.card_rows import effect_rows, reported
from bot.views.text import cut_escaped, foreign, listed, moment, person

_FIRST_ROWS = 2


def announcement(
    incident: Incident, now: datetime, *, mention: Sequence[str] = (), card_link: str | None = None
) -> Card:
    """One message for the fixed channel: who is called, what happened, where the card is. Edited as the state changes.

    ``mention`` are user ids of our configuration; ``card_link`` is Slack's own permalink of the card.
    """
    users = mention or words.said_on_call(incident)
    called = f"{listed(person(u) for u in users)} " if users and incident.state is IncidentState.OPEN else ""
    text = cut_escaped(f"{called}{sentence(incident, now)}", limits.SENTENCE + 100)
    blocks = [b.section(f"{called}*{foreign(_headline(incident, now), 140)}*\n{_lead(incident, now)}")]
    if incident.state is IncidentState.OPEN:
        blocks.append(b.actions("lifecycle", [*lifecycle(incident)[:2], b.button(TRAY, "More…", incident.id)]))
    blocks.append(b.context(_where(incident, now, card_link)))
    return Card(text, tuple(blocks))


def direct_message(
    incident: Incident,
    now: datetime,
    *,
    card_link: str | None = None,
    reason: str = "",
    announced: str | None = None,
) -> Card:
    """What wakes one person: the first lines of the card and Acknowledge. Edited as the state changes.

    ``reason`` says why it pages (again); ``announced`` is the id of the fixed channel, linked while there is no other.
    """
    has = f"*{_has_it(incident)}* " if incident.acknowledged_by or not incident.open else ""
    why = f"{has}{foreign(reason, 200)} " if reason else has
    said = f"{foreign(reason, 200)} " if reason else ""
    text = cut_escaped(f"{said}{sentence(incident, now)}", limits.SENTENCE)
    blocks: list[Block] = [b.header(_headline(incident, now)), b.section(f"{why}{_lead(incident, now)}")]
    if rows := effect_rows(incident, now, lambda full: full)[:_FIRST_ROWS]:
        blocks.append(b.section("\n".join(rows)))
    buttons = [b.button(TRAY, "More…", incident.id), b.button(TIMELINE, "Timeline page", incident.id)]
    if incident.state is IncidentState.OPEN:
        buttons.insert(0, b.button(ACK, "Acknowledge", incident.id, style="primary"))
    blocks += [b.actions("lifecycle", buttons), b.context(_where(incident, now, card_link, announced))]
    return Card(text, tuple(blocks))


def _has_it(incident: Incident) -> str:
    if not incident.open:
        return f"Resolved by {person(incident.resolved_by or 'pullcord')}."
    return f"{person(incident.acknowledged_by or 'pullcord')} has it."


def _headline(incident: Incident, now: datetime) -> str:
    title = words.title(incident, counts(words.standing(incident, now)))
    return f"{words.drill_mark(incident)}{incident.severity} · {title}"


def _lead(incident: Incident, now: datetime) -> str:
    lead, rest = words.blast(incident, counts(words.standing(incident, now)))
    absent = [foreign(text, 200) for text in words.missing(incident)[:1]]
    said = reported(incident, lambda full: full)
    return "\n".join([f"{lead} {rest}".strip(), *([said] if said else []), *absent])


def _where(incident: Incident, now: datetime, card_link: str | None, announced: str | None = None) -> str:
    parts = [foreign(incident.id, 20), f"opened {moment(incident.opened_at, now)}", words.state_words(incident)]
    if incident.acknowledged_by:
        parts.append(f"{person(incident.acknowledged_by)} has it")
    if card_link is not None:
        parts.append(f"<{card_link}|the card>")
    elif incident.channel is not None:
        parts.append(f"<#{incident.channel}>")
    elif announced is not None:
        parts.append(f"announced in <#{announced}>")
    return " · ".join(parts)
