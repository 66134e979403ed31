"""Messages of prompts and answers in the shapes that are in use, as our ``Message``.

Read are: OpenTelemetry GenAI (``parts``; a tool's answer is ``response`` in the schema and ``result`` in the registry),
OpenAI chat messages (``content``, ``tool_calls``, role ``tool``), Anthropic content blocks, OpenInference's
unflattened.
"""

from typing import Any

from pydantic_core import to_json

from bot.domain.base import Json
from bot.domain.run import Message, Part, ToolDefinition
from bot.recorder.lenient import items, structured, text_of

_TEXT = {"text", "input_text", "output_text"}
_REASONING = {"reasoning", "thinking"}
_CALL = {"tool_call", "tool_use", "function_call", "server_tool_call"}
_RESULT = {"tool_call_response", "tool_result", "tool_response", "function_call_output", "server_tool_call_response"}
_MAX_OTHER = 2_000


def messages(value: Json) -> tuple[Message, ...]:
    """The messages in a recorded value: a list, one message, or either as JSON text. Plain text is one user message."""
    read = structured(value)
    if isinstance(read, str):
        return (Message(role="user", parts=(Part(kind="text", text=read),)),) if read else ()
    if isinstance(read, dict):
        read = read["messages"] if isinstance(read.get("messages"), list) else [read]
    if not isinstance(read, list):
        return ()
    return tuple(message(item) for item in read if isinstance(item, dict))


def message(item: dict[str, Any]) -> Message:
    """One message from its object."""
    role = text_of(item.get("role")) or ("tool" if item.get("tool_call_id") else "unknown")
    parts: list[Part] = []
    call_id = text_of(item.get("tool_call_id"))
    if isinstance(item.get("parts"), list):
        parts += [_part(part) for part in item["parts"]]
    elif role == "tool" and call_id is not None:
        parts.append(Part(kind="tool_result", call_id=call_id, name=text_of(item.get("name")), result=_result(item)))
    else:
        parts += _content(item.get("content"))
        parts += [part for held in items(item.get("contents")) for part in _content([_inner(held, "message_content")])]
    parts += [_call(_inner(call, "tool_call")) for call in items(item.get("tool_calls")) if isinstance(call, dict)]
    return Message(role=role, parts=tuple(parts))


def system_texts(value: Json) -> tuple[str, ...]:
    """System instructions: a list of parts, or plain text."""
    read = structured(value)
    if isinstance(read, str):
        return (read,) if read else ()
    return tuple(part.text for part in _content(read) if part.text)


def definitions(value: Json) -> tuple[ToolDefinition, ...]:
    """Tools as offered: ``{"name", "description", "parameters"}`` or wrapped in ``function`` as OpenAI writes them."""
    read = structured(value)
    found = []
    for item in read if isinstance(read, list) else [read]:
        held = structured(item)
        if not isinstance(held, dict):
            continue
        inner: dict[str, Any] = _inner(held, "function")
        name = text_of(inner.get("name"))
        if name:
            schema = next((inner[key] for key in ("parameters", "input_schema", "inputSchema") if key in inner), None)
            found.append(
                ToolDefinition(name=name, description=text_of(inner.get("description")), parameters=structured(schema))
            )
    return tuple(found)


def _inner(held: Any, name: str) -> Any:
    return held[name] if isinstance(held, dict) and isinstance(held.get(name), dict) else held


def _result(item: dict[str, Any]) -> Json:
    held = item.get("content")
    if held is None and item.get("contents"):
        texts = [
            _inner(part, "message_content").get("text") for part in items(item["contents"]) if isinstance(part, dict)
        ]
        held = "\n".join(text for text in texts if isinstance(text, str))
    return structured(held)


def _content(value: Any) -> list[Part]:
    if isinstance(value, str):
        return [Part(kind="text", text=value)] if value else []
    if isinstance(value, list):
        return [_part(item) for item in value]
    return [_part(value)] if isinstance(value, dict) else []


def _part(part: Any) -> Part:
    if isinstance(part, str):
        return Part(kind="text", text=part)
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in _CALL:
        return _call(part)
    if kind in _RESULT:
        return _answer(part)
    if kind in _REASONING:
        return Part(kind="reasoning", text=_string(part.get("content", part.get("text", part.get("thinking")))))
    if kind in _TEXT or (kind is None and isinstance(part, dict) and isinstance(part.get("text"), str)):
        return Part(kind="text", text=_string(part.get("content", part.get("text"))))
    return Part(kind="other", text=_short(part))


def _answer(part: dict[str, Any]) -> Part:
    call_id = next((part[key] for key in ("id", "tool_use_id", "call_id", "tool_call_id") if part.get(key)), None)
    held = next((part[key] for key in ("response", "result", "content", "output") if key in part), None)
    return Part(kind="tool_result", call_id=text_of(call_id), name=text_of(part.get("name")), result=structured(held))


def _call(call: dict[str, Any]) -> Part:
    function = call["function"] if isinstance(call.get("function"), dict) else call
    if "function.name" in call:  # OpenInference, flattened once more
        function = {"name": call.get("function.name"), "arguments": call.get("function.arguments")}
    held = next((function[key] for key in ("arguments", "input", "args") if key in function), None)
    call_id = next((call[key] for key in ("id", "call_id", "tool_call_id") if call.get(key)), None)
    return Part(
        kind="tool_call",
        call_id=text_of(call_id),
        name=text_of(function.get("name")),
        arguments=structured(held),
    )


def _string(value: Any) -> str:
    return value if isinstance(value, str) else _short(value)


def _short(value: Any) -> str:
    return to_json(value, fallback=str).decode()[:_MAX_OTHER]
