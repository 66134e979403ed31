"""Sentences for people: who was first, how long ago, how it stands. Foreign text in them is defused."""

from datetime import datetime

from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.events import PULLCORD
from bot.domain.incident import Incident
from bot.views.text import clock, foreign, person

NOT_CONFIRMED = "Not confirmed; press again, it cannot run twice."


def plain(text: str, limit: int = 300) -> str:
    """Foreign text in a Slack sentence: no mention, no link, one line, not too long.

    A sentence may be posted as plain ``text``, where Slack links bare addresses: a zero-width space keeps it from that.
    """
    return foreign(text, limit).replace("://", ":\u200b//").replace("@", "@\u200b")


def ago(then: datetime, now: datetime) -> str:
    """``12 s ago``, ``3 min ago``, ``2 h ago``."""
    seconds = max(0, int((now - then).total_seconds()))
    if seconds < 120:
        return f"{seconds} s ago"
    if seconds < 7200:
        return f"{seconds // 60} min ago"
    return f"{seconds // 3600} h ago"


def already(execution: Execution, now: datetime) -> str:  # noqa: PLR0911 - one sentence per state
    """What the second clicker is told: who was first, when, and how it stands."""
    by, when = person(execution.by), ago(execution.at, now)
    done = plain(execution.summary or execution.title)
    match execution.state:
        case ExecutionState.SUCCEEDED:
            return f"Already done by {by} {when}: {done}{_verified(execution)}"
        case ExecutionState.FAILED:
            reason = plain(execution.reason or "no reason was given")
            return f"{by} already ran this {when} and it failed: {reason} The card has a new button."
        case ExecutionState.UNKNOWN:
            return (
                f"{by} already ran this {when} and nobody knows whether it happened: {done}. Press Check on the card."
            )
        case ExecutionState.REFUSED | ExecutionState.REJECTED | ExecutionState.EXPIRED:
            reason = plain(execution.reason or "no reason was given")
            return f"{by} already asked for this {when} and it was refused: {reason} The card has a new button."
        case ExecutionState.DRILLED:
            return f"Already drilled by {by} {when}, nothing was written: {done}"
        case ExecutionState.AWAITING_APPROVAL:
            return (
                f"Already asked for by {by} {when}: {done}. It waits for approval{_until(execution)}; see the thread."
            )
        case _:
            return f"Already asked for by {by} {when}: {done}. It is running; the card shows the result."


def _until(execution: Execution) -> str:
    approval = execution.approval
    return "" if approval is None else f" by {approval.role} until {clock(approval.deadline)}"


def _verified(execution: Execution) -> str:
    if execution.verified is Verified.IN_FORCE:
        return " ✓ in force."
    if execution.verified is None:
        return "."
    return f" ({execution.verified.replace('_', ' ')})."


def resolved(incident: Incident, now: datetime) -> str:
    """Why nothing can be started any more."""
    by = person(incident.resolved_by or PULLCORD.id)
    when = f" {ago(incident.resolved_at, now)}" if incident.resolved_at is not None else ""
    return f"{incident.id} was resolved by {by}{when}. What it set can still be undone; for more, declare an incident."
