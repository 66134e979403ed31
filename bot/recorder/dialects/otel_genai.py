"""OpenTelemetry GenAI semantic conventions from 1.37 on, and the names of before that are still attributes.

1.37 to 1.41 (``gen_ai.provider.name``; messages on the span) and the semantic-conventions-genai repository
(``gen_ai.retrieval.top_k``, ``plan``, ``cache_write``). Up to 1.36: ``gen_ai.system``; the messages of that time are
events, see ``otel_genai_events``. The hints are for its official instrumentations.
"""

from collections.abc import Mapping

from bot.domain.base import Json
from bot.domain.run import StepKind
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect, Instrumentation
from bot.recorder.messages import finish_reasons

_OPERATIONS = {
    "chat": StepKind.MODEL,
    "generate_content": StepKind.MODEL,
    "text_completion": StepKind.MODEL,
    "completion": StepKind.MODEL,
    "embeddings": StepKind.STEP,
    "retrieval": StepKind.RETRIEVAL,
    "execute_tool": StepKind.TOOL,
    "create_agent": StepKind.AGENT,
    "invoke_agent": StepKind.AGENT,
    "invoke_workflow": StepKind.AGENT,
    "plan": StepKind.PLAN,
}
_PARAMETERS = (
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "max_tokens",
    "frequency_penalty",
    "presence_penalty",
)
_NAMES: Mapping[str, tuple[str, ...]] = {
    "agent": ("gen_ai.agent.name",),
    "agent_version": ("gen_ai.agent.version",),
    "conversation": ("gen_ai.conversation.id",),
    "provider": ("gen_ai.provider.name", "gen_ai.system"),
    "model_requested": ("gen_ai.request.model",),
    "model_served": ("gen_ai.response.model",),
    "fingerprint": (
        "openai.response.system_fingerprint",
        "gen_ai.openai.response.system_fingerprint",
        "gen_ai.response.system_fingerprint",
    ),
    "response_id": ("gen_ai.response.id",),
    "finish_reasons": ("gen_ai.response.finish_reasons",),
    "system": ("gen_ai.system_instructions", "gen_ai.agent.system_prompt", "system_prompt"),
    "input_messages": ("gen_ai.input.messages",),
    "output_messages": ("gen_ai.output.messages",),
    "tools_offered": ("gen_ai.tool.definitions",),
    "documents": ("gen_ai.retrieval.documents",),
    "tool_name": ("gen_ai.tool.name",),
    "tool_type": ("gen_ai.tool.type",),
    "tool_call_id": ("gen_ai.tool.call.id",),
    "tool_arguments": ("gen_ai.tool.call.arguments", "gen_ai.tool.arguments", "gen_ai.tool.input"),
    "tool_result": ("gen_ai.tool.call.result", "gen_ai.tool.result", "gen_ai.tool.output"),
    "source": ("gen_ai.data_source.id",),
    "query": ("gen_ai.retrieval.query.text",),
    "top_k": ("gen_ai.retrieval.top_k", "gen_ai.request.top_k"),
    "evaluation": ("gen_ai.evaluation.name",),
    "evaluation_score": ("gen_ai.evaluation.score.value",),
    "evaluation_label": ("gen_ai.evaluation.score.label",),
    "evaluation_explanation": ("gen_ai.evaluation.explanation",),
    **{f"parameter.{name}": (f"gen_ai.request.{name}",) for name in _PARAMETERS},
    "parameter.stop": ("gen_ai.request.stop_sequences",),
    "parameter.choice_count": ("gen_ai.request.choice.count",),
    "usage.input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "usage.output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "usage.cache_read_tokens": ("gen_ai.usage.cache_read.input_tokens",),
    "usage.cache_write_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
    ),
    "usage.reasoning_tokens": ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
}
_LATEST = "OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental"
_CONTENT = f"set {_LATEST} and OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY"
_CLIENT_ONLY = "it sees the model client only: wrap each tool in a span with gen_ai.operation.name=execute_tool"
_OFFICIAL = {"prompt": _CONTENT, "output": _CONTENT}


def _kind(span: SpanRecord) -> StepKind | None:
    attributes = span.attributes
    operation = attributes.get("gen_ai.operation.name")
    if isinstance(operation, str) and operation in _OPERATIONS:
        return _OPERATIONS[operation]
    if "gen_ai.tool.name" in attributes:
        return StepKind.TOOL
    if operation is None and "gen_ai.request.model" in attributes:
        return StepKind.MODEL
    if operation is None and "gen_ai.agent.name" in attributes and span.parent_id is None:
        return StepKind.AGENT
    return None


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    attributes = span.attributes
    if "gen_ai.response.finish_reasons" in attributes or "gen_ai.output.messages" not in attributes:
        return {}
    said = finish_reasons(attributes["gen_ai.output.messages"])
    return {"finish_reasons": list(said)} if said else {}


DIALECT = Dialect(
    name="OpenTelemetry GenAI",
    module=__name__,
    priority=10,
    marks=("gen_ai.",),
    names=_NAMES,
    kind=_kind,
    derived=_derived,
    hints={
        "prompt": _CONTENT,
        "output": _CONTENT,
        "tool_arguments": f"{_CONTENT}; the attribute is gen_ai.tool.call.arguments",
        "tool_result": f"{_CONTENT}; the attribute is gen_ai.tool.call.result",
        "tool_span": "give each tool a span with gen_ai.operation.name=execute_tool, the call's id and its result",
        "documents": "set gen_ai.retrieval.documents on the retrieval span (opt-in)",
        "tools_offered": "set gen_ai.tool.definitions on the model span (opt-in)",
        "model_requested": "set gen_ai.request.model on the model span",
        "model_served": "set gen_ai.response.model on the model span, from the provider's answer",
        "fingerprint": f"set {_LATEST}; the attribute is openai.response.system_fingerprint "
        "(only providers that send one)",
        "seed": "pass a seed with the request; it is recorded as gen_ai.request.seed",
        "temperature": "pass temperature with the request; it is recorded as gen_ai.request.temperature",
    },
    instrumentations=(
        Instrumentation(
            name="opentelemetry-instrumentation-openai-v2",
            scopes=("opentelemetry.instrumentation.openai_v2",),
            hints={
                **_OFFICIAL,
                "fingerprint": f"set {_LATEST}",
                "tools_offered": "it has no setting for tool definitions (2.4b0): set gen_ai.tool.definitions yourself",
                "tool_span": _CLIENT_ONLY,
            },
        ),
        Instrumentation(
            name="opentelemetry-util-genai",
            scopes=("opentelemetry.util.genai",),
            hints={
                **_OFFICIAL,
                "tools_offered": "it does not record tool definitions (0.4b0): set gen_ai.tool.definitions yourself",
                "tool_span": _CLIENT_ONLY,
            },
        ),
        Instrumentation(
            name="opentelemetry-instrumentation-google-genai",
            scopes=("opentelemetry.instrumentation.google_genai",),
            hints=_OFFICIAL,
        ),
        Instrumentation(
            name="opentelemetry-instrumentation-vertexai",
            scopes=("opentelemetry.instrumentation.vertexai_v2",),
            hints=_OFFICIAL,
        ),
    ),
)
