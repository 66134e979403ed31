"""The card's buttons.

Action ids are written by hand and frozen (``tests/contracts/action_ids.txt``): buttons already posted carry them. What
follows a colon only makes an id unique in its row.
"""

from collections.abc import Callable, Sequence
from typing import Final

from bot.domain.action import Execution
from bot.domain.incident import Incident, IncidentState
from bot.plugin import OfferView
from bot.views import blocks as b
from bot.views import limits, words
from bot.views.blocks import Block
from bot.views.recorder_words import still_similar
from bot.views.text import cut

ACK: Final = "pullcord_ack"
TAKE: Final = "pullcord_take"
RESOLVE: Final = "pullcord_resolve"
NOTE: Final = "pullcord_note"
TIMELINE: Final = "pullcord_timeline"
TRAY: Final = "pullcord_tray"
DECLARE: Final = "pullcord_declare"
RUN: Final = "pullcord_run"
MORE: Final = "pullcord_more"
CHECK: Final = "pullcord_check"
MARK_DONE: Final = "pullcord_mark_done"
MARK_NOT_DONE: Final = "pullcord_mark_not_done"
SHOW_RUN: Final = "pullcord_show_run"
SIMILAR: Final = "pullcord_similar"
OFFERED: Final = "pullcord_offered"

ABOUT_UNKNOWN: Final = frozenset({"check", "mark_done", "mark_not_done"})
"""Offers about an unknown execution; the card makes their buttons itself, beside the execution."""

VISIBLE: Final = 2
UNKNOWN_ROWS: Final = 2
_IN_MENU: Final = limits.OVERFLOW_OPTIONS - 2
"""Room in the menu beside "All actions" and "Timeline page"."""


def lifecycle(incident: Incident) -> list[Block]:
    """Acknowledge, take command, resolve: what the state allows, then the run. One green button at most."""
    match incident.state:
        case IncidentState.RESOLVED:
            return run_buttons(incident)
        case IncidentState.CONTAINED:
            return [b.button(RESOLVE, "Resolve…", incident.id, style="primary"), *run_buttons(incident)]
        case IncidentState.OPEN:
            first = [b.button(ACK, "Acknowledge", incident.id, style="primary")]
        case IncidentState.ACKNOWLEDGED:
            first = []
    take = [b.button(TAKE, "Take command", incident.id)] if incident.commander is None else []
    return [*first, *take, b.button(RESOLVE, "Resolve…", incident.id), *run_buttons(incident)]


def run_buttons(incident: Incident) -> list[Block]:
    """The steps of the worst run; what looks the same; or which recorded run may be meant."""
    worst = words.worst_run(incident)
    if worst is None:
        if not incident.open or incident.offered is None or not incident.offered.lines:
            return []
        return [b.button(OFFERED, "Choose run…", incident.id)]
    value = f"{incident.id}|{worst.summary.trace_id}"
    made = [b.button(SHOW_RUN, "Show run", value)]
    similar = still_similar(incident, worst.summary.trace_id) if incident.open else None
    if similar is not None and similar.runs:
        made.append(b.button(SIMILAR, f"Review {similar.runs:,} alike…", value))
    return made


def offer_button(offer: OfferView, agent: str | None, place: int, width: Callable[[int], int]) -> Block:
    """A button that runs an offer after a question, or opens its modal (then the modal is the question)."""
    ask = None if offer.asks else confirm_of(offer, agent, width)
    return b.button(
        f"{RUN}:{place}",
        offer.label,
        offer.id,
        style="danger" if offer.danger and offer.undo_of is None else None,
        ask=ask,
        width=width(limits.BUTTON_TEXT),
    )


def confirm_of(offer: OfferView, agent: str | None, width: Callable[[int], int]) -> Block:
    """The question before an offer: target, consequence, the verb as the answer, "Keep it" as the other."""
    label = offer.label.rstrip("…. ")
    about = f" for {agent}" if agent and agent not in label and offer.undo_of is None else ""
    question = f"{cut(label, width(limits.CONFIRM_TITLE - 30))}{cut(about, width(28))}?"
    text = offer.consequence or "It takes effect when the agent next reads its settings; every step is on the timeline."
    short = label if len(label) <= width(limits.CONFIRM_BUTTON) else label.partition(" ")[0]  # the verb is never cut
    verb = "Undo" if offer.undo_of is not None else cut(short, width(limits.CONFIRM_BUTTON))
    return b.confirm(question, text, verb, danger=offer.danger, width=width(limits.CONFIRM_TEXT))


def containment(incident: Incident, offers: Sequence[OfferView], width: Callable[[int], int]) -> list[Block]:
    """The two most useful offers, the newest undo, and a menu with the rest. A closed incident offers no undo here.

    The menu has one question for all its rows, so only offers that open a modal stand in it; others are in the tray.
    """
    usable = [offer for offer in offers if offer.action not in ABOUT_UNKNOWN]
    forward = [offer for offer in usable if offer.undo_of is None]
    shown = forward[:VISIBLE] + (_newest_undo(incident, usable) if incident.open else [])
    buttons = [offer_button(offer, incident.agent, place, width) for place, offer in enumerate(shown)]
    rest = [offer for offer in usable if offer not in shown]
    rows = [b.option(cut(o.label, width(limits.OPTION_TEXT)), o.id) for o in rest if o.asks][:_IN_MENU]
    if len(rows) < len(rest):
        left = len(rest) - len(rows)
        rows.append(b.option(f"All actions… ({left} more)", f"tray:{incident.id}"))
    else:
        rows.append(b.option("All actions…", f"tray:{incident.id}"))
    rows.append(b.option("Timeline page", f"link:{incident.id}"))
    return [*buttons, b.overflow(MORE, rows)]


def why_first(incident: Incident, offers: Sequence[OfferView]) -> str:
    """Why the visible buttons come first: the ladder that they are steps of; empty where none chose them."""
    if not incident.open:
        return ""
    forward = [offer for offer in offers if offer.action not in ABOUT_UNKNOWN and offer.undo_of is None]
    return next((offer.ladder for offer in forward[:VISIBLE] if offer.ladder), "")


def _newest_undo(incident: Incident, offers: Sequence[OfferView]) -> list[OfferView]:
    order = {execution.id: place for place, execution in enumerate(incident.executions)}
    undos = [offer for offer in offers if offer.undo_of is not None]
    return sorted(undos, key=lambda offer: order.get(offer.undo_of or "", -1))[-1:]


def unknown_buttons(incident: Incident, execution: Execution, place: int, width: Callable[[int], int]) -> list[Block]:
    """Check, mark done, mark not done: for one execution whose outcome nobody knows."""
    value = f"{incident.id}|{execution.id}"
    what = cut(words.what(execution), width(50))
    return [
        b.button(f"{CHECK}:{place}", f"Check: {what}", value),
        b.button(f"{MARK_DONE}:{place}", "Mark done…", value),
        b.button(f"{MARK_NOT_DONE}:{place}", "Mark not done…", value),
    ]


def unknown_rows(incident: Incident, width: Callable[[int], int]) -> list[Block]:
    """One row of buttons for each of the two newest unknown executions; the others are in the tray."""
    newest = words.unknown(incident)[-UNKNOWN_ROWS:]
    return [
        b.actions(f"unknown-{place}", unknown_buttons(incident, execution, place, width))
        for place, execution in enumerate(newest)
    ]
