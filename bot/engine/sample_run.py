"""A made-up run for a drill about an agent of which no recorded run is at hand: said to be so wherever it is shown.

Its spans go the way of real ones (read, classed by the configured catalogue, frozen), but never into the store of spans
nor into the index: nothing real is ever compared with it.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Final

from bot.domain.base import Json
from bot.domain.span import SpanRecord

MADE_UP: Final = "made up for this drill"
"""The source of such a run, as the card and the thread name it."""
_AGO = timedelta(minutes=6)
_CALLS: Final[tuple[tuple[str, dict[str, Json]], ...]] = (
    ("get_order", {"order_id": "DRILL-1001"}),
    ("issue_refund", {"order_id": "DRILL-1001", "amount_cents": 42000, "currency": "USD"}),
    ("send_email", {"to": "nobody@example.invalid", "subject": "Your refund (drill)"}),
)


def sample_spans(incident_id: str, agent: str, tools: tuple[str, ...], model: str | None, now: datetime) -> list[bytes]:
    """The spans of a made-up run of this agent: it reads an order, refunds it and tells the customer.

    With the agent's own configured tools where there are some, so that its buttons name what it really has.
    """
    trace = trace_of(incident_id)
    configured: list[tuple[str, dict[str, Json]]] = [(tool, {"drill": True}) for tool in tools[:4]]
    calls = configured or list(_CALLS)
    began = now - _AGO
    root = _span(trace, 0, f"invoke_agent {agent}", began, len(calls) + 2, agent)
    said = "A drill: nobody asked for this."
    root_facts: dict[str, Json] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": agent,
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": said}]}]),
    }
    spans = [root.model_copy(update={"attributes": root_facts})]
    if model is not None:
        asked = _span(trace, 1, f"chat {model}", began, 1, agent)
        facts: dict[str, Json] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            "gen_ai.response.model": model,
        }
        spans.append(asked.model_copy(update={"attributes": facts, "parent_id": root.span_id}))
    for number, (tool, arguments) in enumerate(calls, 2):
        call = _span(trace, number, f"execute_tool {tool}", began + timedelta(seconds=number), 1, agent)
        told: dict[str, Json] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "gen_ai.tool.call.id": f"drill_{number}",
            "gen_ai.tool.call.arguments": json.dumps(arguments),
            "gen_ai.tool.call.result": json.dumps({"ok": True}),
        }
        spans.append(call.model_copy(update={"attributes": told, "parent_id": root.span_id}))
    return [span.to_bytes() for span in spans]


def trace_of(incident_id: str) -> str:
    """The trace id of an incident's made-up run: the same at each try."""
    return hashlib.sha256(f"drill of {incident_id}".encode()).hexdigest()[:32]


def _span(trace: str, number: int, name: str, began: datetime, seconds: int, agent: str) -> SpanRecord:
    start = int(began.timestamp() * 10**9)
    return SpanRecord(
        trace_id=trace,
        span_id=f"{0xD0 + number:016x}",
        name=name,
        kind=1,
        start_ns=start,
        end_ns=start + seconds * 10**9,
        status="ok",
        resource={"service.name": agent},
    )
