"""OpenInference (Arize), ``spec/semantic_conventions.md``, with what its instrumentations really write.

``llm.model_name`` is the asked alias in the openai-agents instrumentation and the served model in the openai one, so it
counts as served only where the span itself shows that it came from the answer. ``tool.parameters`` may hold the tool's
schema instead of its arguments, so ``input.value`` comes first.
"""

from collections.abc import Mapping
from typing import Any

from openinference.semconv.trace import SpanAttributes

from bot.domain.base import Json
from bot.domain.run import Message, StepKind, ToolDefinition
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect, Instrumentation
from bot.recorder.call_envelope import arguments_in, message_in
from bot.recorder.lenient import structured, text_of, unflatten
from bot.recorder.messages import message, messages
from bot.recorder.parts import definitions

_KIND = SpanAttributes.OPENINFERENCE_SPAN_KIND
_KINDS = {
    "LLM": StepKind.MODEL,
    "CHAIN": StepKind.STEP,
    "RETRIEVER": StepKind.RETRIEVAL,
    "TOOL": StepKind.TOOL,
    "AGENT": StepKind.AGENT,
    "GUARDRAIL": StepKind.GUARDRAIL,
    "EVALUATOR": StepKind.STEP,
    "EMBEDDING": StepKind.STEP,
    "RERANKER": StepKind.STEP,
    "PROMPT": StepKind.STEP,
}
_PLANS = {"plan", "planner", "planning"}
_NAMES: Mapping[str, tuple[str, ...]] = {
    "agent": ("agent.name",),
    "conversation": (SpanAttributes.SESSION_ID,),
    "provider": (SpanAttributes.LLM_PROVIDER, SpanAttributes.LLM_SYSTEM),
    "model_requested": ("llm.request.model_name",),
    "model_served": ("llm.response.model_name",),
    "finish_reasons": ("llm.finish_reason",),
    "tool_name": (SpanAttributes.TOOL_NAME,),
    "tool_call_id": ("tool.id", "tool_call.id"),
    "query": (SpanAttributes.INPUT_VALUE,),
    "usage.input_tokens": (SpanAttributes.LLM_TOKEN_COUNT_PROMPT,),
    "usage.output_tokens": (SpanAttributes.LLM_TOKEN_COUNT_COMPLETION,),
}
_PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "stop": "stop",
    "n": "choice_count",
}
_REDACTED = "__REDACTED__"
_SPEAKERS = {StepKind.MODEL, StepKind.AGENT}
_JUDGES = {"GUARDRAIL", "EVALUATOR"}


def _kind(span: SpanRecord) -> StepKind | None:
    recorded = span.attributes.get(_KIND)
    kind = _KINDS.get(recorded.upper()) if isinstance(recorded, str) else None
    if kind is StepKind.STEP and span.name.lower().split(" ")[0] in _PLANS:
        return StepKind.PLAN  # OpenInference has no kind for planning: it is a chain by that name
    return kind


def _input(span: SpanRecord) -> tuple[Message, ...] | None:
    found = unflatten(span.attributes, SpanAttributes.LLM_INPUT_MESSAGES)
    if found:
        return tuple(message(_unwrapped(item, "message")) for item in found)
    return _whole(span, SpanAttributes.INPUT_VALUE, "user")


def _output(span: SpanRecord) -> tuple[Message, ...] | None:
    found = unflatten(span.attributes, SpanAttributes.LLM_OUTPUT_MESSAGES)
    if found:
        return tuple(message(_unwrapped(item, "message")) for item in found)
    return _whole(span, SpanAttributes.OUTPUT_VALUE, "assistant")


def _whole(span: SpanRecord, name: str, role: str) -> tuple[Message, ...] | None:
    """A model's or an agent's whole input or output where no message list was recorded."""
    value = _shown(span.attributes, name)
    return messages(value, role) or None if value is not None and _kind(span) in _SPEAKERS else None


def _tools(span: SpanRecord) -> tuple[ToolDefinition, ...] | None:
    found: list[Json] = []
    for item in unflatten(span.attributes, SpanAttributes.LLM_TOOLS):
        held = _unwrapped(item, "tool")
        schema = structured(held.get("json_schema"))
        if isinstance(held.get("name"), str):  # newer: name beside the schema of the parameters
            found.append({"name": held["name"], "description": held.get("description"), "parameters": schema})
        elif isinstance(schema, dict):
            found.append(schema)
    return definitions(found) or None


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    if _kind(span) is StepKind.MODEL:
        return _model(span)
    if _kind(span) is StepKind.TOOL:
        return _tool(span)
    recorded = span.attributes.get(_KIND)
    if _kind(span) is StepKind.AGENT:
        return {"agent": span.attributes.get(SpanAttributes.GRAPH_NODE_ID)}  # its name where agent.name is not written
    if isinstance(recorded, str) and recorded.upper() in _JUDGES:
        return _judged(span, recorded.upper())
    return {}


def _model(span: SpanRecord) -> dict[str, Json]:
    attributes = span.attributes
    asked = structured(attributes.get(SpanAttributes.LLM_INVOCATION_PARAMETERS))
    answer = structured(attributes.get(SpanAttributes.OUTPUT_VALUE))  # the raw answer, in the openai instrumentation
    asked = asked if isinstance(asked, dict) else {}
    answer = answer if isinstance(answer, dict) else {}
    found: dict[str, Json] = {
        f"parameter.{ours}": asked[name] for name, ours in _PARAMETERS.items() if asked.get(name) is not None
    }
    named = text_of(attributes.get(SpanAttributes.LLM_MODEL_NAME))
    requested, served = text_of(asked.get("model")), text_of(answer.get("model"))
    if served is None and named is not None and requested is not None and named != requested:
        served = named  # it is not what was asked, so it can only have come from the answer
    if requested is None and served is None:
        requested = named
    found |= {"model_requested": requested, "model_served": served}
    found |= {"fingerprint": text_of(answer.get("system_fingerprint")), "response_id": text_of(answer.get("id"))}
    return found


def _tool(span: SpanRecord) -> dict[str, Json]:
    attributes = span.attributes
    parameters = structured(attributes.get(SpanAttributes.TOOL_PARAMETERS))
    is_schema = isinstance(parameters, dict) and isinstance(parameters.get("properties"), dict)
    recorded = _shown(attributes, SpanAttributes.INPUT_VALUE)
    if recorded is None and not is_schema:
        recorded = attributes.get(SpanAttributes.TOOL_PARAMETERS) or _exploded(attributes)
    found = {
        "tool_arguments": arguments_in(recorded),
        "tool_name": attributes.get(SpanAttributes.TOOL_NAME) or span.name,
    }
    return found | _answered(_shown(attributes, SpanAttributes.OUTPUT_VALUE))


def _answered(output: Json) -> dict[str, Json]:
    """A tool's result; LangChain writes its whole message, which is unwrapped unless it says that the call failed."""
    read = message_in(output)
    if read is None:
        return {"tool_result": output}
    result = output if read.get("status") == "error" else read["content"]
    return {"tool_result": result, "tool_call_id": read["tool_call_id"]}


def _shown(attributes: Mapping[str, Json], name: str) -> Json:
    """The attribute, unless its instrumentation was told to hide it."""
    value = attributes.get(name)
    return None if value == _REDACTED else value


def _exploded(attributes: Mapping[str, Json]) -> Json:
    """``tool.parameters.order_id``, as Phoenix gives the JSON of ``tool.parameters`` back; ``None`` for a schema."""
    start = f"{SpanAttributes.TOOL_PARAMETERS}."
    found = {name[len(start) :]: value for name, value in attributes.items() if name.startswith(start)}
    return found if found and not any(name.startswith("properties.") for name in found) else None


def _judged(span: SpanRecord, recorded: str) -> dict[str, Json]:
    """The verdict of a guardrail or the score of an evaluator, in their output."""
    said = structured(span.attributes.get(SpanAttributes.OUTPUT_VALUE))
    held = said if isinstance(said, dict) else {}
    if recorded == "GUARDRAIL":
        return {"guardrail": span.name, "guardrail_verdict": said}
    score = held.get("score")
    return {
        "evaluation": text_of(held.get("name")) or span.name,
        "evaluation_score": said if isinstance(said, (int, float)) else score,
        "evaluation_label": text_of(held.get("label")) or (said if isinstance(said, str) and len(said) < 80 else None),
        "evaluation_explanation": text_of(held.get("explanation")),
    }


def _unwrapped(item: dict[str, Any], name: str) -> dict[str, Any]:
    inner = item.get(name)
    return inner if isinstance(inner, dict) else item


_SHOWN = {
    "prompt": "unset OPENINFERENCE_HIDE_INPUTS, OPENINFERENCE_HIDE_INPUT_MESSAGES and OPENINFERENCE_HIDE_INPUT_TEXT",
    "output": "unset OPENINFERENCE_HIDE_OUTPUTS, OPENINFERENCE_HIDE_OUTPUT_MESSAGES and OPENINFERENCE_HIDE_OUTPUT_TEXT",
    "tool_arguments": "unset OPENINFERENCE_HIDE_INPUTS",
    "tool_result": "unset OPENINFERENCE_HIDE_OUTPUTS",
    "documents": "unset OPENINFERENCE_HIDE_OUTPUTS",
}
_CLIENT_ONLY = "it sees the model client only: give each tool a span with openinference.span.kind=TOOL"

DIALECT = Dialect(
    name="OpenInference",
    module=__name__,
    priority=20,
    marks=(_KIND, "llm.input_messages.", "llm.output_messages."),
    names=_NAMES,
    flattened={"documents": (SpanAttributes.RETRIEVAL_DOCUMENTS,)},
    kind=_kind,
    input_messages=_input,
    output_messages=_output,
    tools_offered=_tools,
    derived=_derived,
    hints={
        **_SHOWN,
        "tool_span": "give each tool a span with openinference.span.kind=TOOL",
        "tools_offered": "unset OPENINFERENCE_HIDE_LLM_TOOLS, or set llm.tools on the model span",
        "model_requested": "set llm.request.model_name on the model span",
        "model_served": "set llm.response.model_name on the model span, from the provider's answer; llm.model_name "
        "alone does not say which one it is",
        "fingerprint": "keep output.value (the raw answer) on the model span",
        "seed": "pass a seed with the request, and record it in llm.invocation_parameters "
        "(unset OPENINFERENCE_HIDE_LLM_INVOCATION_PARAMETERS)",
        "temperature": "pass temperature with the request, and record it in llm.invocation_parameters "
        "(unset OPENINFERENCE_HIDE_LLM_INVOCATION_PARAMETERS)",
    },
    instrumentations=(
        Instrumentation(
            name="openinference-instrumentation-openai-agents",
            scopes=("openinference.instrumentation.openai_agents",),
            hints={
                **_SHOWN,
                "tools_offered": "it does not record them for chat completions (2.6.0): use the Responses API, or add "
                "openinference-instrumentation-openai",
                "model_served": "it records the asked alias only: add openinference-instrumentation-openai",
                "fingerprint": "it does not record it: add openinference-instrumentation-openai",
                "seed": "it does not record it: add openinference-instrumentation-openai",
            },
        ),
        Instrumentation(
            name="openinference-instrumentation-openai",
            scopes=("openinference.instrumentation.openai",),
            hints={
                **_SHOWN,
                "fingerprint": "unset OPENINFERENCE_HIDE_OUTPUTS: it is in the answer",
                "tool_span": _CLIENT_ONLY,
            },
        ),
        Instrumentation(
            name="other openinference-instrumentation", scopes=("openinference.instrumentation",), hints=_SHOWN
        ),
    ),
)
