"""``POST /v1/traces``: the flight recorder's way in (OTLP/HTTP, protobuf and JSON, gzip).

200 only after the spans are parsed, redacted and stored; 503 when busy or the store is away, so that exporters send
again (OTLP specification 1.x, *OTLP/HTTP Response*). A token of one agent may send only that agent's runs.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from bot import metrics
from bot.domain.base import Json
from bot.domain.span import PackedSpan
from bot.errors import Busy, Refused, StoreUnavailable
from bot.recorder.offload import PackedExport
from bot.recorder.otlp import JSON, PROTOBUF
from bot.timeline.store import Store
from bot.web.answers import answer, busy, refusal, unauthorised
from bot.web.body import read_body, refused
from bot.web.credentials import bearer_of, matches, owner


class SpanParser(Protocol):
    """``bot.recorder.offload.Parser``: from a body to redacted spans, off the event loop."""

    async def parse(self, body: bytes, content_type: str, encoding: str = "") -> PackedExport:
        """The spans of one export. Raises Refused (TooLarge, UnsupportedMedia), or Busy when too many wait."""
        ...


class Otlp:
    """The trace endpoint."""

    def __init__(
        self,
        token: SecretStr | None,
        agents: Mapping[str, SecretStr | None],
        parser: SpanParser,
        store: Store,
        max_body: int,
    ) -> None:
        """``token`` may send every agent's runs, ``agents`` name -> its own token. Without any, nobody may send."""
        self._token = token
        self._agents = agents
        self._parser = parser
        self._store = store
        self._max_body = max_body

    async def receive(self, request: Request) -> Response:
        """``POST /v1/traces``."""
        bearer = bearer_of(request)
        only: str | None = None
        if not matches(bearer, (self._token,)):
            only = owner(bearer, self._agents)
            if only is None:
                return unauthorised("Send PULLCORD_OTLP_TOKEN, or the agent's own otlp_token, as bearer.")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            body = await read_body(request, self._max_body)
            export = await self._parser.parse(body, kind, request.headers.get("content-encoding", ""))
        except Refused as problem:
            metrics.SPANS.labels("refused").inc()
            return refused(problem, 400)
        except Busy as problem:
            return busy(problem.message, problem.retry_after)
        try:
            if only is not None and not await self._own(export.spans, only):
                return refusal(
                    403,
                    f"This token may send only runs of {only}.",
                    field="resourceSpans.resource.attributes.service.name",
                    next_step=f"Set service.name or gen_ai.agent.name to {only}, or use the other agent's token.",
                )
            dropped = await self._stored(export.spans, only)
        except StoreUnavailable:
            return busy("The spans could not be stored now.")
        lost = export.rejected + dropped
        metrics.SPANS.labels("stored").inc(len(export.spans) - dropped)
        metrics.SPANS.labels("dropped").inc(lost)
        reason = export.reason or ("the trace is over its limit of spans" if dropped else "")
        return _accepted(kind, lost, reason)

    async def _own(self, spans: Sequence[PackedSpan], agent: str) -> bool:
        """Whether every span may be of this agent: none says otherwise, and no trace belongs to another already.

        A sub-agent's name is fine as long as the configuration does not know it as an agent of its own.
        """
        others = self._agents.keys() - {agent}
        if any(name in others for span in spans for name in (span.agent, span.service) if name is not None):
            return False
        for trace_id in {span.trace_id for span in spans}:
            meta = await self._store.spans.meta(trace_id)
            if meta is not None and meta.agent in others:
                return False
        return True

    async def _stored(self, spans: Sequence[PackedSpan], only: str | None) -> int:
        """Upsert the spans by trace; how many were dropped over the cap of their trace."""
        traces: dict[str, list[PackedSpan]] = {}
        for span in spans:
            traces.setdefault(span.trace_id, []).append(span)
        dropped = 0
        for trace_id, own in traces.items():
            named = (
                only
                or next((s.agent for s in own if s.agent), None)
                or next((s.service for s in own if s.service), None)
            )
            dropped += await self._store.spans.upsert(trace_id, named, {span.span_id: span.data for span in own})
        return dropped


def _accepted(kind: str, rejected: int, reason: str) -> Response:
    """The answer in the sender's own encoding; ``partial_success`` only when something was left out."""
    if kind == PROTOBUF:
        reply = ExportTraceServiceResponse()
        if rejected:
            reply.partial_success.rejected_spans = rejected
            reply.partial_success.error_message = reason[:500]
        return Response(reply.SerializeToString(), media_type=PROTOBUF)
    body: dict[str, Json] = {}
    if rejected:
        body = {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": reason[:500]}}
    return answer(200, body, {"content-type": JSON})
