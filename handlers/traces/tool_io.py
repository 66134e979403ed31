"""What LLM observability stores record of a tool's and a retriever's input and output, out of its envelopes."""

from typing import Any

from bot.domain.base import Json
from bot.recorder.lenient import structured
from handlers.traces.chat import plain
from handlers.traces.fields import mapping, number, present, text

_SCORES = ("score", "relevance_score", "_score", "similarity")


def documents(value: Json) -> list[Json] | None:
    """Retrieved documents as ``id, score, content, metadata``; None when the value is no list of documents."""
    read: Any = structured(value)
    if isinstance(read, dict):
        read = next((read[name] for name in ("documents", "output", "results", "matches") if name in read), None)
    if not isinstance(read, list):
        return None
    return [found for item in read if (found := _document(item)) is not None]


def _document(item: Any) -> Json:
    score = None
    if isinstance(item, list) and len(item) == 2:  # (document, score)
        item, score = item
    if isinstance(item, str):
        return {"content": item}
    if not isinstance(item, dict):
        return None
    held = plain(item)
    metadata = mapping(held.get("metadata"))
    scored = (told[name] for told in (held, metadata) for name in _SCORES if told.get(name) is not None)
    content = next((held[name] for name in ("page_content", "content", "text") if held.get(name)), None)
    return present(
        {
            "id": text(held.get("id") or metadata.get("id") or metadata.get("source"), 1_000),
            "score": number(next(scored, score)),
            "content": content if isinstance(content, str) else None,
            "metadata": metadata or None,
        }
    )


def tool_input(value: Json) -> dict[str, Json]:
    """A tool's input as arguments, out of the envelopes that LangChain puts round them, with the call's id."""
    read = structured(value)
    found: dict[str, Json] = {}
    if isinstance(read, dict) and set(read) == {"input"}:
        inner = structured(read["input"])
        read = inner if isinstance(inner, dict) else read
    if isinstance(read, dict) and isinstance(read.get("args"), dict) and {"name", "id"} & set(read):
        found = present({"gen_ai.tool.call.id": text(read.get("id"), 300)})
        read = read["args"]
    return found | present({"gen_ai.tool.call.arguments": read})


def tool_output(value: Json) -> dict[str, Json]:
    """A tool's output as result, out of LangChain's ``ToolMessage``, with the call's id and that it failed."""
    read = structured(value)
    if isinstance(read, dict) and set(read) == {"output"}:
        read = structured(read["output"])
    if isinstance(read, dict):
        held = plain(read)
        if "tool_call_id" in held and "content" in held:
            failed = held.get("status") == "error"
            return present(
                {
                    "gen_ai.tool.call.id": text(held["tool_call_id"], 300),
                    "gen_ai.tool.call.result": structured(held["content"]),
                    "error.type": "tool_error" if failed else None,
                }
            )
    return present({"gen_ai.tool.call.result": read})
