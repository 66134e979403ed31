"""From an incident to its line in a list, and to what the write script keeps in its indexes. Pure."""

from collections.abc import Sequence

from bot.domain import events as ev
from bot.domain.action import ExecutionState, Verified
from bot.domain.base import Value
from bot.domain.effect import counts
from bot.domain.incident import Incident, IncidentRow


class RowPage(Value):
    """Some lines, newest first. ``next`` is the ``before`` of the following page, None at the end."""

    rows: tuple[IncidentRow, ...]
    next: int | None = None


def row_of(incident: Incident) -> IncidentRow:
    """The incident's line in a list."""
    tally = counts(incident.effects)
    return IncidentRow(
        id=incident.id,
        number=incident.number,
        state=incident.state,
        alert_state=incident.alert_state,
        alerts=len(incident.alerts),
        severity=incident.severity,
        agent=incident.agent,
        name=incident.name,
        title=_title(incident, tally.no_way_back, tally.changes),
        opened_at=incident.opened_at,
        acknowledged_by=incident.acknowledged_by,
        commander=incident.commander,
        runs=len(incident.runs),
        drill=incident.drill,
        irreversible=tally.no_way_back,
        compensable=tally.compensable,
        reversible=tally.reversible,
        failed=tally.failed,
        unknown=tally.unknown,
        channel=incident.channel,
        root_ts=incident.root_ts,
        seq=incident.seq,
    )


def _title(incident: Incident, lost: int, changes: int) -> str:
    subject = incident.agent or incident.name
    declared = incident.opened_by.startswith("<@")
    if not incident.runs and declared and incident.summary:
        return f"{incident.agent}: {incident.summary}" if incident.agent else incident.summary
    if not incident.runs and not declared and not incident.alerts and incident.agent is None:
        return incident.name  # trouble of a source or of Pullcord itself
    if not incident.runs:
        return f"{subject}: what it did is not known yet"
    if lost:
        return f"{subject}: {lost} effect{'s' if lost > 1 else ''} cannot be undone"
    if changes:
        return f"{subject}: {changes} effect{'s' if changes > 1 else ''}, all can be undone or compensated"
    return f"{subject}: changed nothing outside the run"


def rank_of(incident: Incident) -> int:
    """Place in the outbox, 0 first: nobody has it yet, then the other open ones, then the resolved."""
    if not incident.open:
        return 2
    return 0 if incident.acknowledged_by is None else 1


class Indexed(Value):
    """What some events add to the indexes."""

    channels: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()


def indexed(events: Sequence[ev.Event]) -> Indexed:
    """Which channels, messages (``channel:ts``) and traces lead to this incident from now on."""
    channels: list[str] = []
    messages: list[str] = []
    traces: list[str | None] = []
    alerts: list[str] = []
    for event in events:
        match event:
            case ev.ChannelReady(created=True):
                channels.append(event.channel)
            case ev.CardPosted() | ev.Announced():
                messages.append(f"{event.channel}:{event.ts}")
            case ev.IncidentOpened(alert=alert) if alert is not None:
                traces.append(alert.trace_id)
                alerts.append(alert.id)
            case ev.AlertJoined():
                traces.append(event.alert.trace_id)
                alerts.append(event.alert.id)
            case ev.RunMissing():
                traces.append(event.trace_id)
            case ev.RunAttached():
                traces.append(event.run.trace_id)
            case ev.RunsAdded():
                traces += event.trace_ids
            case _:
                pass
    found = tuple(dict.fromkeys(t for t in traces if t))
    return Indexed(channels=tuple(channels), messages=tuple(messages), traces=found, alerts=tuple(alerts))


def waits_for_agent(before: Incident | None, after: Incident) -> tuple[tuple[str, str], ...]:
    """What an agent's next read may settle, as (agent, ``+<execution>`` or ``-<execution>``)."""
    old = _waiting(before) if before is not None else {}
    new = _waiting(after)
    gone = ((agent, f"-{execution}") for execution, agent in old.items() if execution not in new)
    come = ((agent, f"+{execution}") for execution, agent in new.items() if execution not in old)
    return (*gone, *come)


def _waiting(incident: Incident) -> dict[str, str]:
    """Executions whose change is not in force yet, or may be, with the agent that they wait for."""
    return {
        e.id: e.change.target.subject
        for e in incident.executions
        if e.change is not None
        and e.undone_by is None
        and (
            e.state is ExecutionState.UNKNOWN
            or (e.state is ExecutionState.SUCCEEDED and e.verified is not Verified.IN_FORCE)
        )
    }
