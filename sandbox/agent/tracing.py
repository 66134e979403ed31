"""Instrumentation by hand with the OpenTelemetry SDK: spans with GenAI attributes, content included.

Attribute names: OpenTelemetry semantic conventions for generative AI (semantic-conventions-genai, with the ``plan``
operation); ``openai.response.system_fingerprint`` from its OpenAI page. Message content is opt-in there and is recorded
here, as are the tools offered. The seed is NOT recorded, although the provider offers one: most agents forget it, and
the gap should show.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from .chat import ChatRequest, ChatResponse, ToolCall, to_json
from .policy import DATA_SOURCE, Document
from .tools import DESCRIPTIONS, Done

VERSION: Final = "1.18.2"
PROVIDER: Final = "scripted"

_Value = str | int | float | Sequence[str]


def tracer_provider(pullcord: str, *, agent: str, token: str, timeout: float = 2.0) -> TracerProvider:
    """Export to Pullcord: OTLP/HTTP, protobuf, gzip, bearer token. Batches leave in the background."""
    exporter = OTLPSpanExporter(
        endpoint=f"{pullcord.rstrip('/')}/v1/traces",
        headers={"authorization": f"Bearer {token}"},
        timeout=timeout,
        compression=Compression.Gzip,
    )
    resource = Resource.create(
        {"service.name": agent, "service.version": VERSION, "deployment.environment.name": "sandbox"}
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    return provider


class Recorder:
    """Opens the spans of one agent's runs."""

    def __init__(self, tracer: Tracer, agent: str) -> None:
        """``agent`` becomes ``gen_ai.agent.name``."""
        self._tracer = tracer
        self._agent = agent

    @contextmanager
    def run(self, *, message: str, model: str, conversation: str) -> Iterator[Span]:
        """The root: ``invoke_agent``."""
        attributes: dict[str, _Value] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": self._agent,
            "gen_ai.agent.version": VERSION,
            "gen_ai.conversation.id": conversation,
            "gen_ai.provider.name": PROVIDER,
            "gen_ai.request.model": model,
            "gen_ai.input.messages": _text("user", message),
        }
        with self._span(f"invoke_agent {self._agent}", SpanKind.INTERNAL, attributes) as span:
            yield span

    @contextmanager
    def plan(self) -> Iterator[Span]:
        """A planning step, round the model call that makes the plan."""
        attributes = {"gen_ai.operation.name": "plan", "gen_ai.agent.name": self._agent}
        with self._span(f"plan {self._agent}", SpanKind.INTERNAL, attributes) as span:
            yield span

    def retrieval(self, query: str, documents: Sequence[Document], *, top_k: int) -> None:
        """What was retrieved, with its text."""
        attributes: dict[str, _Value] = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": DATA_SOURCE,
            "gen_ai.retrieval.query.text": query,
            "gen_ai.retrieval.top_k": top_k,
            "gen_ai.retrieval.documents": to_json([document.model_dump() for document in documents]),
        }
        with self._span(f"retrieval {DATA_SOURCE}", SpanKind.CLIENT, attributes):
            pass

    @contextmanager
    def chat(self, request: ChatRequest) -> Iterator[Span]:
        """A model call, with the prompt as assembled. Add the answer with ``answered``."""
        attributes: dict[str, _Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": PROVIDER,
            "gen_ai.request.model": request.model,
            "gen_ai.request.temperature": request.temperature,
            "gen_ai.request.top_p": request.top_p,
            "gen_ai.request.max_tokens": request.max_tokens,
            "gen_ai.system_instructions": to_json([{"type": "text", "content": request.system}]),
            "gen_ai.input.messages": to_json([message.as_parts() for message in request.messages]),
            "gen_ai.tool.definitions": to_json([{"type": "function", **tool.model_dump()} for tool in request.tools]),
        }
        with self._span(f"chat {request.model}", SpanKind.CLIENT, attributes) as span:
            yield span

    @contextmanager
    def tool(self, call: ToolCall) -> Iterator[Span]:
        """A tool call, with its arguments. Add the result with ``carried_out``."""
        attributes: dict[str, _Value] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call.id,
            "gen_ai.tool.description": DESCRIPTIONS.get(call.name, ""),
            "gen_ai.tool.call.arguments": to_json(call.arguments),
        }
        with self._span(f"execute_tool {call.name}", SpanKind.INTERNAL, attributes) as span:
            yield span

    @contextmanager
    def _span(self, name: str, kind: SpanKind, attributes: Mapping[str, _Value]) -> Iterator[Span]:
        with self._tracer.start_as_current_span(name, kind=kind, attributes=attributes) as span:
            yield span


def answered(span: Span, response: ChatResponse) -> None:
    """Record a model's answer on its span."""
    output = {**response.message.as_parts(), "finish_reason": response.finish_reason}
    span.set_attributes(
        {
            "gen_ai.response.id": response.id,
            "gen_ai.response.model": response.model,
            "gen_ai.response.finish_reasons": (response.finish_reason,),
            "openai.response.system_fingerprint": response.fingerprint,
            "gen_ai.usage.input_tokens": response.input_tokens,
            "gen_ai.usage.output_tokens": response.output_tokens,
            "gen_ai.output.messages": to_json([output]),
        }
    )


def carried_out(span: Span, done: Done) -> None:
    """Record a tool's result. Without a reply there is none to record: the outcome stays open."""
    if done.result is not None:
        span.set_attribute("gen_ai.tool.call.result", to_json(done.result))
    if done.error_type is not None:
        span.set_attribute("error.type", done.error_type)
        message = str(done.result.get("error")) if done.result is not None else "no reply in time"
        span.set_status(Status(StatusCode.ERROR, message))


def finished(span: Span, answer: str) -> None:
    """Record the run's answer to the customer on its root."""
    span.set_attribute("gen_ai.output.messages", _text("assistant", answer))


def _text(role: str, content: str) -> str:
    return to_json([{"role": role, "parts": [{"type": "text", "content": content}]}])
