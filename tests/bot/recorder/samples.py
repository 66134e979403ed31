"""Spans and exports made at run time, and the shared samples beside the checkout."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.domain.span import SpanRecord

TRACE = "0af7651916cd43dd8448eb211c80319c"
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
SECOND = 10**9
START = 1_760_000_000 * SECOND


def shared(*parts: str) -> Path:
    """A file of ../shared/data; the test is skipped with the reason where it is missing."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"../shared/data/{'/'.join(parts)} is not beside this checkout")
    return path


def span(number: int, parent: int | None = 1, /, *, at: float = 0, lasts: float = 1, **fields: Any) -> SpanRecord:
    """Span ``number`` of the trace, ``at`` seconds after its start; attributes as ``attributes={...}``."""
    start = START + int((at or number) * SECOND)
    return SpanRecord(
        **{
            "trace_id": TRACE,
            "span_id": f"{number:016x}",
            "parent_id": f"{parent:016x}" if parent is not None else None,
            "name": f"span {number}",
            "start_ns": start,
            "end_ns": start + int(lasts * SECOND),
            **fields,
        }
    )


def root(**attributes: Any) -> SpanRecord:
    """The agent's span, number 1."""
    held = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "refund-bot", **attributes}
    return span(1, None, at=0.001, lasts=600, attributes=held)


def chat(number: int, *calls: dict[str, Any], prompt: list[dict[str, Any]] | None = None, **fields: Any) -> SpanRecord:
    """A model call whose answer holds these tool calls (``{"id", "name", "arguments"}``)."""
    parts = [{"type": "tool_call", **call} for call in calls] or [{"type": "text", "content": "done"}]
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps(prompt or [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": parts}]),
        **fields.pop("attributes", {}),
    }
    return span(number, fields.pop("parent", 1), attributes=attributes, **fields)


def tool(
    number: int, name: str, /, *, arguments: Any = None, result: Any = None, call_id: str | None = None, **more: Any
) -> SpanRecord:
    """A tool span; ``None`` for what was not recorded.

    ``parent``, ``at``, ``lasts`` and ``status`` are the span's; what else is given are attributes.
    """
    placing = {key: more.pop(key) for key in ("at", "lasts", "status") if key in more}
    parent = more.pop("parent", 1)
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": arguments if isinstance(arguments, str | None) else json.dumps(arguments),
        "gen_ai.tool.call.result": result if isinstance(result, str | None) else json.dumps(result),
        **more,
    }
    held = {key: value for key, value in attributes.items() if value is not None}
    return span(number, parent, attributes=held, **placing)


def export(*spans: dict[str, Any], service: str = "refund-bot") -> bytes:
    """OTLP/JSON with these raw spans under one resource."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    document = {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "t"}, "spans": list(spans)}]}]
    }
    return json.dumps(document).encode()


def raw_span(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A valid span as OTLP/JSON writes it."""
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + SECOND),
        "attributes": [{"key": "gen_ai.request.model", "value": {"stringValue": "gpt-x"}}],
        **fields,
    }
