"""Recorded texts for showing: pretty JSON, folded when long, cut with the size said when huge. All of it is foreign."""

import json

from bot.domain.base import Json
from bot.views import limits
from bot.views.page_step_models import Text, TextPart
from bot.views.page_text import paragraphs
from bot.views.text import number

_FOLD = 1_500
_SLACK = 400
_LINES = 24
_MARK = "[redacted"


class Texts:
    """Makes the texts of one step, within a budget for all of them together. ``redacted`` counts marks seen."""

    def __init__(self, incident: str) -> None:
        """``incident`` is named where a text is cut: its export has all of it."""
        self._incident = incident
        self._left = limits.PAGE_STEP_CHARS
        self.redacted = 0

    def part(self, label: str, text: str) -> TextPart:
        """A text with its label."""
        return TextPart(label, self.text(text))

    def json(self, label: str, value: Json) -> TextPart:
        """A JSON value, over several lines unless it is a text already."""
        return TextPart(label, self.text(value if isinstance(value, str) else pretty(value)))

    def text(self, text: str) -> Text:
        """Fold and cut."""
        whole = len(text)
        most = max(0, min(limits.PAGE_FULL_TEXT, self._left))
        shown = paragraphs(text[:most])
        self._left -= len(shown)
        self.redacted += shown.count(_MARK)
        cut = ""
        if whole > most:
            cut = (
                f"Cut: {number(whole, 'character')}, of which {most:,} are here. "
                f"All of it: pullcord export {self._incident}"
            )
        at = _fold_at(shown)
        if at is None:
            return Text(head=shown or ("" if whole else "(empty)"), cut=cut)
        rest = shown[at:]
        return Text(head=shown[:at], rest=rest, more=f"Show all: {number(len(rest), 'more character')}", cut=cut)


def pretty(value: Json) -> str:
    """JSON as people read it; texts that are JSON themselves stay as they were recorded."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to show)"


def _fold_at(text: str) -> int | None:
    """Where a long text is folded: after 24 lines or about 1,500 characters, at the end of a line if one is near."""
    lines = text.split("\n", _LINES + 8)
    by_lines = sum(len(line) + 1 for line in lines[:_LINES]) if len(lines) > _LINES + 8 else None
    if by_lines is not None and by_lines <= _FOLD:
        return by_lines
    if len(text) <= _FOLD + _SLACK:
        return None
    near = text.rfind("\n", _FOLD - _SLACK, _FOLD)
    return near + 1 if near > 0 else _FOLD
