"""Whether a pattern that people wrote can be run on hostile text: ``re`` has no time limit, so it must be tame.

Refused are: repeats, and alternatives that may begin alike, inside repeats (exponential), back references, and over
10,000 ways (a product: an unbounded repeat counts as 1,000, alternatives that may begin alike as many as they are).
What stays costs, at each place where it may begin, a small constant for each character of the text.
"""

import re

# The parser of re itself; private, but the only way to see a pattern's structure without a parser of our own.
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_MAX_LENGTH = 300
_UNBOUNDED = 1_000
_MAX_COST = 10_000
_TIMES = 64
"""Twice as many ways so often are far beyond ``_MAX_COST`` already."""


def check_pattern(name: str, pattern: str, *, may_be_empty: bool = False) -> None:
    """Raise ``ValueError``, naming the pattern and what to write instead, when it could be slow on some text.

    One that matches the empty text is refused too, unless it may (``may_be_empty``).
    """
    if len(pattern) > _MAX_LENGTH:
        raise ValueError(f"pattern {name!r} is longer than {_MAX_LENGTH} characters")
    try:
        re.compile(pattern)
        tree = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"pattern {name!r} is not a regular expression: {error}") from None
    if not may_be_empty and re.compile(pattern).match(""):
        raise ValueError(f"pattern {name!r} matches the empty text; it would mark everything")
    if _cost(name, tree, inside=False) > _MAX_COST:
        raise ValueError(f"pattern {name!r} could be slow on a long text; write {{1,100}} instead of + or *")


def _cost(name: str, tree: Any, *, inside: bool) -> int:
    cost = 1
    for operation, argument in tree:
        if operation in {constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT}:
            low, high, inner = argument
            width = _UNBOUNDED if high is constants.MAXREPEAT else high - low + 1
            if width > 1 and inside:
                raise ValueError(f"pattern {name!r} has a repeat inside a repeat; write it flat")
            once = _cost(name, inner, inside=inside or width > 1)
            cost *= max(width, 1) * (once if width > 1 else once ** min(high, _TIMES))  # so often, each in its own way
        elif operation is constants.BRANCH and not _apart(argument[1]):
            if inside:
                raise ValueError(f"pattern {name!r} has alternatives that may begin alike inside a repeat")
            cost *= sum(_cost(name, inner, inside=inside) for inner in argument[1])
        elif operation in {constants.GROUPREF, constants.GROUPREF_IGNORE, constants.GROUPREF_EXISTS}:
            raise ValueError(f"pattern {name!r} has a back reference, which can be slow")
        else:
            cost *= max((_cost(name, inner, inside=inside) for inner in _inner(argument)), default=1)
        if cost > _MAX_COST:
            return cost
    return cost


def _apart(alternatives: Any) -> bool:
    """Whether the first character tells which alternative it is: then there is one way to match and no way back."""
    firsts = [one[0][1] if len(one) and one[0][0] is constants.LITERAL else None for one in alternatives]
    told = {chr(first).casefold() for first in firsts if first is not None}
    return None not in firsts and len(told) == len(firsts)


def _inner(argument: Any) -> list[Any]:
    """The sub-patterns of a group, a branch or a look-around."""
    if isinstance(argument, parser.SubPattern):
        return [argument]
    if isinstance(argument, (tuple, list)):
        return [found for item in argument for found in _inner(item)]
    return []
