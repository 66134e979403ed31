"""The events of an incident's timeline: a discriminated union of frozen values, stored as JSON, never changed later.

An event says what happened, in the past tense, with who and when. Type names are frozen by
``tests/contracts/event_types.txt``: entries already stored carry them.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bot.domain.action_events import (
    ActionDrilled,
    ActionFailed,
    ActionMarked,
    ActionRefused,
    ActionRequested,
    ActionStarted,
    ActionSucceeded,
    ActionUnknown,
    ApprovalAsked,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRejected,
    ApprovalReminded,
    DecisionRefused,
    ExpiryAnswered,
    ExpiryAsked,
    GlassBroken,
    StopAsked,
    VerificationChanged,
    WatchLooked,
)
from bot.domain.alert import Alert
from bot.domain.base import Utc, Value
from bot.domain.event_base import PULLCORD, Actor, ActorKind, BaseEvent
from bot.domain.run_events import (
    ChangesFound,
    EffectsListed,
    RunAttached,
    RunMissing,
    RunsAdded,
    RunsOffered,
    SimilarRunsFound,
)

__all__ = [
    "EVENT",
    "PULLCORD",
    "Acknowledged",
    "ActionDrilled",
    "ActionFailed",
    "ActionMarked",
    "ActionRefused",
    "ActionRequested",
    "ActionStarted",
    "ActionSucceeded",
    "ActionUnknown",
    "Actor",
    "ActorKind",
    "AlertJoined",
    "AlertResolved",
    "Announced",
    "ApprovalAsked",
    "ApprovalExpired",
    "ApprovalGiven",
    "ApprovalRejected",
    "ApprovalReminded",
    "CardPosted",
    "ChangesFound",
    "ChannelReady",
    "CommandTaken",
    "DecisionRefused",
    "EffectsListed",
    "Entry",
    "EscalationEnded",
    "Event",
    "ExpiryAnswered",
    "ExpiryAsked",
    "GlassBroken",
    "HeadPosted",
    "IncidentOpened",
    "IncidentResolved",
    "NoteAdded",
    "PersonPaged",
    "RunAttached",
    "RunMissing",
    "RunsAdded",
    "RunsOffered",
    "SeveritySet",
    "SimilarRunsFound",
    "SlackRefused",
    "StopAsked",
    "VerificationChanged",
    "WatchLooked",
    "WorkDropped",
]


class IncidentOpened(BaseEvent):
    """The incident exists. ``number`` is its number, ``alert`` what opened it (None when a person declared it).

    ``drill`` True: people practise; every action ends with its preview, nothing is written and nobody is woken.
    """

    type: Literal["incident_opened"] = "incident_opened"
    number: int
    agent: str | None
    name: str
    severity: str
    summary: str = ""
    alert: Alert | None = None
    drill: bool = False


class AlertJoined(BaseEvent):
    """A further alert of the same agent and name joined. Repeats of one alert raise a counter instead."""

    type: Literal["alert_joined"] = "alert_joined"
    alert: Alert


class AlertResolved(BaseEvent):
    """The source says that an alert of this incident is over. The incident stays open: effects do not vanish."""

    type: Literal["alert_resolved"] = "alert_resolved"
    alert_id: str
    ends_at: Utc | None = None


class SeveritySet(BaseEvent):
    """The severity changed, with the reason in words."""

    type: Literal["severity_set"] = "severity_set"
    severity: str
    why: str


class ChannelReady(BaseEvent):
    """The channel where the card stands. ``created`` is False for a fixed channel."""

    type: Literal["channel_ready"] = "channel_ready"
    channel: str
    name: str
    created: bool


class CardPosted(BaseEvent):
    """P3: the root message exists."""

    type: Literal["card_posted"] = "card_posted"
    channel: str
    ts: str


class Announced(BaseEvent):
    """The incident was announced in the fixed channel with a mention."""

    type: Literal["announced"] = "announced"
    channel: str
    ts: str


class SlackRefused(BaseEvent):
    """The workspace refused an optional call; what is missing because of it, and what to do."""

    type: Literal["slack_refused"] = "slack_refused"
    method: str
    error: str
    consequence: str


class PersonPaged(BaseEvent):
    """A person was woken. ``step`` counts the escalation; ``how`` is ``mention`` or ``direct_message``."""

    type: Literal["person_paged"] = "person_paged"
    step: int
    user: str
    how: str
    delivered: bool
    detail: str = ""


class EscalationEnded(BaseEvent):
    """Nobody is left to wake in the configuration; said so that it is seen."""

    type: Literal["escalation_ended"] = "escalation_ended"
    step: int
    reason: str


class Acknowledged(BaseEvent):
    """A person has it. Paging stops."""

    type: Literal["acknowledged"] = "acknowledged"


class CommandTaken(BaseEvent):
    """A person took command (acknowledges too)."""

    type: Literal["command_taken"] = "command_taken"


class NoteAdded(BaseEvent):
    """A person's note, or a message that was pinned; then ``author``, ``said_at`` and ``permalink`` are its own."""

    type: Literal["note_added"] = "note_added"
    text: str
    pinned: bool = False
    author: str | None = None
    said_at: Utc | None = None
    permalink: str | None = None


class IncidentResolved(BaseEvent):
    """A person closed it, with a reason."""

    type: Literal["incident_resolved"] = "incident_resolved"
    reason: str


class HeadPosted(BaseEvent):
    """The head of the chain was posted to the thread: from here on a truncation can be found."""

    type: Literal["head_posted"] = "head_posted"
    seq: int
    head: str
    ts: str


class WorkDropped(BaseEvent):
    """A work item failed five times and was set aside; a person must look."""

    type: Literal["work_dropped"] = "work_dropped"
    work: str
    reason: str


Event = Annotated[
    IncidentOpened
    | AlertJoined
    | AlertResolved
    | SeveritySet
    | RunMissing
    | RunAttached
    | EffectsListed
    | ChangesFound
    | SimilarRunsFound
    | RunsOffered
    | RunsAdded
    | ChannelReady
    | CardPosted
    | Announced
    | SlackRefused
    | PersonPaged
    | EscalationEnded
    | Acknowledged
    | CommandTaken
    | NoteAdded
    | IncidentResolved
    | ActionRequested
    | ActionRefused
    | ActionStarted
    | ActionSucceeded
    | ActionFailed
    | ActionUnknown
    | ActionMarked
    | VerificationChanged
    | WatchLooked
    | ActionDrilled
    | ApprovalAsked
    | ApprovalExpired
    | ApprovalGiven
    | ApprovalRejected
    | ApprovalReminded
    | DecisionRefused
    | ExpiryAnswered
    | ExpiryAsked
    | GlassBroken
    | StopAsked
    | HeadPosted
    | WorkDropped,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Parses and writes any event."""


class Entry(Value):
    """One stored entry: its place in the chain, its code (hex HMAC-SHA256) and the event."""

    seq: int
    mac: str
    key_id: str
    event: Event
