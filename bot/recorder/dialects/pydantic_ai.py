"""pydantic-ai's own instrumentation (also through Logfire), of the versions before it wrote messages as GenAI does.

Versions 1 and 2 of its format: messages as a JSON list in ``events`` and ``all_messages_events``, tools in
``model_request_parameters``, arguments and answers in ``tool_arguments`` and ``tool_response``.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.base import Json
from bot.domain.run import Message, StepKind, ToolDefinition
from bot.domain.span import SpanRecord
from bot.plugin.dialects import Dialect, Instrumentation
from bot.recorder.lenient import items, structured, text_of
from bot.recorder.messages import message, messages
from bot.recorder.parts import definitions

_EVENTS = "events"
_ALL = ("pydantic_ai.all_messages", "all_messages_events")
_REQUEST = "model_request_parameters"
_RESULT = "final_result"
_AGENT = ("agent_name", "gen_ai.agent.name")
_CONTENT = "use InstrumentationSettings(include_content=True) (and event_mode='attributes' before version 2)"
_SHOWN = {"prompt": _CONTENT, "output": _CONTENT, "tool_arguments": _CONTENT, "tool_result": _CONTENT}
_HINTS = {
    **_SHOWN,
    "tools_offered": "upgrade pydantic-ai: it records gen_ai.tool.definitions and model_request_parameters",
    "fingerprint": "pydantic-ai does not record it: instrument the provider's client too "
    "(opentelemetry-instrumentation-openai-v2 with OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental)",
    "seed": "set seed in the agent's model_settings",
    "temperature": "set temperature in the agent's model_settings",
}


def _kind(span: SpanRecord) -> StepKind | None:
    attributes = span.attributes
    if any(name in attributes for name in (*_ALL, _RESULT)) and any(name in attributes for name in _AGENT):
        return StepKind.AGENT
    if "tool_arguments" in attributes and "gen_ai.tool.name" in attributes:
        return StepKind.TOOL
    return None


def _events(span: SpanRecord) -> list[dict[str, Any]]:
    return [event for event in items(structured(span.attributes.get(_EVENTS))) if isinstance(event, dict)]


def _is_choice(event: Mapping[str, Any]) -> bool:
    return event.get("event.name") == "gen_ai.choice" or isinstance(event.get("message"), dict)


def _all(span: SpanRecord) -> tuple[Message, ...]:
    written = next((span.attributes[name] for name in _ALL if name in span.attributes), None)
    found = [_message(item) for item in items(structured(written)) if isinstance(item, dict)]
    return tuple(found)


def _message(event: dict[str, Any]) -> Message:
    if event.get("role") == "tool" and text_of(event.get("tool_call_id")) is None:
        event = {**event, "tool_call_id": event.get("id")}
    return message(event)


def _input(span: SpanRecord) -> tuple[Message, ...] | None:
    found = tuple(_message(event) for event in _events(span) if not _is_choice(event))
    if found:
        return found
    every = _all(span)
    return (every[:-1] if every and every[-1].role == "assistant" else every) or None


def _output(span: SpanRecord) -> tuple[Message, ...] | None:
    found = tuple(
        message(event["message"], "assistant") for event in _events(span) if isinstance(event.get("message"), dict)
    )
    if found:
        return found
    every = _all(span)
    if every and every[-1].role == "assistant":
        return every[-1:]
    said = span.attributes.get(_RESULT)
    return messages(said, "assistant") or None if said is not None else None


def _tools(span: SpanRecord) -> tuple[ToolDefinition, ...] | None:
    asked = structured(span.attributes.get(_REQUEST))
    if not isinstance(asked, dict):
        return None
    return tuple(tool for key in ("function_tools", "output_tools") for tool in definitions(asked.get(key))) or None


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    if "tool_arguments" not in span.attributes and "tool_response" not in span.attributes:
        return {}
    return {
        "tool_arguments": span.attributes.get("tool_arguments"),
        "tool_result": span.attributes.get("tool_response"),
    }


DIALECT = Dialect(
    name="pydantic-ai",
    module=__name__,
    priority=12,
    marks=("pydantic_ai.", "all_messages_events", _REQUEST, "tool_response", "logfire.msg"),
    scopes=("pydantic-ai",),
    names={"agent": ("agent_name",), "model_requested": ("model_name",)},
    kind=_kind,
    input_messages=_input,
    output_messages=_output,
    tools_offered=_tools,
    derived=_derived,
    hints=_HINTS,
    instrumentations=(Instrumentation(name="pydantic-ai", scopes=("pydantic-ai",), hints=_HINTS),),
)
