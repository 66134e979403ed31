"""``Work.LIFECYCLE``: what people do with an incident as such (acknowledge, take command, resolve, note, declare ...).

What is known without Slack was checked before the click was answered; whoever was second, or turns out to be no full
member, is told by an ephemeral message where the person pressed.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from bot.domain.base import Json
from bot.domain.events import PULLCORD, Actor, IncidentOpened, RunMissing, SeveritySet
from bot.domain.incident import Incident
from bot.domain.work import Work, WorkItem
from bot.engine.alikes import Alikes
from bot.engine.choosing import offer_runs
from bot.engine.deciding import place_of
from bot.engine.lifecycle_rules import MAX_TEXT, MOST_ADDED, RULES, LifecycleRequest, What
from bot.engine.membership import ASK_SECONDS, COMMANDER, RESPONDER, WORK_SECONDS, Holds, members_in_words, members_of
from bot.engine.parts import Parts, incident_of, tell
from bot.engine.taking_part import may_act, may_take_part, of_our_workspace
from bot.engine.words import plain
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.timeline.timeline import Write

_SAME_NOTE_SECONDS = 600
"""A press that was not confirmed is pressed again: the same words by the same person in this time are one note."""


_FOR_RESPONDERS = frozenset({What.TAKE, What.RESOLVE, What.ADD_RUNS})
_DOING = {
    What.ACKNOWLEDGE: "acknowledge",
    What.TAKE: "take command",
    What.RESOLVE: "resolve an incident",
    What.NOTE: "add to a timeline",
    What.PIN: "add to a timeline",
    What.DECLARE: "declare an incident",
    What.ADD_RUNS: "add runs to an incident",
}


async def may_ask(
    parts: Parts, what: What, by: Actor, incident: Incident | None = None, *, seconds: float = ASK_SECONDS
) -> None:
    """Raise Refused when roles or workspace say at once that this person may not. Only reads.

    ``incident`` matters where a role is held by whoever has command of it or is on call for its agent.
    """
    if what in _FOR_RESPONDERS:
        await may_act(parts, by, RESPONDER, _DOING[what], incident, seconds)
    else:
        of_our_workspace(parts.settings, by, _DOING[what])


def read_request(
    what: str, by: Actor, key: str, at: datetime, text: str, extra: Mapping[str, Json]
) -> LifecycleRequest:
    """What a person asked for, as the work's payload. Raises Refused for anything that is none."""
    fields: dict[str, Any] = {k: v for k, v in extra.items() if v not in (None, "")}
    try:
        return LifecycleRequest(what=What(what), by=by, key=key, at=at, text=text, **fields)
    except (ValidationError, ValueError) as error:
        raise Refused(f"Pullcord cannot do {plain(what, 40)} with that.", next_step="See `/pullcord help`.") from error


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
            await self._authorise(item, asked)
            said = await self._declare(asked) if asked.what is What.DECLARE else await self._decide(item, asked)
        except Refused as refused:
            said = str(refused)
        if said is not None:
            answer = tell(item.incident, asked.channel, asked.by.id, said, f"lifecycle:{asked.key}")
            await self._parts.store.work.add(answer, op=f"say:lifecycle:{asked.key}")

    async def _authorise(self, item: WorkItem, asked: LifecycleRequest) -> None:
        parts = self._parts
        incident = None if item.incident is None else await parts.store.incidents.read(item.incident)
        await may_ask(parts, asked.what, asked.by, incident, seconds=WORK_SECONDS)
        if asked.what not in _FOR_RESPONDERS:
            await may_take_part(parts, asked.by, _DOING[asked.what])

    async def _decide(self, item: WorkItem, asked: LifecycleRequest) -> str | None:
        now = self._parts.now()
        if asked.what is What.PIN:
            asked = await self._fetched(asked)
        if asked.what is What.ADD_RUNS:
            asked = await self._known(incident_of(item), asked)
        rule = RULES[asked.what]
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
        return await self._leads(written.incident, asked.by) if asked.what is What.TAKE else None

    async def _known(self, incident_id: str, asked: LifecycleRequest) -> LifecycleRequest:
        """With the runs of the groups. Raise Refused unless every run was offered here, or is one that was recorded.

        Ids come from outside.
        """
        store = self._parts.store
        incident = await store.incidents.read(incident_id)
        if asked.groups:
            whole = await Alikes(store.run_index).of_groups(incident, asked.groups)
            together = tuple(dict.fromkeys((*asked.traces, *whole)))[:MOST_ADDED]
            asked = asked.model_copy(update={"traces": together})
        if not asked.traces:
            raise Refused("No run was chosen.", field="traces", next_step="Tick at least one.")
        groups = (group for similar in incident.similar for group in similar.groups)
        lines = [line for group in groups for line in group.lines] + list(
            incident.offered.lines if incident.offered else ()
        )
        unseen = [t for t in dict.fromkeys(asked.traces) if t not in {line.trace_id for line in lines}]
        indexed = {run.profile.trace_id for run in await store.run_index.many(unseen)}
        unknown = [t for t in unseen if t not in indexed and await store.spans.meta(t) is None]
        if unknown:
            raise Refused(
                f"{len(unknown)} of the runs are not recorded here (the first is {unknown[0]}), so none was added.",
                field="traces",
                next_step="Choose from the runs that the card shows.",
            )
        return asked

    async def _leads(self, incident: Incident, by: Actor) -> str | None:
        """Who leads an incident is not by that of the role commander: said to whoever might think so."""
        parts, place = self._parts, place_of(self._parts.settings, incident)
        commanders = members_of(parts.settings.roles, COMMANDER)
        if (await parts.people.standing(by, COMMANDER, place, WORK_SECONDS)).holds is Holds.YES:
            return None
        if not commanders:
            return f"You lead {incident.id}. Nobody may loosen or undo: the role {COMMANDER} is empty."
        who = members_in_words(commanders, place)
        return f"You lead {incident.id}. Loosening and undoing still need {who} (role {COMMANDER})."

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
            work = [WorkItem(kind=Work.PAGE, incident=incident_id, payload={"step": 0})]
            if agent:
                work.append(offer_runs(incident_id, asked.at, self._parts.now()))
            return opened, Write(events=events, work=tuple(work))

        opened = await self._parts.store.incidents.open(_op(asked), make, None)
        return f"{opened.incident_id} is open; its card follows."


def _op(asked: LifecycleRequest) -> str:
    """Operation id: once per message for a pin, once in ten minutes for the same words, else once per click."""
    if asked.what is What.PIN:
        return f"pin:{asked.channel}:{asked.ts}"
    if asked.what in {What.NOTE, What.DECLARE}:
        words = hashlib.sha256(f"{asked.agent or ''}\x00{asked.text.strip()}".encode()).hexdigest()[:16]
        return f"{asked.what}:{asked.by.id}:{words}:{int(asked.at.timestamp()) // _SAME_NOTE_SECONDS}"
    return f"{asked.what}:{asked.key}"
