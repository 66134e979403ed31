"""Messages of prompts and answers in the shapes that are in use, as our ``Message``.

Read are: OpenTelemetry GenAI (``parts``; a tool's answer is ``response`` in the schema and ``result`` in the registry),
OpenAI chat messages and Responses items, Anthropic content blocks, Gemini contents (``function_call`` inside a part),
the Vercel AI SDK (``tool-call``), LangChain's serialised messages, OpenInference's unflattened.
"""

from typing import Any

from bot.domain.base import Json
from bot.domain.run import Message, Part
from bot.recorder.lenient import items, structured, text_of
from bot.recorder.parts import (
    call,
    content,
    hosted_result,
    inner,
    is_call,
    is_reasoning,
    is_result,
    part,
    result_of,
    string,
)

_ROLES = {"model": "assistant", "ai": "assistant", "human": "user"}
_LANGCHAIN = {
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "tool": "tool",
    "HumanMessage": "user",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
    "SystemMessage": "system",
    "ToolMessage": "tool",
}
_LISTS = ("messages", "contents", "choices", "candidates", "input", "output")
_TOOL_ROLES = {"tool", "function"}
_THOUGHTS = ("reasoning_content", "reasoning")


def messages(value: Json, role: str = "user") -> tuple[Message, ...]:
    """The messages in a recorded value: a list, one message, or either as JSON text.

    Plain text, and an object that is no message, is one message of ``role``.
    """
    read: Any = structured(value)
    if isinstance(read, str):
        return (Message(role=role, parts=(Part(kind="text", text=read),)),) if read else ()
    if isinstance(read, dict):
        read = next((read[key] for key in _LISTS if isinstance(read.get(key), list)), [read])
    if not isinstance(read, list):
        return ()
    while len(read) == 1 and isinstance(read[0], list):  # LangChain: a batch of one
        read = read[0]
    found: list[Message] = []
    for item in read:
        held = structured(item)
        if isinstance(held, dict):
            found.append(message(held, role))
        elif isinstance(held, str) and held:
            found.append(Message(role=role, parts=(Part(kind="text", text=held),)))
    return tuple(found)


def message(item: dict[str, Any], role: str | None = None) -> Message:
    """One message from its object; ``role`` is whose it is where the object does not say."""
    item = _unwrapped(item)
    said = _role(item)
    if (
        is_call(item) or is_result(item) or is_reasoning(item)
    ):  # an item of OpenAI's Responses: a call or a result by itself
        result = hosted_result(item)
        both = (part(item),) if result is None else (part(item), result)
        return Message(role=said or ("tool" if is_result(item) else "assistant"), parts=both)
    call_id = text_of(item.get("tool_call_id"))
    said = said or ("tool" if call_id else role or "unknown")
    parts: list[Part] = []
    held = item.get("parts")
    if isinstance(held, list):
        parts += [part(one) for one in held]
    elif said in _TOOL_ROLES and (call_id is not None or said == "function"):
        name = text_of(item.get("name"))
        parts.append(Part(kind="tool_result", call_id=call_id, name=name, result=result_of(item)))
    else:
        parts += [
            Part(kind="reasoning", text=text) for key in _THOUGHTS if isinstance(text := item.get(key), str) and text
        ]
        parts += content(item["text"] if item.get("content") is None and "text" in item else item.get("content"))
        parts += [one for held in items(item.get("contents")) for one in content([inner(held, "message_content")])]
        if isinstance(refusal := item.get("refusal"), str) and refusal:
            parts.append(Part(kind="text", text=refusal))
    calls = structured(item.get("tool_calls"))
    told = {one.call_id for one in parts if one.kind == "tool_call" and one.call_id}
    asked = [call(inner(one, "tool_call")) for one in items(calls) if isinstance(one, dict)]
    parts += [one for one in asked if one.call_id not in told]  # LangChain tells a content block's call once more
    if isinstance(item.get("function_call"), dict) and not calls:
        parts.append(call(item["function_call"]))
    if not parts and role is not None and "role" not in item and "content" not in item and item:
        parts.append(Part(kind="other", text=string(item)))  # an object of the application's own
    return Message(role=said, parts=tuple(parts))


def system_texts(value: Json) -> tuple[str, ...]:
    """System instructions: a list of parts, an object with parts, or plain text."""
    read = structured(value)
    if isinstance(read, str):
        return (read,) if read else ()
    if isinstance(read, dict) and isinstance(read.get("parts"), list):
        read = read["parts"]
    return tuple(one.text for one in content(read) if one.text)


def finish_reasons(value: Json) -> tuple[str, ...]:
    """The finish reasons that the messages of an answer carry themselves."""
    read = structured(value)
    found = [text_of(item.get("finish_reason")) for item in items(read) if isinstance(item, dict)]
    return tuple(reason for reason in found if reason)


def _role(item: dict[str, Any]) -> str | None:
    said = text_of(item.get("role"))
    if said is None and isinstance(kind := item.get("type"), str):
        said = _LANGCHAIN.get(kind)
    return _ROLES.get(said, said) if said else None


def _unwrapped(item: dict[str, Any]) -> dict[str, Any]:
    """The message itself where it lies in a choice, a Gemini candidate or LangChain's serialised form."""
    kwargs, name = item.get("kwargs"), item.get("id")
    if isinstance(kwargs, dict) and isinstance(name, list) and name:
        return {"role": _LANGCHAIN.get(str(name[-1])), **kwargs}
    if "role" in item or "parts" in item:
        return item
    for key in ("message", "content", "data"):
        held = item.get(key)
        if isinstance(held, dict) and ("content" in held or "parts" in held or "role" in held):
            return {"type": item.get("type"), **held} if key == "data" else held
    return item
