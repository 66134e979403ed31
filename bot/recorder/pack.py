"""From a request body to spans that may be stored: parsed, redacted, cut to what one stored value holds.

This is the whole CPU work of the receiver, in one function that runs in a worker (``offload``).
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.base import Json
from bot.domain.span import PackedSpan, SpanEvent, SpanRecord
from bot.recorder.limits import Limits
from bot.recorder.normalise import agent_of, service_of
from bot.recorder.otlp import Export, parse_export
from bot.recorder.redact import Redactor

_TEXT_CUTS = (200_000, 50_000, 10_000, 2_000, 200)
_LIST_CUT = 1_000


@dataclass(frozen=True, slots=True)
class PackedExport:
    """What a request held, ready for the store; ``rejected`` and ``reason`` are OTLP's ``partial_success``."""

    spans: tuple[PackedSpan, ...]
    rejected: int = 0
    reason: str = ""


def read_body(body: bytes, content_type: str, encoding: str, redactor: Redactor, limits: Limits) -> Export:
    """An export with every span redacted and small enough to store. Raises as ``parse_export``."""
    export = parse_export(body, content_type, encoding, limits)
    clean = Cleaner(redactor)
    return export.model_copy(update={"spans": tuple(fit(clean.span(span), limits) for span in export.spans)})


def pack(spans: tuple[SpanRecord, ...]) -> Iterator[PackedSpan]:
    """The spans as the store takes them."""
    for span in spans:
        yield PackedSpan(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_id=span.parent_id,
            agent=agent_of(span),
            service=service_of(span),
            data=span.to_bytes(),
        )


class Cleaner:
    """Redacts spans; the resource, which all spans of a batch share, once."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._resource: tuple[dict[str, Json], dict[str, Json]] = ({}, {})

    def span(self, span: SpanRecord) -> SpanRecord:
        """The span without secrets, with a mark for each that was taken out."""
        held: dict[str, Json] = {
            "name": span.name,
            "status_message": span.status_message,
            "attributes": span.attributes,
            "events": [{"name": event.name, "attributes": event.attributes} for event in span.events],
        }
        cleaned, marks = self._redactor.marked_value(held)
        if span.resource != self._resource[0]:
            self._resource = (span.resource, self._redactor.value(span.resource))
        changes: dict[str, object] = {}
        if self._resource[0] != self._resource[1]:
            changes["resource"] = self._resource[1]
        if marks:
            changes |= {name: cleaned[name] for name in ("name", "status_message", "attributes")}
            changes["events"] = tuple(
                SpanEvent(name=event["name"], at_ns=old.at_ns, attributes=event["attributes"])
                for event, old in zip(cleaned["events"], span.events, strict=True)
            )
        return span.model_copy(update=changes) if changes else span


def fit(span: SpanRecord, limits: Limits) -> SpanRecord:
    """The span, with long texts cut and a mark where it would not fit one stored value."""
    if _fits(span, limits):
        return span
    for most in _TEXT_CUTS:
        cut = span.model_copy(
            update={
                "attributes": {name: _cut(value, most) for name, value in span.attributes.items()},
                "events": tuple(
                    event.model_copy(update={"attributes": {n: _cut(v, most) for n, v in event.attributes.items()}})
                    for event in span.events[:_LIST_CUT]
                ),
                "resource": {name: _cut(value, most) for name, value in span.resource.items()},
                "name": _text(span.name, most),
                "status_message": _text(span.status_message, most),
                "scope": _text(span.scope, most),
                "marks": (*span.marks, f"texts over {most:,} characters were cut to fit the store"),
            }
        )
        if _fits(cut, limits):
            return cut
    return span.model_copy(
        update={
            "attributes": {},
            "events": (),
            "resource": {},
            "name": _text(span.name, 200),
            "status_message": _text(span.status_message, 200),
            "scope": _text(span.scope, 200),
            "scope_version": _text(span.scope_version, 200),
            "marks": (*span.marks, "all attributes were dropped: the span did not fit the store"),
        }
    )


def _fits(span: SpanRecord, limits: Limits) -> bool:
    raw = span.to_bytes()
    return len(raw) <= limits.stored or len(zlib.compress(raw, 1)) <= limits.stored


def _cut(value: Json, most: int) -> Json:
    if isinstance(value, str):
        return _text(value, most)
    if isinstance(value, dict):
        return {name: _cut(held, most) for name, held in list(value.items())[:_LIST_CUT]}
    if isinstance(value, list):
        return [_cut(item, most) for item in value[:_LIST_CUT]]
    return value


def _text(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… [{len(text) - most:,} more characters were not stored]"
