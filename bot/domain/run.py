"""A run: one request handled by an agent, read from its trace. Unknown stays ``None``, never a guess.

The model is the one of the fact sheet on traces (its section D) in PRODUCT.md's words. Everything here is already
redacted, and still foreign text.
"""

import json
from enum import StrEnum
from typing import Literal

from pydantic import Field

from bot.domain.base import Json, Utc, Value
from bot.domain.effect import EffectCounts
from bot.domain.message import Message, Part, ToolDefinition
from bot.domain.step import (
    Completeness,
    Evaluation,
    Guardrail,
    Handoff,
    RunError,
    RunStatus,
    SpanId,
    Step,
    StepKind,
    TraceId,
)

__all__ = [
    "UNRECORDED_TOOL",
    "Capture",
    "Completeness",
    "Document",
    "Evaluation",
    "Exchange",
    "Executed",
    "Gap",
    "Guardrail",
    "Handoff",
    "Message",
    "ModelCall",
    "Part",
    "Retrieval",
    "Run",
    "RunError",
    "RunStatus",
    "RunSummary",
    "SpanId",
    "Step",
    "StepKind",
    "ToolCall",
    "ToolDefinition",
    "TraceId",
    "summarise",
]

UNRECORDED_TOOL = "(tool not recorded)"
"""The name of a tool call of which only a model's finish reason is known: it happened or not, and nobody recorded what.

It is no tool that could be revoked or classified; it keeps a run from being shown as one that changed nothing.
"""


class Executed(StrEnum):
    """Whether a tool call was executed: a span or a result says yes; a call only in a model's output is unknown."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Gap(Value):
    """A recorder gap: what should have been captured and was not. ``hint`` names the setting that turns it on."""

    field: str
    span_id: SpanId | None = None
    hint: str


class ModelCall(Value):
    """One call of a model with the prompt as assembled.

    ``model_served`` only comes from a response attribute; ``parameters`` holds what was recorded of temperature, top_p,
    top_k, seed, max_tokens, frequency_penalty, presence_penalty, stop, choice_count. ``usage`` counts tokens.
    """

    order: int
    span_id: SpanId
    provider: str | None = None
    model_requested: str | None = None
    model_served: str | None = None
    fingerprint: str | None = None
    response_id: str | None = None
    parameters: dict[str, Json] = Field(default_factory=dict)
    system: tuple[str, ...] = ()
    input: tuple[Message, ...] = ()
    output: tuple[Message, ...] = ()
    tools_offered: tuple[ToolDefinition, ...] = ()
    finish_reasons: tuple[str, ...] = ()
    usage: dict[str, int] = Field(default_factory=dict)
    error: RunError | None = None
    started_at: Utc | None = None
    ended_at: Utc | None = None


class Exchange(Value):
    """Messages that an agent's own span recorded and no model call has: a user's last word, an answer without a model.

    What a model call of the run has is not repeated here.
    """

    span_id: SpanId
    agent: str | None = None
    input: tuple[Message, ...] = ()
    output: tuple[Message, ...] = ()


class ToolCall(Value):
    """One call of a tool, counted once however often later prompts repeat it.

    ``order`` counts from 1. ``arguments`` and ``result`` are JSON where they could be read as such, else the raw text,
    ``None`` when not recorded (``result_recorded`` tells a recorded null or empty text from that). ``exit_code`` and
    such stay inside ``result``. ``agent`` is the nearest agent span above it, where one is recorded.
    """

    order: int = Field(ge=1)
    span_id: SpanId | None = None
    call_id: str | None = None
    name: str
    agent: str | None = None
    arguments: Json = None
    arguments_recorded: bool = False
    result: Json = None
    result_recorded: bool = False
    error: RunError | None = None
    status: RunStatus = RunStatus.UNKNOWN
    started_at: Utc | None = None
    ended_at: Utc | None = None
    via: Literal["function", "mcp"] = "function"
    executed: Executed = Executed.UNKNOWN


class Document(Value):
    """One retrieved document. ``content`` is ``None`` when only its id was recorded."""

    id: str | None = None
    score: float | None = None
    content: str | None = None
    metadata: Json = None


class Retrieval(Value):
    """One retrieval. ``documents`` is ``None`` when not recorded, empty when none were found."""

    span_id: SpanId
    source: str | None = None
    query: str | None = None
    top_k: int | None = None
    documents: tuple[Document, ...] | None = None
    started_at: Utc | None = None


class Capture(Value):
    """The completeness verdict: ``found`` of ``wanted`` kinds of facts were captured; ``missing`` names the others."""

    found: int = Field(ge=0)
    wanted: int = Field(ge=0)
    missing: tuple[str, ...] = ()


class Run(Value):
    """One run of an agent, read from the spans of one trace.

    ``instrumentations`` are what wrote the spans, as ``name version``; ``notes`` say what was cut or only partly there.
    """

    trace_id: TraceId
    agent: str | None = None
    agent_version: str | None = None
    service: str | None = None
    service_version: str | None = None
    environment: str | None = None
    conversation_id: str | None = None
    started_at: Utc | None = None
    ended_at: Utc | None = None
    status: RunStatus = RunStatus.UNKNOWN
    error: RunError | None = None
    completeness: Completeness = Completeness.MISSING_ROOT
    steps: tuple[Step, ...] = ()
    model_calls: tuple[ModelCall, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    retrievals: tuple[Retrieval, ...] = ()
    guardrails: tuple[Guardrail, ...] = ()
    handoffs: tuple[Handoff, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    gaps: tuple[Gap, ...] = ()
    capture: Capture | None = None
    instrumentations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def model_requested(self) -> str | None:
        """The model asked for, of the last model call that says so."""
        return next((call.model_requested for call in reversed(self.model_calls) if call.model_requested), None)

    @property
    def model_served(self) -> str | None:
        """The model that answered, of the last model call that says so; ``None`` when none recorded it."""
        return next((call.model_served for call in reversed(self.model_calls) if call.model_served), None)

    @property
    def parameters(self) -> dict[str, Json]:
        """The recorded sampling parameters, of the last model call that has each."""
        merged: dict[str, Json] = {}
        for call in self.model_calls:
            merged.update(call.parameters)
        return merged


class RunSummary(Value):
    """What of a run goes on the timeline and into the API. ``counts`` are its effects, ``steps`` how many spans."""

    trace_id: TraceId
    agent: str | None = None
    service: str | None = None
    model_requested: str | None = None
    model_served: str | None = None
    parameters: dict[str, Json] = Field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    counts: EffectCounts = EffectCounts()
    status: RunStatus = RunStatus.UNKNOWN
    error: RunError | None = None
    started_at: Utc | None = None
    ended_at: Utc | None = None
    completeness: Completeness = Completeness.MISSING_ROOT
    steps: int = 0
    capture: Capture | None = None
    instrumentations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    model_calls: int = 0
    tokens: int | None = None
    """Of all model calls together; None where none recorded its usage."""


_NAME = 200
_WORDS = 1000
_PARAMETERS = 40


def summarise(run: Run, counts: EffectCounts) -> RunSummary:
    """Reduce a run to its summary; one gap per field (the first), since a hundred equal ones help nobody.

    Names and words are cut: recorded ones may be of any length, and an entry of the timeline may not.
    """
    gaps: dict[str, Gap] = {}
    for gap in run.gaps:
        gaps.setdefault(gap.field, gap)
    error = run.error
    return RunSummary(
        trace_id=run.trace_id,
        agent=_cut(run.agent),
        service=_cut(run.service),
        model_requested=_cut(run.model_requested),
        model_served=_cut(run.model_served),
        parameters={name[:_NAME]: _short(value) for name, value in list(run.parameters.items())[:_PARAMETERS]},
        gaps=tuple(gaps.values()),
        counts=counts,
        status=run.status,
        error=None if error is None else RunError(type=_cut(error.type), message=error.message[:_WORDS]),
        started_at=run.started_at,
        ended_at=run.ended_at,
        completeness=run.completeness,
        steps=len(run.steps),
        capture=run.capture,
        instrumentations=tuple(name[:_NAME] for name in run.instrumentations[:_PARAMETERS]),
        notes=tuple(note[:_WORDS] for note in run.notes[:_PARAMETERS]),
        model_calls=len(run.model_calls),
        tokens=_tokens(run),
    )


def _tokens(run: Run) -> int | None:
    """What went into the models and came out; other counts are parts of these."""
    wanted = ("input_tokens", "output_tokens")
    known = [call.usage[name] for call in run.model_calls for name in wanted if name in call.usage]
    return sum(known) if known else None


def _cut(name: str | None) -> str | None:
    return None if name is None else name[:_NAME]


def _short(value: Json) -> Json:
    """A parameter as it is, or as the beginning of its text where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _WORDS else text[:_WORDS]
