"""OpenTelemetry GenAI up to 1.36: prompts and answers as events of the span, or as log records that belong to it.

Also the one event that later versions may put everything on instead of the span.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.base import Json
from bot.domain.run import Message, ToolDefinition
from bot.domain.span import SpanEvent, SpanRecord
from bot.plugin.dialects import Dialect
from bot.recorder.lenient import structured, text_of
from bot.recorder.messages import message, messages
from bot.recorder.parts import definitions

_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE = "gen_ai.choice"
_PROMPT = "gen_ai.content.prompt"
_COMPLETION = "gen_ai.content.completion"
_DETAILS = "gen_ai.client.inference.operation.details"
_PARTS = {"text", "type", "toolUse", "toolResult"}
_BODIES = ("gen_ai.event.content", "body", "message")


def _input(span: SpanRecord) -> tuple[Message, ...] | None:
    recorded = _detail(span, "gen_ai.input.messages")
    if recorded is not None:
        return messages(recorded)
    found = [_event_message(_ROLES[e.name], e.attributes) for e in span.events if e.name in _ROLES]
    found += [m for e in span.events if e.name == _PROMPT for m in messages(e.attributes.get("gen_ai.prompt"))]
    return tuple(found) or None


def _output(span: SpanRecord) -> tuple[Message, ...] | None:
    recorded = _detail(span, "gen_ai.output.messages")
    if recorded is not None:
        return messages(recorded, "assistant")
    found = [_event_message("assistant", e.attributes) for e in span.events if e.name == _CHOICE]
    written = [e.attributes.get("gen_ai.completion") for e in span.events if e.name == _COMPLETION]
    found += [m for held in written for m in messages(held, "assistant")]
    return tuple(found) or None


def _tools(span: SpanRecord) -> tuple[ToolDefinition, ...] | None:
    recorded = _detail(span, "gen_ai.tool.definitions")
    return None if recorded is None else definitions(recorded)


def _derived(span: SpanRecord) -> Mapping[str, Json]:
    if span.attributes.get("gen_ai.operation.name") == "execute_tool":
        return _tool(span)
    found: dict[str, Json] = {}
    said = _detail(span, "gen_ai.system_instructions")
    if said is not None:
        found["system"] = said
    reasons = [_body(e).get("finish_reason") for e in span.events if e.name == _CHOICE]
    known: list[Json] = [reason for reason in reasons if isinstance(reason, str)]
    return {**found, "finish_reasons": known} if known else found


def _tool(span: SpanRecord) -> dict[str, Json]:
    """A tool's arguments and result as events of its span (Strands Agents): the message to it, and its choice."""
    asked = [_body(e).get("content") for e in span.events if e.name == "gen_ai.tool.message"]
    answered = [e.attributes.get("message") for e in span.events if e.name == _CHOICE]
    return {"tool_arguments": asked[0] if asked else None, "tool_result": answered[-1] if answered else None}


def _detail(span: SpanRecord, name: str) -> Json:
    return next((held for e in span.events if e.name == _DETAILS and (held := _body(e).get(name)) is not None), None)


def _body(event: SpanEvent) -> dict[str, Any]:
    """What an event says: its attributes, and the body that lies in one of them."""
    said: dict[str, Any] = dict(event.attributes)
    for name in _BODIES:
        inner = structured(said.get(name))
        if isinstance(inner, dict):
            said = {**said, **inner}
    return said


def _event_message(role: str, attributes: Mapping[str, Json]) -> Message:
    said = _body(SpanEvent(attributes=dict(attributes)))
    if role == "tool" and text_of(said.get("tool_call_id")) is None:
        said["tool_call_id"] = said.get("id")
    texts = (said[key] for key in ("content", "body", "message") if isinstance(said.get(key), (str, list)))
    said["content"] = _listed(next(texts, said.get("content")))
    return message({**said, "role": said.get("role") or role})


def _listed(content: Any) -> Any:
    """Content that is a list of parts as JSON text; a text that only looks like a list stays text."""
    read = structured(content) if isinstance(content, str) else content
    return (
        read
        if isinstance(read, list) and all(isinstance(one, dict) and _PARTS & one.keys() for one in read)
        else content
    )


DIALECT = Dialect(
    name="OpenTelemetry GenAI events (up to 1.36)",
    module=__name__,
    priority=11,
    events=(*_ROLES, _CHOICE, _PROMPT, _COMPLETION, _DETAILS),
    input_messages=_input,
    output_messages=_output,
    tools_offered=_tools,
    derived=_derived,
)
