"""Text for Slack: foreign text made harmless, mentions of people we know, money, durations and Slack's date tokens.

Rules of escaping: docs.slack.dev, "Formatting message text": exactly ``&``, ``<`` and ``>`` are escaped. Every mrkdwn
object of ours is ``verbatim``, so that bare addresses and names stay text. Foreign text is cut by code points before it
is escaped, so that no entity is ever cut.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

BLANK = "\u2423"
"""Stands for a character that nobody can see: control characters, bidi controls, lone surrogates."""

_KEPT = frozenset("\u200c\u200d")
"""Joiners that scripts and emoji need."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_USER = re.compile(r"^[UW][A-Z0-9]{1,30}$")
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")
_BACKTICKS = re.compile(r"`+")
_PIECES = re.compile(r"&(?:amp|lt|gt);|<[^<>]*>|`[^`]*`|.", re.DOTALL)
_CALM = str.maketrans({"*": "\u2217", "~": "\u223c"})


def visible(text: str) -> str:
    """One line in which every character can be seen: blanks collapsed, invisible characters shown as ``␣``."""
    spaced = "".join(" " if c.isspace() else c for c in text)
    shown = "".join(BLANK if unicodedata.category(c) in _HIDDEN and c not in _KEPT else c for c in spaced)
    return re.sub(f"{BLANK}+", BLANK, " ".join(shown.split()))


def cut(text: str, limit: int) -> str:
    """At most ``limit`` code points, with ``…`` where something was left out. For text that is not escaped yet."""
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + "…"


def escape(text: str) -> str:
    """The three characters that Slack asks for, and only these."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def foreign(text: str, limit: int) -> str:
    """Foreign text for mrkdwn: visible, cut, escaped, without formatting that could pair with ours."""
    calm = _BACKTICKS.sub("'", cut(visible(text), limit)).translate(_CALM)
    return escape(_EDGE_UNDERSCORE.sub("\uff3f", calm))


def code(text: str, limit: int) -> str:
    """Foreign text as a code span. Runs of backticks become one ``'``, since nothing escapes them inside a span."""
    inner = _BACKTICKS.sub("'", cut(visible(text), limit)).strip()
    return f"`{escape(inner or '(empty)')}`"


def plain(text: str, limit: int) -> str:
    """Foreign text for a plain_text object: visible and cut. Never empty, since Slack refuses an empty text."""
    return cut(visible(text), limit) or "–"


def cut_escaped(text: str, limit: int) -> str:
    """Cut text that is already escaped: never inside an entity, a ``<…>`` token or a code span."""
    if len(text) <= limit:
        return text
    kept: list[str] = []
    size = 0
    for piece in _PIECES.findall(text):
        if size + len(piece) > limit - 1:
            break
        kept.append(piece)
        size += len(piece)
    return "".join(kept).rstrip() + "…"


def mention(user: str) -> str:
    """A live mention of a person, only for a well-formed Slack user id; anything else stays text."""
    return f"<@{user}>" if _USER.match(user) else foreign(user, 40)


def person(user: str) -> str:
    """Who did something: a mention, or Pullcord by its name."""
    return "Pullcord" if user == "pullcord" else mention(user)


def own_words(text: str, known: Iterable[str], limit: int) -> str:
    """A sentence of ours that may hold foreign words: all of it is escaped, then one mention is made live again.

    Only the first mention, only at the start or after ``paged``, and only of a person of this incident: what follows
    may be somebody else's text.
    """
    safe = foreign(text, limit)
    users = {user for user in known if _USER.match(user)}

    def live(match: re.Match[str]) -> str:
        return f"{match[1]}<@{match[2]}>" if match[2] in users else match[0]

    return re.sub(r"^(paged |)&lt;@([UW][A-Z0-9]{1,30})&gt;", live, safe)


def with_people(text: str, limit: int, known: Iterable[str] | None = None) -> str:
    """A reason of ours that names people, escaped and cut; mentions of people in it are live again.

    ``known``: only of these; None: of every well-formed id, for text that holds nothing foreign (roles).
    """
    users = None if known is None else set(known)

    def live(match: re.Match[str]) -> str:
        return f"<@{match[1]}>" if users is None or match[1] in users else match[0]

    return re.sub(r"&lt;@([UW][A-Z0-9]{1,30})&gt;", live, foreign(text, limit))


def clock(at: datetime) -> str:
    """The time of day in the reader's zone, as a date token."""
    return f"<!date^{int(at.timestamp())}^{{time}}|{at:%H:%M} UTC>"


def clock_seconds(at: datetime) -> str:
    """The time of day with seconds, as a date token."""
    return f"<!date^{int(at.timestamp())}^{{time_secs}}|{at:%H:%M:%S} UTC>"


def day_and_clock(at: datetime) -> str:
    """Day and time in the reader's zone, as a date token."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{at:%-d %b %Y %H:%M} UTC>"


def moment(at: datetime, now: datetime) -> str:
    """The time alone when it is within half a day, else with its day."""
    return clock(at) if abs(at - now) < timedelta(hours=12) else day_and_clock(at)


def duration(length: timedelta) -> str:
    """``45 s``, ``57 min``, ``6 h 09 min``, ``2 d 4 h``; rounded down, so that a window is never shown too long."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} d {hours % 24} h"


def number(count: int, one: str, many: str | None = None) -> str:
    """``1 run``, ``2 runs``, ``1,204 runs``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    parts = list(names)
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
