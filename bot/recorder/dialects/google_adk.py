"""Google's Agent Development Kit: ``gcp.vertex.agent.*`` beside a few ``gen_ai.*`` names.

A model's request and answer are each one JSON document in Gemini's shape. With capture turned off it writes an empty
object instead of nothing; ``(merged tools)`` is a span for its debugger, about calls that have spans of their own.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.base import Json
from bot.domain.run import Message, StepKind, ToolDefinition
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect, Instrumentation
from bot.recorder.lenient import structured, text_of
from bot.recorder.messages import message, messages
from bot.recorder.parts import definitions

_REQUEST = "gcp.vertex.agent.llm_request"
_RESPONSE = "gcp.vertex.agent.llm_response"
_ARGUMENTS = "gcp.vertex.agent.tool_call_args"
_RESULT = "gcp.vertex.agent.tool_response"
_MERGED = "(merged tools)"
_TRANSFER = "transfer_to_agent"
_MISSING: tuple[Json, ...] = ({}, "N/A", "<not serializable>", "<not specified>")
_NO_RESULT: Json = {"result": "<not specified>"}
_PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "max_output_tokens": "max_tokens",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "stop_sequences": "stop",
    "candidate_count": "choice_count",
}
_CONTENT = "set ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true"
_HINTS = {
    "prompt": _CONTENT,
    "output": _CONTENT,
    "tool_arguments": _CONTENT,
    "tool_result": _CONTENT,
    "tools_offered": f"{_CONTENT}: the tools are part of the recorded request",
    "temperature": "set temperature in the agent's generate_content_config",
    "seed": "set seed in the agent's generate_content_config",
    "model_served": "ADK records it only in the answer (model_version), with newer versions: "
    "upgrade google-adk, or instrument google-genai as well",
}


def _kind(span: SpanRecord) -> StepKind | None:
    attributes = span.attributes
    name = attributes.get("gen_ai.tool.name")
    if name == _MERGED:
        return StepKind.STEP
    if name == _TRANSFER:
        return StepKind.HANDOFF
    if _ARGUMENTS in attributes or _RESULT in attributes:
        return StepKind.TOOL
    if span.name.startswith("call_llm") or structured(attributes.get(_REQUEST)):
        return StepKind.MODEL
    return StepKind.AGENT if span.name.startswith(("invoke_agent", "agent_run")) else None


def _object(span: SpanRecord, name: str) -> dict[str, Any]:
    held = structured(span.attributes.get(name))
    return held if isinstance(held, dict) else {}


def _input(span: SpanRecord) -> tuple[Message, ...] | None:
    contents = _object(span, _REQUEST).get("contents")
    return messages(contents) or None if contents else None


def _output(span: SpanRecord) -> tuple[Message, ...] | None:
    content = _object(span, _RESPONSE).get("content")
    return (message(content, "assistant"),) if isinstance(content, dict) else None


def _tools(span: SpanRecord) -> tuple[ToolDefinition, ...] | None:
    config = _object(span, _REQUEST).get("config")
    held = config.get("tools") if isinstance(config, dict) else None
    return definitions(held) or None if held else None


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    attributes = span.attributes
    asked, answered = _object(span, _REQUEST), _object(span, _RESPONSE)
    config = asked.get("config")
    if isinstance(config, dict):
        found |= {f"parameter.{ours}": config[name] for name, ours in _PARAMETERS.items() if name in config}
        found["system"] = config.get("system_instruction")
    found["model_requested"] = asked.get("model")
    found["model_served"] = answered.get("model_version")
    found["finish_reasons"] = answered.get("finish_reason")
    arguments, result = attributes.get(_ARGUMENTS), attributes.get(_RESULT)
    if arguments not in _MISSING:
        found["tool_arguments"] = arguments
    if result not in _MISSING and structured(result) != _NO_RESULT:
        found["tool_result"] = result
    if attributes.get("gen_ai.tool.name") == _TRANSFER:
        target = structured(arguments)
        found["handoff_target"] = text_of(target.get("agent_name")) if isinstance(target, dict) else None
    return found


DIALECT = Dialect(
    name="Google ADK",
    module=__name__,
    priority=5,
    marks=("gcp.vertex.agent.",),
    scopes=("gcp.vertex.agent",),
    names={"conversation": ("gen_ai.conversation.id", "gcp.vertex.agent.session_id")},
    kind=_kind,
    input_messages=_input,
    output_messages=_output,
    tools_offered=_tools,
    derived=_derived,
    hints=_HINTS,
    instrumentations=(Instrumentation(name="google-adk", scopes=("gcp.vertex.agent",), hints=_HINTS),),
)
