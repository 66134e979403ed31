"""What ``/pullcord`` alone answers: every button that works here, for the asker alone. And the help."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.incident import Incident
from bot.plugin import OfferView
from bot.views import blocks as b
from bot.views import words
from bot.views.blocks import Block, Card
from bot.views.card import sentence
from bot.views.card_buttons import (
    ABOUT_UNKNOWN,
    DECLARE,
    NOTE,
    TIMELINE,
    TRAY,
    lifecycle,
    offer_button,
    unknown_buttons,
)
from bot.views.text import code, foreign, listed

_A_ROW = 5
_ROWS = 4
_REASONS = 10
_STEPS = 6


def _full(width: int) -> int:
    return width


def tray(
    incident: Incident | None,
    offers: Sequence[OfferView],
    now: datetime,
    *,
    alone: bool = False,
    open_ids: Sequence[str] = (),
    hidden: Sequence[tuple[str, str]] = (),
) -> Card:
    """The tray of one incident, or what to do where none is meant.

    ``alone``: only these offers were asked for, so the lifecycle row is left out. ``open_ids`` are other open
    incidents; ``hidden`` the verbs that are not offered, each with its title and the reason.
    """
    if incident is None:
        return _without(open_ids)
    blocks: list[Block] = [b.section(f"*{foreign(incident.id, 20)}* · {sentence(incident, now)}")]
    if not alone:
        last = [b.button(NOTE, "Add note…", incident.id), b.button(TIMELINE, "Timeline page", incident.id)]
        blocks.append(b.actions("lifecycle", [*lifecycle(incident), *last]))
        blocks += _unknown(incident)
    usable = [offer for offer in offers if offer.action not in ABOUT_UNKNOWN]
    blocks += _why_first(usable)
    buttons = [offer_button(offer, incident.agent, n, _full) for n, offer in enumerate(usable[: _A_ROW * _ROWS])]
    for row, start in enumerate(range(0, len(buttons), _A_ROW)):
        blocks.append(b.actions(f"offers-{row}", buttons[start : start + _A_ROW]))
    if len(usable) > len(buttons):
        left = len(usable) - len(buttons)
        blocks.append(b.context(f"and {left:,} more with `/pullcord run` or `/pullcord undo`"))
    if not usable:
        blocks.append(b.context("No action is possible now."))
    if hidden:
        reasons = [f"{foreign(title, 60)}: {foreign(reason, 120)}" for title, reason in hidden[:_REASONS]]
        blocks.append(b.context("Not offered now\n" + "\n".join(f"• {line}" for line in reasons)))
    return Card(f"What can be done about {foreign(incident.id, 20)} now.", tuple(blocks))


def _why_first(offers: Sequence[OfferView]) -> list[Block]:
    """The ladder that fits, why it does, and each of its steps with its sentence, in the order of the buttons."""
    steps = [offer for offer in offers if offer.ladder and offer.undo_of is None]
    if not steps:
        return []
    lines = [f"{place}. *{foreign(o.label, 60)}* {foreign(o.why, 300)}" for place, o in enumerate(steps[:_STEPS], 1)]
    return [b.section(f"🪜 *{foreign(steps[0].ladder, 500)}*"), b.context("Why in this order\n" + "\n".join(lines))]


def _unknown(incident: Incident) -> list[Block]:
    rows: list[Block] = []
    for place, execution in enumerate(words.unknown(incident)[-_ROWS:]):
        rows.append(b.section(f"❓ *outcome unknown:* {foreign(words.what(execution), 120)}"))
        rows.append(b.actions(f"unknown-{place}", unknown_buttons(incident, execution, place, _full)))
    return rows


def _without(open_ids: Sequence[str]) -> Card:
    if open_ids:
        named = listed(code(one, 20) for one in open_ids[:10])
        text = f"Which incident? Open now: {named}. Say it as in `/pullcord status {foreign(open_ids[0], 20)}`."
    else:
        text = "No incident is open."
    buttons = [b.button(DECLARE, "Declare an incident…", "declare")]
    buttons += [b.button(f"{TRAY}:{place}", one, one) for place, one in enumerate(open_ids[:10])]
    return Card(text, (b.section(text), b.actions("declare", buttons)))


def help_card(lines: Sequence[str]) -> Card:
    """The commands, one a line as ``word [arguments]: what it does`` (our own words)."""
    rows = [f"• `{line.partition(':')[0]}`:{line.partition(':')[2]}" for line in lines]
    intro = "*`/pullcord`* alone shows the buttons. In an incident's channel the id may be left out."
    outro = "A 📌 on a message puts it on the timeline; in threads use the message shortcut or the buttons."
    return Card("What /pullcord can do.", (b.section("\n".join([intro, *rows])), b.context(outro)))
