"""JSON wrapped in base64, as cloud functions and messages carry it: opened to look for secrets, within bounds."""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable
from typing import Final

_BEGINS: Final = ("eyJ", "eyI", "eyAi", "ewog", "ewoJ", "ewo", "W3si", "WwogI")
_WRAPPED = re.compile(
    r"(?<![A-Za-z0-9+/=_.-])(?:ey[JIA]|ewo|W3si|WwogI)[A-Za-z0-9+/_-]{20,90000}={0,2}(?![A-Za-z0-9+/_.-])"
)
_MOST: Final = 20
"""Of one text: more are left as they are, since each costs a reading."""
MARK: Final = "[redacted: base64_json]"


def could_be_wrapped(words: str) -> bool:
    """The quick look at the long words of a text."""
    return any(begin in words for begin in _BEGINS)


def unwrapped(text: str, holds_secret: Callable[[str], bool]) -> str:
    """The text with each wrapped JSON document replaced by a mark in which ``holds_secret`` finds one."""
    seen = 0

    def look(match: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        if seen > _MOST:
            return match[0]
        raw = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            inner = b64decode(raw + "=" * (-len(raw) % 4), validate=True).decode()
        except (binascii.Error, ValueError):
            return match[0]
        return MARK if holds_secret(inner) else match[0]

    return _WRAPPED.sub(look, text)
