"""Whether a tool's arguments keep their bound: ``agent.validation``, a JSON Schema (2020-12) per tool.

Judged by ``jsonschema`` where that is installed, else by the small subset below. Either way, what cannot be judged is
refused, with the reason: a bound that is silently skipped would be worse than none. Two rules go beyond JSON Schema,
both to refuse more: a bound on numbers means a number and one on text means text (else ``"9999"`` would keep
``maximum: 50``), and ``format`` is refused, since 2020-12 makes it an annotation that bounds nothing.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydantic import JsonValue

try:
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry
except ImportError:  # pragma: no cover - depends on what the agent has installed
    INSTALLED = False
else:
    INSTALLED = True

Schema = Mapping[str, Any]
_NUMBER: Final = frozenset({"maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"})
_TEXT: Final = frozenset({"maxLength", "minLength", "pattern"})
_HOLDS: Final = frozenset(
    {
        *("items", "additionalProperties", "contains", "allOf", "anyOf", "oneOf", "prefixItems", "then", "else"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
"""Keywords whose schemas bound what is inside."""
_SAYS_NOTHING: Final = frozenset(
    {"$schema", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
)
_KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "integer": lambda v: not isinstance(v, bool) and (isinstance(v, int) or (isinstance(v, float) and v.is_integer())),
}
_LONGEST = 200
_LONGEST_MATCHED: Final = 10_000
"""Characters of a text that a pattern is tried on: a search takes the square of them, and the agent waits for it."""


class CannotJudge(Exception):
    """The bound says something that is not known here. The message names it."""


def broken(schema: JsonValue, arguments: Mapping[str, Any], *, installed: bool = INSTALLED) -> str | None:
    """Why the arguments break the bound, such as ``amount_minor: 9999 is more than 5000``; None when they keep it.

    ``installed`` False judges by the built-in subset.
    """
    try:
        strict = _implied(schema)
        return _by_library(strict, arguments) if installed else _fault(strict, arguments, "")
    except CannotJudge as why:
        return f"its bound cannot be judged: {why}"
    except RecursionError:
        return "its bound cannot be judged: it is nested too deeply"
    except ArithmeticError as error:
        return f"its bound cannot be judged: {_short(str(error))}"


def _implied(schema: Any) -> Any:
    """The schema with the types that its bounds mean. Raises ``CannotJudge`` for ``format``."""
    if not isinstance(schema, dict):
        return schema
    if "format" in schema:
        raise CannotJudge("format is an annotation in JSON Schema 2020-12; use a pattern")
    made = dict(schema)
    if not made.keys() & {"type", "enum", "const", "$ref"}:
        kinds = [kind for kind, words in (("number", _NUMBER), ("string", _TEXT)) if made.keys() & words]
        if kinds:
            made["type"] = kinds
    for name in made.keys() & {"properties", "patternProperties", "$defs"}:
        if isinstance(made[name], dict):
            made[name] = {key: _implied(one) for key, one in made[name].items()}
    for name in made.keys() & _HOLDS:
        inner = made[name]
        made[name] = [_implied(one) for one in inner] if isinstance(inner, list) else _implied(inner)
    return made


def _tried(validator: Any, pattern: Any, value: Any, schema: Any) -> Any:
    """The library's ``pattern``, on texts that are short enough to be judged."""
    _short_enough(value)
    yield from Draft202012Validator.VALIDATORS["pattern"](validator, pattern, value, schema) or ()


def _short_enough(value: Any) -> None:
    if isinstance(value, str) and len(value) > _LONGEST_MATCHED:
        raise CannotJudge(f"a text of {len(value):,} characters is too long for a pattern")


if INSTALLED:
    _Validator: Any = validators.extend(Draft202012Validator, {"pattern": _tried})  # type: ignore[no-untyped-call,unused-ignore]


def _by_library(schema: Any, arguments: Mapping[str, Any]) -> str | None:
    try:
        Draft202012Validator.check_schema(schema)
        # An empty registry: a $ref to somewhere else is refused, never fetched.
        faults = sorted(
            _Validator(schema, registry=Registry()).iter_errors(arguments),
            key=lambda fault: [str(part) for part in fault.absolute_path],
        )
    except CannotJudge:
        raise
    except Exception as error:
        raise CannotJudge(f"{type(error).__name__}: {_short(str(error).splitlines()[0])}") from error
    if not faults:
        return None
    where = ".".join(str(part) for part in faults[0].absolute_path)
    return f"{where}: {_short(faults[0].message)}" if where else _short(faults[0].message)


# ------------------------------------------------------------------------------------------------ the built-in subset


def _fault(schema: Any, value: Any, where: str) -> str | None:
    """The first keyword that the value breaks. Raises ``CannotJudge`` for any keyword that is not in the subset."""
    if schema is True:
        return None
    if schema is False:
        return _said(where, "is not allowed")
    if not isinstance(schema, dict):
        raise CannotJudge("a schema is an object or a boolean")
    if unknown := sorted(schema.keys() - _JUDGES.keys() - _SAYS_NOTHING):
        raise CannotJudge(f"{', '.join(unknown)} {'are' if unknown[1:] else 'is'} not known here; install jsonschema")
    found = (judge(schema[name], value, where) for name, judge in _JUDGES.items() if name in schema)
    return next((fault for fault in found if fault), None)


def _type(wanted: Any, value: Any, where: str) -> str | None:
    names = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(names, list) or any(name not in _KINDS for name in names):
        raise CannotJudge("type is not one of JSON's")
    if any(_KINDS[name](value) for name in names):
        return None
    return _said(where, f"{_short(json.dumps(value, default=str))} is no {' or '.join(names)}")


def _enum(wanted: Any, value: Any, where: str) -> str | None:
    if not isinstance(wanted, list):
        raise CannotJudge("enum is a list")
    if any(_same(one, value) for one in wanted):
        return None
    return _said(
        where, f"{_short(json.dumps(value, default=str))} is none of {_short(json.dumps(wanted, default=str))}"
    )


def _limit(words: str, holds: Callable[[Any, Any], bool], kind: str, size: Callable[[Any], Any]) -> "_Judge":
    """A keyword that compares; it says nothing of another kind of value (JSON Schema, Validation, 6.2 to 6.4)."""

    def judge(limit: Any, value: Any, where: str) -> str | None:
        if not _KINDS["number"](limit):
            raise CannotJudge("a limit is a number")
        if not _KINDS[kind](value) or holds(size(value), limit):
            return None
        return _said(where, f"{_short(json.dumps(value, default=str))} {words} {limit}")

    return judge


def _pattern(pattern: Any, value: Any, where: str) -> str | None:
    _short_enough(value)
    try:
        found = not isinstance(value, str) or re.search(pattern, value) is not None
    except (re.error, TypeError):
        raise CannotJudge("pattern cannot be read") from None
    return None if found else _said(where, f"{_short(json.dumps(value))} does not match {_short(str(pattern))}")


def _properties(schemas: Any, value: Any, where: str) -> str | None:
    if not isinstance(schemas, dict):
        raise CannotJudge("properties is an object")
    if not isinstance(value, dict):
        return None
    inside = (_fault(schema, value[name], f"{where}.{name}") for name, schema in schemas.items() if name in value)
    return next((fault for fault in inside if fault), None)


def _required(names: Any, value: Any, where: str) -> str | None:
    if not isinstance(names, list):
        raise CannotJudge("required is a list")
    missing = [name for name in names if name not in value] if isinstance(value, dict) else []
    return _said(f"{where}.{missing[0]}", "is missing") if missing else None


def _items(schema: Any, value: Any, where: str) -> str | None:
    if not isinstance(value, list):
        return None
    return next((fault for i, one in enumerate(value) if (fault := _fault(schema, one, f"{where}.{i}"))), None)


def _all_of(schemas: Any, value: Any, where: str) -> str | None:
    return next((fault for schema in _list(schemas) if (fault := _fault(schema, value, where))), None)


def _any_of(schemas: Any, value: Any, where: str) -> str | None:
    faults = [_fault(schema, value, where) for schema in _list(schemas)]
    return None if None in faults else faults[0]


def _list(schemas: Any) -> Sequence[Any]:
    if not isinstance(schemas, list) or not schemas:
        raise CannotJudge("allOf and anyOf are lists")
    return schemas


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: True is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _multiple(value: float, step: float) -> bool:
    return step > 0 and value % step == 0


_Judge = Callable[[Any, Any, str], str | None]
_JUDGES: Final[Mapping[str, _Judge]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda wanted, value, where: _enum([wanted], value, where),
    "maximum": _limit("is more than", lambda v, limit: bool(v <= limit), "number", lambda v: v),
    "minimum": _limit("is less than", lambda v, limit: bool(v >= limit), "number", lambda v: v),
    "exclusiveMaximum": _limit("is not less than", lambda v, limit: bool(v < limit), "number", lambda v: v),
    "exclusiveMinimum": _limit("is not more than", lambda v, limit: bool(v > limit), "number", lambda v: v),
    "multipleOf": _limit("is no multiple of", _multiple, "number", lambda v: v),
    "maxLength": _limit("is longer than", lambda v, limit: bool(v <= limit), "string", len),
    "minLength": _limit("is shorter than", lambda v, limit: bool(v >= limit), "string", len),
    "pattern": _pattern,
    "maxItems": _limit("has more items than", lambda v, limit: bool(v <= limit), "array", len),
    "minItems": _limit("has fewer items than", lambda v, limit: bool(v >= limit), "array", len),
    "items": _items,
    "properties": _properties,
    "required": _required,
    "allOf": _all_of,
    "anyOf": _any_of,
}


def _said(where: str, what: str) -> str:
    return f"{where.lstrip('.')}: {what}" if where else what


def _short(text: str) -> str:
    clean = "".join(char if char.isprintable() else " " for char in text)
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 1]}…"
