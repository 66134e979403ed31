"""What the index of runs keeps of each run, what differs between runs, and which runs look the same.

Never a cause: "changed", with counts. Everything is redacted before it gets here.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from bot.domain.base import Json, Utc, Value
from bot.domain.effect import EffectCounts
from bot.domain.run import RunStatus, TraceId

TextHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""The first 128 bits of a text's SHA-256; the text itself is kept once, beside the index."""


class Grade(StrEnum):
    """Whether a run counts as good when others are compared with it."""

    GOOD = "good"
    FAILED = "failed"
    UNKNOWN = "unknown"


class CallShape(Value):
    """How models were called in one role of a run. ``role`` is the sub-agent that called, empty for the run's own.

    Calls that are alike in all of this are one. ``tools`` points at the tool definitions that were offered, as a JSON
    object of name -> hash of the definition.
    """

    role: str = ""
    provider: str | None = None
    requested: str | None = None
    served: str | None = None
    fingerprint: str | None = None
    parameters: dict[str, Json] = Field(default_factory=dict)
    prompt: TextHash | None = None
    tools: TextHash | None = None


class RunProfile(Value):
    """One run in the index, small. ``kind`` says which runs are of the same kind (its root's name).

    ``prompt`` and ``tools`` (name -> hash) point at texts; ``documents`` maps a document's id to the hash of its
    content or version (``None``: not recorded); ``checks`` are the names of what failed (guardrails, evaluations, error
    types). ``calls`` says the same of each role apart: sub-agents have their own models, prompts and tools.
    """

    trace_id: TraceId
    agent: str
    kind: str = ""
    service: str | None = None
    environment: str | None = None
    service_version: str | None = None
    agent_version: str | None = None
    started_at: Utc | None = None
    ended_at: Utc | None = None
    status: RunStatus = RunStatus.UNKNOWN
    grade: Grade = Grade.UNKNOWN
    provider: str | None = None
    model_requested: str | None = None
    model_served: str | None = None
    fingerprint: str | None = None
    parameters: dict[str, Json] = Field(default_factory=dict)
    prompt: TextHash | None = None
    tools: dict[str, TextHash] = Field(default_factory=dict)
    sources: tuple[str, ...] = ()
    documents: dict[str, str | None] = Field(default_factory=dict)
    checks: tuple[str, ...] = ()
    counts: EffectCounts = EffectCounts()
    calls: tuple[CallShape, ...] = ()


class IndexedRun(Value):
    """A profile as the index keeps it. ``named``: an alert or an incident named the run, so that it is no good one."""

    profile: RunProfile
    signatures: tuple[str, ...] = ()
    named: bool = False


class Alike(Value):
    """How many indexed runs share something, how many of them are no good runs, and when the first ended (ms)."""

    runs: int = 0
    failed: int = 0
    first: int | None = None

    @property
    def good(self) -> int:
        """Runs that do not count as failed."""
        return max(0, self.runs - self.failed)


class ChangeKind(StrEnum):
    """What about a run can differ, most telling first."""

    MODEL_SERVED = "model_served"
    MODEL_REQUESTED = "model_requested"
    PROVIDER = "provider"
    FINGERPRINT = "fingerprint"
    PROMPT = "prompt"
    TOOL_CHANGED = "tool_changed"
    TOOL_ADDED = "tool_added"
    TOOL_REMOVED = "tool_removed"
    DOCUMENT = "document"
    SOURCE = "source"
    PARAMETER = "parameter"
    SERVICE_VERSION = "service_version"
    AGENT_VERSION = "agent_version"


class Difference(Value):
    """One thing that is not as it was in the recent good runs.

    ``name`` says which (the tool, the document, the parameter), ``before`` and ``after`` are short texts, ``None`` for
    "was not there" / "not recorded" as ``detail`` says in words. ``since`` is when the new value was first seen,
    ``runs_before`` how many of the compared good runs had the old value, ``runs_after`` how many runs since then have
    the new one. ``before_text`` and ``after_text`` are hashes of whole texts that can be shown as a diff.
    """

    kind: ChangeKind
    name: str = ""
    before: str | None = None
    after: str | None = None
    since: Utc | None = None
    runs_before: int = 0
    runs_after: int = 0
    detail: str = ""
    before_text: TextHash | None = None
    after_text: TextHash | None = None


class SimilarKind(StrEnum):
    """In what a run is like the failing one."""

    CALL = "call"
    """The same tool called with like arguments."""
    CONTENT = "content"
    """An argument value that came from the same untrusted content."""
    DOCUMENT = "document"
    """The same version of a document that differs from what good runs retrieved."""
    MODEL_CHECK = "model_check"
    """The same served model with the same failing check."""


class RunLine(Value):
    """One run in a list to choose from. ``why`` says in words why it is there."""

    trace_id: TraceId
    agent: str | None = None
    ended_at: Utc | None = None
    status: RunStatus = RunStatus.UNKNOWN
    model_served: str | None = None
    counts: EffectCounts = EffectCounts()
    why: str = ""


class SimilarGroup(Value):
    """Runs that share one signature with the failing run.

    ``id`` is stable for the signature; ``words`` says it in words (foreign text in it is redacted, and hostile);
    ``runs`` is how many there are in all, ``lines`` the newest of them (at most 50), ``counts`` their effects together,
    ``agents`` whose they are.
    """

    id: str
    kind: SimilarKind
    words: str
    runs: int
    counts: EffectCounts = EffectCounts()
    lines: tuple[RunLine, ...] = ()
    agents: tuple[str, ...] = ()
    first: Utc | None = None
    last: Utc | None = None
