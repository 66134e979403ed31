"""From a request body to spans that may be stored: parsed, redacted, cut to what one stored value holds.

This is the whole CPU work of the receiver; it runs in a thread or in a process of its own (``offload``), one span at a
time, so that a large body is never several times as large in objects.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic_core import to_json

from bot.domain.base import Json
from bot.domain.run import StepKind
from bot.domain.span import PackedSpan, Rank, SpanEvent, SpanRecord
from bot.domain.span_texts import cut_text, shortened
from bot.plugin.dialects import Dialect
from bot.recorder.dialects import BUILT_IN
from bot.recorder.lenient import deeper
from bot.recorder.limits import Limits
from bot.recorder.logs import is_log
from bot.recorder.normalise import service_of
from bot.recorder.otlp import Export, Items
from bot.recorder.otlp_values import TRACES, Signal
from bot.recorder.redact import Redactor
from bot.recorder.span_view import SpanView
from bot.recorder.vocabulary import for_single_spans

_TEXT_CUTS = (200_000, 50_000, 10_000, 2_000, 200)
_LEVELS = 64
"""Of one value: JSON readers stop at 200, and a run holds values within values and JSON within texts."""
_GENAI = "gen_ai."
_FIRST = frozenset([StepKind.TOOL, StepKind.AGENT, StepKind.HANDOFF, StepKind.GUARDRAIL])


@dataclass(frozen=True, slots=True)
class PackedExport:
    """What a request held, ready for the store; ``rejected`` and ``reason`` are OTLP's ``partial_success``.

    ``passed`` counts by a word why log records were passed over that belong to no run.
    """

    spans: tuple[PackedSpan, ...]
    rejected: int = 0
    reason: str = ""
    passed: Mapping[str, int] = field(default_factory=dict)


def read_body(
    body: bytes, content_type: str, encoding: str, redactor: Redactor, limits: Limits, signal: Signal = TRACES
) -> Export:
    """An export with every span redacted and small enough to store. Raises as ``parse_export``."""
    items = Items(body, content_type, encoding, limits, signal)
    spans = tuple(cleaned(items, redactor, limits))
    return Export(spans=spans, rejected=items.rejected, reason=items.reason)


def cleaned(spans: Iterable[SpanRecord], redactor: Redactor, limits: Limits) -> Iterator[SpanRecord]:
    """The spans redacted and small enough to store, one at a time."""
    clean = Cleaner(redactor)
    return (fit(clean.span(span), limits) for span in spans)


def pack(spans: Iterable[SpanRecord], dialects: tuple[Dialect, ...] = BUILT_IN) -> Iterator[PackedSpan]:
    """The spans as the store takes them. ``dialects`` tell agents, tools and models from other steps."""
    vocabulary = for_single_spans(dialects)
    for span in spans:
        view = SpanView(span, vocabulary)
        yield PackedSpan(
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_id=span.parent_id,
            agent=view.agent,
            service=service_of(span),
            packed=zlib.compress(span.to_bytes(), 1),
            rank=_rank(span, view.kind),
        )


def _rank(span: SpanRecord, kind: StepKind) -> Rank:
    if is_log(span):
        return Rank.MODEL if span.name.startswith(_GENAI) else Rank.OTHER
    if span.parent_id is None or kind in _FIRST:
        return Rank.FIRST
    return Rank.MODEL if kind is StepKind.MODEL else Rank.OTHER


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
            "scope": span.scope,
            "scope_version": span.scope_version,
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
            changes |= {name: cleaned[name] for name in held if name != "events"}
            changes["events"] = tuple(
                SpanEvent(name=event["name"], at_ns=old.at_ns, attributes=event["attributes"])
                for event, old in zip(cleaned["events"], span.events, strict=True)
            )
        return span.model_copy(update=changes) if changes else span


def fit(span: SpanRecord, limits: Limits) -> SpanRecord:
    """The span, with long texts cut and a mark where it would not fit one stored value; deep nesting becomes text."""
    raw = span.to_bytes()
    if raw.count(b"[") + raw.count(b"{") > _LEVELS:
        span = _shallow(span)
        raw = span.to_bytes()
    if _holds(raw, limits):
        return span
    for most in _TEXT_CUTS:
        cut = shortened(span, most, "to fit the store")
        if _fits(cut, limits):
            return cut
    return span.model_copy(
        update={
            "attributes": {},
            "events": (),
            "resource": {},
            "name": cut_text(span.name, 200),
            "status_message": cut_text(span.status_message, 200),
            "scope": cut_text(span.scope, 200),
            "scope_version": cut_text(span.scope_version, 200),
            "marks": (*span.marks, "all attributes were dropped: the span did not fit the store"),
        }
    )


def _fits(span: SpanRecord, limits: Limits) -> bool:
    return _holds(span.to_bytes(), limits)


def _holds(raw: bytes, limits: Limits) -> bool:
    return len(raw) <= limits.stored or len(zlib.compress(raw, 1)) <= limits.stored


def _shallow(span: SpanRecord) -> SpanRecord:
    """The span with every value that nests over 64 levels as JSON text. What does not is not copied."""
    changes: dict[str, object] = {}
    for name, held in (("attributes", span.attributes), ("resource", span.resource)):
        if deeper(held, _LEVELS):
            changes[name] = _texts(held)
    if any(deeper(event.attributes, _LEVELS) for event in span.events):
        changes["events"] = tuple(
            event.model_copy(update={"attributes": _texts(event.attributes)}) for event in span.events
        )
    return span.model_copy(update=changes) if changes else span


def _texts(held: Mapping[str, Json]) -> dict[str, Json]:
    return {name: to_json(value).decode() if deeper(value, _LEVELS) else value for name, value in held.items()}
