"""What LLM observability stores record of a call to a model, in the shapes that SDKs send them.

Read are: OpenAI's requests and answers, LangChain's messages (plain, as ``{"type": "human", ...}``, or serialised by
its constructor), its batches of ``generations``, and plain text. Written are the attributes of OpenTelemetry GenAI,
which the recorder's dialects read.
"""

from collections.abc import Mapping
from typing import Any

from bot.domain.base import Json
from bot.recorder.lenient import structured
from handlers.traces.fields import mapping, number, objects, present, text

_ROLES = {
    "human": "user",
    "HumanMessage": "user",
    "HumanMessageChunk": "user",
    "ai": "assistant",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
    "system": "system",
    "SystemMessage": "system",
    "tool": "tool",
    "ToolMessage": "tool",
    "function": "tool",
    "FunctionMessage": "tool",
    "developer": "developer",
}
_PARAMETERS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "topP": "top_p",
    "top_k": "top_k",
    "topK": "top_k",
    "seed": "seed",
    "max_tokens": "max_tokens",
    "maxTokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "stop": "stop_sequences",
    "stop_sequences": "stop_sequences",
    "n": "choice.count",
}
_PROMPTS = ("messages", "input", "prompt", "prompts", "contents")


def parameters(told: Mapping[str, Any]) -> dict[str, Json]:
    """Sampling parameters by any of their names, as ``gen_ai.request.*``; numbers that were written as text too."""
    found: dict[str, Json] = {}
    for name, ours in _PARAMETERS.items():
        value = number(told.get(name))
        if value is None or (isinstance(value, str) and ours != "stop_sequences"):
            continue  # SDKs write "Infinity" or "NOT_GIVEN" for what was not asked for
        found.setdefault(f"gen_ai.request.{ours}", value)
    return found


def asked(value: Json) -> dict[str, Json]:
    """A model's input: the messages as assembled, the tools offered, and what else of the request was recorded."""
    read = structured(value)
    if isinstance(read, dict):
        told = next(
            (read[name] for name in ("messages", "input", "prompt", "prompts", "contents") if name in read), None
        )
        found, offered = _apart(messages(read if told is None else told, "user"))
        tools = read.get("tools") or read.get("functions") or offered or None
        system = read.get("system") or read.get("instructions")
        return parameters(read) | present(
            {
                "gen_ai.input.messages": found or None,
                "gen_ai.tool.definitions": tools if isinstance(tools, list) else None,
                "gen_ai.system_instructions": system if isinstance(system, (str, list)) else None,
                "gen_ai.request.model": text(read.get("model")),
            }
        )
    found, offered = _apart(messages(read, "user"))
    return present({"gen_ai.input.messages": found or None, "gen_ai.tool.definitions": offered or None})


def _apart(found: list[Json]) -> tuple[list[Json], list[Json]]:
    """The messages, and the tools offered that Langfuse's LangChain callback writes among them, in role ``tool``."""
    offered: list[Json] = []
    kept: list[Json] = []
    for item in found:
        held = item.get("content") if isinstance(item, dict) and item.get("role") == "tool" else None
        is_tool = isinstance(held, dict) and isinstance(item, dict) and "tool_call_id" not in item
        if is_tool and isinstance(held, dict) and ("function" in held or {"name", "description"} <= set(held)):
            offered.append(held)
        else:
            kept.append(item)
    return kept, offered


def answered(value: Json) -> dict[str, Json]:
    """A model's output: its messages, and of a raw answer the served model, fingerprint, id and why it stopped."""
    read = structured(value)
    if not isinstance(read, dict):
        return present({"gen_ai.output.messages": messages(read, "assistant") or None})
    if isinstance(read.get("choices"), list):
        return _completion(read)
    if isinstance(read.get("generations"), list):
        return _generations(read)
    output = read.get("output")
    told = output if isinstance(output, (list, dict, str)) and "role" not in read else read
    raw = read if "model" in read else {}
    found = messages(told, "assistant")
    metadata = mapping(_lone(told).get("response_metadata"))
    return _of_response({**metadata, **raw}) | present({"gen_ai.output.messages": found or None})


def _completion(answer: dict[str, Any]) -> dict[str, Json]:
    choices = list(objects(answer["choices"]))
    found: list[Json] = []
    for choice in choices:
        found += messages(choice.get("message") or choice.get("text"), "assistant")
    reasons: list[Json] = [reason for choice in choices if (reason := text(choice.get("finish_reason"), 100))]
    return _of_response(answer) | present(
        {"gen_ai.output.messages": found or None, "gen_ai.response.finish_reasons": reasons or None}
    )


def _generations(answer: dict[str, Any]) -> dict[str, Json]:
    """LangChain's: a list for each prompt of the batch, with a list of candidates each; or the candidates alone."""
    batch = answer["generations"]
    candidates = [item for each in batch for item in (each if isinstance(each, list) else [each])]
    told = mapping(answer.get("llm_output"))
    found: list[Json] = []
    reasons: list[Json] = []
    for candidate in objects(candidates):
        held = candidate.get("message")
        found += messages(held if held is not None else candidate.get("text"), "assistant")
        metadata = mapping(_lone(held).get("response_metadata")) if held is not None else {}
        info = mapping(candidate.get("generation_info"))
        told = {**info, **metadata, **present(told)}
        reason = text(info.get("finish_reason") or metadata.get("finish_reason") or metadata.get("stop_reason"), 100)
        reasons += [reason] if reason else []
    return _of_response(told) | present(
        {"gen_ai.output.messages": found or None, "gen_ai.response.finish_reasons": reasons or None}
    )


def _of_response(told: Mapping[str, Any]) -> dict[str, Json]:
    reason = text(told.get("finish_reason") or told.get("stop_reason"), 100)
    return present(
        {
            "gen_ai.response.model": text(told.get("model_name") or told.get("model"), 300),
            "gen_ai.response.id": text(told.get("id"), 300),
            "gen_ai.response.system_fingerprint": text(told.get("system_fingerprint"), 300),
            "gen_ai.response.finish_reasons": [reason] if reason else None,
            **usage(mapping(told.get("usage") or told.get("token_usage") or told.get("usage_metadata"))),
        }
    )


def usage(told: Mapping[str, Any]) -> dict[str, Json]:
    """Token counts by any of their names."""
    counts = {}
    for ours, names in {
        "gen_ai.usage.input_tokens": ("input_tokens", "input", "prompt_tokens", "promptTokens"),
        "gen_ai.usage.output_tokens": ("output_tokens", "output", "completion_tokens", "completionTokens"),
    }.items():
        found = next((number(told[name]) for name in names if told.get(name) is not None), None)
        if isinstance(found, (int, float)) and not isinstance(found, bool) and 0 <= found < 2**53:
            counts[ours] = int(found)
    return dict(counts)


def messages(value: Any, role: str) -> list[Json]:
    """Messages as ``role``, ``content``, ``tool_calls``, ``tool_call_id``; plain text is one message of ``role``."""
    read: Any = structured(value)
    if isinstance(read, str):
        return [{"role": role, "content": read}] if read else []
    if isinstance(read, dict):
        read = read["messages"] if isinstance(read.get("messages"), list) else [read]
    if not isinstance(read, list):
        return []
    flat = [item for each in read for item in (each if _is_batch(each) else [each])]
    return [found for item in flat if (found := _message(item, role)) is not None]


def _is_batch(each: Any) -> bool:
    """A list of messages within the list: LangChain records one for each prompt of a batch."""
    return isinstance(each, list) and any(isinstance(item, dict) for item in each)


def _message(item: Any, role: str) -> Json:
    if isinstance(item, str):
        return {"role": role, "content": item} if item else None
    if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str):  # ("human", "text")
        return {"role": _ROLES.get(item[0], item[0]), "content": item[1]}
    if not isinstance(item, dict):
        return None
    held = plain(item)
    kind = text(held.get("role"), 100) or text(held.get("type"), 100) or role
    if "role" not in held and kind not in _ROLES:
        if "parts" not in held and "content" not in held and not held.get("tool_calls"):
            return {"role": role, "content": [item]}  # a block, or something of the caller's own: kept as it is
        kind = role
    extra = mapping(held.get("additional_kwargs"))
    calls = held.get("tool_calls") or extra.get("tool_calls") or None
    content = held.get("content")
    if isinstance(calls, list) and isinstance(content, list):
        content = _without_calls(content, calls)
    found = {**held, "role": _ROLES.get(kind, kind), "content": content, "tool_calls": calls}
    for name in ("type", "additional_kwargs", "response_metadata", "usage_metadata", "invalid_tool_calls", "id"):
        found.pop(name, None)
    return present(found)


def _without_calls(content: list[Any], calls: list[Any]) -> list[Any]:
    """The blocks without those that only repeat ``tool_calls``: a call told twice would count twice."""
    known = {text(call.get("id"), 300) for call in objects(calls)} - {None}
    return [
        block
        for block in content
        if not (
            isinstance(block, dict)
            and block.get("type") in {"tool_use", "tool_call", "function_call"}
            and text(block.get("id") or block.get("call_id"), 300) in known
        )
    ]


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """A LangChain object without its envelope: ``{"lc": 1, "id": [..., "AIMessage"], "kwargs": {...}}`` or ``data``."""
    if isinstance(item.get("kwargs"), dict) and ("lc" in item or isinstance(item.get("id"), list)):
        path = item.get("id")
        name = path[-1] if isinstance(path, list) and path and isinstance(path[-1], str) else None
        kwargs: dict[str, Any] = item["kwargs"]
        return {"type": name, **kwargs} if name else kwargs
    if isinstance(item.get("data"), dict) and isinstance(item.get("type"), str) and item["type"] in _ROLES:
        return {"type": item["type"], **item["data"]}
    return item


def _lone(value: Any) -> dict[str, Any]:
    """The one message of a value, without its envelope."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return plain(value) if isinstance(value, dict) else {}
