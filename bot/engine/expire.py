"""The end of a temporary mitigation."""

from datetime import timedelta

from bot.domain.action import ExecutionState
from bot.domain.events import PULLCORD, ActionRequested
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine import names
from bot.engine.ending import expire_due
from bot.engine.parts import Parts, incident_of, text_of
from bot.timeline.timeline import Write

_LOOK_AGAIN = timedelta(seconds=30)


class Expire:
    """``Work.EXPIRE``: a temporary mitigation ends; Pullcord asks for its undo, which then has the same life as any."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``execution``. Nothing to do when it was undone, failed or never came into force."""
        incident_id, of_id = incident_of(item), text_of(item, "execution")
        mine = names.expiry_id(of_id)
        now = self._parts.now()

        def decide(incident: Incident) -> Write | None:
            of = incident.execution(of_id)
            if of is None or not of.in_force_or_may_be or incident.execution(mine) is not None:
                return None
            if of.state is ExecutionState.STARTED:  # its end is still to come: look again then
                return Write(events=(), due=(expire_due(incident.id, of_id, now + _LOOK_AGAIN),))
            event = ActionRequested(
                at=now,
                by=PULLCORD,
                execution=mine,
                action=of.action,
                title=f"End {of.title}"[:200],
                params={},
                offer="",
                undo_of=of_id,
                reason="expired",
            )
            work = WorkItem(kind=Work.EXECUTE, incident=incident.id, payload={"execution": mine})
            return Write(events=(event,), work=(work,))

        await self._parts.store.incidents.write(incident_id, f"expire:{of_id}:{now.isoformat()}", decide)
