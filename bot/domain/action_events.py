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


class ActionSucceeded(BaseEvent):
    """A6: the target took it. ``verified`` is what the read-back showed, not what was written."""

    type: Literal["action_succeeded"] = "action_succeeded"
    execution: str
    verified: Verified
    detail: str
    applied: Applied | None = None
    result: OnceResult | None = None
    expires_at: Utc | None = None


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
