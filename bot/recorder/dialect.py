"""What a dialect of traces is: a table of attribute names and a few readers. One file in ``dialects/`` each."""

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
class Dialect:
    """How one convention writes what a run needs.

    ``names`` maps a field of ours to attribute names, the first recorded one wins: ``agent, agent_version,
    conversation, provider, model_requested, model_served, fingerprint, response_id, finish_reasons, system, tool_name,
    tool_call_id, tool_arguments, tool_result, source, query, error_type``, ``parameter.*`` and ``usage.*``.
    ``derived`` gives fields that need more than a name. The readers return ``None`` for "not recorded". ``hints`` say,
    per gap, which setting of this convention's instrumentations turns it on. Dialects are asked in the order of
    ``priority``.
    """

    name: str
    priority: int
    names: Mapping[str, tuple[str, ...]]
    kind: Callable[[SpanRecord], StepKind | None]
    speaks: Callable[[SpanRecord], bool]
    input_messages: Callable[[SpanRecord], tuple[Message, ...] | None] = _nothing
    output_messages: Callable[[SpanRecord], tuple[Message, ...] | None] = _nothing
    tools_offered: Callable[[SpanRecord], tuple[ToolDefinition, ...] | None] = _nothing
    documents: Callable[[SpanRecord], tuple[Document, ...] | None] = _nothing
    derived: Callable[[SpanRecord], Mapping[str, Json]] = _no_values
    hints: Mapping[str, str] = field(default_factory=dict)
