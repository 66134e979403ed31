"""The worker's side of a second person: ask, remind, let expire, and tell every commander of broken glass.

Nothing lives in memory only: the question, its deadline and its reminder are due times of the store, so a restart
carries on where it stood. Messages carry dedupe keys; whoever was told once is not told again.
"""

import structlog

from bot.domain.action import Execution, ExecutionState
from bot.domain.base import Json
from bot.domain.events import (
    PULLCORD,
    ActionRefused,
    Actor,
    ActorKind,
    ApprovalAsked,
    ApprovalExpired,
    ApprovalReminded,
    Event,
)
from bot.domain.incident import Incident
from bot.domain.work import Due, Work, WorkItem
from bot.engine import names
from bot.engine.authorise import asked_again
from bot.engine.deciding import Need, need_of, place_of
from bot.engine.membership import COMMANDER, WORK_SECONDS, People
from bot.engine.parts import Parts, incident_of, person, tell, text_of
from bot.engine.previewing import PointPreview, preview_point
from bot.engine.words import plain
from bot.errors import ActionFailed, PullcordError, Refused
from bot.ports import DirectMessage
from bot.timeline.timeline import Write
from bot.views.approval_blocks import question

log = structlog.get_logger(__name__)

_PREVIEW_SECONDS = 5.0
_MOST_POINTS = 8
MOST_PEOPLE = 20
"""So many people are written to directly; a group beyond that is called in the thread only."""
_REFUSED = "This would be refused"


class Approvals:
    """Handlers of ``APPROVAL_ASK``, ``APPROVAL_REMIND``, ``APPROVAL_DUE`` and ``GLASS_PAGE``. Each may run again."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def ask(self, item: WorkItem) -> None:
        """Payload: ``execution``, ``asked``. Preview it as it stands, then ask; what would be refused is refused."""
        incident, execution = await self._found(item)
        if execution is None:
            return
        if execution.state is ExecutionState.AWAITING_APPROVAL and execution.approval is not None:
            await self._parts.store.approvals.add(incident.id, execution.id, execution.approval.deadline)
            return
        if execution.state is not ExecutionState.REQUESTED:
            return
        lacks = bool(item.payload.get("asked"))
        try:
            need = self._need(incident, execution)
        except Refused as refused:
            await self._refuse(incident, execution, refused.message)
            return
        group = [e for e in incident.executions if e.lead == execution.id]
        found = [
            await preview_point(self._parts, incident, e, execution.team, _PREVIEW_SECONDS)
            for e in group[:_MOST_POINTS]
        ]
        if found and all(one.words.startswith(_REFUSED) for one in found):
            await self._refuse(incident, execution, found[0].words.partition(": ")[2] or found[0].words)
            return
        await self._wait(incident, execution, need, _in_words(found, len(group)), asked=lacks)

    async def _wait(self, incident: Incident, execution: Execution, need: Need, preview: str, *, asked: bool) -> None:
        parts, now = self._parts, self._parts.now()
        terms = parts.settings.approvals
        deadline = now + terms.deadline
        lacks = f"whoever asks does not hold the role {need.role}"
        event = ApprovalAsked(
            at=now,
            by=person(execution.by, execution.team),
            execution=execution.id,
            role=need.role,
            deadline=deadline,
            why="; ".join(filter(None, (lacks if asked else "", need.second or ""))) or lacks,
            preview=preview[:2000],
            asked=asked,
        )
        payload: dict[str, Json] = {"execution": execution.id}
        over = WorkItem(kind=Work.APPROVAL_DUE, incident=incident.id, payload=payload)
        due = [Due(id=names.due_approval(execution.id), at=deadline, item=over)]
        if now + terms.remind_after < deadline:
            remind = WorkItem(kind=Work.APPROVAL_REMIND, incident=incident.id, payload=payload)
            due.append(Due(id=names.due_remind(execution.id), at=now + terms.remind_after, item=remind))

        def decide(current: Incident) -> Write | None:
            mine = current.execution(execution.id)
            ready = mine is not None and mine.state is ExecutionState.REQUESTED
            return Write(events=(event,), due=tuple(due)) if ready else None

        await parts.store.incidents.write(incident.id, f"approval:{execution.id}", decide)
        await parts.store.approvals.add(incident.id, execution.id, deadline)

    async def _refuse(self, incident: Incident, execution: Execution, reason: str) -> None:
        """The verb itself says no: nobody is bothered with it."""
        now = self._parts.now()
        by = person(execution.by, execution.team)
        group = [e.id for e in incident.executions if e.lead == execution.id]
        text = f"{plain(execution.title)} was refused. {plain(reason, 1000)}"
        told = tell(incident.id, incident.channel, execution.by, text, f"refused:{execution.id}")

        def decide(current: Incident) -> Write | None:
            waiting = [e for e in group if _state(current, e) is ExecutionState.REQUESTED]
            events = tuple(ActionRefused(at=now, by=by, execution=e, reason=reason[:1000]) for e in waiting)
            return Write(events=events, work=(told,)) if events else None

        await self._parts.store.incidents.write(incident.id, f"refused:{execution.id}", decide)

    # ------------------------------------------------------------------ time passes

    async def remind(self, item: WorkItem) -> None:
        """Payload: ``execution``. In the thread (the poster does that) and by a direct message to each who may."""
        parts = self._parts
        incident, execution = await self._found(item)
        if execution is None or execution.state is not ExecutionState.AWAITING_APPROVAL:
            return
        waiting = execution.id
        event = ApprovalReminded(at=parts.now(), by=PULLCORD, execution=waiting)

        def decide(current: Incident) -> Write | None:
            mine = current.execution(waiting)
            waits = mine is not None and mine.state is ExecutionState.AWAITING_APPROVAL
            return Write(events=(event,)) if waits else None

        written = await parts.store.incidents.write(incident.id, f"remind:{waiting}", decide)
        newest = written.incident.execution(waiting)
        if newest is None or newest.state is not ExecutionState.AWAITING_APPROVAL or incident.drill:
            return
        execution = newest  # with the reminder
        try:
            need = self._need(incident, execution)
        except Refused:
            return
        people = await self._holders(incident, execution, need.roles)
        made = question(written.incident, execution, parts.now(), glass=False, again=True)
        if made is not None:
            message = DirectMessage(text=made.text, blocks=made.blocks)
            await self._direct(execution, people.users, message, f"{incident.id}:approval:{execution.id}")

    async def expire(self, item: WorkItem) -> None:
        """Payload: ``execution``. Nothing was done; whoever asked is told."""
        parts = self._parts
        incident, execution = await self._found(item)
        if execution is None or execution.approval is None:
            return
        now = parts.now()
        text = (
            f"Nobody approved {plain(execution.title)} in time, so nothing was done. Ask again with the card's button."
        )
        told = tell(incident.id, incident.channel, execution.by, text, f"expired:{execution.id}")

        def decide(current: Incident) -> Write | None:
            mine = current.execution(execution.id)
            if mine is None or mine.state is not ExecutionState.AWAITING_APPROVAL or mine.approval is None:
                return None
            if now < mine.approval.deadline:
                return None
            events: tuple[Event, ...] = (ApprovalExpired(at=now, by=PULLCORD, execution=execution.id),)
            return Write(events=events, work=(told,), clear=(names.due_remind(execution.id),))

        await parts.store.incidents.write(incident.id, f"expired:{execution.id}", decide)
        await parts.store.approvals.drop(incident.id, execution.id)

    # ------------------------------------------------------------------ glass

    async def page(self, item: WorkItem) -> None:
        """Payload: ``execution``. Every commander by a direct message, once; in a drill nobody.

        Where no commander can be told, whoever is on call or in reserve is.
        """
        parts = self._parts
        incident, execution = await self._found(item)
        if execution is None or execution.broke_glass is None or incident.drill:
            return
        people = await self._holders(incident, execution, (COMMANDER,))
        users = people.users
        if not users:
            duty = parts.settings.agent(incident.agent)
            users = tuple(u for u in (*duty.on_call, *duty.fallback) if u != execution.by)
        made = question(incident, execution, parts.now())
        if made is not None and users:
            message = DirectMessage(text=f"{made.text} ({incident.id})", blocks=made.blocks)
            await self._direct(execution, users, message, f"{incident.id}:glass:{execution.id}")

    # ------------------------------------------------------------------ inside

    async def _found(self, item: WorkItem) -> tuple[Incident, Execution | None]:
        incident = await self._parts.store.incidents.read(incident_of(item))
        return incident, incident.execution(text_of(item, "execution"))

    def _need(self, incident: Incident, execution: Execution) -> Need:
        """What it takes. Raises Refused when the verb's own rules break."""
        by = Actor(kind=ActorKind.PERSON, id=execution.by, team=execution.team)
        return need_of(self._parts.settings, asked_again(self._parts, incident, execution, by))

    async def _holders(self, incident: Incident, execution: Execution, roles: tuple[str, ...]) -> People:
        """Everybody who holds all of these roles, without whoever asked."""
        parts = self._parts
        agents = tuple(dict.fromkeys(e.agent for e in incident.executions if e.lead == execution.lead and e.agent))
        place = place_of(parts.settings, incident, agents)
        read = [await parts.people.people(role, place, WORK_SECONDS) for role in roles]
        unread = tuple(group for one in read for group in one.unread)
        both = tuple(u for u in read[0].users if all(u in one.users for one in read) and u != execution.by)
        return People(both[:MOST_PEOPLE], unread)

    async def _direct(self, execution: Execution, users: tuple[str, ...], message: DirectMessage, key: str) -> None:
        """One message each, each once. Who cannot be reached holds up nobody; who may be later is tried again."""
        again: PullcordError | None = None
        for user in users:
            try:
                await self._parts.chat.direct(user, message, f"{key}:{user}")
                posted = await self._parts.store.intents.read(f"{key}:{user}")
                if posted is not None and posted.channel is not None and posted.ts is not None:
                    await self._parts.store.approvals.told(execution.id, posted.channel, posted.ts)
            except ActionFailed as error:
                log.warning("approver_not_reached", user=user, execution=execution.id, reason=error.message)
            except PullcordError as error:
                again = error
        if again is not None:
            raise again


def _state(incident: Incident, execution: str) -> ExecutionState | None:
    found = incident.execution(execution)
    return None if found is None else found.state


def _in_words(found: list[PointPreview], count: int) -> str:
    """One line for each point, named where there are several."""
    lines = [f"{one.where}: {one.words}" if count > 1 and one.where else one.words for one in found]
    if count > len(found):
        lines.append(f"and {count - len(found)} more")
    return "\n".join(lines)
