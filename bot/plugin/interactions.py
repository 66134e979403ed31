"""Slack interactions: what a person did, what an interaction may ask of the kernel, and what it answers."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.domain.base import Json, Value
from bot.domain.events import Actor
from bot.domain.incident import Incident, IncidentRow
from bot.domain.mitigation import MitigationRow
from bot.domain.run import Run
from bot.domain.waiting import WaitingApproval


class Kind(StrEnum):
    """What a person did in Slack."""

    BUTTON = "button"
    VIEW = "view"
    COMMAND = "command"
    EVENT = "event"
    SHORTCUT = "shortcut"


@dataclass(frozen=True, slots=True)
class Click:
    """One interaction, free of Bolt: who, where, what. ``value`` and ``values`` come from the client and prove nothing.

    ``key`` identifies this interaction (for deduplication); ``args`` are the words after a slash command;
    ``values`` the fields of a modal by block id, submitted or as they stand when a button in it is pressed;
    ``metadata`` the view's private metadata; ``event`` the event's own plain fields. ``view`` is the id of the view
    that it happened in, and ``surface`` what that is: ``modal``, ``home``, or empty for a message or a command.
    """

    key: str
    id: str
    by: Actor
    channel: str | None = None
    message_ts: str | None = None
    thread_ts: str | None = None
    value: str = ""
    args: str = ""
    values: Mapping[str, Json] = field(default_factory=dict)
    metadata: str = ""
    event: Mapping[str, Json] = field(default_factory=dict)
    view: str = ""
    surface: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the clicker, and nobody else, one sentence or some blocks."""

    text: str
    blocks: Sequence[Mapping[str, Json]] = ()


@dataclass(frozen=True, slots=True)
class OpenModal:
    """Open a modal (a Block Kit view) for the clicker."""

    view: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class UpdateModal:
    """Change the modal in which this happened, in place: what was typed stays where block and action ids stay.

    Outside of a modal it is opened.
    """

    view: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class ShowHome:
    """Publish this as the clicker's Home tab, at most 100 blocks."""

    blocks: Sequence[Mapping[str, Json]]


@dataclass(frozen=True, slots=True)
class FieldErrors:
    """Keep the modal open with an error at each named field (block id -> sentence)."""

    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing to say now: the card, the thread or a later message shows the outcome."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was to be written is written: the reply follows as soon as ``read`` has it, and is late by no means.

    For what reads a control plane before it can be shown. ``read`` writes nothing that a second press would double.
    """

    read: Callable[[], Awaitable["Reply"]]


Reply = Say | OpenModal | UpdateModal | ShowHome | FieldErrors | Quiet | Reading


class OfferView(Value):
    """A button as it was shown: what it does with which frozen parameters. ``id`` is the opaque value it carries."""

    id: str
    incident: str
    action: str
    params: dict[str, Json]
    label: str
    asks: bool
    danger: bool = False
    consequence: str = ""
    rank: int = 50
    undo_of: str | None = None
    why: str = ""
    """Why it stands here: the sentence of the ladder's step. May hold foreign words, as ``ladder`` does."""
    ladder: str = ""
    """The ladder that it is a step of, with why that one fits; empty for an offer that no ladder names."""


class Incidents(Protocol):
    """Reading incidents (for interactions)."""

    async def get(self, incident_id: str) -> Incident:
        """The incident; Refused when there is none."""
        ...

    async def in_channel(self, channel: str) -> str | None:
        """Id of the incident whose channel this is, or None."""
        ...

    async def of_message(self, channel: str, ts: str) -> str | None:
        """Id of the incident whose card, announcement or direct message this is, or None."""
        ...

    async def open_ids(self, limit: int) -> Sequence[str]:
        """Ids of the newest open incidents."""
        ...

    async def mine(self, by: Actor, limit: int) -> Sequence[IncidentRow]:
        """Open incidents that this person commands, has acknowledged or is on call for, newest first."""
        ...

    async def mitigations(self, limit: int) -> Sequence[MitigationRow]:
        """What is in force or may be, over all incidents, the newest first."""
        ...

    async def run(self, incident: Incident, trace_id: str) -> Run | None:
        """The frozen run of this incident; None when it cannot be read in the time that a click has, or at all."""
        ...


class Requests(Protocol):
    """What interactions may ask of the kernel. Each is one durable write, safe to repeat with the same key."""

    async def lifecycle(
        self, incident_id: str, what: str, by: Actor, *, key: str, text: str = "", **extra: Json
    ) -> None:
        """Ask for ``acknowledge``, ``take``, ``resolve``, ``note``, ``pin``, ``declare`` or ``add_runs``."""
        ...

    async def declare(self, by: Actor, *, key: str, agent: str | None, summary: str, channel: str | None) -> None:
        """Ask for a new incident that a person reports."""
        ...

    async def offers(self, incident: Incident) -> Sequence[OfferView]:
        """What may be done now, most useful first."""
        ...

    async def offer(self, offer_id: str) -> OfferView:
        """The offer that a button carries; Refused when it is unknown or too old."""
        ...

    async def modal(self, offer: OfferView, by: Actor) -> Mapping[str, Json]:
        """The modal of an offer that asks, with choices and defaults from the incident and a preview."""
        ...

    async def preview(self, offer_id: str, by: Actor, values: Mapping[str, Json]) -> Reply:
        """The modal of an offer again, with what would be done with the values that stand in it now. Writes nothing."""
        ...

    async def preview_text(self, offer: OfferView, by: Actor) -> str:
        """What an offer that does not ask would do, point by point. Foreign text, not escaped. Writes nothing."""
        ...

    async def drill(self, by: Actor, *, agent: str | None, key: str) -> Reply:
        """Open a drill about an agent of the configuration (None: its first one)."""
        ...

    async def stop(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Ask a long action to stop at its next step."""
        ...

    async def submit(self, offer_id: str, by: Actor, values: Mapping[str, Json], *, key: str) -> Reply:
        """A1: request the action of an offer with its frozen or the submitted parameters. First one wins."""
        ...

    async def mark(self, incident_id: str, execution_id: str, by: Actor, *, done: bool, reason: str, key: str) -> Reply:
        """Mark an unknown execution done or not done."""
        ...

    async def check(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Probe an unknown execution, or read back one that is not in force."""
        ...

    async def extend(self, incident_id: str, execution_id: str, length: str, by: Actor, *, key: str) -> Reply:
        """Move the end of a temporary mitigation by ``1h``, ``4h`` or ``24h``. Who may run it may extend it."""
        ...

    async def permanent(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Open the fix that keeps what is set for a time, or say what has to be configured for that."""
        ...

    async def lapse(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Say that a temporary mitigation may end at its time."""
        ...

    async def waiting_for(self, by: Actor) -> Sequence[WaitingApproval]:
        """What this person may approve, the nearest deadline first."""
        ...

    async def approve(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """A second person says yes to what waits for approval."""
        ...

    async def reject(self, incident_id: str, execution_id: str, by: Actor, *, reason: str, key: str) -> Reply:
        """A second person says no with a reason, or whoever asked takes it back."""
        ...

    async def ask(self, incident_id: str, execution_id: str, by: Actor, *, key: str) -> Reply:
        """Whoever was refused asks those who may, with the parameters that were refused."""
        ...

    async def break_glass(self, incident_id: str, execution_id: str, by: Actor, *, reason: str, key: str) -> Reply:
        """Go alone with a reason; every commander is told."""
        ...

    async def may_look(self, by: Actor) -> None:
        """Raise Refused unless this person may be shown incidents outside their channels: full members only."""
        ...

    async def may_ask(self, what: str, by: Actor, incident_id: str | None = None) -> None:
        """Raise Refused when roles or workspace say at once that this person may not (``what`` of ``lifecycle``)."""
        ...

    async def page_link(self, incident_id: str, by: Actor) -> str:
        """A one-time link (60 s) to the incident's page."""
        ...

    async def say_later(self, channel: str, by: Actor, text: str, *, key: str) -> None:
        """Tell a person something from the worker (survives a crash)."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What every interaction gets."""

    incidents: Incidents
    requests: Requests
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Interaction:
    """A Slack interaction: ``id`` is the action id, callback id, command word or event type that it answers."""

    id: str
    kind: Kind
    run: Callable[[Click, Services], Awaitable[Reply]]
    help: str
    module: str
    reads: bool = False


def interaction(
    interaction_id: str, kind: Kind, *, help_text: str = "", reads: bool = False
) -> Callable[[Callable[[Click, Services], Awaitable[Reply]]], Interaction]:
    """Declare a Slack interaction. The function never sees Bolt, so it cannot skip the wrapper round every listener.

    ``reads``: it asks for nothing and may wait for a control plane; nobody is told that it was not confirmed.
    """

    def wrap(run: Callable[[Click, Services], Awaitable[Reply]]) -> Interaction:
        if not inspect.iscoroutinefunction(run):
            message = f"interaction {interaction_id}: must be an async function (Click, Services) -> Reply"
            raise TypeError(message)
        return Interaction(id=interaction_id, kind=kind, run=run, help=help_text, module=run.__module__, reads=reads)

    return wrap
