"""The thread's lines about the end of temporary mitigations. The question itself is a message there, with buttons."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain import events as ev
from bot.domain.incident import Incident
from bot.views.line_parts import by_whom, what_of
from bot.views.text import day_and_clock


def _answered(event: ev.ExpiryAnswered, incident: Incident) -> str:
    what = what_of(incident, event.execution)
    match event.answer:
        case "extend":
            until = f" until {day_and_clock(event.until)}" if event.until is not None else ""
            return f"*{by_whom(event.by)} extended it{until}:* {what}"
        case "permanent":
            return f"*{by_whom(event.by)} wants to make it permanent:* {what}"
        case "lapse":
            return f"*{by_whom(event.by)} lets it lapse at its time:* {what}"


EXPIRY_LINES: Mapping[type, Callable[[Any, Incident], str | None]] = {
    ev.ExpiryAnswered: _answered,
}
