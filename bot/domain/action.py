"""Actions and their executions: what was planned, how far it came, and whether the enforcing side showed it."""

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from bot.domain.base import Json, Utc, Value


class Risk(StrEnum):
    """Risk class of a verb. High needs a second person."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ExecutionState(StrEnum):
    """Where an execution stands in an action's life (ARCHITECTURE.md)."""

    REQUESTED = "requested"
    REFUSED = "refused"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DRILLED = "drilled"


ENDED = frozenset(
    {
        ExecutionState.DRILLED,
        ExecutionState.REFUSED,
        ExecutionState.REJECTED,
        ExecutionState.EXPIRED,
        ExecutionState.SUCCEEDED,
        ExecutionState.FAILED,
    },
)


class Verified(StrEnum):
    """What the enforcing side showed. Only ``in_force`` is green."""

    PENDING = "pending"
    IN_FORCE = "in_force"
    MISMATCH = "mismatch"
    UNREACHABLE = "unreachable"


class Target(Value):
    """What a change touches, on which control plane.

    ``control`` is the adapter's name, ``subject`` the agent (or other thing), ``setting`` the flag or field, and
    ``element`` one member of a set-valued setting (one tool of the denied tools), so that two people who change two
    members do not overwrite each other.
    """

    control: str
    subject: str
    setting: str
    element: str | None = None

    def __str__(self) -> str:
        """For people: ``agent.tools.denied[issue_refund] of refund-bot``."""
        member = f"[{self.element}]" if self.element else ""
        return f"{self.setting}{member} of {self.subject}"


class Restraint(Value):
    """Why something is restrained: shown to the agent and its callers in each refusal. ``until`` None = no expiry.

    ``by`` is for reading: ``@dana`` where the name is known, else the Slack id. Who it was stands on the timeline.
    """

    incident: str
    by: str
    why: str
    until: Utc | None = None


class Snapshot(Value):
    """What a target held before a change. ``revision`` is the control plane's counter, None where it has none.

    ``owner`` is the key of the write that set it (an execution's id), where the control plane keeps that: put back, it
    is that execution's again, so that its own end and its undo still find it.
    """

    value: Json
    revision: int | None = None
    restraint: Restraint | None = None
    owner: str | None = None
    anonymous: bool = False
    """The control plane does not tell who set what it holds: then only the value says whether a write was done."""
    at: Utc


class Change(Value):
    """A plan to bring one target to a desired value. Making it only reads; it is the preview.

    ``summary`` is one sentence in the past tense for the timeline ("revoked issue_refund from refund-bot"),
    ``expires_in`` the life of a temporary mitigation, None for ever. ``reread`` says that the incident's runs mean
    something else afterwards and must be read again.
    """

    target: Target
    desired: Json
    before: Json = None
    summary: str
    why: str = ""
    expires_in: timedelta | None = None
    reread: bool = False
    note: str = ""
    """What else a preview says: what the bound would have refused, what is not known. Foreign words are in it."""
    look_at: Utc | None = None
    """Nothing is restrained by it: the engine looks at the incident again then, and takes it back (wait_and_watch)."""
    lifts: bool = False
    """The verb only takes a restraint away (set by the engine for a verb that does not tighten)."""

    @property
    def loosens(self) -> bool:
        """True when nothing is restrained by it: it leaves nothing set, or its verb only lifts."""
        return self.lifts or self.desired is None


class Applied(Value):
    """What the control plane answered to a write. ``already`` is True when this key had been applied before.

    ``key`` is the write's own key, by which "still what we set" is known; None where it was not told.
    """

    revision: int | None = None
    value: Json = None
    already: bool = False
    key: str | None = None


class Verification(Value):
    """The result of reading back. ``detail`` says how it is known or when it will be, in words for the clicker.

    ``known_at`` is when a pending one will be known, where that can be said (a cache's end).
    """

    verified: Verified
    detail: str
    at: Utc
    known_at: Utc | None = None


class OnceResult(Value):
    """What a one-off verb did (opened a pull request, pushed a branch). ``ref`` finds it again, ``url`` shows it.

    ``undo`` says what taking it back would do ("closes pull request #12"); empty: it cannot be taken back from here.
    """

    summary: str
    ref: str
    url: str | None = None
    verified: Verified
    detail: str = ""
    undo: str = ""


class Approval(Value):
    """A second person's say about an execution. Until ``deadline``; ``role`` may give it, never the requester.

    ``asked`` True: the requester may not run it alone at all and asked those who may ("Ask @commander").
    """

    at: Utc
    deadline: Utc
    role: str
    why: str
    preview: str = ""
    asked: bool = False
    reminded_at: Utc | None = None
    by: str | None = None
    team: str | None = None
    decided_at: Utc | None = None
    reason: str | None = None


class Execution(Value):
    """One run of an action, as projected from the timeline.

    ``agent`` and ``control`` say on whom and through which control plane it is done (None: the incident's agent, the
    first one of its configuration). Several enforcement points, or several agents, are several executions that were
    asked for together: ``leads`` of the others is the first one's id.
    """

    id: str
    action: str
    title: str
    params: dict[str, Json] = Field(default_factory=dict)
    state: ExecutionState
    by: str
    at: Utc
    undo_of: str | None = None
    undone_by: str | None = None
    reason: str | None = None
    summary: str | None = None
    change: Change | None = None
    snapshot: Snapshot | None = None
    applied: Applied | None = None
    result: OnceResult | None = None
    verified: Verified | None = None
    verified_detail: str | None = None
    started_at: Utc | None = None
    ended_at: Utc | None = None
    expires_at: Utc | None = None
    agent: str | None = None
    control: str | None = None
    leads: str | None = None
    team: str | None = None
    """The workspace of whoever asked."""
    offer: str | None = None
    """The button or modal by which it was asked for."""
    approval: Approval | None = None
    broke_glass: str | None = None
    """The reason why the requester went alone, without the second person."""
    stopped_by: str | None = None
    """Who asked a long one to stop."""
    expiry_asked_at: Utc | None = None
    expiry_answer: str | None = None
    """What the owner said before the end of a temporary mitigation: ``extend``, ``permanent``, ``lapse``."""
    ask_at: Utc | None = None
    """When the owner is asked what is to become of a temporary mitigation; None for one that stays."""
    extended_by: str | None = None
    """Who moved its end last."""
    seen_in_force: bool = False
    """The enforcing side showed it at least once: what it shows since then instead was changed outside."""
    known_at: Utc | None = None
    drill: bool = False

    @property
    def lead(self) -> str:
        """Id of the first execution of those asked for together; its own when it stands alone."""
        return self.leads or self.id

    @property
    def lifts(self) -> bool:
        """True for a change that only takes a restraint away (resumed, restored), and is no undo."""
        return self.change is not None and self.undo_of is None and self.change.loosens

    def closes(self, earlier: "Execution") -> bool:
        """True when this one's success ends an earlier one for good: what was set is lifted, or what was lifted is set.

        Only on the same target. A second setting on top of a first one closes nothing: its undo puts the first back.
        """
        return (
            self.undo_of is None
            and earlier.undo_of is None
            and earlier.id != self.id
            and self.change is not None
            and earlier.change is not None
            and earlier.change.target == self.change.target
            and (self.lifts or earlier.lifts)
            and earlier.undone_by is None
            and earlier.state is ExecutionState.SUCCEEDED
            and (earlier.started_at or earlier.at) <= (self.started_at or self.at)
        )

    @property
    def in_force_or_may_be(self) -> bool:
        """True while this execution (if it is a change that restrains) restrains or may restrain its target."""
        return (
            self.change is not None
            and not self.change.loosens
            and self.undone_by is None
            and self.state
            in {
                ExecutionState.STARTED,
                ExecutionState.SUCCEEDED,
                ExecutionState.UNKNOWN,
            }
        )
