"""OpenTelemetry GenAI semantic conventions in their three generations, and MCP's.

Up to 1.36 (``gen_ai.system``; messages as events, or flattened ``gen_ai.prompt.N``), 1.37 to 1.41
(``gen_ai.provider.name``; messages on the span), and the semantic-conventions-genai repository
(``gen_ai.retrieval.top_k``, the ``plan`` operation). MCP: its ``tools/call`` spans.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.base import Json
from bot.domain.run import Document, Message, Part, StepKind, ToolDefinition
from bot.domain.span import SpanRecord
from bot.recorder.dialect import Dialect
from bot.recorder.lenient import structured, text_of, unflatten
from bot.recorder.messages import definitions, message, messages

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
    "system": ("gen_ai.system_instructions",),
    "tool_name": ("gen_ai.tool.name", "mcp.tool.name"),
    "tool_call_id": ("gen_ai.tool.call.id",),
    "tool_arguments": ("gen_ai.tool.call.arguments",),
    "tool_result": ("gen_ai.tool.call.result",),
    "source": ("gen_ai.data_source.id",),
    "query": ("gen_ai.retrieval.query.text",),
    "error_type": ("error.type",),
    **{f"parameter.{name}": (f"gen_ai.request.{name}",) for name in _PARAMETERS},
    "parameter.stop": ("gen_ai.request.stop_sequences",),
    "parameter.choice_count": ("gen_ai.request.choice.count",),
    "usage.input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "usage.output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
}
_MESSAGE_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_DETAILS = "gen_ai.client.inference.operation.details"
_CONTENT = (
    "set OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental and "
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY"
)


def _kind(span: SpanRecord) -> StepKind | None:
    attributes = span.attributes
    operation = attributes.get("gen_ai.operation.name")
    if isinstance(operation, str) and operation in _OPERATIONS:
        return _OPERATIONS[operation]
    if attributes.get("mcp.method.name") == "tools/call" or "gen_ai.tool.name" in attributes:
        return StepKind.TOOL
    if operation is None and "gen_ai.request.model" in attributes:
        return StepKind.MODEL
    if operation is None and "gen_ai.agent.name" in attributes and span.parent_id is None:
        return StepKind.AGENT
    return None


def _speaks(span: SpanRecord) -> bool:
    return any(name.startswith(("gen_ai.", "mcp.")) for name in span.attributes)


def _on_span(span: SpanRecord, name: str) -> Json:
    """The attribute, on the span or on the event that some instrumentations put the messages on."""
    if name in span.attributes:
        return span.attributes[name]
    return next((e.attributes[name] for e in span.events if e.name == _DETAILS and name in e.attributes), None)


def _input(span: SpanRecord) -> tuple[Message, ...] | None:
    recorded = _on_span(span, "gen_ai.input.messages")
    if recorded is not None:
        return messages(recorded)
    flattened = unflatten(span.attributes, "gen_ai.prompt")
    if flattened:
        return tuple(message(item) for item in flattened)
    if isinstance(span.attributes.get("gen_ai.prompt"), str):
        return messages(span.attributes["gen_ai.prompt"])
    found = tuple(
        _event_message(_MESSAGE_EVENTS[e.name], e.attributes) for e in span.events if e.name in _MESSAGE_EVENTS
    )
    return found or None


def _output(span: SpanRecord) -> tuple[Message, ...] | None:
    recorded = _on_span(span, "gen_ai.output.messages")
    if recorded is not None:
        return messages(recorded)
    flattened = unflatten(span.attributes, "gen_ai.completion")
    if flattened:
        return tuple(message({"role": "assistant", **item}) for item in flattened)
    found = tuple(_event_message("assistant", e.attributes) for e in span.events if e.name == "gen_ai.choice")
    return found or None


def _event_message(role: str, attributes: Mapping[str, Json]) -> Message:
    """A message from an event of the first generation; its body is in attributes or in ``gen_ai.event.content``."""
    body: dict[str, Any] = dict(attributes)
    for name in ("gen_ai.event.content", "message"):
        inner = structured(body.get(name))
        if isinstance(inner, dict):
            body = {**body, **inner}
            inner = structured(body.get("message"))
            body = {**body, **inner} if isinstance(inner, dict) else body
    body["tool_calls"] = structured(body.get("tool_calls"))
    if role == "tool":
        return Message(
            role="tool",
            parts=(Part(kind="tool_result", call_id=text_of(body.get("id")), result=structured(body.get("content"))),),
        )
    return message({**body, "role": body.get("role") or role})


def _tools(span: SpanRecord) -> tuple[ToolDefinition, ...] | None:
    recorded = _on_span(span, "gen_ai.tool.definitions")
    if recorded is not None:
        return definitions(recorded)
    return definitions(list(unflatten(span.attributes, "llm.request.functions"))) or None


def _documents(span: SpanRecord) -> tuple[Document, ...] | None:
    recorded = structured(span.attributes.get("gen_ai.retrieval.documents"))
    if not isinstance(recorded, list):
        return None
    found = []
    for item in recorded:
        held = structured(item)
        if isinstance(held, dict):
            score = held.get("score")
            found.append(
                Document(
                    id=text_of(held.get("id")),
                    score=float(score) if isinstance(score, (int, float)) else None,
                    content=held["content"] if isinstance(held.get("content"), str) else None,
                    metadata=held.get("metadata"),
                )
            )
    return tuple(found)


DIALECT = Dialect(
    name="OpenTelemetry GenAI",
    priority=10,
    names=_NAMES,
    kind=_kind,
    speaks=_speaks,
    input_messages=_input,
    output_messages=_output,
    tools_offered=_tools,
    documents=_documents,
    hints={
        "prompt": _CONTENT,
        "output": _CONTENT,
        "tool_arguments": _CONTENT,
        "tool_result": _CONTENT,
        "documents": _CONTENT,
        "tools_offered": "set gen_ai.tool.definitions on the model span (opt-in; "
        "opentelemetry-instrumentation-openai-v2 2.4b0 has no setting for it)",
        "model_requested": "set gen_ai.request.model on the model span",
        "model_served": "set gen_ai.response.model on the model span, from the provider's answer",
        "fingerprint": "set OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental; the attribute is "
        "openai.response.system_fingerprint (only providers that send one)",
        "seed": "pass a seed with the request; it is recorded as gen_ai.request.seed",
        "temperature": "pass temperature with the request; it is recorded as gen_ai.request.temperature",
    },
)
