"""What a person says before the end of a temporary mitigation: extend it, make it permanent, or let it lapse.

An extension is authorised like running the verb again, twice: at the press, and by the worker that does it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from bot.domain.action import Execution
from bot.domain.base import Json
from bot.domain.events import PULLCORD, Actor, ActorKind, ExpiryAnswered, NoteAdded
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine.extending import over
from bot.engine.fixing import fix_offer
from bot.engine.may_extend import may_extend
from bot.engine.mitigations import ends_first, temporary, together_with
from bot.engine.modals import Modals
from bot.engine.offers import UNSETTLED
from bot.engine.taking_part import in_a_sentence, may_take_part
from bot.engine.words import NOT_CONFIRMED, plain
from bot.errors import PullcordError, Refused, StoreUnavailable
from bot.plugin import OpenModal, Reading, Reply, Say
from bot.timeline.timeline import Write
from bot.views.mitigations import LENGTHS
from bot.views.text import clock

_ANSWER_SECONDS = 2.0
"""A press may read Slack's user groups for a role; it must be answered within Slack's three seconds."""


class ExpiryRequests(Modals):
    """The answers to the question, as ``bot.plugin.Requests`` has them. Never raises a PullcordError."""

    async def extend(self, incident_id: str, execution_id: str, length: str, by: Actor, *, key: str) -> Reply:
        """Move the end of what was asked for with one press by ``1h``, ``4h`` or ``24h``. The worker does it."""
        return await _answered(lambda: self._extend(incident_id, execution_id, length, by, key))

    async def permanent(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Open the fix that keeps what is set, or say what has to be configured for that."""
        return await _answered(lambda: self._permanent(incident_id, execution_id, by, key))

    async def lapse(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Say that it may end at its time; nothing else happens before."""
        return await _answered(lambda: self._lapse(incident_id, execution_id, by, key))

    async def _extend(self, incident_id: str, execution_id: str, length: str, by: Actor, key: str) -> Reply:
        if length not in LENGTHS:
            raise Refused("A mitigation is extended by 1, 4 or 24 hours.", next_step="Use the buttons of the question.")
        incident, execution, group = await self._asked(incident_id, execution_id)
        try:
            await may_extend(self._parts, incident, execution, by, LENGTHS[length])
        except Refused as refused:
            await self._refused(incident, execution, by, refused)
            raise
        ends = ends_first(group)
        payload: dict[str, Json] = {
            "execution": execution.id,
            "from": ends.isoformat(),
            "seconds": int(LENGTHS[length].total_seconds()),
            "by": by.id,
            "team": by.team,
            "key": key,
        }
        item = WorkItem(kind=Work.EXTEND, incident=incident.id, payload=payload)
        await self._parts.store.work.add(item, op=f"extend:{key}")
        return Say(
            f"{plain(execution.summary or execution.title)} is being extended to {clock(ends + LENGTHS[length])}."
        )

    async def _permanent(self, incident_id: str, execution_id: str, by: Actor, key: str) -> Reply:
        parts = self._parts
        incident, execution, group = await self._asked(incident_id, execution_id)
        await may_take_part(parts, by, "ask for a lasting fix")
        offer = fix_offer(parts, incident, execution)  # Refused: says what has to be configured
        await parts.store.offers.put([offer])
        await self._say(incident, group, by, "permanent", key)

        async def modal() -> Reply:
            return OpenModal(await self.modal(offer, by))

        return Reading(modal)

    async def _lapse(self, incident_id: str, execution_id: str, by: Actor, key: str) -> Reply:
        parts = self._parts
        incident, execution, group = await self._asked(incident_id, execution_id)
        await may_take_part(parts, by, "answer for a mitigation")
        await self._say(incident, group, by, "lapse", key)
        return Say(
            f"{plain(execution.summary or execution.title)} ends {clock(ends_first(group))}, and is read back then."
        )

    async def _asked(self, incident_id: str, execution_id: str) -> tuple[Incident, Execution, tuple[Execution, ...]]:
        """What the button is about, as it stands now. Refused in words when there is nothing to decide any more."""
        incident = await self._parts.store.incidents.read(incident_id)
        execution = incident.execution(execution_id)
        if execution is None:
            raise Refused("This button names no action of this incident.", next_step="Use the newest message.")
        group = together_with(incident, execution, self._parts.now())
        if not group:
            raise Refused(over(incident, execution))
        if any(e.undo_of == one.id and e.state in UNSETTLED for e in incident.executions for one in group):
            raise Refused(f"{plain(execution.summary or execution.title)} is being taken back right now.")
        return incident, execution, group

    async def _say(
        self,
        incident: Incident,
        group: tuple[Execution, ...],
        by: Actor,
        answer: Literal["permanent", "lapse"],
        key: str,
    ) -> None:
        now, ids = self._parts.now(), {e.id for e in group}

        def decide(current: Incident) -> Write | None:
            events = tuple(
                ExpiryAnswered(at=now, by=by, execution=e.id, answer=answer)
                for e in current.executions
                if e.id in ids and temporary(e, now) and e.expiry_answer != answer
            )
            return Write(events=events) if events else None

        await self._parts.store.incidents.write(incident.id, f"expiry-{answer}:{key}", decide)

    async def _refused(self, incident: Incident, execution: Execution, by: Actor, refused: Refused) -> None:
        """On the timeline, once per person and end."""
        if by.kind is not ActorKind.PERSON:
            return
        until = execution.expires_at
        text = f"<@{by.id}> may not extend {execution.summary or execution.title}: {refused.message}"
        note = NoteAdded(at=self._parts.now(), by=PULLCORD, text=text[:1000])
        op = f"extend-refused:{execution.id}:{by.id}:{until.isoformat() if until else ''}"
        await self._parts.store.incidents.write(incident.id, op, lambda _: Write(events=(note,)))


async def _answered(do: Callable[[], Awaitable[Reply]]) -> Reply:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            with in_a_sentence():
                return await do()
    except (TimeoutError, StoreUnavailable):
        return Say(NOT_CONFIRMED)
    except PullcordError as error:
        return Say(str(error))
