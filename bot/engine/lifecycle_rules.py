"""What each thing that a person asks for writes on the timeline, or what the person is told instead. Pure."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bot.domain.base import Utc, Value
from bot.domain.events import (
    PULLCORD,
    Acknowledged,
    Actor,
    CommandTaken,
    IncidentResolved,
    NoteAdded,
    RunsAdded,
)
from bot.domain.incident import Incident
from bot.domain.run import TraceId
from bot.engine import names
from bot.engine.opening import read_run
from bot.engine.words import ago
from bot.errors import Refused
from bot.timeline.timeline import Write
from bot.views import limits
from bot.views.text import person

MAX_TEXT = 3000
MOST_ADDED = limits.RUNS_ADDED
"""Runs that one click may add: each is read, frozen and compared."""


class What(StrEnum):
    """What a person asked for."""

    ACKNOWLEDGE = "acknowledge"
    TAKE = "take"
    RESOLVE = "resolve"
    NOTE = "note"
    PIN = "pin"
    DECLARE = "declare"
    ADD_RUNS = "add_runs"


class LifecycleRequest(Value):
    """The payload of ``Work.LIFECYCLE``. For ``pin``, ``ts`` says which message of ``channel``.

    ``channel`` is where the person is told what came of it; ``key`` identifies the click. For ``add_runs``, ``traces``
    are the runs, ``groups`` ids of whole groups of similar runs (their newest), and ``why`` says from which list.
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
    traces: Annotated[tuple[TraceId, ...], Field(max_length=MOST_ADDED)] = ()
    groups: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=20)] = ()
    why: Literal["similar", "offered"] = "similar"


Decision = tuple[Write | None, str | None]
"""What to write, and what to tell the person (None: the card shows it)."""


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


def add_runs(incident: Incident, asked: LifecycleRequest, now: datetime) -> Decision:
    """Runs that a person confirmed join the incident, each is read like an alerted one. After it is resolved too.

    Whether Pullcord knows these runs was checked before.
    """
    held = incident.wanted_traces | {run.summary.trace_id for run in incident.runs}
    new = tuple(trace_id for trace_id in dict.fromkeys(asked.traces) if trace_id not in held)
    if not new:
        return None, f"{incident.id} holds {'this run' if len(asked.traces) == 1 else 'these runs'} already."
    event = RunsAdded(at=now, by=asked.by, trace_ids=new, why=asked.why)
    return Write(events=(event,), work=tuple(read_run(incident.id, trace_id) for trace_id in new)), None


def _over(incident: Incident, now: datetime) -> str:
    by = person(incident.resolved_by or PULLCORD.id)
    return f"{incident.id} was already resolved by {by} {ago(incident.resolved_at or now, now)}."


RULES: dict[What, Callable[[Incident, LifecycleRequest, datetime], Decision]] = {
    What.ACKNOWLEDGE: acknowledge,
    What.TAKE: take,
    What.RESOLVE: resolve,
    What.NOTE: note,
    What.PIN: pin,
    What.ADD_RUNS: add_runs,
}
