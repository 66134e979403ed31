"""``Work.PAGE``: wake the people of a step, say on the timeline whom it reached, set the next step's due time with it.

At least once, and harmless when repeated: messages carry dedupe keys, and what the timeline says already is not said
again. A page does not wait for the card or its channel. Slack being away is retried with growing waits, and said.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain import events as ev
from bot.domain.base import Json
from bot.domain.incident import Incident
from bot.domain.work import Due, Work, WorkItem
from bot.errors import ActionFailed, Busy, OutcomeUnknown, StoreUnavailable
from bot.paging import messages
from bot.paging.escalation import Step, step_of, waiting
from bot.paging.practised import practise
from bot.ports import Chat, Clock, DirectMessage
from bot.settings import Settings
from bot.timeline.directs import Direct
from bot.timeline.store import Store
from bot.timeline.timeline import Write

log = structlog.get_logger(__name__)

MENTION: Final = "mention"
DIRECT: Final = "direct_message"
_FIRST_WAIT = 2.0
_LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """What came of one message. ``again`` in seconds when it should be tried again; ``ts`` when it stands."""

    how: str
    users: tuple[str, ...]
    delivered: bool
    detail: str = ""
    again: float | None = None
    ts: str | None = None


class Paging:
    """The handler of ``Work.PAGE``."""

    def __init__(self, store: Store, chat: Chat, settings: Settings, clock: Clock) -> None:
        """``chat`` reaches people; who they are stands in ``settings.agents`` and ``settings.default_agent``."""
        self._store = store
        self._chat = chat
        self._settings = settings
        self._clock = clock

    async def handle(self, item: WorkItem) -> None:
        """Payload: ``step``, and for a retry ``attempt``. With ``reason`` people are woken again for something new.

        After an acknowledgement a late item of the escalation does nothing.
        """
        if item.incident is None:
            return
        incident = await self._store.incidents.read(item.incident)
        number, attempt = _number(item, "step"), _number(item, "attempt")
        if incident.drill:
            await practise(self._store, self._settings, incident, number, self._clock.now())
            return
        reason = item.payload.get("reason")
        if isinstance(reason, str) and reason:
            if incident.open:
                await self._again(incident, item, reason, attempt)
            return
        if not waiting(incident):
            return
        step = step_of(incident, self._settings.agent(incident.agent), number)
        sent = await self._send(incident, step, f"{incident.id}:page:{number}", number=number)
        await self._record(incident, step, sent, number, attempt)

    # ------------------------------------------------------------------------------------------- send

    async def _send(self, incident: Incident, step: Step, key: str, *, number: int | None = None) -> list[_Sent]:
        """All messages of a step at once: no slow person delays the next. Whom it reached before is left out."""
        reached = {(p.user, p.how) for p in incident.pages if p.delivered and p.step == number}
        users = [user for user in step.users if (user, DIRECT) not in reached]
        called = tuple(user for user in step.users if (user, MENTION) not in reached)
        announce = number == 0 and (bool(called) or incident.announced_ts is None)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._direct(incident, user, step.reason, f"{key}:{user}", news=number is None))
                    for user in users
                ]
                if announce or called:
                    tasks.append(group.create_task(self._mention(incident, step, called, key, announce=announce)))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # one plain error for the consumer; the item comes again
        return [task.result() for task in tasks]

    async def _direct(self, incident: Incident, user: str, reason: str, key: str, *, news: bool) -> _Sent:
        announced = self._settings.slack.announce_channel
        message = self._drawn(lambda now: messages.direct(incident, now, reason, announced), incident, reason)
        sent = await self._try(DIRECT, (user,), self._chat.direct(user, message, key))
        posted = await self._store.intents.read(key) if sent.delivered else None
        if posted is not None and posted.channel is not None and posted.ts is not None:
            # so that the poster can correct it: at night it is the only message that somebody sees
            direct = Direct(channel=posted.channel, ts=posted.ts, reason=reason, news=news)
            await self._store.directs.remember(incident.id, direct)
        return sent

    async def _mention(
        self, incident: Incident, step: Step, users: tuple[str, ...], key: str, *, announce: bool
    ) -> _Sent:
        channel = self._settings.slack.announce_channel
        if channel is None:
            detail = "slack.announce_channel is not set"
            return _Sent(MENTION, users, delivered=False, detail=detail)
        root = incident.announced_ts if incident.announced_channel == channel else None
        if root is None and incident.channel == channel:
            root = incident.root_ts
        if announce and root is None:
            message = self._drawn(lambda now: messages.announcement(incident, now, users), incident, step.reason, users)
            return await self._try(MENTION, users, self._chat.post(channel, message, f"{incident.id}:announce"))
        said = self._drawn(
            lambda now: messages.mention(incident, now, users, step.reason), incident, step.reason, users
        )
        return await self._try(MENTION, users, self._chat.post(channel, said, f"{key}:mention", root))

    def _drawn(
        self, draw: Callable[[datetime], DirectMessage], incident: Incident, reason: str, users: Sequence[str] = ()
    ) -> DirectMessage:
        """The message, in plain words where it cannot be drawn: whatever is wrong with it, people are woken."""
        try:
            return draw(self._clock.now())
        except Exception:
            log.exception("page_not_drawn", incident=incident.id)
            return messages.plain(incident, reason, users)

    async def _try(self, how: str, users: tuple[str, ...], sending: Awaitable[str]) -> _Sent:
        try:
            ts = await sending
        except Busy as error:
            return _Sent(how, users, delivered=False, detail="Slack asks to wait", again=float(error.retry_after))
        except StoreUnavailable:
            raise  # nothing can be recorded now; the work item comes again
        except OutcomeUnknown as error:
            return _Sent(how, users, delivered=False, detail=error.message, again=0.0)
        except ActionFailed as error:
            return _Sent(how, users, delivered=False, detail=error.message)
        except Exception as error:
            # one message's unforeseen fault must neither keep the others from going out nor end the escalation
            log.exception("page_broke", how=how, users=users)
            return _Sent(how, users, delivered=False, detail=f"it broke ({type(error).__name__})", again=0.0)
        return _Sent(how, users, delivered=True, ts=ts)

    # ----------------------------------------------------------------------------------------- record

    async def _record(self, incident: Incident, step: Step, sent: Sequence[_Sent], number: int, attempt: int) -> None:
        """One write: who was reached, the next step's due time, a retry for whoever was not, the end of it all."""
        now = self._clock.now()
        policy = self._settings.agent(incident.agent)
        wait = _wait(sent, attempt)

        def decide(newest: Incident) -> Write | None:
            events = [*_announced(newest, self._settings.slack.announce_channel, sent, now)]
            events += _paged(newest, sent, number, now)
            if step.ended is not None and newest.escalation_ended is None and waiting(newest):
                events.append(ev.EscalationEnded(at=now, by=ev.PULLCORD, step=number, reason=step.ended))
            due: list[Due] = []
            if waiting(newest):
                if attempt == 0 and step.ended is None:
                    due.append(_due(newest, number + 1, 0, now + policy.repage_after))
                if wait is not None:
                    due.append(_due(newest, number, attempt + 1, now + timedelta(seconds=wait)))
            if not events and wait is None:
                return None
            earlier = tuple(_due_id(newest.id, n) for n in range(number))
            return Write(events=tuple(events), due=tuple(due), clear=earlier, dirty=bool(events))

        outcome = hashlib.sha256(repr([(s.how, s.users, s.delivered) for s in sent]).encode()).hexdigest()[:12]
        await self._store.incidents.write(incident.id, f"page:{number}:{attempt}:{outcome}", decide)

    async def _again(self, incident: Incident, item: WorkItem, reason: str, attempt: int) -> None:
        """Something new that cannot be undone: whoever has it and those on call are told, acknowledged or not."""
        policy = self._settings.agent(incident.agent)
        has_it = [user for user in (incident.commander, incident.acknowledged_by) if user is not None]
        users = tuple(dict.fromkeys([*has_it, *(policy.on_call or policy.fallback)]))
        kept = item.payload.get("mark")
        if isinstance(kept, str):
            mark = kept
        else:
            # the reason alone is the same words each time; what makes a page new is one more effect without a way back
            irreversible = sum(1 for effect in incident.effects if effect.irreversible)
            mark = f"{irreversible}:{hashlib.sha256(reason.encode()).hexdigest()[:12]}"
        reason = f"{reason} ({mark.partition(':')[0]} in all)"
        key = f"{incident.id}:again:{mark}"
        sent = await self._send(incident, Step(users, reason), key)
        now, wait = self._clock.now(), _wait(sent, attempt)
        number = max((p.step for p in incident.pages), default=0)

        def decide(newest: Incident) -> Write | None:
            events = [*_paged(newest, sent, number, now, detail=reason[:200])]
            due: tuple[Due, ...] = ()
            if wait is not None and newest.open:
                payload: dict[str, Json] = {**item.payload, "attempt": attempt + 1, "mark": mark}
                again = WorkItem(kind=Work.PAGE, incident=newest.id, payload=payload)
                due = (Due(id=f"again:{newest.id}", at=now + timedelta(seconds=wait), item=again),)
            return Write(events=tuple(events), due=due, dirty=bool(events)) if events or due else None

        await self._store.incidents.write(incident.id, f"again:{mark}:{attempt}", decide)


def first_page(incident_id: str) -> WorkItem:
    """The work that begins an escalation; it goes into the write that opens the incident."""
    return WorkItem(kind=Work.PAGE, incident=incident_id, payload={"step": 0})


def _announced(incident: Incident, channel: str | None, sent: Sequence[_Sent], now: datetime) -> list[ev.Event]:
    ts = next((s.ts for s in sent if s.how == MENTION and s.ts is not None), None)
    if channel is None or ts is None or incident.announced_ts is not None or incident.root_ts == ts:
        return []
    if incident.channel == channel and incident.root_ts is not None:
        return []  # it was said in the card's own thread
    return [ev.Announced(at=now, by=ev.PULLCORD, channel=channel, ts=ts)]


def _paged(incident: Incident, sent: Sequence[_Sent], number: int, now: datetime, detail: str = "") -> list[ev.Event]:
    """One event per step, person, way and outcome; what the timeline says already is left out.

    ``detail`` tells apart the pages about something new, which belong to no step of their own.
    """
    known = {(p.step, p.user, p.how, p.delivered) for p in incident.pages if not detail or p.detail == detail}
    events: list[ev.Event] = []
    for one in sent:
        for user in one.users:
            if {(number, user, one.how, True), (number, user, one.how, one.delivered)} & known:
                continue
            event = ev.PersonPaged(
                at=now,
                by=ev.PULLCORD,
                step=number,
                user=user,
                how=one.how,
                delivered=one.delivered,
                detail=(detail or one.detail)[:300],
            )
            events.append(event)
    return events


def _wait(sent: Sequence[_Sent], attempt: int) -> float | None:
    """Seconds until those not reached are tried again; None when all were, or a further try would change nothing."""
    asked = [s.again for s in sent if s.again is not None]
    if not asked:
        return None
    return max(min(_FIRST_WAIT * 2.0 ** min(attempt, 8), _LONGEST_WAIT), *asked)


def _due_id(incident_id: str, number: int) -> str:
    return f"page:{incident_id}:{number}"


def _due(incident: Incident, number: int, attempt: int, at: datetime) -> Due:
    payload: dict[str, Json] = {"step": number}
    if attempt:
        payload["attempt"] = attempt
    return Due(
        id=_due_id(incident.id, number), at=at, item=WorkItem(kind=Work.PAGE, incident=incident.id, payload=payload)
    )


def _number(item: WorkItem, name: str) -> int:
    value = item.payload.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1000 else 0
