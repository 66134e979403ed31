"""``Work.LIFECYCLE``: what people do with an incident as such (acknowledge, take command, resolve, note, pin, declare).

What is known without Slack was checked before the click was answered; whoever was second, or turns out to be no full
member, is told by an ephemeral message where the person pressed.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from bot.domain.base import Json, Utc, Value
from bot.domain.events import (
    PULLCORD,
    Acknowledged,
    Actor,
    CommandTaken,
    IncidentOpened,
    IncidentResolved,
    NoteAdded,
    RunMissing,
    SeveritySet,
)
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine import names
from bot.engine.authorise import (
    COMMANDER,
    RESPONDER,
    holders,
    may_act,
    may_take_part,
    mentions,
    of_our_workspace,
)
from bot.engine.parts import Parts, incident_of, tell
from bot.engine.words import ago, plain
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.settings import Settings
from bot.timeline.timeline import Write
from bot.views.text import person

MAX_TEXT = 3000
_SAME_NOTE_SECONDS = 600
"""A press that was not confirmed is pressed again: the same words by the same person in this time are one note."""


class What(StrEnum):
    """What a person asked for."""

    ACKNOWLEDGE = "acknowledge"
    TAKE = "take"
    RESOLVE = "resolve"
    NOTE = "note"
    PIN = "pin"
    DECLARE = "declare"


class LifecycleRequest(Value):
    """The payload of ``Work.LIFECYCLE``. For ``pin``, ``ts`` says which message of ``channel``.

    ``channel`` is where the person is told what came of it; ``key`` identifies the click.
    """

    what: What
    by: Actor
    key: str
    at: Utc
    text: str = ""
    channel: str | None = None
    ts: str | None = None
    author: str | None = None
    said_at: Utc | None = None
    permalink: str | None = None
    agent: str | None = None


_FOR_RESPONDERS = frozenset({What.TAKE, What.RESOLVE})
_DOING = {
    What.ACKNOWLEDGE: "acknowledge",
    What.TAKE: "take command",
    What.RESOLVE: "resolve an incident",
    What.NOTE: "add to a timeline",
    What.PIN: "add to a timeline",
    What.DECLARE: "declare an incident",
}


def may_ask(settings: Settings, what: What, by: Actor) -> None:
    """Raise Refused when it is known without Slack that this person may not: roles and workspace. Only reads."""
    if what in _FOR_RESPONDERS:
        may_act(settings, by, RESPONDER, _DOING[what])
    else:
        of_our_workspace(settings, by, _DOING[what])


def read_request(
    what: str, by: Actor, key: str, at: datetime, text: str, extra: Mapping[str, Json]
) -> LifecycleRequest:
    """What a person asked for, as the work's payload. Raises Refused for anything that is none."""
    fields: dict[str, Any] = {k: v for k, v in extra.items() if v not in (None, "")}
    try:
        return LifecycleRequest(what=What(what), by=by, key=key, at=at, text=text, **fields)
    except (ValidationError, ValueError) as error:
        raise Refused(f"Pullcord cannot do {plain(what, 40)} with that.", next_step="See `/pullcord help`.") from error


Decision = tuple[Write | None, str | None]
"""What to write, and what to tell the person (None: the card shows it)."""


class Lifecycle:
    """Carries out what people asked for, once per click."""

    def __init__(self, parts: Parts) -> None:
        """``parts`` is what the engine works with."""
        self._parts = parts

    async def handle(self, item: WorkItem) -> None:
        """Payload: a LifecycleRequest. A refusal is told to the person and nothing is written."""
        try:
            asked = LifecycleRequest.model_validate(item.payload)
        except ValidationError as error:
            raise Refused(f"Work item {item.kind} cannot be read ({error.error_count()} faults).") from error
        try:
            await self._authorise(asked)
            said = await self._declare(asked) if asked.what is What.DECLARE else await self._decide(item, asked)
        except Refused as refused:
            said = str(refused)
        if said is not None:
            answer = tell(item.incident, asked.channel, asked.by.id, said, f"lifecycle:{asked.key}")
            await self._parts.store.work.add(answer, op=f"say:lifecycle:{asked.key}")

    async def _authorise(self, asked: LifecycleRequest) -> None:
        parts = self._parts
        may_ask(parts.settings, asked.what, asked.by)
        if asked.what not in _FOR_RESPONDERS:
            await may_take_part(parts.settings, parts.chat, asked.by, _DOING[asked.what])

    async def _decide(self, item: WorkItem, asked: LifecycleRequest) -> str | None:
        now = self._parts.now()
        if asked.what is What.PIN:
            asked = await self._fetched(asked)
        rule = _RULES[asked.what]
        said: list[str | None] = [None]

        def decide(incident: Incident) -> Write | None:
            write, said[0] = rule(incident, asked, now)
            return write

        written = await self._parts.store.incidents.write(incident_of(item), _op(asked), decide)
        if asked.what is What.PIN and asked.channel is not None and asked.ts is not None:
            with suppress(ActionFailed, OutcomeUnknown):  # it is on the timeline; the mark on the message is a courtesy
                await self._parts.chat.react(asked.channel, asked.ts, "white_check_mark")
        if written.status not in {"written", "seen"}:
            return said[0]
        return self._leads(written.incident.id, asked.by) if asked.what is What.TAKE else None

    def _leads(self, incident: str, by: Actor) -> str | None:
        """Who leads an incident is not by that of the role commander: said to whoever might think so."""
        commanders = holders(self._parts.settings, COMMANDER)
        if by.id in commanders:
            return None
        if not commanders:
            return f"You lead {incident}. Nobody may loosen or undo: the role {COMMANDER} is empty."
        return f"You lead {incident}. Loosening and undoing still need {mentions(commanders)} (role {COMMANDER})."

    async def _fetched(self, asked: LifecycleRequest) -> LifecycleRequest:
        """With the message's own text, author, time and link, which the event does not carry."""
        if asked.channel is None or asked.ts is None:
            raise Refused("This message cannot be put on the timeline: it is not known which one is meant.")
        try:
            message = await self._parts.chat.message(asked.channel, asked.ts)
        except ActionFailed as error:
            raise Refused(f"The message was not put on the timeline: {error}") from error
        if message is None:
            raise Refused(
                "The message was not put on the timeline: it is gone, or Pullcord may not read it.",
                next_step="Invite Pullcord to that channel, or write a note.",
            )
        own = {
            "text": self._parts.scrub(message.text),
            "author": message.author,
            "said_at": message.at,
            "permalink": message.permalink,
        }
        return asked.model_copy(update=own)

    async def _declare(self, asked: LifecycleRequest) -> str | None:
        agent = asked.agent or None
        text = asked.text.strip()[:MAX_TEXT]
        if not text:
            raise Refused("An incident needs a sentence on what happens.", field="summary", next_step="Write one.")

        def make(number: int) -> tuple[IncidentOpened, Write]:
            incident_id = f"INC-{number}"
            opened = IncidentOpened(
                at=asked.at,
                by=asked.by,
                number=number,
                agent=agent[:200] if agent else None,
                name="declared by a person",
                severity="SEV3",
                summary=text[:1000],
            )
            events = (
                SeveritySet(at=asked.at, by=PULLCORD, severity="SEV3", why="effects are not known: no run was named"),
                RunMissing(at=asked.at, by=PULLCORD, trace_id=None, reason="a person declared it and named no run"),
            )
            page = WorkItem(kind=Work.PAGE, incident=incident_id, payload={"step": 0})
            return opened, Write(events=events, work=(page,))

        opened = await self._parts.store.incidents.open(_op(asked), make, None)
        return f"{opened.incident_id} is open; its card follows."


def acknowledge(incident: Incident, asked: LifecycleRequest, now: datetime) -> Decision:
    """Paging stops in the same write. The second person is told who was first."""
    if not incident.open:
        return None, _over(incident, now)
    if incident.acknowledged_by is not None:
        when = ago(incident.acknowledged_at or now, now)
        first = "you" if incident.acknowledged_by == asked.by.id else person(incident.acknowledged_by)
        return None, f"{incident.id} was already acknowledged by {first} {when}."
    event = Acknowledged(at=now, by=asked.by)
    return Write(events=(event,), clear=names.due_pages(incident.id)), None


def take(incident: Incident, asked: LifecycleRequest, now: datetime) -> Decision:
    """Command goes to whoever takes it last; each time is on the timeline."""
    if not incident.open:
        return None, _over(incident, now)
    if incident.commander == asked.by.id:
        return None, f"You already have command of {incident.id}, since {ago(incident.commander_at or now, now)}."
    event = CommandTaken(at=now, by=asked.by)
    return Write(events=(event,), clear=names.due_pages(incident.id)), None


def resolve(incident: Incident, asked: LifecycleRequest, now: datetime) -> Decision:
    """Close it, with a reason. Allowed when it is not contained: then the reason is all that says why."""
    if not incident.open:
        return None, _over(incident, now)
    reason = asked.text.strip()[:MAX_TEXT]
    if not reason:
        raise Refused("Resolving needs a reason.", field="reason", next_step="Say why nothing more can go wrong.")
    event = IncidentResolved(at=now, by=asked.by, reason=reason)
    return Write(events=(event,), clear=names.due_pages(incident.id)), None


def note(incident: Incident, asked: LifecycleRequest, now: datetime) -> Decision:
    """Words of a person; also after it is resolved."""
    del incident
    text = asked.text.strip()[:MAX_TEXT]
    if not text:
        raise Refused("A note needs words.", field="text", next_step="Write what should be on the timeline.")
    return Write(events=(NoteAdded(at=now, by=asked.by, text=text),)), None


def pin(incident: Incident, asked: LifecycleRequest, now: datetime) -> Decision:
    """A message of the channel, with its author, time and link. Once per message, whoever pins it."""
    del incident
    event = NoteAdded(
        at=now,
        by=asked.by,
        text=asked.text[:MAX_TEXT],
        pinned=True,
        author=asked.author,
        said_at=asked.said_at,
        permalink=asked.permalink,
    )
    return Write(events=(event,)), None


_RULES: dict[What, Callable[[Incident, LifecycleRequest, datetime], Decision]] = {
    What.ACKNOWLEDGE: acknowledge,
    What.TAKE: take,
    What.RESOLVE: resolve,
    What.NOTE: note,
    What.PIN: pin,
}


def _op(asked: LifecycleRequest) -> str:
    """Operation id: once per message for a pin, once in ten minutes for the same words, else once per click."""
    if asked.what is What.PIN:
        return f"pin:{asked.channel}:{asked.ts}"
    if asked.what in {What.NOTE, What.DECLARE}:
        words = hashlib.sha256(f"{asked.agent or ''}\x00{asked.text.strip()}".encode()).hexdigest()[:16]
        return f"{asked.what}:{asked.by.id}:{words}:{int(asked.at.timestamp()) // _SAME_NOTE_SECONDS}"
    return f"{asked.what}:{asked.key}"


def _over(incident: Incident, now: datetime) -> str:
    by = person(incident.resolved_by or PULLCORD.id)
    return f"{incident.id} was already resolved by {by} {ago(incident.resolved_at or now, now)}."
