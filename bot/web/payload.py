"""From the raw bytes of an alert body to redacted alerts: inflate, read as JSON, take secrets out, parse.

Redaction comes before the parser, since the parser cuts texts to size: half a secret is none that a pattern knows.
"""

import hashlib
import re
from collections.abc import Callable

from pydantic_core import from_json

from bot.domain.alert import Alert
from bot.domain.base import Json
from bot.errors import Refused
from bot.plugin import ParsedAlerts
from bot.recorder.limits import Limits
from bot.recorder.otlp import inflate
from bot.recorder.redact import Redactor

_BOM = b"\xef\xbb\xbf"
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)")
_LONE_CHARS = 6  # a pair of surrogates has twelve, every other escape two

Parse = Callable[[Json], ParsedAlerts]


def read_alerts(body: bytes, encoding: str, limits: Limits, redactor: Redactor, parse: Parse) -> ParsedAlerts:
    """The alerts of a body without their secrets. Raises Refused (TooLarge, UnsupportedMedia) when there is none.

    Costs time in proportion to the body: call it off the event loop for a large one.
    """
    payload = _json(inflate(body, encoding, limits))
    clean, marks = redactor.marked_value(payload)
    parsed = parse(clean)
    if not marks:
        return parsed
    # A secret in what tells alerts apart must not make two of them one: the digest of the original tells them apart.
    original = parse(payload).alerts
    if len(original) != len(parsed.alerts):
        return parsed
    alerts = tuple(_told_apart(a, b) for a, b in zip(parsed.alerts, original, strict=True))
    return ParsedAlerts(alerts, parsed.rejected, parsed.notices)


def _told_apart(clean: Alert, original: Alert) -> Alert:
    if clean.fingerprint == original.fingerprint:
        return clean
    return clean.model_copy(update={"fingerprint": hashlib.sha256(original.fingerprint.encode()).hexdigest()[:16]})


def _json(plain: bytes) -> Json:
    plain = plain.removeprefix(_BOM)
    try:
        return _read(plain)
    except ValueError as error:
        reason = str(error)[:160]
    # One broken letter (a text cut in the middle of one) must not cost the alerts beside it.
    mended = _mended(plain)
    if mended is not None:
        try:
            return _read(mended)
        except ValueError as error:
            reason = str(error)[:160]
    raise Refused(f"The body is not JSON: {reason}.", field="(body)", next_step="Send UTF-8 JSON.")


def _read(plain: bytes) -> Json:
    found: Json = from_json(plain, allow_inf_nan=False, cache_strings="none")
    return found


def _mended(plain: bytes) -> bytes | None:
    """The text with every byte that is not UTF-8 and every lone surrogate replaced; None when that changes nothing."""
    text = plain.decode("utf-8", "replace")
    text = _ESCAPE.sub(lambda found: "\\ufffd" if len(found[0]) == _LONE_CHARS else found[0], text)
    mended = text.encode()
    return None if mended == plain else mended
