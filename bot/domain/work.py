"""Work: what must still be done, durable in the work stream or in the due times. At least once, never lost."""

from enum import StrEnum

from pydantic import Field

from bot.domain.base import Json, Utc, Value


class Work(StrEnum):
    """The kinds of work. ``bot.app`` ties each to its handler."""

    ALERT = "alert"
    """I4: claim or join an incident for an accepted alert. Payload: the alert."""
    READ_RUN = "read_run"
    """Find, freeze and read a run for an incident. Payload: ``trace_id``, ``attempt``."""
    SPANS_ARRIVED = "spans_arrived"
    """New spans of a trace that an incident waits for or has frozen. Payload: ``trace_id``."""
    PAGE = "page"
    """Wake the people of an escalation step. Payload: ``step``."""
    LIFECYCLE = "lifecycle"
    """A person's acknowledge, take command, resolve, note. Payload: a LifecycleRequest."""
    EXECUTE = "execute"
    """Carry an execution on from wherever the timeline says it is. Payload: ``execution``."""
    APPROVAL_ASK = "approval_ask"
    """A second person is to be asked: preview it, set the deadline. Payload: ``execution``, ``asked``."""
    APPROVAL_REMIND = "approval_remind"
    """Ask those who may approve once more. Payload: ``execution``."""
    APPROVAL_DUE = "approval_due"
    """The deadline of an approval has come. Payload: ``execution``."""
    GLASS_PAGE = "glass_page"
    """Somebody went alone: tell every commander. Payload: ``execution``."""
    VERIFY = "verify"
    """Read back again an execution that is not in force yet. Payload: ``execution``."""
    EXPIRE = "expire"
    """A temporary mitigation ends. Payload: ``execution``."""
    EXPIRY_ASK = "expiry_ask"
    """The owner of a temporary mitigation is asked what is to become of it. Payload: ``execution``."""
    EXTEND = "extend"
    """Move the end of temporary mitigations. Payload: ``execution``, ``from``, ``until``, ``by``, ``team``, ``key``."""
    DRIFT = "drift"
    """Look whether what is in force still is. Payload: ``execution``."""
    LOOK = "look"
    """A wait is over: say whether an alert still fires and whether new runs did the same. Payload: ``execution``."""
    AGENT_READ = "agent_read"
    """An agent read its desired state at a newer revision. Payload: ``agent``, ``revision``."""
    REFUSAL = "refusal"
    """Tell one person visibly why a click did nothing. Payload: ``channel``, ``user``, ``text``."""
    SOURCE_TROUBLE = "source_trouble"
    """An authenticated source sent what we had to refuse: one incident for that source. Payload: source, reason."""
    REFRESH = "refresh"
    """The card shows a countdown whose class changes now: render it again. No payload."""
    INDEX_RUN = "index_run"
    """Put a run into the index, once its spans stopped coming for a while. Payload: ``trace_id``."""
    COMPARE_RUN = "compare_run"
    """Compare a run of an incident with recent good ones, and look for runs like it. Payload: ``trace_id``."""
    OFFER_RUNS = "offer_runs"
    """No alert names a run: offer those that ended in its window. Payload: ``start``, ``end``, ``attempt``."""
    DRILL = "drill"
    """Give a drill its run: a recorded one, else a made-up one. No payload."""
    DEAD_LETTER = "dead_letter"
    """A work item failed five times: tell people. Payload: the item's kind and the reason."""


class WorkItem(Value):
    """One piece of work. ``incident`` is None when it is not about one yet."""

    kind: Work
    incident: str | None = None
    payload: dict[str, Json] = Field(default_factory=dict)


class Due(Value):
    """Work that becomes due at a time. ``id`` is chosen by its owner, so that it can be replaced or cleared."""

    id: str
    at: Utc
    item: WorkItem
