"""The part of ``project`` that folds the events of an action's life."""

from datetime import datetime
from typing import Any

from bot.domain import events as ev
from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.incident import Incident, Said

Changes = dict[str, Any]
"""Fields of an incident with their new values."""


def said(text: str, at: datetime) -> Said:
    """The card's last line."""
    return Said(text=text, at=at)


def with_execution(incident: Incident, execution_id: str, **changes: object) -> tuple[Execution, ...]:
    """The executions with one of them changed."""
    return tuple(e.model_copy(update=changes) if e.id == execution_id else e for e in incident.executions)


def action_requested(incident: Incident, event: ev.ActionRequested) -> Changes:
    """A1: a new execution."""
    execution = Execution(
        id=event.execution,
        action=event.action,
        title=event.title,
        params=event.params,
        state=ExecutionState.REQUESTED,
        by=event.by.id,
        team=event.by.team,
        at=event.at,
        offer=event.offer or None,
        undo_of=event.undo_of,
        reason=event.reason or None,
        agent=event.agent,
        control=event.control,
        leads=event.leads,
        drill=incident.drill,
    )
    last = said(f"{event.by.mention} asked for: {event.title}", event.at)
    return {"executions": (*incident.executions, execution), "last": last}


def action_refused(incident: Incident, event: ev.ActionRefused) -> Changes:
    """A2 said no."""
    execution = incident.execution(event.execution)
    title = execution.title if execution else "an action"
    return {
        "executions": with_execution(
            incident,
            event.execution,
            state=ExecutionState.REFUSED,
            reason=event.reason,
            ended_at=event.at,
        ),
        "last": said(f"{event.by.mention} was refused: {title}", event.at),
    }


def action_started(incident: Incident, event: ev.ActionStarted) -> Changes:
    """A3: the plan and what was there before."""
    return {
        "executions": with_execution(
            incident,
            event.execution,
            state=ExecutionState.STARTED,
            change=event.change,
            snapshot=event.snapshot,
            summary=event.summary,
            started_at=event.at,
        ),
    }


def action_succeeded(incident: Incident, event: ev.ActionSucceeded) -> Changes:
    """A6: done; an undo marks what it undid, a lift what it lifted."""
    executions = with_execution(
        incident,
        event.execution,
        state=ExecutionState.SUCCEEDED,
        verified=event.verified,
        verified_detail=event.detail,
        applied=event.applied,
        result=event.result,
        ended_at=event.at,
        expires_at=event.expires_at,
        ask_at=event.ask_at,
        known_at=event.known_at,
        reason=None,
        **({"seen_in_force": True} if event.verified is Verified.IN_FORCE else {}),
    )
    done = next((e for e in executions if e.id == event.execution), None)
    if done is not None:
        executions = _ended_by(executions, done)
    summary = (done.summary or done.title) if done is not None else "an action"
    by = f"<@{done.by}>" if done is not None and done.by != ev.PULLCORD.id else "Pullcord"
    return {"executions": executions, "last": said(f"{by} {summary}", event.at)}


def _ended_by(executions: tuple[Execution, ...], done: Execution) -> tuple[Execution, ...]:
    """With what a success took back (an undo) or lifted marked so; what an undone lift had ended is there again."""
    kept: list[Execution] = []
    for earlier in executions:
        if earlier.id == done.undo_of or done.closes(earlier):
            kept.append(earlier.model_copy(update={"undone_by": done.id}))
        elif done.undo_of is not None and earlier.undone_by == done.undo_of:
            kept.append(earlier.model_copy(update={"undone_by": None}))
        else:
            kept.append(earlier)
    return tuple(kept)


def action_failed(incident: Incident, event: ev.ActionFailed) -> Changes:
    """A6: the target said no."""
    execution = incident.execution(event.execution)
    return {
        "executions": with_execution(
            incident,
            event.execution,
            state=ExecutionState.FAILED,
            reason=event.reason,
            ended_at=event.at,
        ),
        "last": said(f"failed: {execution.title if execution else 'an action'}", event.at),
    }


def action_unknown(incident: Incident, event: ev.ActionUnknown) -> Changes:
    """A6: nobody knows."""
    execution = incident.execution(event.execution)
    return {
        "executions": with_execution(
            incident,
            event.execution,
            state=ExecutionState.UNKNOWN,
            reason=event.reason,
        ),
        "last": said(f"outcome unknown: {execution.title if execution else 'an action'}", event.at),
    }


def action_marked(incident: Incident, event: ev.ActionMarked) -> Changes:
    """A person settled it."""
    state = ExecutionState.SUCCEEDED if event.done else ExecutionState.FAILED
    words = "done" if event.done else "not done"
    executions = with_execution(
        incident,
        event.execution,
        state=state,
        reason=f"marked {words} by {event.by.mention}: {event.reason}",
        ended_at=event.at,
    )
    marked = next((e for e in executions if e.id == event.execution), None)
    if marked is not None and event.done:
        executions = _ended_by(executions, marked)
    elif marked is not None and marked.undo_of is not None:
        executions = tuple(
            e.model_copy(update={"undone_by": None}) if e.id == marked.undo_of else e for e in executions
        )
    return {"executions": executions, "last": said(f"{event.by.mention} marked it {words}", event.at)}


def verification_changed(incident: Incident, event: ev.VerificationChanged) -> Changes:
    """A later read-back."""
    return {
        "executions": with_execution(
            incident,
            event.execution,
            verified=event.verified,
            verified_detail=event.detail,
            known_at=event.known_at,
            **({"seen_in_force": True} if event.verified is Verified.IN_FORCE else {}),
        ),
    }


def watch_looked(incident: Incident, event: ev.WatchLooked) -> Changes:
    """A wait is over: what was found stands beside it, and on the card's last line."""
    executions = with_execution(incident, event.execution, verified_detail=f"looked again: {event.words}")
    return {"executions": executions, "last": said(f"looked again: {event.words}"[:300], event.at)}
