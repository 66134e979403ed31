"""Small things that every part of the page needs: shapes, countdowns, people, foreign text. Templates escape."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime

from bot.domain.effect import Effect, EffectCounts, EffectOutcome, Reversibility
from bot.views import limits
from bot.views.page_values import Count, Countdown, Glyph
from bot.views.text import BLANK, cut, duration, visible

CHECK = Glyph("i-check", "ok")
WAIT = Glyph("i-wait", "comp")
CROSS = Glyph("i-cross", "irr")
DOT = Glyph("i-ro", "ro")
PIN = Glyph("i-pin", "x")
PERSON = Glyph("i-check", "x")
OUT = Glyph("i-out", "comp")
REJECTED = Glyph("i-irr-rej", "rej")

_SHAPE = {
    Reversibility.IRREVERSIBLE: "irr",
    Reversibility.UNCLASSIFIED: "unc",
    Reversibility.COMPENSABLE: "comp",
    Reversibility.REVERSIBLE: "rev",
    Reversibility.READ_ONLY: "ro",
}
_TONE = {**{r: s for r, s in _SHAPE.items() if s != "unc"}, Reversibility.UNCLASSIFIED: "irr"}
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_REMEMBERED = 4000
_JOINERS = "\u200c\u200d"
_MENTION = re.compile(r"<@([UW][A-Z0-9]{1,30})>")
_SOON = 3600

Names = Mapping[str, str]
"""Display names by user id, as far as they are known."""


def short(text: str, limit: int = limits.PAGE_TEXT) -> str:
    """Foreign text: one line, visible, cut at 80 characters."""
    return cut(visible(text), limit)


class _Shown(dict[int, str]):
    """What stands for a character; looked up once for each of the first few thousand that occur."""

    def __missing__(self, code: int) -> str:
        one = chr(code)
        shown = BLANK if unicodedata.category(one) in _HIDDEN and one not in _JOINERS else one
        if len(self) < _REMEMBERED:
            self[code] = shown
        return shown


_SHOWN = _Shown({ord("\n"): "\n", ord("\t"): "\t", 0x2028: "\n", 0x2029: "\n", 0x85: "\n"})


def paragraphs(text: str) -> str:
    """Foreign text with its lines kept: every other character that nobody can see is shown as ``␣``."""
    return text.replace("\r\n", "\n").translate(_SHOWN)


def first_upper(text: str) -> str:
    """A sentence that begins with a capital; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def who(user: str | None, names: Names) -> str:
    """A person as ``@dana`` where the name is known, else as ``@U0DANA``; Pullcord by its name."""
    if not user:
        return "nobody"
    if user == "pullcord":
        return "Pullcord"
    return f"@{short(names.get(user, user), 40)}"


def said(text: str, names: Names) -> str:
    """A sentence of ours with Slack mentions in it, for the page."""
    return named(text, names, 200)


def named(text: str, names: Names, limit: int) -> str:
    """Text in which mentions of people are their names."""
    return short(_MENTION.sub(lambda found: who(found[1], names), text), limit)


def glyph(effect: Effect) -> Glyph:
    """The shape of an effect: class by shape, outcome by fill."""
    return shape(effect.reversibility, effect.outcome)


def shape(reversibility: Reversibility, outcome: EffectOutcome = EffectOutcome.APPLIED) -> Glyph:
    """See ``glyph``."""
    name = _SHAPE[reversibility]
    if reversibility is Reversibility.READ_ONLY:
        return DOT
    if outcome is EffectOutcome.FAILED:
        return Glyph(f"i-{'irr' if name == 'unc' else name}-rej", "rej")
    suffix = "-unk" if outcome is EffectOutcome.UNKNOWN else ""
    return Glyph(f"i-{name}{suffix}", _TONE[reversibility])


def countdown(deadline: datetime, now: datetime) -> Countdown | None:
    """What is left of a window, None when it is closed."""
    left = int((deadline - now).total_seconds())
    return Countdown(seconds=left, text=duration(deadline - now), soon=left < _SOON) if left > 0 else None


def counted(tally: EffectCounts) -> tuple[Count, ...]:
    """The classes that occur, each with its shape and word."""
    rows = (
        (tally.irreversible, Reversibility.IRREVERSIBLE, "irreversible"),
        (tally.unclassified, Reversibility.UNCLASSIFIED, "unclassified"),
        (tally.compensable, Reversibility.COMPENSABLE, "compensable"),
        (tally.reversible, Reversibility.REVERSIBLE, "reversible"),
    )
    return tuple(Count(shape(kind), f"{count:,} {name}") for count, kind, name in rows if count)


def length(seconds: float) -> str:
    """How long a step took: ``40 ms``, ``0.4 s``, ``23.4 s``, ``3 min 05 s``."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
