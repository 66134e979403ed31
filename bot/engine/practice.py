"""Opening a drill, and asking a long action to stop. Parts of ``ClickRequests``: each is one durable write."""

import asyncio
from typing import Final

from bot.domain.action import ExecutionState
from bot.domain.events import Actor, StopAsked
from bot.domain.incident import Incident
from bot.engine.drilling import open_drill
from bot.engine.membership import RESPONDER
from bot.engine.parts import Parts
from bot.engine.taking_part import in_a_sentence, may_act, may_take_part
from bot.engine.words import NOT_CONFIRMED, plain
from bot.errors import PullcordError, Refused, StoreUnavailable
from bot.plugin import Quiet, Reply, Say
from bot.timeline.timeline import Write
from bot.views.text import person

_SECONDS: Final = 0.4


class Practice:
    """Drills and stops. Mixed into ``ClickRequests``."""

    _parts: Parts

    async def drill(self, by: Actor, *, agent: str | None, key: str) -> Reply:
        """Open a drill about an agent (None: the first of the configuration). Any full member may."""
        parts = self._parts
        with in_a_sentence():
            await may_take_part(parts, by, "open a drill")
        try:
            async with asyncio.timeout(_SECONDS):
                opened = await open_drill(parts.store, parts.settings, parts.clock, by, agent, key)
        except (TimeoutError, StoreUnavailable):
            return Say(NOT_CONFIRMED)
        return Say(f"{opened} is a drill: press everything, nothing is written and nobody is paged. Its card follows.")

    async def stop(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Ask a long action to stop at its next step."""
        parts = self._parts
        now = parts.now()

        def decide(incident: Incident) -> Write | None:
            mine = incident.execution(execution_id)
            if mine is None:
                raise Refused(f"{incident.id} has no execution {plain(execution_id, 40)}.")
            if mine.state is not ExecutionState.STARTED:
                ended = mine.state.value.replace("_", " ")
                raise Refused(f"{plain(mine.summary or mine.title)} does not run any more: {ended}.")
            if mine.stopped_by is not None:
                raise Refused(f"{person(mine.stopped_by)} has already asked it to stop; it ends at its next step.")
            return Write(events=(StopAsked(at=now, by=by, execution=execution_id),))

        try:
            incident = await parts.store.incidents.read(incident_id)
            await may_act(parts, by, RESPONDER, "stop an action", incident)
            async with asyncio.timeout(_SECONDS):
                await parts.store.incidents.write(incident_id, f"stop:{execution_id}:{key}", decide)
        except (TimeoutError, StoreUnavailable):
            return Say(NOT_CONFIRMED)
        except PullcordError as error:
            return Say(str(error))
        return Quiet()
