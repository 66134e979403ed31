"""``Work.ALERT`` (I4): each accepted alert lands in exactly one incident, however often it is delivered.

A firing alert joins the open incident of its group (agent and alert name) within the join window of the last one, or
opens one. One that names no run may carry a link into a trace store of the team, which does. A resolved one is recorded
where its firing is; when that has not been seen, it waits a little (workers take alerts side by side, so it may come
first) and is then dropped: an alert that is over before it was known wakes nobody.
"""

from datetime import datetime, timedelta
from functools import partial

import structlog
from pydantic import ValidationError

from bot.domain.alert import Alert, AlertStatus
from bot.domain.base import Json
from bot.domain.events import (
    PULLCORD,
    Actor,
    ActorKind,
    AlertJoined,
    AlertResolved,
    Event,
    IncidentOpened,
    RunMissing,
    SeveritySet,
)
from bot.domain.incident import Incident
from bot.domain.work import Due, Work, WorkItem
from bot.engine.choosing import offer_runs
from bot.engine.parts import Parts, number_of
from bot.engine.stores import TraceStores
from bot.errors import Refused, StoreUnavailable
from bot.timeline.timeline import Write

log = structlog.get_logger(__name__)

FIRST_SEVERITY = "SEV3"
_UNKNOWN_YET = "effects are not known yet"
_LATE = timedelta(seconds=5)
_LATE_TRIES = 6
"""With pauses of 5 s, 10 s, 20 s ... about five minutes: longer than a failing item is tried again (86 s)."""
_TRIES = 5
"""An incident may be resolved between looking and joining; then the next look opens a new one."""


class Opening:
    """Turns accepted alerts into incidents."""

    def __init__(self, parts: Parts, stores: TraceStores) -> None:
        """``stores`` know which run an alert's link means."""
        self._parts = parts
        self._stores = stores

    async def handle(self, item: WorkItem) -> None:
        """Payload: the alert, or ``alert`` and how often it was looked for (``late``)."""
        wrapped = item.payload.get("alert")
        try:
            alert = Alert.model_validate(wrapped if wrapped is not None else item.payload)
        except ValidationError as error:
            raise Refused(f"An accepted alert cannot be read ({error.error_count()} faults).") from error
        if alert.status is AlertStatus.RESOLVED:
            await self._resolved(alert, number_of(item, "late"))
        else:
            await self._firing(alert)

    async def _firing(self, alert: Alert) -> None:
        incidents = self._parts.store.incidents
        if await incidents.of_alert(alert.id) is not None:
            return  # delivered before; what had to follow was written together with it
        if alert.trace_id is None and (ref := self._stores.ref_in(alert)) is not None:
            alert = alert.model_copy(update={"trace_id": ref.trace_id})
        op = f"alert:{alert.operation}"
        for _ in range(_TRIES):
            target = await incidents.joinable(alert.group)
            if target is None:
                make = partial(opening, alert, self._parts.now())
                opened = await incidents.open(op, make, alert.group)
                if opened.opened:
                    return
                target = opened.incident_id
            if await self._join(alert, target, op):
                await incidents.touch_join(alert.group, target)
                return
        raise StoreUnavailable(
            f"Alert {alert.id} found no incident: each that it could join was resolved meanwhile.",
            next_step="It is tried again.",
        )

    async def _join(self, alert: Alert, incident_id: str, op: str) -> bool:
        """False when the incident was resolved meanwhile."""
        now = self._parts.now()

        def decide(incident: Incident) -> Write | None:
            if not incident.open or any(a.id == alert.id for a in incident.alerts):
                return None
            return joining(alert, incident, now)

        written = await self._parts.store.incidents.write(incident_id, op, decide)
        return written.status != "nothing" or any(a.id == alert.id for a in written.incident.alerts)

    async def _resolved(self, alert: Alert, late: int) -> None:
        incident_id = await self._parts.store.incidents.of_alert(alert.id)
        if incident_id is None:
            if late < _LATE_TRIES:
                payload = {"alert": alert.model_dump(mode="json"), "late": late + 1}
                again = WorkItem(kind=Work.ALERT, payload=dict(payload))
                at = self._parts.now() + _LATE * 2**late
                await self._parts.store.work.schedule(Due(id=f"resolved:{alert.id}", at=at, item=again))
            else:
                log.info("alert_resolved_unseen", alert=alert.id, source=alert.source)
            return
        event = AlertResolved(at=self._parts.now(), by=_source(alert), alert_id=alert.id, ends_at=alert.ends_at)

        def decide(incident: Incident) -> Write | None:
            known = next((a for a in incident.alerts if a.id == alert.id), None)
            if known is None or known.status is AlertStatus.RESOLVED:
                return None
            return Write(events=(event,))

        await self._parts.store.incidents.write(incident_id, f"alert:{alert.operation}", decide)


def opening(alert: Alert, now: datetime, number: int) -> tuple[IncidentOpened, Write]:
    """The first entries of an incident, the search for its run, and the first page. Pure."""
    incident_id = f"INC-{number}"
    opened = IncidentOpened(
        at=now,
        by=_source(alert),
        number=number,
        agent=alert.agent,
        name=alert.name,
        severity=FIRST_SEVERITY,
        summary=alert.summary,
        alert=alert,
    )
    why = _UNKNOWN_YET if alert.trace_id else "effects are not known: the alert names no run"
    events: list[Event] = [SeveritySet(at=now, by=PULLCORD, severity=FIRST_SEVERITY, why=why)]
    work = [WorkItem(kind=Work.PAGE, incident=incident_id, payload={"step": 0})]
    if alert.trace_id:
        work.insert(0, read_run(incident_id, alert.trace_id))
    else:
        events.append(RunMissing(at=now, by=PULLCORD, trace_id=None, reason="the alert names no run"))
        if alert.agent:
            work.append(offer_runs(incident_id, alert.starts_at, now))
    return opened, Write(events=tuple(events), work=tuple(work))


def joining(alert: Alert, incident: Incident, now: datetime) -> Write:
    """A further alert of the same agent and name. Pure."""
    event = AlertJoined(at=now, by=_source(alert), alert=alert)
    known = alert.trace_id is None or alert.trace_id in incident.alerted_traces
    work = () if known or alert.trace_id is None else (read_run(incident.id, alert.trace_id),)
    return Write(events=(event,), work=work)


def read_run(incident_id: str, trace_id: str, attempt: int = 0, since: datetime | None = None) -> WorkItem:
    """Work that finds, freezes and reads a run for an incident. ``since`` is when it was first looked for."""
    payload: dict[str, Json] = {"trace_id": trace_id, "attempt": attempt}
    if since is not None:
        payload["since"] = since.isoformat()
    return WorkItem(kind=Work.READ_RUN, incident=incident_id, payload=payload)


def _source(alert: Alert) -> Actor:
    return Actor(kind=ActorKind.SOURCE, id=alert.source)
