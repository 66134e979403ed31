"""Bounds of a tool's argument, as people write them at 3 a.m., made into JSON Schema and tried on what was recorded.

A bound holds in both ways: the value's type is part of it, so that a number sent as text does not go round a maximum.
JSON Schema 2020-12; no references, since an agent must be able to check it without asking anybody.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from bot.domain.argument_path import around, at
from bot.domain.base import Json
from bot.domain.effect import Effect
from bot.domain.safe_pattern import check_pattern
from bot.errors import Refused

MAXIMUM: Final = "maximum"
MINIMUM: Final = "minimum"
ALLOW: Final = "allow_list"
PATTERN: Final = "pattern"
SCHEMA: Final = "schema"

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
_REDACTED = "[redacted:"
_NOTHING_AFTER = r"(?![\s\S])"
"""The end of the text, in Python and in ECMAScript alike; ``$`` lets a line break through."""
_MOST_VALUES = 100
_LONGEST_TRIED = 300
_MOST_TRIED = 200
_DEEPEST = 12
_BY_NAME = frozenset({"properties", "patternProperties", "dependentSchemas"})
_LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_ONE = frozenset(
    {
        *("items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
_BOUND = frozenset(
    {
        *("type", "enum", "const", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"),
        *("maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains"),
        *("maxProperties", "minProperties", "required", "dependentRequired"),
    }
)
"""What bounds a value by itself, of JSON Schema 2020-12 (Validation, section 6); above what holds other schemas."""
_SAID_ONLY = frozenset(
    {"$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
)
_KEYS_OF_OTHERS = ("$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor", "$schema", "$vocabulary")


def bound(kind: str, text: str, recorded: Sequence[Json]) -> dict[str, Json]:
    """The JSON Schema of one value. ``recorded`` are values that the argument had: they say what type it has.

    Raises Refused at the field ``value``, with what to write instead.
    """
    _whole_text(text)
    match kind:
        case "maximum" | "minimum":
            if recorded and not any(_is_number(value) for value in recorded if not _redacted(value)):
                raise _no(
                    "This argument was recorded as text, and a maximum does not hold text.",
                    "Choose only these values, or a pattern.",
                )
            return {"type": "number", kind: _number(text)}
        case "allow_list":
            return {"enum": list(_listed(text, recorded))}
        case "pattern":
            pattern = text.strip()
            _tame(pattern)
            whole = f"^(?:{pattern}){_NOTHING_AFTER}"
            try:
                re.compile(whole)
            except re.error as error:
                raise _no(f"This pattern cannot be anchored: {error}.", "Leave flags such as (?i) away.") from error
            return {"type": "string", "pattern": whole}
        case _:
            return _schema(text)


def stricter(before: Json, new: dict[str, Json]) -> dict[str, Json]:
    """What to set so that nothing is loosened: the new bound, or both where it is not known which is stricter.

    Raises Refused at ``value`` for a plain maximum or minimum that would be looser than the one there.
    """
    if not isinstance(before, dict) or before == new:
        return new
    for kind, sign in ((MAXIMUM, 1), (MINIMUM, -1)):
        if set(before) == set(new) == {"type", kind}:
            old, now = before[kind], new[kind]
            if isinstance(old, int | float) and isinstance(now, int | float) and sign * now > sign * old:
                raise _no(
                    f"It is bound to {old} already, which is stricter.",
                    "Loosening is an undo of that bound, by a commander.",
                )
            return new
    held = before["allOf"] if set(before) == {"allOf"} and isinstance(before["allOf"], list) else [before]
    return {"allOf": [*(one for one in held if one != new), new]}


@dataclass(frozen=True, slots=True)
class Tried:
    """What a bound says of recorded calls: which it would have refused, and which could not be tried, of how many."""

    refused: tuple[Effect, ...]
    untried: int
    calls: int


def tried(schema: dict[str, Json], steps: Sequence[str | None], effects: Iterable[Effect]) -> Tried:
    """Hold the recorded calls of the tool against the bound, with a real validator. At most 200 calls."""
    validator = Draft202012Validator(around(steps, schema))
    refused: list[Effect] = []
    untried = calls = 0
    for effect in list(effects)[:_MOST_TRIED]:
        calls += 1
        values = list(at(effect.arguments, steps))
        if not isinstance(effect.arguments, dict) or any(_redacted(v) or _too_long(v) for v in values):
            untried += 1
        else:
            try:
                if not validator.is_valid(effect.arguments):
                    refused.append(effect)
            except ArithmeticError:  # numbers beyond what can be divided: an agent refuses what it cannot judge
                untried += 1
    return Tried(tuple(refused), untried, calls)


def in_words(kind: str, schema: dict[str, Json]) -> str:
    """``at most 5000``, ``only EUR or USD``: for the summary."""
    if kind in {MAXIMUM, MINIMUM}:
        return f"at {'most' if kind == MAXIMUM else 'least'} {schema[kind]}"
    if kind == ALLOW and isinstance(schema["enum"], list):
        named = [str(value) for value in schema["enum"]]
        return f"one of {', '.join(named[:5])}" + (f" and {len(named) - 5} more" if len(named) > 5 else "")
    return "a pattern" if kind == PATTERN else "a JSON Schema"


def _number(text: str) -> int | float:
    digits = text.strip()
    if not _NUMBER.fullmatch(digits) or len(digits) > 40:
        raise _no(f"{digits[:40]!r} is no plain number.", "Write digits, such as 5000 or 49.90, without a currency.")
    read = float(digits)
    if not math.isfinite(read):
        raise _no("This number is too large.", "Write a smaller one.")
    return int(digits) if "." not in digits else read


def _listed(text: str, recorded: Sequence[Json]) -> Iterator[Json]:
    pieces = text.splitlines() if "\n" in text.strip() else text.split(",")
    wanted = list(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))
    if not wanted:
        raise _no("No value is named.", "Write one value on each line.")
    if len(wanted) > _MOST_VALUES:
        raise _no(f"These are more than {_MOST_VALUES} values.", "Use a pattern, or a JSON Schema.")
    seen = [value for value in recorded if not _redacted(value)]
    if seen and all(isinstance(value, bool) for value in seen):
        if any(piece not in {"true", "false"} for piece in wanted):
            raise _no("This argument was recorded as true or false.", "Write true or false.")
        yield from (piece == "true" for piece in wanted)
    elif seen and all(_is_number(value) for value in seen):
        yield from (_number(piece) for piece in wanted)
    else:
        yield from wanted


def _schema(text: str) -> dict[str, Json]:
    try:
        read: Any = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _no(f"This is no JSON: {str(error)[:80]}.", 'Write an object, such as {"maximum": 5000}.') from error
    if not isinstance(read, dict) or not read:
        raise _no("A JSON Schema that bounds something is an object.", 'Write one, such as {"maximum": 5000}.')
    _look(read, _DEEPEST)
    _whole_text(json.dumps(read, ensure_ascii=False))
    _words(read)
    if not read.keys() - _SAID_ONLY:
        raise _no("This schema bounds nothing.", 'Write what must hold, such as {"maximum": 5000}.')
    try:
        Draft202012Validator.check_schema(read)
    except SchemaError as error:
        where = ".".join(map(str, error.absolute_path)) or "it"
        raise _no(
            f"This is no JSON Schema: {where}: {error.message[:120]}.", "See json-schema.org, 2020-12."
        ) from error
    except (re.error, RecursionError, OverflowError) as error:
        raise _no("A pattern in this schema cannot be read.", "Write it plainer.") from error
    return read


def _look(schema: Any, left: int) -> None:
    """Refuse what an agent could not check by itself, or only slowly. Looks at everything, also where no schema is."""
    if left == 0:
        raise _no("This schema is nested too deeply.", f"Write at most {_DEEPEST} levels.")
    if isinstance(schema, float) and not math.isfinite(schema):
        raise _no("This schema holds a number that JSON does not have.", "Write a plain number.")
    if isinstance(schema, list):
        for one in schema:
            _look(one, left - 1)
    if not isinstance(schema, dict):
        return
    for key, held in schema.items():
        if key in _KEYS_OF_OTHERS:
            raise _no(f"{key} is not taken: a bound must be whole.", "Write out what it stands for.")
        patterns = held if key == "patternProperties" and isinstance(held, dict) else [held] if key == "pattern" else []
        for pattern in patterns:
            _tame(str(pattern))
        _look(held, left - 1)


def _words(schema: Any) -> None:
    """Refuse a keyword that bounds nothing: JSON Schema passes it over, so the bound would hold nothing."""
    if not isinstance(schema, dict):
        return
    for key, held in schema.items():
        if key not in _BY_NAME | _LISTED | _ONE | _BOUND | _SAID_ONLY:
            hint = "Use a pattern." if key == "format" else "Look at how it is written; see json-schema.org, 2020-12."
            raise _no(f"{key[:40]!r} bounds nothing in JSON Schema 2020-12.", hint)
        inner = [held] if key in _ONE else held if key in _LISTED and isinstance(held, list) else []
        for one in held.values() if key in _BY_NAME and isinstance(held, dict) else inner:
            _words(one)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _whole_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _no("It holds half of a character.", "Type it anew instead of pasting it.") from error


def _tame(pattern: str) -> None:
    try:
        check_pattern(pattern[:40], pattern, may_be_empty=True)
    except ValueError as error:
        raise _no(f"The {str(error)[:180]}.", "Agents run it on each call, so it must be quick.") from error


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _redacted(value: Json) -> bool:
    return isinstance(value, str) and _REDACTED in value


def _too_long(value: Json) -> bool:
    return len(value if isinstance(value, str) else json.dumps(value)) > _LONGEST_TRIED


def _no(message: str, next_step: str) -> Refused:
    return Refused(message, field="value", next_step=next_step)
