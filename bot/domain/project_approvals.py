"""The part of ``project`` that folds approvals, drills, stops, and what becomes of temporary mitigations."""

from datetime import datetime
from typing import Any

from bot.domain import events as ev
from bot.domain.action import Approval, Execution, ExecutionState
from bot.domain.incident import Incident, Said

Changes = dict[str, Any]
"""Fields of an incident with their new values."""

_WAITING = frozenset({ExecutionState.REQUESTED, ExecutionState.AWAITING_APPROVAL})


def _title(incident: Incident, execution_id: str) -> str:
    found = incident.execution(execution_id)
    return found.title if found is not None else "an action"


def _changed(incident: Incident, execution_id: str, told: str | None, at: datetime, **changes: object) -> Changes:
    """One execution with these fields changed, and the card's last line where there is something to say."""
    executions = tuple(e.model_copy(update=changes) if e.id == execution_id else e for e in incident.executions)
    last: Changes = {} if told is None else {"last": Said(text=f"{told}: {_title(incident, execution_id)}", at=at)}
    return {"executions": executions, **last}


def _together(incident: Incident, lead: str, **changes: object) -> tuple[Execution, ...]:
    """The executions with those changed that were asked for together under this first one and wait for it."""
    return tuple(
        e.model_copy(update=changes) if e.lead == lead and e.state in _WAITING else e for e in incident.executions
    )


def approval_asked(incident: Incident, event: ev.ApprovalAsked) -> Changes:
    """It waits for a second person, with all that was asked for together."""
    approval = Approval(
        at=event.at,
        deadline=event.deadline,
        role=event.role,
        why=event.why,
        preview=event.preview,
        asked=event.asked,
    )
    executions = _together(incident, event.execution, state=ExecutionState.AWAITING_APPROVAL, approval=approval)
    return {
        "executions": executions,
        "last": Said(text=f"{event.by.mention} waits for approval: {_title(incident, event.execution)}", at=event.at),
    }


def approval_reminded(incident: Incident, event: ev.ApprovalReminded) -> Changes:
    """Asked once more."""
    found = incident.execution(event.execution)
    if found is None or found.approval is None:
        return {}
    again = found.approval.model_copy(update={"reminded_at": event.at})
    return _changed(incident, event.execution, None, event.at, approval=again)


def _decided(
    incident: Incident, event: ev.ApprovalGiven | ev.ApprovalRejected, state: ExecutionState, told: str, reason: str
) -> Changes:
    found = incident.execution(event.execution)
    if found is None or found.approval is None:
        return {}
    said = {"by": event.by.id, "team": event.by.team, "decided_at": event.at, "reason": reason or None}
    approval = found.approval.model_copy(update=said)
    ended = {} if state is ExecutionState.APPROVED else {"ended_at": event.at, "reason": reason or None}
    executions = _together(incident, event.execution, state=state, approval=approval, **ended)
    last = Said(text=f"{event.by.mention} {told}: {_title(incident, event.execution)}", at=event.at)
    return {"executions": executions, "last": last}


def approval_given(incident: Incident, event: ev.ApprovalGiven) -> Changes:
    """A second person said yes."""
    return _decided(incident, event, ExecutionState.APPROVED, "approved", "")


def approval_rejected(incident: Incident, event: ev.ApprovalRejected) -> Changes:
    """A second person said no, or the requester took it back."""
    return _decided(incident, event, ExecutionState.REJECTED, "rejected", event.reason)


def approval_expired(incident: Incident, event: ev.ApprovalExpired) -> Changes:
    """Nobody said anything in time."""
    executions = _together(
        incident, event.execution, state=ExecutionState.EXPIRED, ended_at=event.at, reason="nobody approved it in time"
    )
    last = Said(text=f"nobody approved in time: {_title(incident, event.execution)}", at=event.at)
    return {"executions": executions, "last": last}


def glass_broken(incident: Incident, event: ev.GlassBroken) -> Changes:
    """The requester goes alone."""
    executions = _together(
        incident, event.execution, state=ExecutionState.APPROVED, broke_glass=event.reason, approval=None
    )
    last = Said(text=f"{event.by.mention} BROKE GLASS: {_title(incident, event.execution)}", at=event.at)
    return {"executions": executions, "last": last}


def decision_refused(incident: Incident, event: ev.DecisionRefused) -> Changes:
    """Somebody pressed who may not."""
    told = f"{event.by.mention} may not {event.what.replace('_', ' ')}"
    return _changed(incident, event.execution, told, event.at)


def action_drilled(incident: Incident, event: ev.ActionDrilled) -> Changes:
    """In a drill an execution ends with its preview."""
    return _changed(
        incident,
        event.execution,
        "drilled, nothing written",
        event.at,
        state=ExecutionState.DRILLED,
        summary=event.preview,
        ended_at=event.at,
    )


def stop_asked(incident: Incident, event: ev.StopAsked) -> Changes:
    """A long one shall stop."""
    return _changed(incident, event.execution, f"{event.by.mention} asked to stop", event.at, stopped_by=event.by.id)


def expiry_asked(incident: Incident, event: ev.ExpiryAsked) -> Changes:
    """The owner was asked."""
    return _changed(incident, event.execution, None, event.at, expiry_asked_at=event.at)


def expiry_answered(incident: Incident, event: ev.ExpiryAnswered) -> Changes:
    """The owner answered; an extension moves the end, and may have been written at the target."""
    changes: Changes = {"expiry_answer": event.answer}
    if event.answer == "extend" and event.until is not None:
        changes = {"expiry_answer": None, "expiry_asked_at": None, "expires_at": event.until}
        changes |= {"ask_at": event.ask_at, "extended_by": event.by.id}
        if event.applied is not None:
            changes["applied"] = event.applied
    words = {"extend": "extended", "permanent": "wants to make permanent", "lapse": "lets lapse"}[event.answer]
    return _changed(incident, event.execution, f"{event.by.mention} {words}", event.at, **changes)
