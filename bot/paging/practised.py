"""Paging in a drill: nobody is woken. Whom the first step would have woken stands on the timeline, by name."""

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bot.domain import events as ev
from bot.domain.incident import Incident
from bot.errors import StoreUnavailable
from bot.paging.escalation import step_of, waiting
from bot.settings import Settings
from bot.timeline.store import Store
from bot.timeline.timeline import Write

DRILL: Final = "drill"
"""How a person was "paged" who was not: the event only says who would have been."""


async def practise(store: Store, settings: Settings, incident: Incident, step: int, now: datetime) -> None:
    """Write whom this step would have woken. Only the first: nobody waits for the others."""
    if step or incident.pages or not waiting(incident):
        return
    who = step_of(incident, settings.agent(incident.agent), step)
    names: Mapping[str, str] = {}
    with contextlib.suppress(StoreUnavailable):
        names = await store.names.all()
    events: list[ev.Event] = [
        ev.PersonPaged(
            at=now, by=ev.PULLCORD, step=step, user=user, how=DRILL, delivered=False, detail=_called(user, names)
        )
        for user in who.users
    ]
    if who.ended is not None:
        events.append(ev.EscalationEnded(at=now, by=ev.PULLCORD, step=step, reason=who.ended))

    def decide(newest: Incident) -> Write | None:
        return Write(events=tuple(events)) if events and not newest.pages else None

    await store.incidents.write(incident.id, f"page:{step}:drill", decide)


def _called(user: str, names: Mapping[str, str]) -> str:
    """``@dana``, or the id where no name is known: never a mention, which would wake them."""
    name = names.get(user, "").strip().lstrip("@")
    return f"@{name}" if name else user
