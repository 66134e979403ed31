"""What the OTLP readers share: the two signals, the refusal of one span, hex ids, times, the making of a record."""

import math
import re
from dataclasses import dataclass

from pydantic import ValidationError

from bot.domain.span import MAX_NANOSECONDS, SpanRecord

_HEX = re.compile(r"[0-9a-f]+")
_REMOTE_KNOWN, _REMOTE = 0x100, 0x200  # opentelemetry/proto/trace/v1/trace.proto, SpanFlags


@dataclass(frozen=True, slots=True)
class BadSpan:
    """A span that was not taken: the field by its path in the export, and why."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Passed:
    """A record that is fine and not kept; ``why`` is a word for a metric."""

    why: str


@dataclass(frozen=True, slots=True)
class Signal:
    """One kind of OTLP export: ``name``, and what its three lists are called in OTLP/JSON.

    In protobuf all of them have the same field numbers.
    """

    name: str
    resources: str
    scopes: str
    items: str


TRACES = Signal("traces", "resourceSpans", "scopeSpans", "spans")
LOGS = Signal("logs", "resourceLogs", "scopeLogs", "logRecords")
SIGNALS = {signal.name: signal for signal in (TRACES, LOGS)}


class Unreadable(Exception):
    """Raised inside the readers for one bad value; carries the field's path."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def hex_id(value: object, digits: int, field: str) -> str:
    """An id as lower-case hex of exactly ``digits``. All zeros is invalid (W3C Trace Context)."""
    if not isinstance(value, str):
        raise Unreadable(field, f"must be a text of {digits} hex digits")
    text = value.lower()
    if len(text) != digits or not _HEX.fullmatch(text):
        hint = ""
        if value.endswith("=") or len(value) in {12, 22, 24}:
            hint = "; it looks like base64, as protobuf's own JSON writes it, but OTLP/JSON ids are hex"
        raise Unreadable(field, f"must be {digits} hex digits, not {value[:48]!r}{hint}")
    if not text.strip("0"):
        raise Unreadable(field, "must not be all zeros")
    return text


def parent_id(value: object, field: str) -> str | None:
    """A parent's id; absent, empty and all zeros mean that there is none."""
    return optional_id(value, 16, field)


def optional_id(value: object, digits: int, field: str) -> str | None:
    """An id that need not be there; absent, empty and all zeros mean that there is none."""
    if value is None or (isinstance(value, str) and not value.strip("0")):
        return None
    return hex_id(value, digits, field)


def nanoseconds(value: int, field: str) -> int:
    """A Unix time in nanoseconds that Python can hold."""
    if not 0 <= value <= MAX_NANOSECONDS:
        raise Unreadable(field, "is not a time between 1970 and 9999 in nanoseconds")
    return value


def finite(value: float, field: str) -> float:
    """A number that JSON can hold: NaN and the infinities are refused, they would poison every later reader."""
    if not math.isfinite(value):
        raise Unreadable(field, "is not a finite number")
    return value


def remote_parent(flags: int) -> bool | None:
    """What the flags say of the parent: remote or local; ``None`` when they say nothing."""
    return bool(flags & _REMOTE) if flags & _REMOTE_KNOWN else None


def record(fields: dict[str, object], where: str) -> SpanRecord | BadSpan:
    """A span record from read fields, or what is wrong with them."""
    try:
        return SpanRecord.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        return BadSpan(f"{where}.{path}", first["msg"])
