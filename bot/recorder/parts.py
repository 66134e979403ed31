"""The pieces of a message: text, a tool's call, a tool's result, reasoning, anything else; and tools as offered."""

from typing import Any

from pydantic_core import to_json

from bot.domain.base import Json
from bot.domain.run import Part, ToolDefinition
from bot.recorder.lenient import items, structured, text_of

_TEXT = {"text", "input_text", "output_text"}
_REASONING = {"reasoning", "thinking", "summary_text"}
_CALL = {"tool_call", "tool_use", "function_call", "server_tool_call", "server_tool_use", "tool-call"}
_RESULT = {
    "tool_call_response",
    "tool_result",
    "tool_response",
    "tool-result",
    "function_call_output",
    "server_tool_call_response",
}
_HOSTED = {
    "mcp_call": "mcp",
    "web_search_call": "web_search",
    "file_search_call": "file_search",
    "code_interpreter_call": "code_interpreter",
    "image_generation_call": "image_generation",
    "computer_call": "computer",
    "local_shell_call": "local_shell",
    "shell_call": "shell",
    "apply_patch_call": "apply_patch",
}
"""Calls in an answer of OpenAI's Responses that are no function of the application, by the name to show."""
_HOSTED_RESULTS = ("output", "outputs", "results", "error")
_CALL_KEYS = ("function_call", "functionCall", "toolUse")
_RESULT_KEYS = ("function_response", "functionResponse", "toolResult")
_ARGUMENTS = ("arguments", "input", "args", "tool.args", "action", "queries", "code", "operation", "parameters")
_RESULTS = ("response", "result", "content", "output")
_CALL_IDS = ("call_id", "id", "tool_call_id", "toolCallId", "tool_use_id", "toolUseId")
_RESULT_IDS = ("id", "tool_use_id", "call_id", "tool_call_id", "toolCallId", "toolUseId")
_NAMES = ("name", "toolName", "tool_name", "tool.name")
_SCHEMAS = ("parameters", "input_schema", "inputSchema", "parameters_json_schema", "json_schema")
_MAX_OTHER = 100_000


def is_call(item: dict[str, Any]) -> bool:
    """Whether the object by itself is a tool's call, by its ``type``."""
    kind = item.get("type")
    return isinstance(kind, str) and (kind in _CALL or kind in _HOSTED)


def is_reasoning(item: dict[str, Any]) -> bool:
    """Whether the object by itself is a model's reasoning, by its ``type``."""
    kind = item.get("type")
    return isinstance(kind, str) and kind in _REASONING and "role" not in item


def is_result(item: dict[str, Any]) -> bool:
    """Whether the object by itself is a tool's result, by its ``type``."""
    kind = item.get("type")
    return isinstance(kind, str) and kind in _RESULT


def content(value: Any) -> list[Part]:
    """The parts in a message's content: text, one part, or a list of parts."""
    if isinstance(value, str):
        return [Part(kind="text", text=value)] if value else []
    if isinstance(value, list):
        return [part(item) for item in value]
    return [part(value)] if isinstance(value, dict) and value else []


def part(held: Any) -> Part:
    """One part, whoever wrote it; what is not known is kept as JSON text of kind ``other``."""
    if isinstance(held, str):
        return Part(kind="text", text=held)
    if not isinstance(held, dict):
        return Part(kind="other", text=_short(held))
    kind = held.get("type")
    kind = kind if isinstance(kind, str) else None
    return _of_tool(held, kind) or _of_text(held, kind) or Part(kind="other", text=_short(held))


def _of_tool(held: dict[str, Any], kind: str | None) -> Part | None:
    if kind in _CALL or kind in _HOSTED:
        return call(held)
    if kind in _RESULT:
        return _answer(held)
    for keys, read in ((_CALL_KEYS, call), (_RESULT_KEYS, _answer)):
        inside = next((held[key] for key in keys if isinstance(held.get(key), dict)), None)
        if inside is not None:
            return read(inside)
    return None


def _of_text(held: dict[str, Any], kind: str | None) -> Part | None:
    text = next((held[key] for key in ("content", "text", "thinking") if key in held), None)
    if kind in _REASONING or (held.get("thought") is True and isinstance(text, str)):
        return Part(kind="reasoning", text=_summary(held.get("summary")) if text is None else string(text))
    if kind in _TEXT:
        return Part(kind="text", text="" if text is None else string(text))
    if kind is None and isinstance(held.get("text"), str):
        return Part(kind="text", text=held["text"])
    return None


def hosted_result(item: dict[str, Any]) -> Part | None:
    """The result that a call which the provider ran itself holds beside its arguments."""
    if str(item.get("type")) not in _HOSTED:
        return None
    result = next((item[key] for key in _HOSTED_RESULTS if item.get(key) is not None), None)
    if result is None:
        return None
    return Part(kind="tool_result", call_id=_first(item, _CALL_IDS), result=structured(result))


def _summary(value: Any) -> str:
    """The summary of a reasoning item: a list of texts."""
    texts = [one["text"] for one in items(value) if isinstance(one, dict) and isinstance(one.get("text"), str)]
    return "\n".join(texts) if texts or not value else string(value)


def call(held: dict[str, Any]) -> Part:
    """A tool's call: flat, in ``function``, or flattened once more as OpenInference does."""
    function = held["function"] if isinstance(held.get("function"), dict) else held
    if "function.name" in held:
        function = {"name": held.get("function.name"), "arguments": held.get("function.arguments")}
    arguments = next((function[key] for key in _ARGUMENTS if key in function), None)
    return Part(
        kind="tool_call",
        call_id=_first(held, _CALL_IDS),
        name=_first(function, _NAMES) or _HOSTED.get(str(held.get("type"))),
        arguments=structured(arguments),
    )


def result_of(item: dict[str, Any]) -> Json:
    """What a message of role ``tool`` holds: its content, or the texts of OpenInference's ``contents``."""
    held = item.get("content")
    if held is None and item.get("contents"):
        texts = [inner(one, "message_content").get("text") for one in items(item["contents"]) if isinstance(one, dict)]
        held = "\n".join(text for text in texts if isinstance(text, str))
    return structured(held)


def definitions(value: Json) -> tuple[ToolDefinition, ...]:
    """Tools as offered: ``{"name", "description", "parameters"}``, also inside ``function`` (OpenAI).

    Gemini has them in lists of ``function_declarations``.
    """
    read = structured(value)
    found: list[ToolDefinition] = []
    for item in read if isinstance(read, list) else [read]:
        held = structured(item)
        if not isinstance(held, dict):
            continue
        declared = next((held[key] for key in ("function_declarations", "functionDeclarations") if held.get(key)), None)
        if isinstance(declared, list) and not held.get("name"):
            found += [one for each in declared if isinstance(each, dict) for one in definitions(each)]
            continue
        function: dict[str, Any] = inner(held, "function")
        name = text_of(function.get("name"))
        if name:
            schema = next((function[key] for key in _SCHEMAS if key in function), None)
            found.append(
                ToolDefinition(
                    name=name,
                    description=text_of(function.get("description")),
                    parameters=structured(schema),
                    annotations=structured(function.get("annotations", held.get("annotations"))),
                )
            )
    return tuple(found)


def inner(held: Any, name: str) -> Any:
    """What lies in ``name``, or the object itself."""
    return held[name] if isinstance(held, dict) and isinstance(held.get(name), dict) else held


def string(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else _short(value)


def _answer(held: dict[str, Any]) -> Part:
    result = next((held[key] for key in _RESULTS if key in held), None)
    if isinstance(result, dict) and set(result) == {"type", "value"}:  # the Vercel AI SDK says what it is
        result = result["value"]
    return Part(
        kind="tool_result", call_id=_first(held, _RESULT_IDS), name=_first(held, _NAMES), result=structured(result)
    )


def _first(held: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((text for key in keys if (text := text_of(held.get(key))) is not None), None)


def _short(value: Any) -> str:
    text = to_json(value, fallback=str).decode()
    return text if len(text) <= _MAX_OTHER else f"{text[:_MAX_OTHER]}… [{len(text) - _MAX_OTHER:,} more characters]"
