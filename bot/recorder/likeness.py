"""Reading the arguments of a call as places and values, so that two calls can be called alike. Pure.

A place is a dotted path (``items[].sku``). Of a value we keep what could be the same in another run that did the same:
the value itself, the host or domain it reaches, the order of magnitude of a number.
"""

import math
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from bot.domain.base import Json
from bot.recorder.volatile import masked

MOST_LEAVES: Final = 24
_DEPTH: Final = 6
_MOST_TEXT: Final = 4000
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,10})?")
_ADDRESS = re.compile(r"[^@\s]+@([A-Za-z0-9.-]+\.[A-Za-z]{2,24})")
_DIGITS = re.compile(r"\d+")
_WORDS: Final = 6
_HALVES: Final = 2


def leaves(arguments: Json) -> list[tuple[str, Json]]:
    """The places of an argument object with their values, in order; at most 24."""
    found: list[tuple[str, Json]] = []
    for place in _walk(arguments, "", 0):
        if place not in found:
            found.append(place)
        if len(found) == MOST_LEAVES:
            break
    return found


def _walk(value: Json, path: str, depth: int) -> Iterator[tuple[str, Json]]:
    if isinstance(value, dict) and depth < _DEPTH:
        for name in sorted(value):
            yield from _walk(value[name], f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(value, list) and depth < _DEPTH:
        for item in value:
            yield from _walk(item, f"{path}[]", depth + 1)
    else:
        yield path, value


def same(value: Json) -> str:
    """A value so that equal ones are equal however they were written: ``"900.00"`` is ``900``, case does not count."""
    number = number_of(value)
    if number is not None:
        return f"{number:.10g}"
    if isinstance(value, str):
        return "s" + " ".join(value.casefold().split())[:_MOST_TEXT]
    return repr(value)[:_MOST_TEXT]


def number_of(value: Json) -> float | None:
    """The number that a value is, also as text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) if math.isfinite(value) and abs(value) < 1e15 else None
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else None


def reach(value: Json) -> str | None:
    """The host of an address of the web, or the domain of a mail address, that a value is."""
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        return None
    text = value.strip()
    mail = _ADDRESS.fullmatch(text)
    if mail is not None:
        return mail[1].casefold()
    if "://" not in text[:20]:
        return None
    try:
        return urlsplit(text).hostname
    except ValueError:
        return None


def sizes(number: float) -> tuple[int, int]:
    """Two half decades that a number lies in, staggered: numbers within a factor of about 1.8 share one of them."""
    if number == 0:
        return 0, 0
    sign = 1 if number > 0 else -1
    scale = _HALVES * math.log10(abs(number)) + 100
    return sign * (2 * math.floor(scale) + 1), sign * (2 * math.floor(scale + 0.5) + 2)


def token(value: Json) -> str:
    """What a value is like, without what makes it the one of this run: part of the likeness of a whole call."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    number = number_of(value)
    if number is not None:
        return f"n{sizes(number)[0]}"
    host = reach(value)
    if host is not None:
        return f"@{host}"
    text = masked(str(value)).casefold()
    if len(text.split()) > _WORDS:
        return "text"
    return "s" + _DIGITS.sub("#", text)[:80]
