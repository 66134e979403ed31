"""An action's row in the people's lane: its four stages, what it changed, who approved it, and its history.

All its events are one row. Green only for what was seen to happen; a deadline or a time to come is said in words.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.domain import events as ev
from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.base import Json
from bot.domain.incident import Incident
from bot.views import words
from bot.views.page_models import PersonRow, Stage
from bot.views.page_text import CROSS, WAIT, Names, named, short, who
from bot.views.page_values import Glyph, when

OF_ACTION = (
    ev.ActionRequested,
    ev.ApprovalAsked,
    ev.ApprovalReminded,
    ev.ApprovalGiven,
    ev.ApprovalRejected,
    ev.ApprovalExpired,
    ev.GlassBroken,
    ev.DecisionRefused,
    ev.ActionRefused,
    ev.ActionStarted,
    ev.ActionDrilled,
    ev.StopAsked,
    ev.ActionSucceeded,
    ev.ActionFailed,
    ev.ActionUnknown,
    ev.ActionMarked,
    ev.VerificationChanged,
    ev.ExpiryAsked,
    ev.ExpiryAnswered,
)
"""The events that are told in the row of their execution."""

_HISTORY = 12
_LATER = (ev.DecisionRefused, ev.VerificationChanged, ev.ExpiryAsked, ev.ExpiryAnswered)
"""What is told one by one below the row, since it changes neither its end nor its stages."""
_SAID = {
    Verified.IN_FORCE: "in force",
    Verified.PENDING: "pending",
    Verified.MISMATCH: "not in force",
    Verified.UNREACHABLE: "could not be checked",
}


def action_row(
    incident: Incident, execution_id: str, group: Sequence[ev.Entry], names: Names, **codes: Any
) -> PersonRow:
    """The row of one execution; ``codes`` are its places in the chain."""
    execution = incident.execution(execution_id)
    at = group[0].event.at
    if execution is None:
        missing = "an action whose request is not on this page"
        return PersonRow(at=when(at), glyph=WAIT, machine=True, who="", what=missing, note="", **codes)
    refused = execution.state is ExecutionState.REFUSED
    what = f"was refused: {execution.title}" if refused else _done(execution)
    return PersonRow(
        at=when(at),
        glyph=_mark(execution),
        machine=False,
        who=who(execution.by, names),
        what=short(what, 160),
        note=_reasons(execution, group, names),
        stages=() if refused else stages(execution, names),
        change=change_words(execution),
        history=_history(group, names),
        glass=_glass(execution),
        **codes,
    )


def _glass(execution: Execution) -> str:
    return f"Broke glass, alone: “{short(execution.broke_glass, 300)}”" if execution.broke_glass else ""


def value_words(value: Json) -> str:
    """A setting's value on the page, one line."""
    if value is None or value in ("", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return short(str(value), 120)


def change_words(execution: Execution) -> str:
    """``agent.model of refund-bot at embedded: gpt-x → gpt-x-2026-03-12``; empty where nothing was planned."""
    change = execution.change
    if change is None:
        return ""
    before = execution.snapshot.value if execution.snapshot is not None else change.before
    where = f"{change.target} at {change.target.control}"
    return f"{short(where, 120)}: {value_words(before)} → {value_words(change.desired)}"


def _history(group: Sequence[ev.Entry], names: Names) -> tuple[str, ...]:
    """What was read back and said of it since, oldest first; empty while there is only its end."""
    told = [line for line in (_line(entry.event, names) for entry in group) if line]
    later = [e for e in group if isinstance(e.event, _LATER)]
    if not later:
        return ()
    cut = [f"{len(told) - _HISTORY} earlier, in the export"] if len(told) > _HISTORY else []
    return (*cut, *told[-_HISTORY:])


def _line(event: ev.Event, names: Names) -> str:
    match event:
        case ev.ActionSucceeded() | ev.VerificationChanged():
            said = _SAID[event.verified]
            detail = f": {short(event.detail, 160)}" if event.detail else ""
            return f"{event.at:%-d %b %H:%M:%S} {said}{detail}"
        case ev.DecisionRefused():
            tried = f"{who(event.by.id, names)} may not {event.what.replace('_', ' ')}"
            return f"{event.at:%-d %b %H:%M:%S} {tried}: {named(event.reason, names, 160)}"
        case ev.ExpiryAsked():
            return f"{event.at:%-d %b %H:%M:%S} asked what is to become of it"
        case ev.ExpiryAnswered():
            until = f" until {event.until:%-d %b %H:%M} UTC" if event.until is not None else ""
            did = {"extend": "extended it", "permanent": "wants to make it permanent", "lapse": "lets it lapse"}
            return f"{event.at:%-d %b %H:%M:%S} {who(event.by.id, names)} {did[event.answer]}{until}"
        case _:
            return ""


def _reasons(execution: Execution, group: Sequence[ev.Entry], names: Names) -> str:
    """What was typed as the reason, what came back as one, and for a refusal who may."""
    typed = words.typed_reason(execution)
    parts = [f"“{short(typed, 300)}”"] if typed else []
    if execution.reason and execution.reason != typed:
        parts.append(named(execution.reason, names, 300))
    allowed = next((e.event.who_may for e in group if isinstance(e.event, ev.ActionRefused) and e.event.who_may), "")
    if allowed:
        parts.append(f"Who may: {named(allowed, names, 200)}.")
    return " ".join(parts)


def _done(execution: Execution) -> str:
    if execution.state in {ExecutionState.SUCCEEDED, ExecutionState.FAILED} or execution.summary is None:
        return execution.summary or f"asked for: {execution.title}"
    return f"asked for: {execution.title}"


def _mark(execution: Execution) -> Glyph:
    if execution.state in {
        ExecutionState.REFUSED,
        ExecutionState.REJECTED,
        ExecutionState.EXPIRED,
        ExecutionState.FAILED,
    }:
        return CROSS
    if execution.state is ExecutionState.SUCCEEDED and execution.verified is Verified.IN_FORCE:
        return Glyph("i-check", "ok")
    if execution.verified in {Verified.MISMATCH, Verified.UNREACHABLE}:
        return CROSS
    return WAIT


def stages(execution: Execution, names: Names) -> tuple[Stage, ...]:
    """Requested, approved, executed, verified: who and when in words. Green only for what was seen to happen."""
    requested = Stage("happened", "Requested", f"{who(execution.by, names)} {execution.at:%H:%M:%S}")
    return requested, _approved(execution, names), _executed(execution), _verified(execution)


def _approved(execution: Execution, names: Names) -> Stage:
    approval = execution.approval
    if execution.broke_glass is not None:
        return Stage("no", "Broke glass", "alone, with a reason; the commander was paged")
    if approval is None:
        return Stage("na", "Approved", "not needed")
    by = f"{who(approval.by, names)} {_clock(approval.decided_at)}"
    match execution.state:
        case ExecutionState.AWAITING_APPROVAL:
            waits = f"waits for {short(approval.role, 40)} until {approval.deadline:%H:%M:%S}"
            return Stage("waits", "Approved", waits)
        case ExecutionState.REJECTED:
            return Stage("no", "Rejected", by)
        case ExecutionState.EXPIRED:
            return Stage("no", "Not approved", f"nobody did until {approval.deadline:%H:%M:%S}")
        case _:
            return Stage("happened", "Approved", by if approval.by else "not needed any more")


def _clock(at: datetime | None) -> str:
    return f"{at:%H:%M:%S}" if at is not None else ""


def _executed(execution: Execution) -> Stage:  # noqa: PLR0911 - one line per state
    match execution.state:
        case ExecutionState.SUCCEEDED:
            return Stage("happened", "Executed", _clock(execution.ended_at or execution.started_at))
        case ExecutionState.FAILED:
            return Stage("no", "Failed", f"{_clock(execution.ended_at)}, nothing changed there")
        case ExecutionState.UNKNOWN:
            return Stage("waits", "Executed", "unknown, check the target")
        case ExecutionState.STARTED:
            stop = ", asked to stop" if execution.stopped_by else ""
            return Stage("waits", "Executed", f"running since {_clock(execution.started_at)}{stop}")
        case ExecutionState.DRILLED:
            return Stage("na", "Drilled", "nothing was written")
        case ExecutionState.REJECTED | ExecutionState.EXPIRED:
            return Stage("na", "Executed", "never")
        case _:
            return Stage("todo", "Executed", "not yet")


def _verified(execution: Execution) -> Stage:
    detail = short(execution.verified_detail or "", 100)
    never = {ExecutionState.DRILLED, ExecutionState.REJECTED, ExecutionState.EXPIRED}
    if execution.state is not ExecutionState.SUCCEEDED:
        ended = execution.state in never
        return Stage("na" if ended else "todo", "Verified", "not needed" if ended else "not yet")
    match execution.verified:
        case Verified.IN_FORCE:
            return Stage("happened", "Verified", detail or "in force")
        case Verified.PENDING:
            known = f", known by {execution.known_at:%H:%M:%S}" if execution.known_at is not None else ""
            return Stage("waits", "Verified", f"pending{': ' if detail else ''}{detail}{known}")
        case Verified.MISMATCH:
            again = "no longer in force" if execution.seen_in_force else "not in force"
            return Stage("no", "Verified", f"{again}: {detail}" if detail else again)
        case Verified.UNREACHABLE:
            return Stage("no", "Verified", f"could not be checked: {detail}" if detail else "could not be checked")
        case None:
            return Stage("waits", "Verified", "not checked")
