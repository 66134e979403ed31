"""MLflow's own attributes: on spans that its autologging wrote, and on what its server gives back of any trace.

Values are JSON texts, also plain ones (``"AGENT"`` with its quotes). The server adds them beside the attributes that
a span came with, so every other dialect is asked before this one.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.base import Json
from bot.domain.run import Document, Message, StepKind
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect, Instrumentation
from bot.recorder.documents import documents
from bot.recorder.lenient import structured, text_of
from bot.recorder.messages import messages

_TYPE = "mlflow.spanType"
_INPUTS = "mlflow.spanInputs"
_OUTPUTS = "mlflow.spanOutputs"
_KINDS = {
    "llm": StepKind.MODEL,
    "chat_model": StepKind.MODEL,
    "tool": StepKind.TOOL,
    "agent": StepKind.AGENT,
    "workflow": StepKind.AGENT,
    "retriever": StepKind.RETRIEVAL,
    "guardrail": StepKind.GUARDRAIL,
}
_PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "stop": "stop",
    "n": "choice_count",
}
_AUTOLOG = "turn on the autologging of the library that makes the calls (mlflow.openai.autolog() and the like)"
_HINTS = {
    "prompt": _AUTOLOG,
    "output": _AUTOLOG,
    "tool_arguments": "trace the tool with @mlflow.trace(span_type=SpanType.TOOL)",
    "tool_result": "trace the tool with @mlflow.trace(span_type=SpanType.TOOL)",
    "tool_span": "trace each tool with @mlflow.trace(span_type=SpanType.TOOL)",
    "documents": "trace the retriever with @mlflow.trace(span_type=SpanType.RETRIEVER) and return its documents",
}


def _read(span: SpanRecord, name: str) -> Json:
    return structured(span.attributes.get(name))


def _kind(span: SpanRecord) -> StepKind | None:
    recorded = span.attributes.get(_TYPE)
    return _KINDS.get(recorded.strip(' "').lower()) if isinstance(recorded, str) else None


def _input(span: SpanRecord) -> tuple[Message, ...] | None:
    held = _read(span, _INPUTS)
    return messages(held) or None if held is not None else None


def _output(span: SpanRecord) -> tuple[Message, ...] | None:
    held = _read(span, _OUTPUTS)
    return messages(held, "assistant") or None if held is not None else None


def _documents(span: SpanRecord) -> tuple[Document, ...] | None:
    return documents(_read(span, _OUTPUTS)) if _kind(span) is StepKind.RETRIEVAL else None


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    kind = _kind(span)
    inputs, outputs = _read(span, _INPUTS), _read(span, _OUTPUTS)
    if kind is StepKind.TOOL:
        return {"tool_name": span.name, "tool_arguments": inputs, "tool_result": outputs}
    if kind is StepKind.RETRIEVAL:
        query = inputs.get("query") if isinstance(inputs, dict) else inputs
        return {"query": query if isinstance(query, str) else None}
    if kind is StepKind.GUARDRAIL:
        return {"guardrail": span.name, "guardrail_verdict": outputs}
    return _model(inputs, outputs, span.attributes.get("mlflow.llm.model")) if kind is StepKind.MODEL else {}


def _model(inputs: Any, outputs: Any, model: Json) -> dict[str, Json]:
    """``mlflow.llm.model`` may be the asked or the served one; it is the asked one where nothing else says."""
    asked = inputs if isinstance(inputs, dict) else {}
    answer = outputs if isinstance(outputs, dict) else {}
    found: dict[str, Json] = {f"parameter.{ours}": asked[name] for name, ours in _PARAMETERS.items() if name in asked}
    served = text_of(answer.get("model"))
    requested = text_of(asked.get("model")) or (text_of(structured(model)) if served is None else None)
    found |= {"model_requested": requested, "model_served": served}
    return found | {"fingerprint": answer.get("system_fingerprint"), "response_id": answer.get("id")}


DIALECT = Dialect(
    name="MLflow",
    module=__name__,
    priority=40,
    marks=("mlflow.",),
    names={
        "provider": ("mlflow.llm.provider",),
        "tools_offered": ("mlflow.chat.tools",),
    },
    kind=_kind,
    input_messages=_input,
    output_messages=_output,
    documents=_documents,
    derived=_derived,
    hints=_HINTS,
    instrumentations=(Instrumentation(name="MLflow", scopes=("mlflow",), hints=_HINTS),),
)
