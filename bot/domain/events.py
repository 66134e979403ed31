"""The events of an incident's timeline: a discriminated union of frozen values, stored as JSON, never changed later.

An event says what happened, in the past tense, with who and when. Type names are frozen by
``tests/contracts/event_types.txt``: entries already stored carry them.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bot.domain.action import Applied, Change, OnceResult, Snapshot, Verified
from bot.domain.alert import Alert
from bot.domain.base import Json, Utc, Value
from bot.domain.effect import Effect
from bot.domain.profile import Difference, RunLine, SimilarGroup
from bot.domain.run import RunSummary


class ActorKind(StrEnum):
    """Who did something."""

    PERSON = "person"
    PULLCORD = "pullcord"
    SOURCE = "source"
    AGENT = "agent"


class Actor(Value):
    """Who did something. ``id`` is a Slack user id, a source's or an agent's name; ``team`` the Slack workspace."""

    kind: ActorKind
    id: str
    team: str | None = None

    @property
    def mention(self) -> str:
        """Slack mention of a person, the plain name of anything else (ours, not foreign text)."""
        return f"<@{self.id}>" if self.kind is ActorKind.PERSON else self.id


PULLCORD = Actor(kind=ActorKind.PULLCORD, id="pullcord")


class _Event(Value):
    at: Utc
    by: Actor


class IncidentOpened(_Event):
    """The incident exists. ``number`` is its number, ``alert`` what opened it (None when a person declared it)."""

    type: Literal["incident_opened"] = "incident_opened"
    number: int
    agent: str | None
    name: str
    severity: str
    summary: str = ""
    alert: Alert | None = None


class AlertJoined(_Event):
    """A further alert of the same agent and name joined. Repeats of one alert raise a counter instead."""

    type: Literal["alert_joined"] = "alert_joined"
    alert: Alert


class AlertResolved(_Event):
    """The source says that an alert of this incident is over. The incident stays open: effects do not vanish."""

    type: Literal["alert_resolved"] = "alert_resolved"
    alert_id: str
    ends_at: Utc | None = None


class SeveritySet(_Event):
    """The severity changed, with the reason in words."""

    type: Literal["severity_set"] = "severity_set"
    severity: str
    why: str


class RunMissing(_Event):
    """A run that was named could not be read yet, or none was named. Effects are unknown, not zero."""

    type: Literal["run_missing"] = "run_missing"
    trace_id: str | None
    reason: str
    until: Utc | None = None


class RunAttached(_Event):
    """A run was read and frozen. A later one for the same trace replaces it (more spans came).

    ``evidence`` is the SHA-256 of the frozen bytes; ``parts`` how many EffectsListed follow it; ``source_note`` says
    why this source and not another, where there was a choice. ``configuration`` is the version of the settings by which
    it was read (a hash of them without their secrets; empty in entries of before it was noted).
    """

    type: Literal["run_attached"] = "run_attached"
    run: RunSummary
    evidence: str
    evidence_bytes: int
    source: str
    alerted: bool
    catalogue: str
    parts: int
    source_note: str = ""
    configuration: str = ""


class EffectsListed(_Event):
    """Some of the effects of the run attached just before (all of its tool calls, in order)."""

    type: Literal["effects_listed"] = "effects_listed"
    trace_id: str
    evidence: str
    part: int
    effects: tuple[Effect, ...]


class ChangesFound(_Event):
    """What differs in a run from ``compared`` recent good runs of its kind. A later one for the same trace replaces it.

    ``note`` says in words why nothing could be compared, or what limits the comparison; no change is an answer too.
    """

    type: Literal["changes_found"] = "changes_found"
    trace_id: str
    compared: int
    changes: tuple[Difference, ...] = ()
    note: str = ""


class SimilarRunsFound(_Event):
    """Other recorded runs that did the same. ``runs`` counts each once, ``searched`` how many runs the index holds."""

    type: Literal["similar_runs_found"] = "similar_runs_found"
    trace_id: str
    groups: tuple[SimilarGroup, ...] = ()
    runs: int = 0
    searched: int = 0


class RunsOffered(_Event):
    """No alert names a run: those of the agent that ended in the alert's window, errors first. A later one replaces."""

    type: Literal["runs_offered"] = "runs_offered"
    start: Utc
    end: Utc
    lines: tuple[RunLine, ...] = ()
    total: int = 0


class RunsAdded(_Event):
    """A person added runs to the incident. ``why`` is ``similar`` or ``offered``."""

    type: Literal["runs_added"] = "runs_added"
    trace_ids: tuple[str, ...]
    why: str


class ChannelReady(_Event):
    """The channel where the card stands. ``created`` is False for a fixed channel."""

    type: Literal["channel_ready"] = "channel_ready"
    channel: str
    name: str
    created: bool


class CardPosted(_Event):
    """P3: the root message exists."""

    type: Literal["card_posted"] = "card_posted"
    channel: str
    ts: str


class Announced(_Event):
    """The incident was announced in the fixed channel with a mention."""

    type: Literal["announced"] = "announced"
    channel: str
    ts: str


class SlackRefused(_Event):
    """The workspace refused an optional call; what is missing because of it, and what to do."""

    type: Literal["slack_refused"] = "slack_refused"
    method: str
    error: str
    consequence: str


class PersonPaged(_Event):
    """A person was woken. ``step`` counts the escalation; ``how`` is ``mention`` or ``direct_message``."""

    type: Literal["person_paged"] = "person_paged"
    step: int
    user: str
    how: str
    delivered: bool
    detail: str = ""


class EscalationEnded(_Event):
    """Nobody is left to wake in the configuration; said so that it is seen."""

    type: Literal["escalation_ended"] = "escalation_ended"
    step: int
    reason: str


class Acknowledged(_Event):
    """A person has it. Paging stops."""

    type: Literal["acknowledged"] = "acknowledged"


class CommandTaken(_Event):
    """A person took command (acknowledges too)."""

    type: Literal["command_taken"] = "command_taken"


class NoteAdded(_Event):
    """A person's note, or a message that was pinned; then ``author``, ``said_at`` and ``permalink`` are its own."""

    type: Literal["note_added"] = "note_added"
    text: str
    pinned: bool = False
    author: str | None = None
    said_at: Utc | None = None
    permalink: str | None = None


class IncidentResolved(_Event):
    """A person closed it, with a reason."""

    type: Literal["incident_resolved"] = "incident_resolved"
    reason: str


class ActionRequested(_Event):
    """A1. ``offer`` is the opaque id of the button or modal; ``undo_of`` the execution that this one takes back."""

    type: Literal["action_requested"] = "action_requested"
    execution: str
    action: str
    title: str
    params: dict[str, Json]
    offer: str
    undo_of: str | None = None
    reason: str = ""


class ActionRefused(_Event):
    """A2 said no. ``who_may`` names the role and people who are allowed."""

    type: Literal["action_refused"] = "action_refused"
    execution: str
    reason: str
    who_may: str = ""


class ActionStarted(_Event):
    """A3: the frozen plan and what the target held before. ``key`` goes to the target as idempotency key."""

    type: Literal["action_started"] = "action_started"
    execution: str
    key: str
    change: Change | None = None
    snapshot: Snapshot | None = None
    summary: str


class ActionSucceeded(_Event):
    """A6: the target took it. ``verified`` is what the read-back showed, not what was written."""

    type: Literal["action_succeeded"] = "action_succeeded"
    execution: str
    verified: Verified
    detail: str
    applied: Applied | None = None
    result: OnceResult | None = None
    expires_at: Utc | None = None


class ActionFailed(_Event):
    """A6: the target said no; nothing changed there."""

    type: Literal["action_failed"] = "action_failed"
    execution: str
    reason: str


class ActionUnknown(_Event):
    """A6: nobody knows whether it happened. Never run again by itself: check, or a person marks it."""

    type: Literal["action_unknown"] = "action_unknown"
    execution: str
    reason: str


class ActionMarked(_Event):
    """A person said of an unknown execution that it was done, or was not."""

    type: Literal["action_marked"] = "action_marked"
    execution: str
    done: bool
    reason: str


class VerificationChanged(_Event):
    """A later read-back showed something else than the one before."""

    type: Literal["verification_changed"] = "verification_changed"
    execution: str
    verified: Verified
    detail: str


class HeadPosted(_Event):
    """The head of the chain was posted to the thread: from here on a truncation can be found."""

    type: Literal["head_posted"] = "head_posted"
    seq: int
    head: str
    ts: str


class WorkDropped(_Event):
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
