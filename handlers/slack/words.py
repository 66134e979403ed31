"""Small pieces of text that several interactions use. Foreign text goes through ``plain`` and nothing else."""

from datetime import datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def plain(text: str, limit: int = 200) -> str:
    """Foreign text for mrkdwn: one line, cut, no live mention, link, code or formatting."""
    line = " ".join(text.split())
    cut = line if len(line) <= limit else line[: limit - 1] + "…"
    for mark, calm in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("`", "'"), ("*", "∗"), ("_", "＿"), ("~", "∼")):  # noqa: RUF001
        cut = cut.replace(mark, calm)
    return cut


def ago(then: datetime, now: datetime) -> str:
    """``12 s ago``, ``5 min ago``, ``3 h ago``, ``2 d ago``."""
    seconds = max(0, int((now - then).total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s ago"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min ago"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h ago"
    return f"{seconds // _DAY} d ago"
