"""OTLP in binary protobuf, traces and logs, to span records (``opentelemetry.proto.collector.{trace,logs}.v1``)."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bot.domain.base import Json
from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.recorder.limits import Limits
from bot.recorder.otlp_logs import log_record
from bot.recorder.otlp_values import (
    TRACES,
    BadSpan,
    Passed,
    Signal,
    Unreadable,
    finite,
    hex_id,
    nanoseconds,
    optional_id,
    parent_id,
    record,
    remote_parent,
)
from bot.recorder.protobuf_pieces import Torn, fields

_LIST = 1
"""Export*ServiceRequest: the list of resources with what they sent."""
_OWN, _ITEMS = 1, 2
"""Resource{Spans,Logs} and Scope{Spans,Logs}: the resource or scope itself, and the list below it."""
_STATUS = {0: "unset", 1: "ok", 2: "error"}


def read_protobuf(body: bytes, limits: Limits, signal: Signal = TRACES) -> Iterator[SpanRecord | BadSpan | Passed]:
    """Each span or log record of the export, or why it was not taken.

    Raises ``Refused`` when the body is no such message.
    """
    try:
        yield from _items(body, limits, signal)
    except (DecodeError, Torn) as error:
        raise Refused(
            f"The body is not an OTLP export in protobuf: {error}.",
            field="body",
            next_step="Check the content type; OTLP/JSON is application/json.",
        ) from None
    except Unreadable as error:
        raise Refused(
            f"{error.field} {error.reason}.", field=error.field, next_step="Nothing of this export was taken."
        ) from None


def _items(body: bytes, limits: Limits, signal: Signal) -> Iterator[SpanRecord | BadSpan | Passed]:
    """One item at a time: the whole message as objects would be several times the body."""
    groups = (group for number, group in fields(memoryview(body)) if number == _LIST)
    for r, group in enumerate(groups):
        at_resource = f"{signal.resources}[{r}]"
        resource = Resource.FromString(_own(group))
        held = _attributes(resource.attributes, f"{at_resource}.resource", limits)
        scopes = (scoped for number, scoped in fields(group) if number == _ITEMS)
        for s, scoped in enumerate(scopes):
            scope = InstrumentationScope.FromString(_own(scoped))
            shared = {"resource": held, "scope": scope.name, "scope_version": scope.version}
            items = (item for number, item in fields(scoped) if number == _ITEMS)
            for i, item in enumerate(items):
                yield _item(item, f"{at_resource}.{signal.scopes}[{s}].{signal.items}[{i}]", shared, limits, signal)


def _own(message: memoryview) -> bytes:
    """The message's own description (resource or scope), in as many pieces as it was written: protobuf merges them."""
    return b"".join(held for number, held in fields(message) if number == _OWN)


def _item(
    item: memoryview, where: str, shared: dict[str, object], limits: Limits, signal: Signal
) -> SpanRecord | BadSpan | Passed:
    try:
        if signal is TRACES:
            return record({**_span(Span.FromString(bytes(item)), where, limits), **shared}, where)
        return log_record({**_log(LogRecord.FromString(bytes(item)), where, limits), **shared}, where)
    except DecodeError as error:
        return BadSpan(where, f"is not what protobuf reads: {error}")
    except Unreadable as error:
        return BadSpan(error.field, error.reason)


def _log(log: Any, where: str, limits: Limits) -> dict[str, object]:
    return {
        "trace_id": optional_id(log.trace_id.hex(), 32, f"{where}.traceId"),
        "parent_id": optional_id(log.span_id.hex(), 16, f"{where}.spanId"),
        "name": log.event_name,
        "time": nanoseconds(log.time_unix_nano or log.observed_time_unix_nano, f"{where}.timeUnixNano"),
        "attributes": _attributes(log.attributes, where, limits),
        "body": _any(log.body, where, "body", limits.depth),
    }


def _span(span: Any, where: str, limits: Limits) -> dict[str, object]:
    return {
        "trace_id": hex_id(span.trace_id.hex(), 32, f"{where}.traceId"),
        "span_id": hex_id(span.span_id.hex(), 16, f"{where}.spanId"),
        "parent_id": parent_id(span.parent_span_id.hex(), f"{where}.parentSpanId"),
        "name": span.name,
        "kind": span.kind if 0 <= span.kind <= 5 else 0,
        "start_ns": nanoseconds(span.start_time_unix_nano, f"{where}.startTimeUnixNano"),
        "end_ns": nanoseconds(span.end_time_unix_nano, f"{where}.endTimeUnixNano"),
        "status": _STATUS.get(span.status.code, "unset"),
        "status_message": span.status.message,
        "remote_parent": remote_parent(span.flags),
        "attributes": _attributes(span.attributes, where, limits),
        "events": [
            {
                "name": event.name,
                "at_ns": nanoseconds(event.time_unix_nano, f"{where}.events[{i}].timeUnixNano"),
                "attributes": _attributes(event.attributes, f"{where}.events[{i}]", limits),
            }
            for i, event in enumerate(span.events[: limits.events])
        ],
        "marks": [f"{len(span.events) - limits.events} events over the cap were dropped"]
        if len(span.events) > limits.events
        else (),
    }


def _attributes(items: Sequence[Any], where: str, limits: Limits) -> dict[str, Json]:
    if len(items) > limits.attributes:
        raise Unreadable(f"{where}.attributes", f"has more than {limits.attributes:,} attributes")
    return {item.key: _any(item.value, where, item.key, limits.depth) for item in items}


def _any(value: Any, where: str, key: str, depth: int) -> Json:
    kind = value.WhichOneof("value")
    if kind in {"string_value", "bool_value", "int_value"}:
        plain: Json = getattr(value, kind)
        return plain
    if kind == "double_value":
        return finite(value.double_value, f"{where}.attributes[{key[:80]}]")
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return _nested(value, where, key, depth - 1)


def _nested(value: Any, where: str, key: str, depth: int) -> Json:
    """A list or a map; an empty value is null (SDKs write None so), as is one of a kind that we do not know."""
    if depth < 0:
        raise Unreadable(f"{where}.attributes[{key[:80]}]", "is nested too deeply")
    if value.HasField("array_value"):
        return [_any(item, where, key, depth) for item in value.array_value.values]
    if value.HasField("kvlist_value"):
        return {item.key: _any(item.value, where, key, depth) for item in value.kvlist_value.values}
    return None
