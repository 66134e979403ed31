"""The spans of a run as what they were: steps, guardrails, hand-offs, evaluations.

Everything here is already redacted, and still foreign text.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from bot.domain.base import Utc, Value

TraceId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
SpanId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class StepKind(StrEnum):
    """What a span of a run was."""

    AGENT = "agent"
    PLAN = "plan"
    MODEL = "model"
    TOOL = "tool"
    RETRIEVAL = "retrieval"
    GUARDRAIL = "guardrail"
    HANDOFF = "handoff"
    STEP = "step"


class RunStatus(StrEnum):
    """How a run or a step ended, as recorded."""

    OK = "ok"
    ERROR = "error"
    UNKNOWN = "unknown"


class Completeness(StrEnum):
    """Whether the whole trace is there: a root and no missing parents, some parents missing, or no root yet."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    MISSING_ROOT = "missing_root"


class RunError(Value):
    """What the trace says went wrong. ``type`` is ``error.type`` or an exception's class."""

    type: str | None = None
    message: str = ""


class Step(Value):
    """One span in the order of its start. ``agent`` is the nearest agent at or above it, where one is recorded."""

    span_id: SpanId
    parent_id: SpanId | None = None
    kind: StepKind
    name: str
    started_at: Utc | None = None
    ended_at: Utc | None = None
    status: RunStatus = RunStatus.UNKNOWN
    error: RunError | None = None
    agent: str | None = None


class Guardrail(Value):
    """One guardrail that ran. ``triggered`` is ``None`` when its verdict was not recorded."""

    span_id: SpanId
    name: str
    triggered: bool | None = None
    detail: str = ""
    started_at: Utc | None = None


class Handoff(Value):
    """One agent passed the work on to another. ``None`` where a side was not recorded."""

    span_id: SpanId
    source: str | None = None
    target: str | None = None
    at: Utc | None = None


class Evaluation(Value):
    """A recorded score of this run (``gen_ai.evaluation.result`` and the like). ``passed`` only where it says so."""

    name: str
    score: float | None = None
    label: str | None = None
    passed: bool | None = None
    explanation: str = ""
    span_id: SpanId | None = None
