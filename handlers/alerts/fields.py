"""Reading the fields of foreign alerts: texts cut to size, times, trace ids. Nothing here raises on odd input."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from bot.domain.alert import MAX_LABEL_CHARS, MAX_LABELS, MAX_SUMMARY_CHARS
from bot.domain.base import Json

TRACE_ID = re.compile(r"(?<![0-9a-fA-F])([0-9a-fA-F]{32})(?![0-9a-fA-F])")
"""A W3C trace id anywhere in a text, such as the link to a trace."""

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def text(value: Json, limit: int = MAX_SUMMARY_CHARS) -> str:
    """A scalar as text, cut at ``limit`` characters with an ellipsis; anything else is empty."""
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return ""
    try:
        plain = str(value).replace("\x00", "").strip()
    except ValueError:  # an integer of more than 4,300 digits
        return ""
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def labels(value: Json) -> dict[str, str]:
    """The labels of an alert, the first 64 by name, each cut to size."""
    if not isinstance(value, dict):
        return {}
    kept = sorted(value)[:MAX_LABELS]
    return {text(k, 128): text(value[k], MAX_LABEL_CHARS) for k in kept if text(k, 128)}


def moment(value: Json) -> datetime | None:
    """An RFC 3339 time or a Unix time in seconds, milliseconds or nanoseconds; None for none, zero times and nonsense.

    Alertmanager's ``0001-01-01T00:00:00Z`` means "not yet" and gives None.
    """
    found: datetime | None = None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = float(value)
            while seconds > 1e11:  # seconds stay below this until the year 5138
                seconds /= 1000
            found = datetime.fromtimestamp(seconds, UTC)
        elif isinstance(value, str) and value:
            trimmed = re.sub(r"(\.\d{6})\d+", r"\1", value.strip())
            found = datetime.fromisoformat(trimmed)
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found is not None and found >= _EARLIEST else None


def trace_id(exact: Json, links: Iterable[Json], pattern: re.Pattern[str] | None = None) -> str | None:
    """The trace id that an alert names: its own field, else one inside its links.

    ``exact`` may itself be a link. Ids of 16 digits (64-bit, Zipkin's short form) are padded with zeros on the left, as
    W3C Trace Context says. ``pattern`` may have a group ``trace_id``.
    """
    own = text(exact, 2000)
    if re.fullmatch(r"[0-9a-fA-F]{32}", own):
        return own.lower()
    if re.fullmatch(r"[0-9a-fA-F]{16}", own):
        return own.lower().rjust(32, "0")
    if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", own):
        return own.replace("-", "").lower()
    for link in (own, *(text(item, 2000) for item in links)):
        match = pattern.search(link) if pattern is not None else None
        if match is not None:
            found = match.groupdict().get("trace_id") or match.group(0)
            if re.fullmatch(r"[0-9a-fA-F]{32}", found):
                return found.lower()
        plain = TRACE_ID.search(link) if "/" in link else None
        if plain is not None:
            return plain.group(1).lower()
    return None


def link(value: Json) -> str | None:
    """A web address to show, never to fetch: only http and https, at most 2,000 characters."""
    plain = text(value, 4000)
    return plain if len(plain) <= 2000 and re.match(r"https?://\S+$", plain) else None


def first(*values: Json) -> str:
    """The first value that is a text, or an empty one."""
    return next((found for value in values if (found := text(value))), "")


def dotted(payload: Json, path: str) -> Json:
    """The value at a dotted path (``labels.agent``, ``items.0.id``), None where there is none; no path is the whole."""
    found = payload
    for part in path.split(".") if path else ():
        if isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def digest(labels: Mapping[str, str]) -> str:
    """A fingerprint for an alert that brings none: the same labels give the same one."""
    canonical = "\x00".join(f"{key}\x01{labels[key]}" for key in sorted(labels))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:16]
