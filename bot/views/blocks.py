"""Block Kit parts as plain dicts, each within Slack's limits. The only place that spells Slack's field names."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.views import limits
from bot.views.text import cut_escaped, plain

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Card:
    """A message: ``text`` is a full sentence (notifications, screen readers), ``blocks`` what is seen."""

    text: str
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """Bytes of the message as JSON written the longest way: blanks between, every non-ASCII character escaped."""
        return len(json.dumps({"text": self.text, "blocks": self.blocks}))


def plain_text(text: str, limit: int) -> Block:
    """Text without any markup; emoji names are not rendered either."""
    return {"type": "plain_text", "text": plain(text, limit), "emoji": False}


def mrkdwn(text: str, limit: int = limits.SECTION_TEXT) -> Block:
    """Text that is already escaped. ``verbatim``: bare addresses and names are not made links."""
    return {"type": "mrkdwn", "text": cut_escaped(text, limit) or "–", "verbatim": True}


def header(text: str) -> Block:
    """The heading."""
    return {"type": "header", "text": plain_text(text, limits.HEADER_TEXT)}


def section(text: str) -> Block:
    """A paragraph."""
    return {"type": "section", "text": mrkdwn(text)}


def plain_section(text: str) -> Block:
    """A paragraph without markup."""
    return {"type": "section", "text": plain_text(text, limits.SECTION_TEXT)}


def fields(texts: Sequence[str]) -> Block:
    """Short facts in two columns (one on a phone)."""
    return {"type": "section", "fields": [mrkdwn(t, limits.FIELD_TEXT) for t in texts[: limits.SECTION_FIELDS]]}


def context(text: str) -> Block:
    """A line in small type."""
    return {"type": "context", "elements": [mrkdwn(text)]}


def plain_context(text: str) -> Block:
    """A line in small type without markup."""
    return {"type": "context", "elements": [plain_text(text, limits.SECTION_TEXT)]}


def confirm(title: str, text: str, yes: str, *, danger: bool, width: int = limits.CONFIRM_TEXT) -> Block:
    """A question before a deed: what exactly, what follows from it, the verb, and the safe answer."""
    dialog: Block = {
        "title": plain_text(title, limits.CONFIRM_TITLE),
        "text": plain_text(text, min(width, limits.CONFIRM_TEXT)),
        "confirm": plain_text(yes, limits.CONFIRM_BUTTON),
        "deny": plain_text("Keep it", limits.CONFIRM_BUTTON),
    }
    return {**dialog, "style": "danger"} if danger else dialog


def button(
    action_id: str, label: str, value: str, *, style: str | None = None, ask: Block | None = None, width: int = 75
) -> Block:
    """A button. ``value`` is an opaque id: the client sees it and can send it again."""
    made: Block = {
        "type": "button",
        "action_id": action_id,
        "text": plain_text(label, min(width, limits.BUTTON_TEXT)),
        "value": value,
    }
    if style is not None:
        made["style"] = style
    if ask is not None:
        made["confirm"] = ask
    return made


def option(label: str, value: str) -> Block:
    """One row of a menu."""
    return {"text": plain_text(label, limits.OPTION_TEXT), "value": value}


def overflow(action_id: str, options: Iterable[Block]) -> Block:
    """The ``⋯`` menu: 2 to 5 options."""
    return {"type": "overflow", "action_id": action_id, "options": list(options)[: limits.OVERFLOW_OPTIONS]}


def actions(block_id: str, elements: Sequence[Block]) -> Block:
    """A row of buttons."""
    return {"type": "actions", "block_id": block_id, "elements": list(elements)[: limits.ACTIONS_ELEMENTS]}


def modal_view(callback_id: str, title: str, submit: str, metadata: str, blocks: Sequence[Block]) -> Block:
    """A modal. ``metadata`` comes back with the submission and is readable by the client: ids only."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain_text(title, limits.MODAL_TITLE),
        "submit": plain_text(submit, limits.MODAL_BUTTON),
        "close": plain_text("Cancel", limits.MODAL_BUTTON),
        "private_metadata": metadata,
        "blocks": list(blocks)[: limits.VIEW_BLOCKS],
    }
