"""Clicks of and about a second person: approve, reject, take back, ask those who may, break glass, what waits for me.

Each decision is one durable write on the state that the timeline has then: of two that decide at once the first wins,
and the other is told who did.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, Literal

from bot.domain.action import Execution, ExecutionState
from bot.domain.base import Json
from bot.domain.events import (
    Actor,
    ActorKind,
    ApprovalGiven,
    ApprovalRejected,
    DecisionRefused,
    Event,
    GlassBroken,
)
from bot.domain.incident import Incident
from bot.domain.waiting import WaitingApproval
from bot.domain.work import Work, WorkItem
from bot.engine import names
from bot.engine.asking import Press, execute
from bot.engine.authorise import asked_again
from bot.engine.clicking import CLICK_SECONDS
from bot.engine.deciding import Asked
from bot.engine.pressing import Pressing, Wanted, spots_of
from bot.engine.seconding import why_no_approver, why_no_glass
from bot.engine.words import NOT_CONFIRMED, ago, already, plain, resolved
from bot.errors import PullcordError, Refused, StoreUnavailable
from bot.plugin import FieldErrors, Quiet, Reply, Say
from bot.timeline.timeline import Write
from bot.views.text import person

_WAITING_LOOKED_AT: Final = 50
"""So many of what waits are looked at for one person: those whose deadline is nearest."""
_Word = Literal["approve", "reject", "break_glass"]
_STALE: Final = "The card shows what can be done now."
_AGAIN: Final = "It can be asked for again with the card's button."


class Approving(Pressing):
    """Never raises a PullcordError: the person who clicked gets a sentence in each case."""

    async def approve(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """A second person says yes: everything that was asked for together goes on."""
        return await _told(lambda: self._decide(incident_id, execution_id, by, key, reason=None))

    async def reject(self, incident_id: str, execution_id: str, by: Actor, *, reason: str, key: str) -> Reply:
        """A second person says no with a reason, or whoever asked takes it back (then the reason may be empty)."""
        return await _told(lambda: self._decide(incident_id, execution_id, by, key, reason=reason))

    async def ask(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Somebody who was refused asks those who may, with the very parameters that were refused."""

        async def asked() -> Reply:
            wanted = await self._refused_one(incident_id, execution_id, by)
            return await self._press(wanted, key, ask=True)

        return await _told(asked)

    async def break_glass(self, incident_id: str, execution_id: str, by: Actor, *, reason: str, key: str) -> Reply:
        """Go alone, with a reason; every commander is told at once. For one's own request or refusal only."""
        return await _told(lambda: self._break(incident_id, execution_id, by, reason, key))

    async def waiting_for(self, by: Actor) -> Sequence[WaitingApproval]:
        """What this person may approve, the nearest deadline first. Looks at 50 at most, whatever else is open."""
        parts = self._parts
        found: list[WaitingApproval] = []
        for incident_id, execution_id in await parts.store.approvals.waiting(parts.now(), _WAITING_LOOKED_AT):
            incident = await parts.store.incidents.read(incident_id)
            execution = incident.execution(execution_id)
            if execution is None or execution.state is not ExecutionState.AWAITING_APPROVAL:
                continue
            approval, asked = execution.approval, self._wanted_by(incident, execution)
            if approval is None or asked is None:
                continue
            if await why_no_approver(parts, incident, asked, execution, by) is None:
                found.append(
                    WaitingApproval(
                        incident=incident.id,
                        execution=execution.id,
                        title=execution.title,
                        by=execution.by,
                        preview=approval.preview,
                        why=approval.why,
                        deadline=approval.deadline,
                    )
                )
        return found

    # ------------------------------------------------------------------ yes or no

    async def _decide(self, incident_id: str, execution_id: str, by: Actor, key: str, *, reason: str | None) -> Reply:
        """``reason`` None is a yes, anything else a no with these words."""
        parts = self._parts
        incident = await self._read(incident_id)
        execution = _lead(incident, execution_id)
        if execution is None or (execution.approval is None and execution.broke_glass is None):
            raise Refused(f"{incident.id} has no request {plain(execution_id, 40)}.", next_step=_STALE)
        if execution.state is not ExecutionState.AWAITING_APPROVAL:
            return Say(decided(execution, parts.now()))
        withdrawn = reason is not None and by.id == execution.by and by.kind is ActorKind.PERSON
        words = None if reason is None else parts.scrub(reason.strip())[:1000]
        if words == "" and not withdrawn:
            return FieldErrors({"reason": "Say why; it goes on the timeline, and whoever asked is told."})
        refusal = None if withdrawn else await self._may_decide(incident, execution, by, yes=reason is None)
        if refusal is not None:
            return Say(str(refusal))
        now = parts.now()
        word = "approve" if reason is None else "reject"
        written = await self._write(
            incident_id,
            f"{word}:{execution.id}:{key}",
            lambda current: answered(current, execution.id, by, words, now),
        )
        newest = written.incident.execution(execution.id) or execution
        if written.status in {"written", "seen"}:
            await parts.store.approvals.drop(incident_id, execution.id)
            return Quiet()
        if newest.state is ExecutionState.AWAITING_APPROVAL:
            return Say(f"Too late: the time to approve {plain(newest.title)} is over. {_AGAIN}")
        return Say(decided(newest, parts.now()))

    async def _may_decide(self, incident: Incident, execution: Execution, by: Actor, *, yes: bool) -> Refused | None:
        """None, or what the person is told; that they tried is on the timeline, once per person and request."""
        asked = self._wanted_by(incident, execution)
        if asked is None:
            return Refused(f"{execution.title} cannot be approved: its own rule of who may failed.", next_step=_STALE)
        refusal = await why_no_approver(self._parts, incident, asked, execution, by)
        if refusal is not None and by.kind is ActorKind.PERSON:
            await self._note(incident, execution, by, refusal, "approve" if yes else "reject")
        return refusal

    async def _note(self, incident: Incident, execution: Execution, by: Actor, refusal: Refused, word: _Word) -> None:
        no = DecisionRefused(
            at=self._parts.now(),
            by=by,
            execution=execution.id,
            what=word,
            reason=refusal.message[:1000],
            who_may=(refusal.who_may or "")[:500],
        )
        await self._write(incident.id, f"denied:{word}:{execution.id}:{by.id}", lambda _: Write(events=(no,)))

    def _wanted_by(self, incident: Incident, execution: Execution) -> Asked | None:
        """What was asked for, from whoever asked; None when the verb is gone or its own rules break."""
        if execution.action not in self._parts.registry.actions:
            return None
        by = Actor(kind=ActorKind.PERSON, id=execution.by, team=execution.team)
        try:
            return asked_again(self._parts, incident, execution, by)
        except Refused:
            return None

    # ------------------------------------------------------------------ ask, go alone

    async def _refused_one(self, incident_id: str, execution_id: str, by: Actor) -> Wanted:
        """The press that was refused, as it was. Raises Refused unless it was this person's and can be asked for."""
        incident = await self._read(incident_id)
        execution = incident.execution(execution_id)
        if execution is None or execution.state is not ExecutionState.REFUSED or execution.offer is None:
            raise Refused("There is nothing here to ask for any more.", next_step=_STALE)
        if execution.by != by.id:
            message = f"Only {person(execution.by)}, who was refused, can ask with this button."
            raise Refused(message, next_step="Press the button on the card yourself.")
        offer = await self.offer(execution.offer)
        if offer.incident != incident.id:
            raise Refused("This button belongs to another incident.", next_step=_STALE)
        verb = self._parts.registry.action(offer.action)
        return Wanted(incident, offer, verb, by, dict(execution.params))

    async def _break(self, incident_id: str, execution_id: str, by: Actor, reason: str, key: str) -> Reply:
        parts = self._parts
        words = parts.scrub(reason.strip())[:1000]
        if not words:
            return FieldErrors({"reason": "Say why this cannot wait; every commander is told at once."})
        incident = await self._read(incident_id)
        execution = _lead(incident, execution_id)
        if execution is None:
            raise Refused(f"{incident.id} has no request {plain(execution_id, 40)}.", next_step=_STALE)
        if execution.by != by.id:
            message = f"Only {person(execution.by)}, who asked for it, can break glass for it."
            raise Refused(message, next_step="Press the button on the card yourself.")
        asked = self._wanted_by(incident, execution)
        if asked is None:
            raise Refused(f"{execution.title} cannot be done: its own rule of who may failed.", next_step=_STALE)
        refusal = await why_no_glass(parts, incident, asked, by)
        if refusal is not None:
            await self._note(incident, execution, by, refusal, "break_glass")
            return Say(str(refusal))
        if execution.state is ExecutionState.REFUSED:
            wanted = await self._refused_one(incident_id, execution_id, by)
            spots = spots_of(parts, wanted, asked)
            press = Press(wanted.offer, wanted.verb, by, wanted.params, spots, glass=words)
            return await self._request(wanted, press, f"glass:{wanted.offer.id}:{key}")
        now = parts.now()

        def write(current: Incident) -> Write | None:
            lead = current.execution(execution.id)
            if lead is None or lead.state is not ExecutionState.AWAITING_APPROVAL:
                return None
            _must_be_open(current, lead, now)
            return alone(current, lead.id, by, words, now)

        written = await self._write(incident_id, f"glass:{execution.id}:{key}", write)
        if written.status in {"written", "seen"}:
            return Quiet()
        return Say(decided(written.incident.execution(execution.id) or execution, parts.now()))


def _lead(incident: Incident, execution_id: str) -> Execution | None:
    """The first of those asked for together, whichever of them is named."""
    found = incident.execution(execution_id)
    return None if found is None else incident.execution(found.lead) or found


def _dues(execution: str) -> tuple[str, ...]:
    return (names.due_approval(execution), names.due_remind(execution))


def _must_be_open(incident: Incident, lead: Execution, now: datetime) -> None:
    """Raise Refused when the incident is resolved: then only what undoes something goes on, as with its buttons."""
    if not incident.open and lead.undo_of is None:
        raise Refused(resolved(incident, now), next_step=_STALE)


def _group(incident: Incident, lead: str) -> list[Execution]:
    return [e for e in incident.executions if e.lead == lead and e.state is ExecutionState.AWAITING_APPROVAL]


def answered(incident: Incident, lead: str, by: Actor, reason: str | None, now: datetime) -> Write | None:
    """A yes (``reason`` None) or a no to everything that was asked for together; None when it waits no more. Pure.

    A yes comes with the work that carries each of it on. After the deadline nothing is answered any more.
    Raises Refused for a yes to what is over with its incident.
    """
    found = incident.execution(lead)
    if found is None or found.state is not ExecutionState.AWAITING_APPROVAL or found.approval is None:
        return None
    if now >= found.approval.deadline:
        return None
    if reason is None:
        _must_be_open(incident, found, now)
    if reason is not None:
        return Write(events=(ApprovalRejected(at=now, by=by, execution=lead, reason=reason),), clear=_dues(lead))
    work = tuple(execute(incident, e.id, e.team) for e in _group(incident, lead))
    return Write(events=(ApprovalGiven(at=now, by=by, execution=lead),), work=work, clear=_dues(lead))


def alone(incident: Incident, lead: str, by: Actor, reason: str, now: datetime) -> Write:
    """The requester goes on without an approval. Pure."""
    events: tuple[Event, ...] = (GlassBroken(at=now, by=by, execution=lead, reason=reason),)
    payload: dict[str, Json] = {"execution": lead}
    page = WorkItem(kind=Work.GLASS_PAGE, incident=incident.id, payload=payload)
    work = (*(execute(incident, e.id, e.team) for e in _group(incident, lead)), page)
    return Write(events=events, work=work, clear=_dues(lead))


def decided(execution: Execution, now: datetime) -> str:
    """What somebody is told who is too late: who decided, when, and how it stands."""
    approval, what = execution.approval, plain(execution.title)
    if approval is not None and approval.by is not None and approval.decided_at is not None:
        when, who = ago(approval.decided_at, now), person(approval.by)
        if execution.state is ExecutionState.REJECTED:
            word = "took it back" if approval.by == execution.by else "rejected it"
            why = f": {plain(approval.reason)}" if approval.reason else ""
            return f"{who} already {word} {when}, {what}{why}"
        return f"Already approved by {who} {when}: {what}. The card shows how it stands."
    if execution.state is ExecutionState.EXPIRED:
        return f"Too late: nobody approved {what} in time, and nothing was done. {_AGAIN}"
    if execution.broke_glass is not None:
        return f"{person(execution.by)} broke glass and went alone: {what}. The card shows how it stands."
    if execution.state is ExecutionState.REQUESTED:
        return f"{what} is just being asked for; press again in a moment."
    return already(execution, now)


async def _told(act: Callable[[], Awaitable[Reply]]) -> Reply:
    try:
        async with asyncio.timeout(CLICK_SECONDS):
            return await act()
    except (TimeoutError, StoreUnavailable):
        return Say(NOT_CONFIRMED)
    except PullcordError as error:
        return Say(str(error))
