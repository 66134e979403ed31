"""Taking out of a text what differs with every run though nobody changed it: dates, times, ids, long numbers.

Small numbers stay: a limit of 50 that became 500 is a change. Names of people cannot be told from other words here;
they are found by comparing many runs (``bot.recorder.text_changes``).
"""

import hashlib
import re
from typing import Final

_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY: Final = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?"
_YEAR: Final = r"(?:19|20)\d\d"
_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "⟨id⟩"),
    (re.compile(r"\b[a-z]{1,8}_(?=[A-Za-z]*\d)[A-Za-z0-9]{8,64}\b"), "⟨id⟩"),
    (
        re.compile(
            rf"\b{_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:[T ]+\d{{1,2}}:\d\d(?::\d\d(?:[.,]\d+)?)?)?"
            r"(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)\b)?",
            re.IGNORECASE,
        ),
        "⟨date⟩",
    ),
    (re.compile(rf"\b\d{{1,2}}[-/.]\d{{1,2}}[-/.]{_YEAR}\b"), "⟨date⟩"),
    (re.compile(rf"\b(?:{_DAY},? +)?{_MONTH} +\d{{1,2}}(?:st|nd|rd|th)?,? +{_YEAR}\b", re.IGNORECASE), "⟨date⟩"),
    (
        re.compile(rf"\b(?:{_DAY},? +)?(?:the +)?\d{{1,2}}(?:st|nd|rd|th|\.)? +{_MONTH},? +{_YEAR}\b", re.IGNORECASE),
        "⟨date⟩",
    ),
    (re.compile(rf"(?<=⟨date⟩)[ ,(]*{_DAY}\)?", re.IGNORECASE), ""),
    (re.compile(rf"\b{_DAY}, ?(?=⟨date⟩)", re.IGNORECASE), ""),
    (
        re.compile(
            r"\b\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[ap]\.?m\b\.?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)\b)?", re.IGNORECASE
        ),
        "⟨time⟩",
    ),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,64}\b", re.IGNORECASE), "⟨id⟩"),
    (re.compile(r"\b\d{9,30}\b"), "⟨number⟩"),
)
_DIGITS = re.compile(r"\d+")
_HEX = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{6,64}\b", re.IGNORECASE)
_SPACE = re.compile(r"[ \t]+\n")


def masked(text: str) -> str:
    """The text with dates, times, ids and long numbers replaced by what they are, and without trailing blanks."""
    for pattern, word in _RULES:
        text = pattern.sub(word, text)
    return _SPACE.sub("\n", text.replace("\r\n", "\n")).strip()


def kind_of_name(name: str) -> str:
    """A span's name without what differs from run to run: ``POST /chat/4711`` is of the kind ``POST /chat/#``."""
    return _DIGITS.sub("#", _HEX.sub("#", masked(name)))[:120].strip()


def text_hash(text: str) -> str:
    """The first 128 bits of a text's SHA-256, in hex (a ``profile.TextHash``)."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
