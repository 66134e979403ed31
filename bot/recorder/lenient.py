"""Values as instrumentations write them: an object, a JSON string, a Python repr, or plain text."""

import ast
import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from bot.domain.base import Json

_MAX_REPR = 200_000
_MAX_NESTING = 50
_MAX_LEVELS = 100
_MAX_BITS = 4_096
_LARGEST = 1e300
_HUGE = re.compile(r"\d[eE]\+?\d{2}|\d{300}")
"""A number that may be beyond the largest float: the JSON reader makes infinity of it without a word."""


def structured(value: Json) -> Json:
    """The value, with a text that holds an object or a list read as such; any other text stays the text.

    Reads JSON, JSON inside a JSON string, and Python's repr (``{'order_id': None}``), which some SDKs record.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text[:1] == '"':  # a JSON string around a JSON document
        inner = _json(text)
        if isinstance(inner, str) and inner.strip()[:1] in {"{", "["}:
            text = inner.strip()
    if text[:1] not in {"{", "["}:
        return value
    read = _json(text)
    if read is None:
        read = _repr(text)
    return value if read is None else read


def _json(text: str) -> Json:
    try:
        read: Json = from_json(text, allow_inf_nan=False)
    except ValueError:
        return None
    if text.count("[") + text.count("{") > _MAX_LEVELS and deeper(read, _MAX_LEVELS):
        return None
    return None if _HUGE.search(text) and not _all_finite(read) else read


def deeper(value: Json, levels: int) -> bool:
    """Whether it nests deeper: inside a run, JSON readers (200 levels at most) could not read it again."""
    level: list[Any] = [value] if isinstance(value, (dict, list)) else []
    for _ in range(levels):
        inside = [held for item in level for held in (item.values() if isinstance(item, dict) else item)]
        level = [held for held in inside if isinstance(held, (dict, list))]
        if not level:
            return False
    return True


def _all_finite(value: Json) -> bool:
    """No infinity anywhere, which JSON cannot hold: no reader of our answers could read it."""
    if isinstance(value, dict):
        return all(map(_all_finite, value.values()))
    if isinstance(value, list):
        return all(map(_all_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _repr(text: str) -> Json:
    """A Python literal as JSON, or ``None``. Only literals: ``ast.literal_eval`` runs nothing."""
    if len(text) > _MAX_REPR or _nesting(text) > _MAX_NESTING:
        return None
    try:
        return _plain(ast.literal_eval(text))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError, Warning):
        return None


def _nesting(text: str) -> int:
    """An upper bound of how deep brackets nest; Python's parser must not be asked to go deep."""
    deepest = depth = 0
    for letter in text:
        if letter in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in ")]}":
            depth -= 1
    return deepest


def _plain(value: Any) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:  # Python reads 0xff... of any length, and no JSON reader reads it again
            raise ValueError("not a number that can be read again")
        return value
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, float):
        if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN is not equal to itself
            raise ValueError("not a finite number")
        return value
    if isinstance(value, dict):
        return {_sound(str(key)): _plain(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise ValueError("not a JSON value")


def _sound(text: str) -> str:
    """The text. Raises ValueError for half of a surrogate pair, which no JSON can hold."""
    text.encode()
    return text


def unflatten(attributes: Mapping[str, Json], prefix: str) -> list[dict[str, Any]]:
    """The list that was flattened into ``prefix.0.a.b``, ``prefix.1.a``: its items in the order of their numbers.

    Numbers may have holes (OpenInference writes ``tool_calls.1`` without ``.0``). Deeper numbered levels stay objects
    whose keys are the numbers; ``items`` reads them.
    """
    start = f"{prefix}."
    tree: dict[str, Any] = {}
    for name, value in attributes.items():
        if not name.startswith(start):
            continue
        at = tree
        parts = name[len(start) :].split(".")
        if len(parts) > _MAX_NESTING:
            continue
        for part in parts[:-1]:
            deeper = at.setdefault(part, {})
            if not isinstance(deeper, dict):
                break
            at = deeper
        else:
            at.setdefault(parts[-1], value)
    return [item for item in items(tree) if isinstance(item, dict)]


def items(numbered: Any) -> list[Any]:
    """The values of ``{"0": a, "2": b}`` by number; a list stays itself, anything else has none."""
    if isinstance(numbered, list):
        return numbered
    if not isinstance(numbered, dict):
        return []
    keys = [key for key in numbered if key.isdecimal() and len(key) < 10]
    return [numbered[key] for key in sorted(keys, key=int)]


def text_of(value: Json) -> str | None:
    """A scalar as text, ``None`` for nothing; ``unknown`` and the like are what instrumentations write for nothing."""
    if value is None or isinstance(value, (dict, list)):
        return None
    text = str(value).strip()
    return None if text.lower() in {"", "unknown", "none", "null", "<not specified>"} else text


def texts_of(value: Json) -> tuple[str, ...]:
    """A list of texts; a single one makes a list of one."""
    values = value if isinstance(value, list) else [value]
    return tuple(text for item in values if (text := text_of(item)) is not None)


_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0"})


def flag(value: Json) -> bool | None:
    """Yes or no as instrumentations write it; ``None`` for anything else."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    return True if text in _YES else False if text in _NO else None


def number(value: Json) -> float | None:
    """A number as one that any reader can hold; ``None`` for anything else, and for yes and no."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < _LARGEST else None
