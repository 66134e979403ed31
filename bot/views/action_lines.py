"""The thread's lines about actions: refused, done, failed, unknown, read back. Merges the tables of its siblings."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.domain import events as ev
from bot.domain.action import Execution, Verified
from bot.domain.incident import Incident
from bot.views import words
from bot.views.approval_lines import APPROVAL_LINES
from bot.views.drill_lines import DRILL_LINES
from bot.views.expiry_lines import EXPIRY_LINES
from bot.views.line_parts import by_whom, what_of, whose
from bot.views.text import code, day_and_clock, foreign, with_people

_MARK = {Verified.IN_FORCE: "✓", Verified.PENDING: "🟠"}


def _refused(event: ev.ActionRefused, incident: Incident) -> str:
    may = f" Who may: {with_people(event.who_may, 400)}." if event.who_may else ""
    asked = whose(incident, event.execution)
    reason = with_people(event.reason, 300, words.people_known(incident))
    return f"✗ *{asked} was refused:* {what_of(incident, event.execution)}. {reason}{may}"


def _succeeded(event: ev.ActionSucceeded, incident: Incident) -> str:
    execution = incident.execution(event.execution)
    shown = _as_of(execution, event.verified, event.detail)
    mark = _MARK.get(event.verified, "🔴")
    result = f" {code(event.result.url or event.result.ref, 200)}" if event.result is not None else ""
    until = f" Until {day_and_clock(event.expires_at)}." if event.expires_at is not None else ""
    did = f"{whose(incident, event.execution)} {what_of(incident, event.execution)}"
    typed = words.typed_reason(execution) if execution is not None else ""
    why = f" · “{foreign(typed, 300)}”" if typed else ""
    return f"{mark} {did} · *{shown}*{result}{until}{why}"


def _as_of(execution: Execution | None, verified: Verified, detail: str) -> str:
    if execution is None:
        return foreign(f"{verified.value.replace('_', ' ')}: {detail}", 300)
    now = execution.model_copy(update={"verified": verified, "verified_detail": detail or None})
    shown = words.verified_words(now)
    # a detail may end with a line to copy (the rule that could not be pushed): it is not cut off
    return foreign(f"{shown}: {detail}" if verified is Verified.IN_FORCE and detail else shown, 900)


def _failed(event: ev.ActionFailed, incident: Incident) -> str:
    execution = incident.execution(event.execution)
    if execution is not None and execution.stopped_by is not None and event.reason.startswith("Stopped"):
        return f"✗ *Stopped:* {what_of(incident, event.execution)}. {foreign(event.reason, 300)}"
    return f"✗ *Failed, nothing changed there:* {what_of(incident, event.execution)}. {foreign(event.reason, 300)}"


def _unknown(event: ev.ActionUnknown, incident: Incident) -> str:
    what = what_of(incident, event.execution)
    return (
        f"❓ *Nobody knows whether this happened:* {what}. {foreign(event.reason, 300)} "
        "It is not tried again by itself: look at the target, then press Check, Mark done or Mark not done."
    )


def _marked(event: ev.ActionMarked, incident: Incident) -> str:
    word = "done" if event.done else "not done"
    return f"*{by_whom(event.by)} marked it {word}:* {what_of(incident, event.execution)}. {foreign(event.reason, 300)}"


def _looked(event: ev.WatchLooked, incident: Incident) -> str:
    mark = "✓" if event.quiet else "⚠"
    return f"{mark} *Looked again, as {whose(incident, event.execution)} asked:* {foreign(event.words, 400)}"


def _verification(event: ev.VerificationChanged, incident: Incident) -> str:
    mark = _MARK.get(event.verified, "🔴")
    shown = _as_of(incident.execution(event.execution), event.verified, event.detail)
    return f"{mark} {what_of(incident, event.execution)} · now *{shown}*"


ACTION_LINES: Mapping[type, Callable[[Any, Incident], str | None]] = {
    ev.ActionRefused: _refused,
    ev.ActionSucceeded: _succeeded,
    ev.ActionFailed: _failed,
    ev.ActionUnknown: _unknown,
    ev.ActionMarked: _marked,
    ev.VerificationChanged: _verification,
    ev.WatchLooked: _looked,
    **APPROVAL_LINES,
    **DRILL_LINES,
    **EXPIRY_LINES,
}
"""The line of each event of an action's life that the thread tells."""
