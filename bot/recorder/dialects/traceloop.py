"""Traceloop's OpenLLMetry: messages spread over ``gen_ai.prompt.N``, its own kinds of spans, inputs as JSON documents.

A decorated function's input is ``{"args": [...], "kwargs": {...}}``, a LangChain tool's ``{"input_str": "..."}`` or
``{"inputs": {...}}``, an MCP tool's ``{"tool_name": ..., "arguments": {...}}``.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.base import Json
from bot.domain.run import Document, StepKind
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect, Instrumentation
from bot.recorder.call_envelope import arguments_in
from bot.recorder.documents import document
from bot.recorder.lenient import structured, text_of, unflatten

_KIND = "traceloop.span.kind"
_ENTITY = "traceloop.entity.name"
_INPUT = "traceloop.entity.input"
_OUTPUT = "traceloop.entity.output"
_FOUND = {"db.query.result": "db.query.result.", "db.search.result": "db.search.result."}
_CONTENT = "set TRACELOOP_TRACE_CONTENT=true"
_HINTS = {
    "prompt": _CONTENT,
    "output": _CONTENT,
    "tool_arguments": _CONTENT,
    "tool_result": _CONTENT,
    "tools_offered": f"{_CONTENT}; they are recorded as llm.request.functions",
    "tool_span": "decorate each tool with @tool of traceloop.sdk.decorators",
    "seed": "OpenLLMetry does not record it: set gen_ai.request.seed on the model span",
}
_SCOPES = ("openai", "anthropic", "langchain", "llamaindex", "bedrock", "cohere", "mistralai", "groq", "crewai", "mcp")


def _function_output(value: Json) -> Json:
    """What a LangChain tool answered: ``{"output": {"kwargs": {"content": ...}}}``, or the value itself."""
    read = structured(value)
    if not (isinstance(read, dict) and "output" in read and set(read) <= {"output", "kwargs"}):
        return value
    said = structured(read["output"])
    kwargs: Any = said.get("kwargs") if isinstance(said, dict) else None
    return structured(kwargs["content"]) if isinstance(kwargs, dict) and "content" in kwargs else said


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    attributes = span.attributes
    kind = attributes.get(_KIND)
    if kind == "tool":
        return {
            "tool_name": attributes.get(_ENTITY),
            "tool_arguments": arguments_in(attributes.get(_INPUT)),
            "tool_result": _function_output(attributes.get(_OUTPUT)),
        }
    if isinstance(kind, str) and kind in {"agent", "workflow"}:
        return {"agent": attributes.get(_ENTITY) or attributes.get("traceloop.workflow.name")}
    reasons = [text_of(item.get("finish_reason")) for item in unflatten(attributes, "gen_ai.completion")]
    known: list[Json] = [reason for reason in reasons if reason]
    return {"finish_reasons": known} if known else {}


def _documents(span: SpanRecord) -> tuple[Document, ...] | None:
    found: list[Document] = []
    for event in span.events:
        start = _FOUND.get(event.name)
        if start is None:
            continue
        held = document({name.removeprefix(start): value for name, value in event.attributes.items()})
        if held is not None:
            found.append(held)
    return tuple(found) or None


DIALECT = Dialect(
    name="Traceloop OpenLLMetry",
    module=__name__,
    priority=16,
    marks=(
        "traceloop.",
        "llm.request.",
        "llm.prompts.",
        "gen_ai.prompt",
        "gen_ai.completion",
        "gen_ai.prompt.",
        "gen_ai.completion.",
        "db.vector.query.top_k",
    ),
    kinds={
        _KIND: {"agent": StepKind.AGENT, "workflow": StepKind.AGENT, "tool": StepKind.TOOL},
        "llm.request.type": {"chat": StepKind.MODEL, "completion": StepKind.MODEL},
        "db.vector.query.top_k": {"*": StepKind.RETRIEVAL},
    },
    names={
        "conversation": tuple(
            f"traceloop.association.properties.{name}"
            for name in ("session_id", "conversation_id", "thread_id", "chat_id")
        ),
        "provider": ("llm.vendor",),
        "model_requested": ("llm.request.model",),
        "model_served": ("llm.response.model",),
        "fingerprint": ("gen_ai.openai.system_fingerprint",),
        "finish_reasons": ("llm.response.finish_reason", "llm.response.stop_reason"),
        "input_messages": ("gen_ai.prompt",),
        "output_messages": ("gen_ai.completion",),
        "source": ("db.system",),
        "top_k": ("db.vector.query.top_k",),
        "parameter.top_k": ("llm.top_k",),
        "parameter.frequency_penalty": ("llm.frequency_penalty",),
        "parameter.presence_penalty": ("llm.presence_penalty",),
        "parameter.stop": ("llm.chat.stop_sequences",),
    },
    flattened={
        "input_messages": ("gen_ai.prompt", "llm.prompts"),
        "output_messages": ("gen_ai.completion", "llm.completions"),
        "tools_offered": ("llm.request.functions",),
    },
    documents=_documents,
    derived=_derived,
    hints=_HINTS,
    instrumentations=(
        Instrumentation(
            name="Traceloop OpenLLMetry",
            scopes=(
                "traceloop.tracer",
                *(f"opentelemetry.instrumentation.{name}" for name in _SCOPES),
                *(f"@traceloop/instrumentation-{name}" for name in _SCOPES),
            ),
            hints=_HINTS,
        ),
    ),
)
