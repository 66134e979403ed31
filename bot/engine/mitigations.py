"""Temporary mitigations before their end: when the owner is asked, and the question (``Work.EXPIRY_ASK``).

The due time is durable and the messages are sent once per key, so that a restart neither forgets nor repeats the
question. Whoever was asked and says nothing lets it lapse.
"""

from datetime import datetime, timedelta

import structlog

from bot.domain.action import Execution, ExecutionState
from bot.domain.events import PULLCORD, ExpiryAsked
from bot.domain.incident import Incident
from bot.domain.mitigation import restrains
from bot.domain.work import Due, Work, WorkItem
from bot.engine import names
from bot.engine.parts import Parts, incident_of, text_of
from bot.errors import ActionFailed, Busy, OutcomeUnknown, StoreUnavailable
from bot.ports import DirectMessage
from bot.timeline.timeline import Write
from bot.views.mitigations import question

log = structlog.get_logger(__name__)

_AGAIN = timedelta(minutes=1)
"""When Slack did not take the question: asked again as long as there is something to decide."""


def ask_at(began: datetime, until: datetime, ask_before: timedelta) -> datetime:
    """When the owner is asked: ``ask_before`` the end; in the middle of a life shorter than twice that."""
    life = until - began
    return began + life / 2 if life < 2 * ask_before else until - ask_before


def ask_due(incident: str, execution: str, at: datetime) -> Due:
    """The due time of the question."""
    item = WorkItem(kind=Work.EXPIRY_ASK, incident=incident, payload={"execution": execution})
    return Due(id=names.due_ask(execution), at=at, item=item)


def temporary(execution: Execution, now: datetime) -> bool:
    """True while it is in force for a time that is not over."""
    return (
        execution.state is ExecutionState.SUCCEEDED
        and restrains(execution)
        and execution.expires_at is not None
        and execution.expires_at > now
    )


def together_with(incident: Incident, execution: Execution, now: datetime) -> tuple[Execution, ...]:
    """What was asked for with one press and is in force for a time, this one too: asked about once, answered once."""
    return tuple(e for e in incident.executions if e.lead == execution.lead and temporary(e, now))


def ends_first(group: tuple[Execution, ...]) -> datetime:
    """The soonest end in a group of temporary ones, which is not empty."""
    return min(e.expires_at for e in group if e.expires_at is not None)


class AskOwner:
    """``Work.EXPIRY_ASK``."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``execution``. Nothing to ask when it ended, was taken back, or was asked about or answered."""
        execution_id, now = text_of(item, "execution"), self._parts.now()
        incident = await self._parts.store.incidents.read(incident_of(item))
        execution = incident.execution(execution_id)
        if execution is None or incident.drill:
            return
        group = together_with(incident, execution, now)
        if not group or execution not in group or any(e.expiry_asked_at or e.expiry_answer for e in group):
            return
        try:
            await self._send(incident, group, now)
        except StoreUnavailable:
            raise
        except (ActionFailed, Busy, OutcomeUnknown, TimeoutError) as error:
            log.warning("expiry_not_asked", incident=incident.id, execution=execution_id, error=type(error).__name__)
            await self._parts.store.work.schedule(ask_due(incident.id, execution_id, now + _AGAIN))
            return
        asked = {e.id for e in group}

        def decide(current: Incident) -> Write | None:
            events = tuple(
                ExpiryAsked(at=now, by=PULLCORD, execution=e.id)
                for e in current.executions
                if e.id in asked and temporary(e, now) and e.expiry_asked_at is None and e.expiry_answer is None
            )
            return Write(events=events) if events else None

        op = f"expiry-asked:{execution.lead}:{int(ends_first(group).timestamp())}"
        await self._parts.store.incidents.write(incident.id, op, decide)

    async def _send(self, incident: Incident, group: tuple[Execution, ...], now: datetime) -> None:
        """By direct message to the owner, and in the thread. Raises what Slack raises when nobody could be asked."""
        key = f"expiry:{group[0].lead}:{int(ends_first(group).timestamp())}"
        shown = question(incident, group, now, owner=owner_of(incident, group[0]))
        message = DirectMessage(text=shown.text, blocks=shown.blocks)
        reached, refused = False, None
        if incident.channel is not None and incident.root_ts is not None:
            try:
                await self._parts.chat.post(incident.channel, message, f"{key}:thread", incident.root_ts)
                reached = True
            except ActionFailed as error:  # archived, or we were thrown out: the person is still reachable
                refused = error
        for user in self._askable(incident, group[0]):
            try:
                await self._parts.chat.direct(user, message, f"{key}:dm")
            except ActionFailed as error:  # gone, or takes no messages: the next one is asked
                refused = error
            else:
                return
        if not reached:
            raise refused or ActionFailed("Nobody could be asked: there is no owner, commander or channel.")

    def _askable(self, incident: Incident, execution: Execution) -> tuple[str, ...]:
        """Who may be asked directly, in this order: who ran it, the commander; without a channel those on call."""
        people = [owner_of(incident, execution), incident.commander]
        if incident.channel is None:
            people += self._parts.settings.agent(incident.agent).on_call
        return tuple(dict.fromkeys(user for user in people if user))


def owner_of(incident: Incident, execution: Execution) -> str | None:
    """Who is asked: who ran it, else the commander; None when there is neither."""
    return execution.by if execution.by != PULLCORD.id else incident.commander
