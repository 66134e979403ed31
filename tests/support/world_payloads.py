"""What alert sources and agents send: alerts of the generic source, spans as OTLP/JSON."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
AGENT = "refund-bot"


def alert(fingerprint: str, *, agent: str = AGENT, title: str = "RefundAmountAnomaly", **more: Any) -> Json:
    """A firing alert of the generic source."""
    return {"dedup_key": fingerprint, "title": title, "agent": agent, "starts_at": "2026-11-23T12:00:00Z", **more}


def span(trace: str, number: int, name: str, attributes: Mapping[str, Any], parent: int | None = 1) -> Json:
    """One span as OTLP/JSON writes it; attributes that are no text are written as JSON."""
    now = time.time_ns()
    values = {k: v if isinstance(v, str) else json.dumps(v) for k, v in attributes.items()}
    return {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "parentSpanId": "" if parent is None else f"{parent:016x}",
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(now + number * 1000),
        "endTimeUnixNano": str(now + number * 1000 + 500),
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in values.items()],
    }


def bad_run(trace: str, *, said: str = "My money back!", **arguments: Any) -> Sequence[Json]:
    """A run of refund-bot: asked, refunded too much."""
    arguments = arguments or {"customer_id": "cus_81Kd", "amount_cents": 42000}
    prompt = [{"role": "user", "parts": [{"type": "text", "content": said}]}]
    call = {"type": "tool_call", "id": "call_1", "name": "issue_refund", "arguments": arguments}
    gen = "gen_ai.operation.name"
    return (
        span(trace, 1, "invoke_agent", {gen: "invoke_agent", "gen_ai.agent.name": AGENT}, None),
        span(
            trace,
            2,
            "chat",
            {
                gen: "chat",
                "gen_ai.request.model": "gpt-x",
                "gen_ai.response.model": "gpt-x-2026-05-01",
                "gen_ai.input.messages": prompt,
                "gen_ai.output.messages": [{"role": "assistant", "parts": [call]}],
            },
        ),
        span(
            trace,
            3,
            "execute_tool issue_refund",
            {
                gen: "execute_tool",
                "gen_ai.tool.name": "issue_refund",
                "gen_ai.tool.call.id": "call_1",
                "gen_ai.tool.call.arguments": arguments,
                "gen_ai.tool.call.result": {"status": "succeeded", "refund_id": "re_1"},
            },
        ),
    )
