"""The thread's lines about drills and about stopping a long action."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain import events as ev
from bot.domain.incident import Incident
from bot.views.line_parts import by_whom, what_of, whose
from bot.views.text import foreign


def _drilled(event: ev.ActionDrilled, incident: Incident) -> str:
    what = what_of(incident, event.execution)
    return f"*Drilled, nothing was written:* {whose(incident, event.execution)} {what}. {foreign(event.preview, 600)}"


def _stop(event: ev.StopAsked, incident: Incident) -> str:
    return f"*{by_whom(event.by)} asked to stop:* {what_of(incident, event.execution)}"


DRILL_LINES: Mapping[type, Callable[[Any, Incident], str | None]] = {
    ev.ActionDrilled: _drilled,
    ev.StopAsked: _stop,
}
