"""The card's lines about what people did: how it stands at each enforcement point, and when it ends.

mrkdwn, foreign words escaped and cut. What was asked for with one press is one line, at however many points it is done.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.events import PULLCORD
from bot.domain.incident import Incident
from bot.domain.mitigation import restrains
from bot.domain.together import Together, together
from bot.views import limits, words
from bot.views.text import clock, code, foreign, moment, person

Width = Callable[[int], int]
"""How much of a text's full width there is room for."""

_POINTS = 3
_RED = frozenset({Verified.MISMATCH, Verified.UNREACHABLE})


def result_rows(incident: Incident, now: datetime, width: Width) -> list[str]:
    """What people did: the newest four, oldest of them first; what needs somebody always among them."""
    groups = _groups(words.shown_results(incident))
    urgent = [g for g in groups if any(_urgent(e) for e in g)][-limits.RESULT_ROWS :]
    room = limits.RESULT_ROWS - len(urgent)
    others = [g for g in groups if g not in urgent]
    kept = [*urgent, *(others[-room:] if room else [])]
    rows = [_row(incident, g, now, width) for g in groups if g in kept]
    if len(groups) > len(rows):
        rows.insert(0, f"{len(groups) - len(rows):,} earlier in the thread")
    return rows


def _groups(results: Sequence[Execution]) -> list[list[Execution]]:
    """What was asked for with one press together, in the order of the first of each."""
    found: dict[str, list[Execution]] = {}
    for execution in results:
        found.setdefault(execution.lead, []).append(execution)
    return list(found.values())


def _urgent(execution: Execution) -> bool:
    """Its outcome is not known, or it should restrain and was not seen to."""
    if execution.state is ExecutionState.UNKNOWN:
        return True
    red = execution.verified in _RED and restrains(execution)
    return red and execution.state is ExecutionState.SUCCEEDED


def _row(incident: Incident, group: Sequence[Execution], now: datetime, width: Width) -> str:
    """One line; of several points as far as the worst one is."""
    first = group[0]
    row = result_row(first, now, width)
    if len(group) == 1:
        return row
    stand = together(incident, first.lead)
    did = foreign(words.what(first), width(120))
    points = _points(incident, stand, now, width)
    if any(e.state is ExecutionState.SUCCEEDED for e in group):
        return f"{_mark(group)} {did}{_by(first)} · {points}{_end(first, now)}{_alone(first, width)}"
    return f"{row} · {points}"


def _mark(group: Sequence[Execution]) -> str:
    if any(e.state is ExecutionState.UNKNOWN for e in group):
        return "❓"
    bad = {ExecutionState.FAILED, ExecutionState.REFUSED}
    if any(e.state in bad or (e.state is ExecutionState.SUCCEEDED and e.verified in _RED) for e in group):
        return "🔴"
    green = all(e.state is ExecutionState.SUCCEEDED and e.verified is Verified.IN_FORCE for e in group)
    return "✓" if green else "🟠"


def _points(incident: Incident, stand: Together, now: datetime, width: Width) -> str:
    """``in force at 1 of 2 · contextforge pending, known by 14:20``."""
    held = len(stand.points) - len(stand.missing)
    if stand.everywhere:
        return f"in force everywhere ({held} of {held})"
    named = []
    for point in stand.missing[:_POINTS]:
        execution = incident.execution(point.execution)
        known = _known(execution, now) if execution is not None else ""
        named.append(f"{foreign(f'{point.where} {point.words}', width(80))}{known}")
    more = f" and {len(stand.missing) - _POINTS} more" if len(stand.missing) > _POINTS else ""
    return f"*in force at {held} of {len(stand.points)}* · {', '.join(named)}{more}"


def result_row(execution: Execution, now: datetime, width: Width) -> str:
    """``✓ revoked issue_refund from refund-bot · @dana 14:05 · in force``."""
    did = foreign(words.what(execution), width(120))
    by = _by(execution)
    reason = foreign(execution.reason or "no reason was given", width(140))
    match execution.state:
        case ExecutionState.AWAITING_APPROVAL:
            return _waiting(execution, width)
        case ExecutionState.DRILLED:
            title = foreign(execution.title, width(80))
            return f"◇ drilled, nothing was written: {title}{by} · {foreign(execution.summary or '', width(140))}"
        case ExecutionState.FAILED:
            return f"✗ failed: {did}{by} · {reason}{_alone(execution, width)}"
        case ExecutionState.UNKNOWN:
            return f"❓ *outcome unknown:* {did}{by} · {reason} · look at the target{_alone(execution, width)}"
        case ExecutionState.SUCCEEDED:
            shown = _succeeded(execution, did, by, now, width)
            return f"{shown}{_end(execution, now)}{_alone(execution, width)}"
        case _:
            stop = f" · {person(execution.stopped_by)} asked to stop" if execution.stopped_by else ""
            return f"⏳ running: {did}{by}{stop}{_alone(execution, width)}"


def _by(execution: Execution) -> str:
    return f" · {person(execution.by)} {clock(execution.ended_at or execution.started_at or execution.at)}"


def _waiting(execution: Execution, width: Width) -> str:
    title, approval = foreign(execution.title, width(100)), execution.approval
    by = f" · {person(execution.by)} {clock(execution.at)}"
    if approval is None:
        return f"⏳ *waits for approval:* {title}{by}"
    until = f"by {foreign(approval.role, 40)} until {clock(approval.deadline)}"
    return f"⏳ *waits for approval* {until}: {title}{by} · {foreign(approval.why, width(120))}"


def _alone(execution: Execution, width: Width) -> str:
    """Who approved it, or that its requester went alone and why: that must not be overlooked."""
    if execution.broke_glass is not None:
        return f" · 🚨 *broke glass:* “{foreign(execution.broke_glass, width(100))}”"
    approval = execution.approval
    return f" · approved by {person(approval.by)}" if approval is not None and approval.by else ""


def _succeeded(execution: Execution, did: str, by: str, now: datetime, width: Width) -> str:
    verified = foreign(words.verified_words(execution), width(140))
    match execution.verified:
        case Verified.IN_FORCE:
            return f"✓ {did}{by} · {verified}"
        case Verified.PENDING:
            return f"🟠 {did}{by} · {verified}{_known(execution, now)}"
        case None:
            marked = foreign(execution.reason or "", width(140))
            return f"🟠 {did}{by} · {marked or verified}"
        case _:
            return f"🔴 {did}{by} · *{verified}*"


def _known(execution: Execution, now: datetime) -> str:
    """When a pending one will be known, where that was said and is still to come."""
    if execution.verified is not Verified.PENDING or execution.known_at is None or execution.known_at <= now:
        return ""
    return f", known by {moment(execution.known_at, now)}"


def _end(execution: Execution, now: datetime) -> str:
    """When a temporary restraint ends and what is said of it, or where a one-off result is."""
    if execution.result is not None:
        return f" · {code(execution.result.ref, 60)}" if execution.result.ref else ""
    if execution.expires_at is None or execution.expires_at <= now:
        return ""
    extended = f"extended by {person(execution.extended_by)}, " if execution.extended_by else ""
    return f" · {extended}until {moment(execution.expires_at, now)}{_then(execution, now)}"


def _then(execution: Execution, now: datetime) -> str:
    owner = person(execution.by) if execution.by != PULLCORD.id else "the commander"
    match execution.expiry_answer:
        case "lapse":
            return ", then it lapses"
        case "permanent":
            return ", a lasting fix was asked for"
    if execution.expiry_asked_at is not None:
        return f", {owner} was asked what then"
    asks = execution.ask_at
    return f", ask {owner} at {moment(asks, now)}" if asks is not None and asks > now else ""
