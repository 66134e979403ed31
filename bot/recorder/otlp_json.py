"""OTLP/JSON to span records, by the specification (OTLP, *JSON Protobuf Encoding*).

Ids are hex (not base64), enums are integers (names are taken too), 64-bit integers are strings (numbers are taken too),
unknown fields are ignored. Hand-read, since protobuf's ``json_format`` reads hex ids as base64 without an error.
"""

from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from bot.domain.base import Json
from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.recorder.limits import Limits
from bot.recorder.otlp_values import (
    BadSpan,
    Unreadable,
    finite,
    hex_id,
    nanoseconds,
    parent_id,
    record,
    remote_parent,
)

_STATUS = {0: "unset", 1: "ok", 2: "error", "STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error"}
_KIND = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}
_MAX_INT_TEXT = 24


def read_json(body: bytes, limits: Limits) -> Iterator[SpanRecord | BadSpan]:
    """Each span of the export, or why it was not taken. Raises ``Refused`` when the body is no such export."""
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Refused(f"The body is not JSON: {error}.", field="body", next_step="Send OTLP/JSON in UTF-8.") from None
    yield from read_document(document, limits)


def read_document(document: Any, limits: Limits) -> Iterator[SpanRecord | BadSpan]:
    """The same of JSON that was read already (trace stores wrap the export in an object of theirs)."""
    if not isinstance(document, dict):
        raise Refused("The body must be a JSON object.", field="body", next_step='Send {"resourceSpans": [...]}.')
    if document and "resourceSpans" not in document:  # unknown fields are ignored, but nothing else is no export
        raise Refused("The body has no resourceSpans.", field="resourceSpans", next_step="Send an OTLP trace export.")
    try:
        yield from _spans(document, limits)
    except Unreadable as error:
        raise Refused(
            f"{error.field} {error.reason}.", field=error.field, next_step="Nothing of this export was taken."
        ) from None


def _spans(document: dict[str, Any], limits: Limits) -> Iterator[SpanRecord | BadSpan]:
    for r, group in enumerate(_objects(document, "resourceSpans", "")):
        at_resource = f"resourceSpans[{r}]"
        resource = _attributes(_object(group, "resource", at_resource), f"{at_resource}.resource", limits)
        for s, scoped in enumerate(_objects(group, "scopeSpans", at_resource)):
            at_scope = f"{at_resource}.scopeSpans[{s}]"
            scope = _object(scoped, "scope", at_scope)
            shared = {
                "resource": resource,
                "scope": _text(scope, "name", at_scope),
                "scope_version": _text(scope, "version", at_scope),
            }
            spans = scoped.get("spans")
            if spans is None:
                continue
            if not isinstance(spans, list):
                raise Unreadable(f"{at_scope}.spans", "must be a list")
            for i, span in enumerate(spans):
                where = f"{at_scope}.spans[{i}]"
                try:
                    if not isinstance(span, dict):
                        raise Unreadable(where, "must be an object")
                    yield record({**_span(span, where, limits), **shared}, where)
                except Unreadable as error:
                    yield BadSpan(error.field, error.reason)


def _span(span: dict[str, Any], where: str, limits: Limits) -> dict[str, object]:
    status = _object(span, "status", where)
    events = _objects(span, "events", where)
    return {
        "trace_id": hex_id(span.get("traceId"), 32, f"{where}.traceId"),
        "span_id": hex_id(span.get("spanId"), 16, f"{where}.spanId"),
        "parent_id": parent_id(span.get("parentSpanId"), f"{where}.parentSpanId"),
        "name": _text(span, "name", where),
        "kind": _kind(span.get("kind"), f"{where}.kind"),
        "start_ns": _time(span, "startTimeUnixNano", where),
        "end_ns": _time(span, "endTimeUnixNano", where),
        "status": _status(status.get("code"), f"{where}.status.code"),
        "status_message": _text(status, "message", f"{where}.status"),
        "remote_parent": remote_parent(_integer(span.get("flags") or 0, f"{where}.flags")),
        "attributes": _attributes(span, where, limits),
        "events": [
            {
                "name": _text(event, "name", f"{where}.events[{i}]"),
                "at_ns": _time(event, "timeUnixNano", f"{where}.events[{i}]"),
                "attributes": _attributes(event, f"{where}.events[{i}]", limits),
            }
            for i, event in enumerate(events[: limits.events])
        ],
        "marks": [f"{len(events) - limits.events} events over the cap were dropped"]
        if len(events) > limits.events
        else (),
    }


def _attributes(holder: dict[str, Any], where: str, limits: Limits) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for i, item in enumerate(_objects(holder, "attributes", where)):
        if len(found) >= limits.attributes:
            raise Unreadable(f"{where}.attributes", f"has more than {limits.attributes:,} attributes")
        key = _text(item, "key", f"{where}.attributes[{i}]")
        found[key] = _any(item.get("value"), f"{where}.attributes[{i}].value", limits.depth)
    return found


def _any(value: Any, where: str, depth: int) -> Json:
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
    return _integer(held, where)


def _any_double(held: Any, where: str, _depth: int) -> Json:
    if isinstance(held, bool) or not isinstance(held, (int, float, str)) or (isinstance(held, str) and len(held) > 40):
        raise Unreadable(where, "must be a number")
    try:
        return finite(float(held), where)
    except (ValueError, OverflowError):
        raise Unreadable(where, "must be a number") from None


def _any_list(held: Any, where: str, depth: int) -> Json:
    return [_any(item, f"{where}[{i}]", depth) for i, item in enumerate(_values(held, where))]


def _any_map(held: Any, where: str, depth: int) -> Json:
    found: dict[str, Json] = {}
    for i, item in enumerate(_values(held, where)):
        if not isinstance(item, dict):
            raise Unreadable(f"{where}[{i}]", "must be an object")
        found[_text(item, "key", f"{where}[{i}]")] = _any(item.get("value"), f"{where}[{i}].value", depth)
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


def _objects(holder: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
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


def _object(holder: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    value = holder.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable(f"{where}.{name}", "must be an object")
    return value


def _text(holder: dict[str, Any], name: str, where: str) -> str:
    value = holder.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"{where}.{name}", "must be a text")
    return value


def _integer(value: Any, where: str) -> int:
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


def _time(holder: dict[str, Any], name: str, where: str) -> int:
    return nanoseconds(_integer(holder.get(name) or 0, f"{where}.{name}"), f"{where}.{name}")


def _kind(value: Any, where: str) -> int:
    if isinstance(value, str) and value in _KIND:
        return _KIND[value]
    number = _integer(value or 0, where)
    return number if 0 <= number < len(_KIND) else 0  # enums are open: a newer kind is no reason to lose the span


def _status(value: Any, where: str) -> str:
    if isinstance(value, str) and not value.isdigit():
        return _STATUS.get(value, "unset")
    return _STATUS.get(_integer(value or 0, where), "unset")
