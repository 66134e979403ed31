"""An agent's run, recorded by the real OpenTelemetry SDK and sent by its OTLP/HTTP exporter (protobuf, gzip)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Tracer

QUESTION = "Order 88123 came with a broken jug. My money back!"
REFUND = {"customer_id": "cus_81Kd", "amount_cents": 8400, "currency": "EUR"}
"""What the agent did; 42.00 was owed."""

Call = tuple[str, Mapping[str, Any], Any]
CALLS: Sequence[Call] = (
    ("get_order", {"order_id": "88123"}, {"total_cents": 8400, "broken_cents": 4200}),
    ("issue_refund", REFUND, {"id": "re_1", "status": "succeeded"}),
    ("send_email", {"to": "ann@example.com", "body": "You have your money back."}, None),
)


def record(
    origin: str, token: str, agent: str, calls: Sequence[Call] = CALLS, *, trace_id: str | None = None
) -> tuple[str, SpanExportResult]:
    """Record one run (under this trace id) and export it. Returns its trace id and what the exporter says."""
    made, spans = recorded(agent, calls, trace_id=trace_id)
    return made, export(spans, origin, {"authorization": f"Bearer {token}"})


def recorded(
    agent: str,
    calls: Sequence[Call] = CALLS,
    *,
    trace_id: str | None = None,
    resource: Mapping[str, str] | None = None,
) -> tuple[str, list[ReadableSpan]]:
    """One run as the SDK records it, not exported yet: its trace id, and its spans in the order of their ends."""
    ids = _Ids(trace_id) if trace_id else RandomIdGenerator()
    told = Resource.create({"service.name": agent, **(resource or {})})
    provider = TracerProvider(resource=told, id_generator=ids)
    kept = _Kept()
    provider.add_span_processor(kept)
    made = _run(provider.get_tracer("peer"), agent, calls)
    provider.shutdown()
    return made, kept.ended


def export(spans: Sequence[ReadableSpan], origin: str, headers: Mapping[str, str]) -> SpanExportResult:
    """Send spans with the real exporter; what it says."""
    exporter = OTLPSpanExporter(
        endpoint=f"{origin}/v1/traces", headers=dict(headers), timeout=20, compression=Compression.Gzip
    )
    try:
        return exporter.export(spans)
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]


class _Ids(RandomIdGenerator):
    """Gives the run a trace id that its alert named before."""

    def __init__(self, trace_id: str) -> None:
        self._trace_id = int(trace_id, 16)

    def generate_trace_id(self) -> int:
        """The id that was given."""
        return self._trace_id


class _Kept(SpanProcessor):
    """Keeps what ended, so that the test exports it itself and sees what the exporter says."""

    def __init__(self) -> None:
        self.ended: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep it."""
        self.ended.append(span)


def _run(tracer: Tracer, agent: str, calls: Sequence[Call]) -> str:
    said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}])
    with tracer.start_as_current_span(f"invoke_agent {agent}") as root:
        root.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent})
        for number, (tool, arguments, result) in enumerate(calls):
            with tracer.start_as_current_span("chat gpt-x") as chat:
                chat.set_attributes(
                    {
                        "gen_ai.operation.name": "chat",
                        "gen_ai.provider.name": "scripted",
                        "gen_ai.request.model": "gpt-x",
                        "gen_ai.response.model": "gpt-x-2026-05-01",
                        "gen_ai.input.messages": said,
                    }
                )
            with tracer.start_as_current_span(f"execute_tool {tool}") as span:
                span.set_attributes(
                    {
                        "gen_ai.operation.name": "execute_tool",
                        "gen_ai.tool.name": tool,
                        "gen_ai.tool.call.id": f"call_{number}",
                        "gen_ai.tool.call.arguments": json.dumps(arguments),
                    }
                )
                if result is not None:
                    span.set_attribute("gen_ai.tool.call.result", json.dumps(result))
        return f"{root.get_span_context().trace_id:032x}"
