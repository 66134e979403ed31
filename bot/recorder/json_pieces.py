"""The large elements of a JSON body cut out of it unread, so that they can be read one at a time.

Reading 50 MB of OTLP/JSON in one go makes several times that in objects. Here the body keeps its bytes; each element
of the arrays of one name (``spans``, ``logRecords``) is only found, and in the outline that is left a placeholder
``[n]`` stands for it. The outline is small and is read as JSON like any body.

Elements are found by one regular expression that skips texts and counts nesting by construction, to a fixed depth and
without backtracking. What is nested deeper, or is no JSON at all, stays in the outline, where the JSON reader decides.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic_core import from_json

_NESTED = 24
_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BETWEEN = re.compile(rb"[\s,]*+")


@dataclass(frozen=True, slots=True)
class Outline:
    """A body without its elements: ``document`` with placeholders, and where each element stood."""

    document: Any
    body: bytes
    places: Sequence[tuple[int, int]]

    def element(self, value: Any) -> Any:
        """What a placeholder stands for, read now; any other value as it is. Raises ValueError for no JSON."""
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], int):
            number = value[0]
            if 0 <= number < len(self.places):
                start, end = self.places[number]
                return from_json(self.body[start:end], allow_inf_nan=False)
        return value


def outline(body: bytes, name: str) -> Outline:
    """The outline of a JSON body with the elements of the arrays ``name`` cut out. Raises ValueError for no JSON."""
    array, element = _patterns(name)
    kept: list[bytes] = []
    places: list[tuple[int, int]] = []
    done = at = 0
    while (found := array.search(body, at)) is not None:
        at = _past(body, found.end())
        while (one := element.match(body, at)) is not None:
            kept.append(b"%b[%d]" % (body[done:at], len(places)))
            places.append(one.span())
            done = one.end()
            at = _past(body, done)
        if body[at : at + 1] in {b"{", b"["}:  # nested too deeply, or not whole: looking on could cost n squared
            return Outline(from_json(body, allow_inf_nan=False), body, ())
    kept.append(body[done:])
    return Outline(from_json(b"".join(kept), allow_inf_nan=False), body, places)


def _past(body: bytes, at: int) -> int:
    """The place after white space and commas. Two commas or none are left for the JSON reader to refuse."""
    found = _BETWEEN.match(body, at)
    return found.end() if found is not None else at


@cache
def _patterns(name: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Where an array of this name begins, and one element of it: an object or an array with all that is in it."""
    inner = rb"(?!)"
    for _ in range(_NESTED):
        inner = rb'[{\[](?>[^"{}\[\]]++|' + _TEXT + rb"|" + inner + rb")*+[}\]]"
    return re.compile(rb'(?<!\\)"' + re.escape(name.encode()) + rb'"\s*+:\s*+\['), re.compile(inner, re.DOTALL)
