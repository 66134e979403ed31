"""The last fence for texts of errors: whatever is in them, only people, channels and dates stay live.

Escaping rule: Slack's reference "Formatting text for app surfaces": ``&``, ``<`` and ``>`` and nothing else.
"""

import re

_LIVE = re.compile(r"<(?:@[UW][A-Z0-9]{1,30}|#[CG][A-Z0-9]{1,30}|!date\^\d{1,12}\^[^<>|^]{1,60}\|[^<>|]{1,60})>")


def defang(text: str, limit: int = 2900) -> str:
    """Escape markup except mentions of people, channels and dates; broadcasts and links die. Cut to ``limit``."""
    text = text[:limit]
    parts: list[str] = []
    end = 0
    for match in _LIVE.finditer(text):
        parts += [_escape(text[end : match.start()]), match[0]]
        end = match.end()
    parts.append(_escape(text[end:]))
    return "".join(parts)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
