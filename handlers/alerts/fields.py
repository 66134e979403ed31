"""Reading the fields of foreign alerts: texts cut to size, times, trace ids. Nothing here raises on odd input.

Whatever a payload says, an alert is made of it if a person could make sense of one: an odd page beats a lost one.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import to_json

from bot.domain.alert import MAX_LABEL_CHARS, MAX_LABELS, MAX_SUMMARY_CHARS
from bot.domain.base import Json
from bot.domain.safe_pattern import check_pattern
from bot.errors import Refused

MOST_ALERTS = 10_000
"""More in one body are refused: storing them would outlast the sender's patience."""

_TRACE_ID = re.compile(r"(?<![0-9a-fA-F])([0-9a-fA-F]{32})(?![0-9a-fA-F])")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_NO_TRACE = "0" * 32
_MOST_LINKS = 64
_KEPT_LINKS = 8
_MOST_LINK_CHARS = 2000
_SEARCHED_CHARS = 1000
"""A configured pattern sees no more of a link: it is tame (``check_pattern``), but each character costs."""


def _tame(value: str) -> str:
    check_pattern("trace_url_pattern", value)
    if not {"trace_id"} >= re.compile(value).groupindex.keys():
        message = "may have one named group only: (?P<trace_id>...)"
        raise ValueError(message)
    return value


TracePattern = Annotated[str, AfterValidator(_tame)]
"""A configured regular expression that finds a trace id in a link, in its group ``trace_id`` or as a whole."""


class SourceOptions(BaseModel):
    """What every source's options can say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trace_url_pattern: TracePattern | None = None

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """The compiled pattern (``re`` keeps it)."""
        return re.compile(self.trace_url_pattern) if self.trace_url_pattern else None


def text(value: Json, limit: int = MAX_SUMMARY_CHARS) -> str:
    """A scalar as text, cut at ``limit`` characters with an ellipsis; anything else is empty."""
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return ""
    try:
        plain = str(value).replace("\x00", "").strip()
    except ValueError:  # an integer of more than 4,300 digits
        return ""
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def first(*values: Json, limit: int = MAX_SUMMARY_CHARS) -> str:
    """The first value that is a text with something in it, or an empty one."""
    return next((found for value in values if (found := text(value, limit))), "")


def labels(value: Json) -> dict[str, str]:
    """The labels of an alert, the first 64 by name, each cut to size."""
    if not isinstance(value, dict):
        return {}
    named = ((text(key, 128), value[key]) for key in sorted(value)[:MAX_LABELS])
    return {key: text(held, MAX_LABEL_CHARS) for key, held in named if key}


def items(value: Json, where: str, next_step: str) -> list[Json]:
    """The alerts of a body. Raises Refused when this is no list with an alert in it, or one that is too long."""
    if not isinstance(value, list) or not value:
        message = f"{where} must be a list with at least one alert."
        raise Refused(message, field=where, next_step=next_step)
    if len(value) > MOST_ALERTS:
        message = f"{where} holds {len(value):,} alerts, more than the {MOST_ALERTS:,} that one body may."
        raise Refused(message, field=where, next_step="Send fewer at a time.")
    return value


def fingerprint(value: Json, otherwise: Mapping[str, Json]) -> str:
    """What stays the same for one alert; where the sender tells nothing, a digest of what it tells of the alert."""
    own = text(value, 100_000)
    if not own:
        return digest(otherwise)
    return own if len(own) <= 256 else digest({"fingerprint": own})


def digest(told: Mapping[str, Json]) -> str:
    """16 hex digits: the same names and values give the same ones, in whatever order they come."""
    canonical = to_json(sorted(told.items(), key=lambda pair: pair[0]), inf_nan_mode="strings")
    return hashlib.sha256(canonical).hexdigest()[:16]


def moment(value: Json) -> datetime | None:
    """An RFC 3339 time or a Unix time in seconds, milliseconds or nanoseconds; None for none, zero times and nonsense.

    Alertmanager's ``0001-01-01T00:00:00Z`` means "not yet" and gives None.
    """
    found: datetime | None = None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = float(value)
            if not math.isfinite(seconds):
                return None
            while seconds > 1e11:  # seconds stay below this until the year 5138
                seconds /= 1000
            found = datetime.fromtimestamp(seconds, UTC)
        elif isinstance(value, str) and value:
            trimmed = re.sub(r"(\.\d{6})\d+", r"\1", value.strip()[:64])
            found = datetime.fromisoformat(trimmed)
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found is not None and found >= _EARLIEST else None


def trace_id(exact: Json, links: Iterable[tuple[str, Json]], pattern: re.Pattern[str] | None = None) -> str | None:
    """The trace id that an alert names: its own field (which may be a link itself), else one inside its links.

    ``links`` are names and values. Without a pattern a link counts only when its name or itself says "trace": other
    links, such as a runbook's, may hold 32 hex digits that are none. An id is 32 hex digits (W3C Trace Context), 16
    (then padded on the left, as it says), or a UUID.
    """
    own = text(exact, _MOST_LINK_CHARS)
    if (found := _as_id(own)) is not None:
        return found
    candidates: list[tuple[str, Json]] = [("trace", own)]
    for pair in links:
        if len(candidates) > _MOST_LINKS:
            break
        if isinstance(pair[1], str) and "/" in pair[1]:
            candidates.append(pair)
    for name, value in candidates:
        link_text = text(value, _MOST_LINK_CHARS)
        match = pattern.search(link_text[:_SEARCHED_CHARS]) if pattern is not None else None
        if match is not None and (found := _as_id(match.groupdict().get("trace_id") or match.group(0))) is not None:
            return found
        if "trace" in name.lower() or "trace" in link_text.lower():
            plain = _TRACE_ID.search(link_text)
            if plain is not None and (found := _as_id(plain.group(1))) is not None:
                return found
    return None


def _as_id(value: str) -> str | None:
    plain = (
        value.replace("-", "") if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value) else value
    )
    if not re.fullmatch(r"[0-9a-fA-F]{16}|[0-9a-fA-F]{32}", plain):
        return None
    found = plain.lower().rjust(32, "0")
    return None if found == _NO_TRACE else found


def link(value: Json) -> str | None:
    """A web address to show, never to fetch: only http and https, at most 2,000 characters."""
    plain = text(value, 4000)
    return plain if len(plain) <= _MOST_LINK_CHARS and re.fullmatch(r"https?://\S+", plain) else None


def links(values: Iterable[Json]) -> tuple[str, ...]:
    """The web addresses among these values, the first of them: one may lead to the run in a trace store."""
    found = (link(value) for value in values if isinstance(value, str) and value.startswith("http"))
    return tuple(islice(dict.fromkeys(one for one in found if one is not None), _KEPT_LINKS))


def dotted(payload: Json, path: str) -> Json:
    """The value at a dotted path (``labels.agent``, ``items.0.id``), None where there is none; no path is the whole.

    A name that itself has dots is found too: ``labels.k8s.pod`` reads ``{"labels": {"k8s.pod": ...}}``.
    """
    if not path:
        return payload
    if isinstance(payload, Mapping):
        if path in payload:
            return payload[path]
        name, _, rest = path.partition(".")
        return dotted(payload[name], rest) if rest and name in payload else None
    if isinstance(payload, list):
        name, _, rest = path.partition(".")
        if name.isascii() and name.isdecimal() and len(name) < 10 and int(name) < len(payload):
            return dotted(payload[int(name)], rest)
    return None


def fault(error: Any) -> Refused:
    """A pydantic ValidationError as the refusal of one alert, without the input in it."""
    detail = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return Refused(detail["msg"], field=".".join(map(str, detail["loc"])))
