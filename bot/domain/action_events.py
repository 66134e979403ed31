"""The events of an action's life, from the request to its end and what was read back later."""

from typing import Literal

from bot.domain.action import Applied, Change, OnceResult, Snapshot, Verified
from bot.domain.base import Json, Utc
from bot.domain.event_base import BaseEvent


class ActionRequested(BaseEvent):
    """A1. ``offer`` is the opaque id of the button or modal; ``undo_of`` the execution that this one takes back."""

    type: Literal["action_requested"] = "action_requested"
    execution: str
    action: str
    title: str
    params: dict[str, Json]
    offer: str
    undo_of: str | None = None
    reason: str = ""
    agent: str | None = None
    control: str | None = None
    leads: str | None = None
    note: str = ""
    """How it was decided that this person may, where that is worth saying (Slack did not answer)."""


class ApprovalAsked(BaseEvent):
    """A2 said: not alone. ``role`` may approve until ``deadline``; ``preview`` is what the requester was shown.

    ``asked`` True when the requester may not run it at all and asked those who may.
    """

    type: Literal["approval_asked"] = "approval_asked"
    execution: str
    role: str
    deadline: Utc
    why: str
    preview: str = ""
    asked: bool = False


class ApprovalReminded(BaseEvent):
    """Those who may approve were asked once more."""

    type: Literal["approval_reminded"] = "approval_reminded"
    execution: str


class ApprovalGiven(BaseEvent):
    """``by`` approved it, for all that was asked for together."""

    type: Literal["approval_given"] = "approval_given"
    execution: str


class ApprovalRejected(BaseEvent):
    """``by`` said no, or the requester took the request back."""

    type: Literal["approval_rejected"] = "approval_rejected"
    execution: str
    reason: str = ""


class ApprovalExpired(BaseEvent):
    """Nobody said anything until the deadline; nothing was done."""

    type: Literal["approval_expired"] = "approval_expired"
    execution: str


class GlassBroken(BaseEvent):
    """The requester went alone, with a reason; the commander is paged."""

    type: Literal["glass_broken"] = "glass_broken"
    execution: str
    reason: str


class DecisionRefused(BaseEvent):
    """``by`` pressed Approve, Reject or Break glass and may not; what was asked for stands as it stood."""

    type: Literal["decision_refused"] = "decision_refused"
    execution: str
    what: Literal["approve", "reject", "break_glass"]
    reason: str
    who_may: str = ""


class ActionDrilled(BaseEvent):
    """The end of an execution in a drill: what it would have done, and that nothing was written."""

    type: Literal["action_drilled"] = "action_drilled"
    execution: str
    preview: str


class StopAsked(BaseEvent):
    """A person asked a long action to stop at its next step."""

    type: Literal["stop_asked"] = "stop_asked"
    execution: str


class ExpiryAsked(BaseEvent):
    """The owner of a temporary mitigation was asked what is to become of it at its end."""

    type: Literal["expiry_asked"] = "expiry_asked"
    execution: str


class ExpiryAnswered(BaseEvent):
    """What a person said of it. ``until`` is the new end for ``extend``; ``applied`` the target's answer to that.

    ``ask_at`` is when its owner will be asked again.
    """

    type: Literal["expiry_answered"] = "expiry_answered"
    execution: str
    answer: Literal["extend", "permanent", "lapse"]
    until: Utc | None = None
    ask_at: Utc | None = None
    applied: Applied | None = None


class ActionRefused(BaseEvent):
    """A2 said no. ``who_may`` names the role and people who are allowed."""

    type: Literal["action_refused"] = "action_refused"
    execution: str
    reason: str
    who_may: str = ""


class ActionStarted(BaseEvent):
    """A3: the frozen plan and what the target held before. ``key`` goes to the target as idempotency key."""

    type: Literal["action_started"] = "action_started"
    execution: str
    key: str
    change: Change | None = None
    snapshot: Snapshot | None = None
    summary: str
    note: str = ""
    """As of ``ActionRequested``, when it was decided again."""


class ActionSucceeded(BaseEvent):
    """A6: the target took it. ``verified`` is what the read-back showed, not what was written."""

    type: Literal["action_succeeded"] = "action_succeeded"
    execution: str
    verified: Verified
    detail: str
    applied: Applied | None = None
    result: OnceResult | None = None
    expires_at: Utc | None = None
    ask_at: Utc | None = None
    known_at: Utc | None = None


class ActionFailed(BaseEvent):
    """A6: the target said no; nothing changed there."""

    type: Literal["action_failed"] = "action_failed"
    execution: str
    reason: str


class ActionUnknown(BaseEvent):
    """A6: nobody knows whether it happened. Never run again by itself: check, or a person marks it."""

    type: Literal["action_unknown"] = "action_unknown"
    execution: str
    reason: str


class ActionMarked(BaseEvent):
    """A person said of an unknown execution that it was done, or was not."""

    type: Literal["action_marked"] = "action_marked"
    execution: str
    done: bool
    reason: str


class VerificationChanged(BaseEvent):
    """A later read-back showed something else than the one before."""

    type: Literal["verification_changed"] = "verification_changed"
    execution: str
    verified: Verified
    detail: str
    known_at: Utc | None = None


class WatchLooked(BaseEvent):
    """A wait is over and it was looked again. ``firing`` None: there is no alert; ``alike`` None: not known.

    ``alike`` counts the runs that ended since the wait began and did the same; ``quiet``: neither was found.
    """

    type: Literal["watch_looked"] = "watch_looked"
    execution: str
    firing: bool | None = None
    alike: int | None = None
    quiet: bool = False
    words: str
