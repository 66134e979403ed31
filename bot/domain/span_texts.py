"""Cutting the texts of a span so that it takes less room. What was cut says so, in the text and in the span's marks."""

from bot.domain.base import Json
from bot.domain.span import SpanRecord

_LIST_CUT = 1_000


def shortened(span: SpanRecord, most: int, why: str) -> SpanRecord:
    """The span with texts over ``most`` characters cut, and lists over 1,000 items; ``why`` goes into its mark."""
    return span.model_copy(
        update={
            "attributes": {name: _cut(value, most) for name, value in span.attributes.items()},
            "events": tuple(
                event.model_copy(update={"attributes": {n: _cut(v, most) for n, v in event.attributes.items()}})
                for event in span.events[:_LIST_CUT]
            ),
            "resource": {name: _cut(value, most) for name, value in span.resource.items()},
            "name": cut_text(span.name, most),
            "status_message": cut_text(span.status_message, most),
            "scope": cut_text(span.scope, most),
            "marks": (*span.marks, f"texts over {most:,} characters were cut {why}"),
        }
    )


def cut_text(text: str, most: int) -> str:
    """The text, cut where it is over ``most`` characters."""
    return text if len(text) <= most else f"{text[:most]}… [{len(text) - most:,} more characters were not stored]"


def _cut(value: Json, most: int) -> Json:
    if isinstance(value, str):
        return cut_text(value, most)
    if isinstance(value, dict):
        return {name: _cut(held, most) for name, held in list(value.items())[:_LIST_CUT]}
    if isinstance(value, list):
        return [_cut(item, most) for item in value[:_LIST_CUT]]
    return value
