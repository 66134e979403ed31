"""What the trace stores share: links and ids, times, and JSON that another program wrote. Hostile until read here."""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic_core import from_json, to_json

from bot.domain.base import Json
from bot.domain.span import MAX_NANOSECONDS, SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.errors import Refused
from bot.plugin import Fetched
from bot.recorder.otlp_values import BadSpan

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX_32 = re.compile(r"[0-9a-f]{32}")
_HEX_16 = re.compile(r"[0-9a-f]{16}")
_HEX_ID = re.compile(r"[0-9a-fA-F]{1,32}")
_HUGE = re.compile(rb"(?:^|[\[:,\s])-?\d[\d.]*[eE]\+?\d{2}|\d{300}")
"""A number that may be beyond the largest float: the JSON reader makes infinity of it without a word."""
_MAX_LINK = 8_000
_MAX_ID = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_DEPTH = 120
"""Deeper JSON is refused: no store writes it, and every later reader walks it."""


class Link(NamedTuple):
    """A link into a store: what of its path lies below the base, and its query as names and values in their order."""

    path: str
    query: tuple[tuple[str, str], ...]

    def value(self, *names: str) -> str | None:
        """The first value of a query parameter by one of these names."""
        return next((value for name, value in self.query if name in names and value), None)


def below(link: str, bases: Iterable[str]) -> Link | None:
    """The link as it lies below one of the bases; None where it does not: another host, port, scheme or folder."""
    parts = _split(link)
    if parts is None:
        return None
    for base in bases:
        under = _split(base)
        if under is None or _origin(under) != _origin(parts):
            continue
        folder = under.path.rstrip("/")
        if parts.path == folder or parts.path.startswith(f"{folder}/"):
            query = parse_qsl(parts.query, max_num_fields=None, errors="replace")
            return Link(unquote(parts.path[len(folder) :], errors="replace"), tuple(query[:100]))
    return None


def _split(link: str) -> SplitResult | None:
    if len(link) > _MAX_LINK:
        return None
    try:
        parts = urlsplit(link.strip())
        _ = parts.port  # a bad port is found out only here
    except ValueError:
        return None
    return None if parts.username is not None or ".." in unquote(parts.path).split("/") else parts


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)


def hex_ref(text: str | None, link: str) -> TraceRef | None:
    """The trace that an OpenTelemetry id means; a shorter one is padded on the left, as Jaeger writes 64-bit ids."""
    if text is None:
        return None
    found = text.strip().replace("-", "") if _UUID.fullmatch(text.strip()) else text.strip()
    if not _HEX_ID.fullmatch(found) or not found.strip("0"):
        return None
    return TraceRef(trace_id=found.lower().rjust(32, "0"), link=link)


def native_ref(text: str | None, link: str) -> TraceRef | None:
    """The trace that a store's own id means, which need not be hex."""
    found = (text or "").strip()
    if not found or len(found) > _MAX_ID or not found.isprintable() or "/" in found:
        return None
    return TraceRef(trace_id=trace_id_of(found), native=found, link=link)


def trace_id_of(native: str) -> str:
    """A store's own trace id as 32 hex digits: itself where it is hex or a UUID, else a digest of it."""
    return _id_of(native, _HEX_32, 32)


def span_id_of(native: str) -> str:
    """A store's own id of a step as 16 hex digits: itself where it is hex, else a digest of it.

    A UUID whose first half is zeros is a span id that was padded (LangSmith does so with OpenTelemetry's).
    """
    text = native.lower()
    if _UUID.fullmatch(text) and text.startswith("00000000-0000-0000-"):
        text = text.replace("-", "")[16:]
    return _id_of(text, _HEX_16, 16)


def _id_of(native: str, form: re.Pattern[str], digits: int) -> str:
    text = native.lower()
    if _UUID.fullmatch(text):
        text = text.replace("-", "")
    if form.fullmatch(text) and text.strip("0"):
        return text
    return hashlib.sha256(native.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


def uuid_of(trace_id: str) -> str:
    """32 hex digits as a UUID is written."""
    return "-".join((trace_id[:8], trace_id[8:12], trace_id[12:16], trace_id[16:20], trace_id[20:]))


def is_uuid(text: str) -> bool:
    """Whether it is a UUID with its hyphens."""
    return _UUID.fullmatch(text) is not None


def nanoseconds(value: Json) -> int:
    """A time as ISO 8601 text (without a zone it is UTC) in Unix nanoseconds; 0 for none and for what is none."""
    if not isinstance(value, str) or len(value) > 40:
        return 0
    try:
        read = datetime.fromisoformat(value)
        held = read.replace(tzinfo=UTC) if read.tzinfo is None else read
        found = (held - _EPOCH) // timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError):
        return 0
    return found if 0 < found <= MAX_NANOSECONDS else 0


def document(body: bytes, store: str) -> Any:
    """The JSON of an answer. Raises ``Refused`` where it is none or nests absurdly; numbers are finite afterwards."""
    try:
        read = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Refused(
            f"{store}'s answer is not JSON: {str(error)[:200]}.",
            field="body",
            next_step="Check the address of the store: it must be that of its API.",
        ) from None
    return held(read, store, mend=_HUGE.search(body) is not None)


def held(value: Any, store: str, *, mend: bool) -> Any:
    """The value; ``mend`` makes texts of the numbers that JSON cannot hold. Raises ``Refused`` when nested absurdly."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH:
            raise Refused(f"{store}'s answer is nested too deeply.", field="body", next_step="Record smaller values.")
        level = [inner for item in level for inner in _inside(item)]
    return _mended(value) if mend else value


def _inside(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return [inner for inner in item.values() if isinstance(inner, (dict, list))]
    return [inner for inner in item if isinstance(inner, (dict, list))] if isinstance(item, list) else []


def _mended(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _mended(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mended(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return hex(value)  # decimal digits of a very large number cost n squared, and Python refuses them
    return value


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects of a list; anything else of it is passed over."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def mapping(value: Any) -> dict[str, Any]:
    """An object, also one that was written as JSON text; else nothing."""
    if isinstance(value, str) and value[:1] == "{" and len(value) < 10_000_000:
        try:
            value = from_json(value, allow_inf_nan=False)
        except ValueError:
            return {}
        value = _mended(value)
    return value if isinstance(value, dict) else {}


def text(value: Any, limit: int = 1_000_000) -> str | None:
    """A text or a number as text; None for nothing, for an empty text and for anything nested."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value)[:limit] or None


def number(value: Any) -> Json:
    """A number, also one that was written as text; else the value as it is."""
    if isinstance(value, str) and len(value) < 40:
        try:
            read = from_json(value, allow_inf_nan=False)
        except ValueError:
            return value
        if isinstance(read, (int, float)) and not isinstance(read, bool) and math.isfinite(read):
            return read
    found: Json = value
    return found


def compact(value: Json) -> str:
    """JSON without blanks, for an attribute that conventions write as text."""
    return to_json(value, inf_nan_mode="null").decode()


def present(values: dict[str, Any]) -> dict[str, Json]:
    """Only what is there."""
    return {name: value for name, value in values.items() if value is not None}


def gathered(found: Iterable[SpanRecord | BadSpan], ref: TraceRef, *notes: str | None) -> Fetched:
    """The spans of the trace that was asked for, and in words what of the answer is lacking."""
    good: list[SpanRecord] = []
    bad: list[BadSpan] = []
    other = 0
    for item in found:
        if isinstance(item, BadSpan):
            bad.append(item)
        elif item.trace_id != ref.trace_id:
            other += 1
        else:
            good.append(item)
    told = [note for note in notes if note]
    if bad:
        told.append(f"{len(bad):,} of its spans could not be read, the first: {bad[0].field}: {bad[0].reason}"[:500])
    if other:
        told.append(f"{other:,} of its spans are of another trace and were left out")
    return Fetched(tuple(good), "; ".join(told) or None)
