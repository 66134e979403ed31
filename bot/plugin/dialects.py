"""Dialects: how one convention of tracing writes what a run needs, as tables of names and a few functions.

A dialect is one file with one value; ``plugins:`` names the package that it lies in:

```python
acme = Dialect(
    name="Acme tracing",
    module=__name__,
    marks=("acme.",),
    kinds={"acme.type": {"llm": StepKind.MODEL, "tool": StepKind.TOOL}},
    names={
        "tool_name": ("acme.tool",),
        "tool_arguments": ("acme.args",),
        "tool_result": ("acme.result",),
        "input_messages": ("acme.prompt",),
        "output_messages": ("acme.answer",),
    },
)
```

A dialect that has the name of a built-in one takes its place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.domain.base import Json
from bot.domain.run import Document, Message, StepKind, ToolDefinition
from bot.domain.span import SpanRecord


def _nothing(_span: SpanRecord) -> None:
    return None


def _no_values(_span: SpanRecord) -> Mapping[str, Json]:
    return {}


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """One library that writes a dialect, known by its scope, and the settings that turn on what it left out.

    ``scopes`` are names of instrumentation scopes; each stands for itself and what lies below it (``a.b`` for
    ``a.b.c``). ``hints`` say per gap which setting of this library would have recorded it.
    """

    name: str
    scopes: tuple[str, ...]
    hints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """How one convention writes what a run needs.

    ``marks`` are attribute names, or beginnings that end in a dot, by which a span is seen to speak the dialect; so do
    ``events`` (names of span events) and ``scopes``. Dialects are asked in the order of ``priority``; for each field
    the first that recorded it wins.

    ``kinds`` maps an attribute's values (in lower case, ``*`` for any) to kinds of steps; ``kind`` is asked first, for
    what needs more.

    ``names`` maps a field of ours to attribute names, the first recorded one wins: ``agent, agent_version,
    conversation, provider, model_requested, model_served, fingerprint, response_id, finish_reasons, system,
    input_messages, output_messages, tools_offered, documents, tool_name, tool_call_id, tool_arguments, tool_result,
    tool_type, mcp_method, source, query, top_k, guardrail, guardrail_triggered, guardrail_verdict, guardrail_detail,
    handoff_source, handoff_target, evaluation, evaluation_score, evaluation_label, evaluation_explanation``,
    ``parameter.*`` and ``usage.*``. Lists of messages, tools and documents are read in every shape that is in use.
    ``flattened`` does so for lists that are spread over numbered attributes (``prefix.0.role``).

    ``derived`` gives fields that need more than a name; the four readers replace the tables for their list, and return
    ``None`` for "not recorded". Functions may only look at the span that they are given.

    ``hints`` say, per gap, which attribute or setting records it; ``instrumentations`` say it per library.
    ``module`` is ``__name__``: it is how another process finds the dialect again.
    """

    name: str
    module: str
    priority: int = 50
    marks: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    kinds: Mapping[str, Mapping[str, StepKind]] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flattened: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kind: Callable[[SpanRecord], StepKind | None] = _nothing
    input_messages: Callable[[SpanRecord], tuple[Message, ...] | None] = _nothing
    output_messages: Callable[[SpanRecord], tuple[Message, ...] | None] = _nothing
    tools_offered: Callable[[SpanRecord], tuple[ToolDefinition, ...] | None] = _nothing
    documents: Callable[[SpanRecord], tuple[Document, ...] | None] = _nothing
    derived: Callable[[SpanRecord], Mapping[str, Json]] = _no_values
    hints: Mapping[str, str] = field(default_factory=dict)
    instrumentations: tuple[Instrumentation, ...] = ()
