"""Values of OTLP/JSON: attributes, texts, 64-bit numbers as texts. Each refusal names the field by its path."""

from typing import Any

from bot.domain.base import Json
from bot.recorder.limits import Limits
from bot.recorder.otlp_values import Unreadable, finite, nanoseconds

_MAX_INT_TEXT = 24


def attributes_of(holder: dict[str, Any], where: str, limits: Limits) -> dict[str, Json]:
    """The attributes of a span, an event, a record or a resource."""
    found: dict[str, Json] = {}
    for i, item in enumerate(objects_in(holder, "attributes", where)):
        if len(found) >= limits.attributes:
            raise Unreadable(f"{where}.attributes", f"has more than {limits.attributes:,} attributes")
        key = text_in(item, "key", f"{where}.attributes[{i}]")
        found[key] = any_value(item.get("value"), f"{where}.attributes[{i}].value", limits.depth)
    return found


def any_value(value: Any, where: str, depth: int) -> Json:
    """An ``AnyValue``; an empty one is null (SDKs write None so)."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Unreadable(where, "must be an AnyValue object")
    if depth <= 0:
        raise Unreadable(where, "is nested too deeply")
    for name, held in value.items():
        reader = _READERS.get(name)
        if reader is not None and held is not None:
            return reader(held, f"{where}.{name}", depth - 1)
    return None


def _any_text(held: Any, where: str, _depth: int) -> Json:
    if not isinstance(held, str):
        raise Unreadable(where, "must be a text")
    return held


def _any_bool(held: Any, where: str, _depth: int) -> Json:
    if not isinstance(held, bool):
        raise Unreadable(where, "must be true or false")
    return held


def _any_int(held: Any, where: str, _depth: int) -> Json:
    return integer(held, where)


def _any_double(held: Any, where: str, _depth: int) -> Json:
    if isinstance(held, bool) or not isinstance(held, (int, float, str)) or (isinstance(held, str) and len(held) > 40):
        raise Unreadable(where, "must be a number")
    try:
        return finite(float(held), where)
    except (ValueError, OverflowError):
        raise Unreadable(where, "must be a number") from None


def _any_list(held: Any, where: str, depth: int) -> Json:
    return [any_value(item, f"{where}[{i}]", depth) for i, item in enumerate(_values(held, where))]


def _any_map(held: Any, where: str, depth: int) -> Json:
    found: dict[str, Json] = {}
    for i, item in enumerate(_values(held, where)):
        if not isinstance(item, dict):
            raise Unreadable(f"{where}[{i}]", "must be an object")
        found[text_in(item, "key", f"{where}[{i}]")] = any_value(item.get("value"), f"{where}[{i}].value", depth)
    return found


_READERS = {
    "stringValue": _any_text,
    "boolValue": _any_bool,
    "intValue": _any_int,
    "doubleValue": _any_double,
    "arrayValue": _any_list,
    "kvlistValue": _any_map,
    "bytesValue": _any_text,  # base64 stays base64
}


def _values(held: Any, where: str) -> list[Any]:
    values = held.get("values") if isinstance(held, dict) else held
    if values is None:
        return []
    if not isinstance(values, list):
        raise Unreadable(f"{where}.values", "must be a list")
    return values


def objects_in(holder: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    """A list of objects; absent is empty."""
    values = holder.get(name)
    if values is None:
        return []
    path = f"{where}.{name}" if where else name
    if not isinstance(values, list):
        raise Unreadable(path, "must be a list")
    for i, value in enumerate(values):
        if not isinstance(value, dict):
            raise Unreadable(f"{path}[{i}]", "must be an object")
    return values


def object_in(holder: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    """An object; absent is empty."""
    value = holder.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable(f"{where}.{name}", "must be an object")
    return value


def text_in(holder: dict[str, Any], name: str, where: str) -> str:
    """A text; absent is empty."""
    value = holder.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"{where}.{name}", "must be a text")
    return value


def integer(value: Any, where: str) -> int:
    """A whole number of 64 bits, as a number or as the text that protobuf's JSON writes."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if isinstance(value, str) and len(value) <= _MAX_INT_TEXT:
        try:
            value = int(value)
        except ValueError:
            raise Unreadable(where, "must be a whole number") from None
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**64:
        raise Unreadable(where, "must be a whole number of 64 bits")
    return value


def time_in(holder: dict[str, Any], name: str, where: str) -> int:
    """A time in nanoseconds; absent is 0."""
    return nanoseconds(integer(holder.get(name) or 0, f"{where}.{name}"), f"{where}.{name}")
