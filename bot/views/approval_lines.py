"""The thread's lines about approvals: how they were decided.

The question, its reminder and broken glass are messages of their own in the same thread (``approval_blocks``).
"""

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain import events as ev
from bot.domain.incident import Incident
from bot.views import words
from bot.views.line_parts import by_whom, what_of, whose
from bot.views.text import foreign, with_people


def _given(event: ev.ApprovalGiven, incident: Incident) -> str:
    asked = whose(incident, event.execution)
    return f"*{by_whom(event.by)} approved* what {asked} asked for: {what_of(incident, event.execution)}"


def _rejected(event: ev.ApprovalRejected, incident: Incident) -> str:
    found = incident.execution(event.execution)
    what = what_of(incident, event.execution)
    why = f" {foreign(event.reason, 600)}" if event.reason else ""
    if found is not None and found.by == event.by.id:
        return f"*{by_whom(event.by)} took the request back:* {what}.{why}"
    return f"✗ *{by_whom(event.by)} rejected* what {whose(incident, event.execution)} asked for: {what}.{why}"


def _expired(event: ev.ApprovalExpired, incident: Incident) -> str:
    return f"✗ *Nobody approved in time, nothing was done:* {what_of(incident, event.execution)}"


def _not_theirs(event: ev.DecisionRefused, incident: Incident) -> str:
    may = f" Who may: {with_people(event.who_may, 400)}." if event.who_may else ""
    asked, what = whose(incident, event.execution), what_of(incident, event.execution)
    tried = f"*{by_whom(event.by)} may not {event.what.replace('_', ' ')}*"
    reason = with_people(event.reason, 300, words.people_known(incident))
    return f"✗ {tried} what {asked} asked for: {what}. {reason}{may}"


APPROVAL_LINES: Mapping[type, Callable[[Any, Incident], str | None]] = {
    ev.ApprovalGiven: _given,
    ev.ApprovalRejected: _rejected,
    ev.ApprovalExpired: _expired,
    ev.DecisionRefused: _not_theirs,
}
