"""``project(events) -> Incident``: the pure fold from a timeline to what people see.

One small function per event type, found by its name in a table; an event type without one stops the import, so that
no event can be forgotten.
"""

from collections.abc import Callable, Iterable
from typing import Any, get_args

from bot.domain import events as ev
from bot.domain import project_actions as actions
from bot.domain import project_approvals as approvals
from bot.domain import project_runs as runs
from bot.domain.alert import Alert, AlertStatus
from bot.domain.incident import (
    AlertState,
    AttachedRun,
    Incident,
    IncidentState,
    MissingRun,
    Page,
    Said,
)
from bot.domain.project_actions import Changes, said
from bot.errors import Refused


def project(entries: Iterable[ev.Entry], start: Incident | None = None, *, incident_id: str = "") -> Incident:
    """Fold entries, oldest first, onto ``start`` (None: from the first entry). Raises Refused when there are none."""
    incident = start
    for entry in entries:
        incident = _apply(incident, entry, incident_id)
    if incident is None:
        message = f"There is no incident {incident_id or 'with this id'}."
        raise Refused(message, field="id", next_step="List the incidents to see their ids.")
    return incident


def _apply(incident: Incident | None, entry: ev.Entry, incident_id: str) -> Incident:
    event = entry.event
    if incident is None:
        if not isinstance(event, ev.IncidentOpened):
            message = f"The timeline of {incident_id} does not begin with its opening."
            raise Refused(message, next_step=f"Run: pullcord verify {incident_id}")
        return _opened(event, entry, incident_id)
    changes = _FOLDS[type(event)](incident, event)
    return incident.model_copy(update={**changes, "seq": entry.seq, "head": entry.mac})


def _opened(event: ev.IncidentOpened, entry: ev.Entry, incident_id: str) -> Incident:
    firing = event.alert is None or event.alert.status is AlertStatus.FIRING
    return Incident(
        id=incident_id or f"INC-{event.number}",
        number=event.number,
        seq=entry.seq,
        head=entry.mac,
        state=IncidentState.OPEN,
        alert_state=AlertState.FIRING if firing else AlertState.CLEARED,
        severity=event.severity,
        agent=event.agent,
        name=event.name,
        summary=event.summary,
        drill=event.drill,
        opened_at=event.at,
        opened_by=event.by.mention,
        alerts=() if event.alert is None else (event.alert,),
        last=Said(text="opened", at=event.at),
    )


def _alert_state(alerts: tuple[Alert, ...]) -> AlertState:
    firing = any(a.status is AlertStatus.FIRING for a in alerts)
    return AlertState.FIRING if firing or not alerts else AlertState.CLEARED


def _incident_opened(incident: Incident, event: ev.IncidentOpened) -> Changes:
    del incident, event
    message = "A timeline has two openings; only its first entry may be one."
    raise Refused(message)


def _alert_joined(incident: Incident, event: ev.AlertJoined) -> Changes:
    kept = tuple(a for a in incident.alerts if a.id != event.alert.id)
    alerts = (*kept, event.alert)
    return {"alerts": alerts, "alert_state": _alert_state(alerts)}


def _alert_resolved(incident: Incident, event: ev.AlertResolved) -> Changes:
    alerts = tuple(
        a.model_copy(update={"status": AlertStatus.RESOLVED, "ends_at": event.ends_at}) if a.id == event.alert_id else a
        for a in incident.alerts
    )
    state = _alert_state(alerts)
    told = "the alert cleared" if state is AlertState.CLEARED else "one alert cleared"
    return {"alerts": alerts, "alert_state": state, "last": said(told, event.at)}


def _severity_set(incident: Incident, event: ev.SeveritySet) -> Changes:
    del incident
    return {"severity": event.severity, "severity_why": event.why}


def _run_missing(incident: Incident, event: ev.RunMissing) -> Changes:
    before = next((m for m in incident.missing if m.trace_id == event.trace_id), None)
    since = event.at if before is None else before.since
    row = MissingRun(trace_id=event.trace_id, reason=event.reason, since=since, until=event.until)
    return {"missing": (*(m for m in incident.missing if m.trace_id != event.trace_id), row)}


def _run_attached(incident: Incident, event: ev.RunAttached) -> Changes:
    trace = event.run.trace_id
    run = AttachedRun(
        summary=event.run,
        evidence=event.evidence,
        evidence_bytes=event.evidence_bytes,
        source=event.source,
        alerted=event.alerted,
        catalogue=event.catalogue,
        attached_at=event.at,
        parts=event.parts,
        source_note=event.source_note,
    )
    return {
        "runs": (*(r for r in incident.runs if r.summary.trace_id != trace), run),
        "effects": tuple(e for e in incident.effects if e.trace_id != trace),
        "missing": tuple(m for m in incident.missing if m.trace_id not in {trace, None}),
    }


def _effects_listed(incident: Incident, event: ev.EffectsListed) -> Changes:
    run = incident.run(event.trace_id)
    if run is None or run.evidence != event.evidence:
        return {}
    counted = tuple(
        r.model_copy(update={"parts_seen": r.parts_seen + 1}) if r.summary.trace_id == event.trace_id else r
        for r in incident.runs
    )
    return {"runs": counted, "effects": (*incident.effects, *event.effects)}


def _channel_ready(incident: Incident, event: ev.ChannelReady) -> Changes:
    del incident
    return {"channel": event.channel, "channel_name": event.name}


def _card_posted(incident: Incident, event: ev.CardPosted) -> Changes:
    del incident
    return {"channel": event.channel, "root_ts": event.ts}


def _announced(incident: Incident, event: ev.Announced) -> Changes:
    del incident
    return {"announced_channel": event.channel, "announced_ts": event.ts}


def _slack_refused(incident: Incident, event: ev.SlackRefused) -> Changes:
    sentence = f"{event.consequence} (Slack answered {event.error} to {event.method})"
    if sentence in incident.degraded:
        return {}
    return {"degraded": (*incident.degraded, sentence)}


def _person_paged(incident: Incident, event: ev.PersonPaged) -> Changes:
    page = Page(
        step=event.step,
        user=event.user,
        how=event.how,
        delivered=event.delivered,
        detail=event.detail,
        at=event.at,
    )
    mark = "delivered" if event.delivered else "not delivered"
    told = f"would have paged {event.detail or event.user}" if incident.drill else f"paged <@{event.user}>, {mark}"
    return {"pages": (*incident.pages, page), "last": said(told, event.at)}


def _escalation_ended(incident: Incident, event: ev.EscalationEnded) -> Changes:
    del incident
    return {"escalation_ended": event.reason}


def _acknowledged(incident: Incident, event: ev.Acknowledged) -> Changes:
    if incident.acknowledged_by is not None:
        return {}
    state = IncidentState.ACKNOWLEDGED if incident.state is IncidentState.OPEN else incident.state
    return {
        "state": state,
        "acknowledged_by": event.by.id,
        "acknowledged_at": event.at,
        "last": said(f"{event.by.mention} acknowledged", event.at),
    }


def _command_taken(incident: Incident, event: ev.CommandTaken) -> Changes:
    changes = _acknowledged(incident, ev.Acknowledged(at=event.at, by=event.by))
    return {
        **changes,
        "commander": event.by.id,
        "commander_at": event.at,
        "last": said(f"{event.by.mention} took command", event.at),
    }


def _note_added(incident: Incident, event: ev.NoteAdded) -> Changes:
    told = "pinned a message" if event.pinned else "added a note"
    return {"notes": incident.notes + 1, "last": said(f"{event.by.mention} {told}", event.at)}


def _incident_resolved(incident: Incident, event: ev.IncidentResolved) -> Changes:
    del incident
    return {
        "state": IncidentState.RESOLVED,
        "resolved_by": event.by.id,
        "resolved_at": event.at,
        "resolution": event.reason,
        "last": said(f"{event.by.mention} resolved it", event.at),
    }


def _head_posted(incident: Incident, event: ev.HeadPosted) -> Changes:
    return {"head_posted": max(incident.head_posted, event.seq)}


def _work_dropped(incident: Incident, event: ev.WorkDropped) -> Changes:
    sentence = f"A step was given up after five tries ({event.work}): {event.reason}"
    return {"degraded": (*incident.degraded, sentence)}


_FOLDS: dict[type, Callable[[Incident, Any], Changes]] = {
    ev.IncidentOpened: _incident_opened,
    ev.AlertJoined: _alert_joined,
    ev.AlertResolved: _alert_resolved,
    ev.SeveritySet: _severity_set,
    ev.RunMissing: _run_missing,
    ev.RunAttached: _run_attached,
    ev.EffectsListed: _effects_listed,
    ev.ChangesFound: runs.changes_found,
    ev.SimilarRunsFound: runs.similar_runs_found,
    ev.RunsOffered: runs.runs_offered,
    ev.RunsAdded: runs.runs_added,
    ev.ChannelReady: _channel_ready,
    ev.CardPosted: _card_posted,
    ev.Announced: _announced,
    ev.SlackRefused: _slack_refused,
    ev.PersonPaged: _person_paged,
    ev.EscalationEnded: _escalation_ended,
    ev.Acknowledged: _acknowledged,
    ev.CommandTaken: _command_taken,
    ev.NoteAdded: _note_added,
    ev.IncidentResolved: _incident_resolved,
    ev.ActionRequested: actions.action_requested,
    ev.ActionRefused: actions.action_refused,
    ev.ActionStarted: actions.action_started,
    ev.ActionSucceeded: actions.action_succeeded,
    ev.ActionFailed: actions.action_failed,
    ev.ActionUnknown: actions.action_unknown,
    ev.ActionMarked: actions.action_marked,
    ev.VerificationChanged: actions.verification_changed,
    ev.WatchLooked: actions.watch_looked,
    ev.ApprovalAsked: approvals.approval_asked,
    ev.ApprovalReminded: approvals.approval_reminded,
    ev.ApprovalGiven: approvals.approval_given,
    ev.ApprovalRejected: approvals.approval_rejected,
    ev.ApprovalExpired: approvals.approval_expired,
    ev.GlassBroken: approvals.glass_broken,
    ev.DecisionRefused: approvals.decision_refused,
    ev.ActionDrilled: approvals.action_drilled,
    ev.StopAsked: approvals.stop_asked,
    ev.ExpiryAsked: approvals.expiry_asked,
    ev.ExpiryAnswered: approvals.expiry_answered,
    ev.HeadPosted: _head_posted,
    ev.WorkDropped: _work_dropped,
}

_MEMBERS = frozenset(get_args(get_args(ev.Event)[0]))
if _FOLDS.keys() != _MEMBERS:
    _missing = sorted(t.__name__ for t in _MEMBERS ^ _FOLDS.keys())
    _message = f"project() and the event union disagree about {_missing}"
    raise TypeError(_message)
