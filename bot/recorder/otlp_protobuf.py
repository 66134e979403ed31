"""OTLP in binary protobuf to span records (``opentelemetry.proto.collector.trace.v1``)."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

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

_STATUS = {0: "unset", 1: "ok", 2: "error"}


def read_protobuf(body: bytes, limits: Limits) -> Iterator[SpanRecord | BadSpan]:
    """Each span of the export, or why it was not taken. Raises ``Refused`` when the body is no such message."""
    try:
        export = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise Refused(
            f"The body is not an OTLP export in protobuf: {error}.",
            field="body",
            next_step="Check the content type; OTLP/JSON is application/json.",
        ) from None
    try:
        yield from _spans(export, limits)
    except Unreadable as error:
        raise Refused(
            f"{error.field} {error.reason}.", field=error.field, next_step="Nothing of this export was taken."
        ) from None


def _spans(export: Any, limits: Limits) -> Iterator[SpanRecord | BadSpan]:
    for r, group in enumerate(export.resource_spans):
        resource = _attributes(group.resource.attributes, f"resourceSpans[{r}].resource", limits)
        for s, scoped in enumerate(group.scope_spans):
            shared = {"resource": resource, "scope": scoped.scope.name, "scope_version": scoped.scope.version}
            for i, span in enumerate(scoped.spans):
                where = f"resourceSpans[{r}].scopeSpans[{s}].spans[{i}]"
                try:
                    yield record({**_span(span, where, limits), **shared}, where)
                except Unreadable as error:
                    yield BadSpan(error.field, error.reason)


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
