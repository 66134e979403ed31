"""The end of a temporary mitigation: Pullcord asks for its undo, which then has the same life as any.

A control plane that cannot be reached at that moment must not make it permanent: it is tried again, ever later.
"""

from datetime import datetime, timedelta

from bot.domain.action import ExecutionState
from bot.domain.events import PULLCORD, ActionRequested
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine import names
from bot.engine.ending import EXPIRE_AGAIN, expire_due
from bot.engine.offers import IN_FLIGHT, UNSETTLED
from bot.engine.parts import Parts, incident_of, text_of
from bot.timeline.timeline import Write

_LOOK_AGAIN = timedelta(seconds=30)
ATTEMPTS = 20
"""After so many (well over an hour) a person must look: the failures stand on the card."""


class Expire:
    """``Work.EXPIRE``."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``execution``. Nothing to do when it was undone, failed or never came into force."""
        of_id = text_of(item, "execution")
        now = self._parts.now()
        op = f"expire:{of_id}:{now.isoformat()}"
        await self._parts.store.incidents.write(incident_of(item), op, lambda incident: ending(incident, of_id, now))


def ending(incident: Incident, of_id: str, now: datetime) -> Write | None:
    """The request to take it back, or to look again while it is not settled. Pure."""
    of = incident.execution(of_id)
    if of is None or not of.in_force_or_may_be:
        return None
    if of.expires_at is not None and of.expires_at > now:  # somebody moved the end while this was on its way
        return Write(events=(), due=(expire_due(incident.id, of_id, of.expires_at),))
    attempt = 1
    while (tried := incident.execution(names.expiry_id(of_id, attempt))) is not None:
        if tried.state in UNSETTLED:
            return Write(events=(), due=(expire_due(incident.id, of_id, now + EXPIRE_AGAIN),))
        attempt += 1
    if attempt > ATTEMPTS:
        return None
    undoing = any(e.undo_of == of_id and e.state in IN_FLIGHT for e in incident.executions)
    if undoing or of.state is ExecutionState.STARTED:  # a person takes it back, or its own end is still to come
        return Write(events=(), due=(expire_due(incident.id, of_id, now + _LOOK_AGAIN),))
    mine = names.expiry_id(of_id, attempt)
    event = ActionRequested(
        at=now,
        by=PULLCORD,
        execution=mine,
        action=of.action,
        title=f"End of {of.title}"[:200],
        params={},
        offer="",
        undo_of=of_id,
        reason="expired",
    )
    work = WorkItem(kind=Work.EXECUTE, incident=incident.id, payload={"execution": mine})
    return Write(events=(event,), work=(work,))
