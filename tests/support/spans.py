"""Spans of a small run, as the receiver stores them (OpenTelemetry GenAI conventions)."""

import json
from datetime import datetime, timedelta

from bot.domain.base import Json
from bot.domain.span import SpanRecord


def tool_span(
    trace_id: str,
    number: int,
    tool: str,
    arguments: Json,
    at: datetime,
    *,
    result: Json = None,
    agent: str = "refund-bot",
) -> SpanRecord:
    """A tool call of one second that succeeded."""
    start = int((at + timedelta(seconds=number)).timestamp() * 1e9)
    return SpanRecord(
        trace_id=trace_id,
        span_id=f"{number:016x}",
        parent_id=f"{0xF00:016x}",
        name=f"execute_tool {tool}",
        kind=1,
        start_ns=start,
        end_ns=start + 10**9,
        status="ok",
        attributes={
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "gen_ai.tool.call.id": f"call_{number}",
            "gen_ai.tool.call.arguments": json.dumps(arguments),
            "gen_ai.tool.call.result": json.dumps(result if result is not None else {"ok": True}),
        },
        resource={"service.name": agent},
    )


def root_span(trace_id: str, at: datetime, agent: str = "refund-bot") -> SpanRecord:
    """The run's root."""
    start = int(at.timestamp() * 1e9)
    return SpanRecord(
        trace_id=trace_id,
        span_id=f"{0xF00:016x}",
        name=f"invoke_agent {agent}",
        kind=1,
        start_ns=start,
        end_ns=start + 60 * 10**9,
        status="ok",
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent},
        resource={"service.name": agent},
    )
