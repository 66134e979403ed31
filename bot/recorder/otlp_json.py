"""OTLP/JSON, traces and logs, to span records, by the specification (OTLP, *JSON Protobuf Encoding*).

Ids are hex (not base64), enums are integers (names are taken too), 64-bit integers are strings (numbers are taken too),
unknown fields are ignored. Hand-read, since protobuf's ``json_format`` reads hex ids as base64 without an error.
"""

from collections.abc import Iterator
from typing import Any

from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.recorder.json_pieces import Outline, outline
from bot.recorder.limits import Limits
from bot.recorder.otlp_json_values import any_value, attributes_of, integer, object_in, objects_in, text_in, time_in
from bot.recorder.otlp_logs import log_record
from bot.recorder.otlp_values import (
    TRACES,
    BadSpan,
    Passed,
    Signal,
    Unreadable,
    hex_id,
    optional_id,
    parent_id,
    record,
    remote_parent,
)

_STATUS = {0: "unset", 1: "ok", 2: "error", "STATUS_CODE_OK": "ok", "STATUS_CODE_ERROR": "error"}
_KIND = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}


def read_json(body: bytes, limits: Limits, signal: Signal = TRACES) -> Iterator[SpanRecord | BadSpan | Passed]:
    """Each span or log record of the export, or why it was not taken.

    Raises ``Refused`` when the body is no such export.
    """
    try:
        found = outline(body, signal.items)
    except ValueError as error:
        raise Refused(f"The body is not JSON: {error}.", field="body", next_step="Send OTLP/JSON in UTF-8.") from None
    document, name = found.document, signal.resources
    if not isinstance(document, dict):
        raise Refused("The body must be a JSON object.", field="body", next_step=f'Send {{"{name}": [...]}}.')
    if document and name not in document:  # unknown fields are ignored, but nothing else is no export
        raise Refused(f"The body has no {name}.", field=name, next_step=f"Send an OTLP export of {signal.name}.")
    try:
        yield from _items(found, limits, signal)
    except Unreadable as error:
        raise Refused(
            f"{error.field} {error.reason}.", field=error.field, next_step="Nothing of this export was taken."
        ) from None


def _items(found: Outline, limits: Limits, signal: Signal) -> Iterator[SpanRecord | BadSpan | Passed]:
    read = _span if signal is TRACES else _log
    make = record if signal is TRACES else log_record
    for r, group in enumerate(objects_in(found.document, signal.resources, "")):
        at_resource = f"{signal.resources}[{r}]"
        resource = attributes_of(object_in(group, "resource", at_resource), f"{at_resource}.resource", limits)
        for s, scoped in enumerate(objects_in(group, signal.scopes, at_resource)):
            at_scope = f"{at_resource}.{signal.scopes}[{s}]"
            scope = object_in(scoped, "scope", at_scope)
            shared = {
                "resource": resource,
                "scope": text_in(scope, "name", at_scope),
                "scope_version": text_in(scope, "version", at_scope),
            }
            items = scoped.get(signal.items)
            if items is None:
                continue
            if not isinstance(items, list):
                raise Unreadable(f"{at_scope}.{signal.items}", "must be a list")
            for i, place in enumerate(items):
                where = f"{at_scope}.{signal.items}[{i}]"
                try:
                    yield make({**read(_element(found, place, where), where, limits), **shared}, where)
                except Unreadable as error:
                    yield BadSpan(error.field, error.reason)


def _element(found: Outline, place: Any, where: str) -> dict[str, Any]:
    try:
        item = found.element(place)
    except ValueError as error:
        raise Refused(
            f"The body is not JSON: {error} in {where}.", field="body", next_step="Send OTLP/JSON in UTF-8."
        ) from None
    if not isinstance(item, dict):
        raise Unreadable(where, "must be an object")
    return item


def _log(log: dict[str, Any], where: str, limits: Limits) -> dict[str, object]:
    return {
        "trace_id": optional_id(log.get("traceId"), 32, f"{where}.traceId"),
        "parent_id": optional_id(log.get("spanId"), 16, f"{where}.spanId"),
        "name": text_in(log, "eventName", where),
        "time": time_in(log, "timeUnixNano", where) or time_in(log, "observedTimeUnixNano", where),
        "attributes": attributes_of(log, where, limits),
        "body": any_value(log.get("body"), f"{where}.body", limits.depth),
    }


def _span(span: dict[str, Any], where: str, limits: Limits) -> dict[str, object]:
    status = object_in(span, "status", where)
    events = objects_in(span, "events", where)
    return {
        "trace_id": hex_id(span.get("traceId"), 32, f"{where}.traceId"),
        "span_id": hex_id(span.get("spanId"), 16, f"{where}.spanId"),
        "parent_id": parent_id(span.get("parentSpanId"), f"{where}.parentSpanId"),
        "name": text_in(span, "name", where),
        "kind": _kind(span.get("kind"), f"{where}.kind"),
        "start_ns": time_in(span, "startTimeUnixNano", where),
        "end_ns": time_in(span, "endTimeUnixNano", where),
        "status": _status(status.get("code"), f"{where}.status.code"),
        "status_message": text_in(status, "message", f"{where}.status"),
        "remote_parent": remote_parent(integer(span.get("flags") or 0, f"{where}.flags")),
        "attributes": attributes_of(span, where, limits),
        "events": [
            {
                "name": text_in(event, "name", f"{where}.events[{i}]"),
                "at_ns": time_in(event, "timeUnixNano", f"{where}.events[{i}]"),
                "attributes": attributes_of(event, f"{where}.events[{i}]", limits),
            }
            for i, event in enumerate(events[: limits.events])
        ],
        "marks": [f"{len(events) - limits.events} events over the cap were dropped"]
        if len(events) > limits.events
        else (),
    }


def _kind(value: Any, where: str) -> int:
    if isinstance(value, str) and value in _KIND:
        return _KIND[value]
    number = integer(value or 0, where)
    return number if 0 <= number < len(_KIND) else 0  # enums are open: a newer kind is no reason to lose the span


def _status(value: Any, where: str) -> str:
    if isinstance(value, str) and not value.isdigit():
        return _STATUS.get(value, "unset")
    return _STATUS.get(integer(value or 0, where), "unset")
