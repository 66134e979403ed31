"""What frameworks wrap round a tool's arguments and its answer before they record them."""

import re

from bot.domain.base import Json
from bot.recorder.lenient import structured

_FLAGS = frozenset(["sanitize_inputs_outputs", "run_manager", "config"])
"""Switches of the framework that stand beside ``args`` and ``kwargs``."""
_CALLING = re.compile(r"tool_name=(?:'[^']*'|\"[^\"]*\") arguments=(?P<held>\{.*\})", re.DOTALL)
_REPR = re.compile(r"content=(?P<held>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")(?P<rest> .*tool_call_id=.*)", re.DOTALL)
_REPR_ID = re.compile(r" tool_call_id='([^']*)'")
_LONGEST = 200_000


def arguments_in(value: Json) -> Json:
    """The arguments in what a decorator, a callback or a framework recorded of a call; else the value as it is.

    Known wrappers: ``{"args": [...], "kwargs": {...}}``, ``{"tool_name": ..., "arguments": {...}}``, a callback's
    ``{"input_str": ..., "inputs": {...}}``, and CrewAI's ``{"tool_string": ..., "tool": ..., "calling": ...}``.
    """
    read = structured(value)
    if not isinstance(read, dict):
        return value
    if "tool_name" in read and "arguments" in read:
        return structured(read["arguments"])
    if "input_str" in read:
        inputs = read.get("inputs")
        return inputs if isinstance(inputs, dict) else structured(read["input_str"])
    calling = read.get("calling")
    if isinstance(calling, str) and "tool_string" in read:
        found = _CALLING.search(calling[:_LONGEST])
        return structured(found["held"]) if found else value
    args, kwargs = read.get("args"), read.get("kwargs")
    if isinstance(kwargs, dict) and set(read) - _FLAGS <= {"args", "kwargs"}:
        return {**{str(at): held for at, held in enumerate(args if isinstance(args, list) else [])}, **kwargs}
    return value


def message_in(value: Json) -> dict[str, Json] | None:
    """A tool's answer that was recorded as LangChain's whole message: its fields, or ``None`` for anything else.

    As an object, alone or under ``output``, or as the message's own text: ``content='ok' name='x' tool_call_id='1'``.
    """
    read = structured(value)
    if isinstance(read, dict) and set(read) == {"output"}:
        read = structured(read["output"])
    if isinstance(read, dict) and read.get("type") == "tool" and "content" in read and "tool_call_id" in read:
        return read
    told = _REPR.fullmatch(read) if isinstance(read, str) and len(read) < _LONGEST and read[:8] == "content=" else None
    if told is None:
        return None
    content = structured(f"[{told['held']}]")  # a list with one literal: read, never evaluated
    if not isinstance(content, list):
        return None
    found = _REPR_ID.search(told["rest"])
    status: Json = "error" if " status='error'" in told["rest"] else "success"
    return {"content": content[0], "tool_call_id": found[1] if found else None, "status": status}
