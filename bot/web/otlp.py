"""``POST /v1/traces`` and ``POST /v1/logs``: the flight recorder's way in (OTLP/HTTP, protobuf and JSON, gzip).

200 only after the spans are parsed, redacted and stored; 503 when busy or the store is away, so that exporters send
again (OTLP specification 1.x, *OTLP/HTTP Response*). A token of one agent may send only that agent's runs.

Of logs only the events of a run are kept, beside its spans; what else a service logs is taken and passed over.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from pydantic import SecretStr
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from bot import metrics
from bot.domain.base import Json
from bot.domain.span import PackedSpan
from bot.errors import Busy, Refused, StoreUnavailable
from bot.recorder.otlp import JSON, PROTOBUF
from bot.recorder.otlp_values import LOGS, TRACES, Signal
from bot.recorder.pack import PackedExport
from bot.timeline.store import Store
from bot.web.answers import answer, busy, refusal, unauthorised
from bot.web.body import read_pieces, refused
from bot.web.credentials import bearer_of, matches, owner

_BODIES_IN_HAND = 4
_VARINT = 0x80


class SpanParser(Protocol):
    """``bot.recorder.offload.Parser``: from a body to redacted spans, off the event loop."""

    async def parse(
        self, body: bytes | list[bytes], content_type: str, encoding: str = "", signal: Signal = TRACES
    ) -> PackedExport:
        """The spans of one export. Raises Refused (TooLarge, UnsupportedMedia), or Busy when too many wait."""
        ...


class Otlp:
    """The endpoints of traces and logs."""

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
        self._in_hand = 0

    async def receive(self, request: Request) -> Response:
        """``POST /v1/traces``. Bodies in hand are bounded together, so that many senders cannot fill the memory."""
        return await self._receive(request, TRACES)

    async def receive_logs(self, request: Request) -> Response:
        """``POST /v1/logs``, bounded together with traces."""
        return await self._receive(request, LOGS)

    async def _receive(self, request: Request, signal: Signal) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        announced = request.headers.get("content-length", "")
        size = min(int(announced[:20]), self._max_body) if announced.isdecimal() else self._max_body
        if self._in_hand and self._in_hand + size > _BODIES_IN_HAND * self._max_body:
            return _status(busy("Too many exports are being read.", 1), kind)
        self._in_hand += size
        try:
            return _status(await self._take(request, kind, signal), kind)
        finally:
            self._in_hand -= size

    async def _take(self, request: Request, kind: str, signal: Signal) -> Response:
        bearer = bearer_of(request)
        only: str | None = None
        if not matches(bearer, (self._token,)):
            only = owner(bearer, self._agents)
            if only is None:
                return unauthorised("Send PULLCORD_OTLP_TOKEN, or the agent's own otlp_token, as bearer.")
        try:
            body = await read_pieces(request, self._max_body)
            export = await self._parser.parse(body, kind, request.headers.get("content-encoding", ""), signal)
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
                    field=f"{signal.resources}.resource.attributes.service.name",
                    next_step=f"Set service.name or gen_ai.agent.name to {only}, or use the other agent's token.",
                )
            dropped = await self._stored(export.spans, only)
        except StoreUnavailable:
            return busy("The spans could not be stored now.")
        lost = export.rejected + dropped
        metrics.SPANS.labels("stored").inc(len(export.spans) - dropped)
        metrics.SPANS.labels("dropped").inc(lost)
        for why, count in export.passed.items():
            metrics.SPANS.labels(why).inc(count)
        reason = export.reason or ("the trace is over its limit of spans" if dropped else "")
        return _accepted(kind, lost, reason, signal)

    async def _own(self, spans: Sequence[PackedSpan], agent: str) -> bool:
        """Whether every span may be of this agent: none says otherwise, and no trace belongs to another already.

        A sub-agent's name is fine as long as the configuration does not know it as an agent of its own. A trace that
        only the common token sent of, and whose agent the configuration does not know, may be joined: services of one
        run share its id, which nobody else can guess. From then on another agent's token is refused.
        """
        others = self._agents.keys() - {agent}
        if any(name in others for span in spans for name in (span.agent, span.service) if name is not None):
            return False
        for trace_id in {span.trace_id for span in spans}:
            meta = await self._store.spans.meta(trace_id)
            if meta is not None and (meta.agent in others or meta.owner not in {None, agent}):
                return False
        return True

    async def _stored(self, spans: Sequence[PackedSpan], only: str | None) -> int:
        """Upsert the spans by trace; how many were dropped over the cap of their trace."""
        traces: dict[str, dict[str, PackedSpan]] = {}
        for span in spans:
            traces.setdefault(span.trace_id, {})[span.span_id] = span
        dropped = 0
        for trace_id, own in traces.items():
            agent = only or next((s.agent for s in own.values() if s.agent), None)
            named = agent or next((s.service for s in own.values() if s.service), None)
            dropped += await self._store.spans.upsert(trace_id, named, own, sure=agent is not None, owner=only)
        return dropped


def _accepted(kind: str, rejected: int, reason: str, signal: Signal) -> Response:
    """The answer in the sender's own encoding; ``partial_success`` only when something was left out."""
    if kind == PROTOBUF:
        reply = ExportTraceServiceResponse() if signal is TRACES else ExportLogsServiceResponse()
        if rejected:
            field = "rejected_spans" if signal is TRACES else "rejected_log_records"
            setattr(reply.partial_success, field, rejected)
            reply.partial_success.error_message = reason[:500]
        return Response(reply.SerializeToString(), media_type=PROTOBUF)
    body: dict[str, Json] = {}
    if rejected:
        field = "rejectedSpans" if signal is TRACES else "rejectedLogRecords"
        body = {"partialSuccess": {field: str(rejected), "errorMessage": reason[:500]}}
    return answer(200, body, {"content-type": JSON})


def _status(reply: Response, kind: str) -> Response:
    """A refusal as OTLP/HTTP wants it: ``google.rpc.Status`` in the sender's encoding, whose ``message`` is field 2."""
    if reply.status_code < 400:
        return reply
    told = from_json(bytes(reply.body))
    error = told["error"]
    message = " ".join(part for part in (error["reason"], error.get("next_step")) if part)
    headers = {name: reply.headers[name] for name in ("retry-after", "www-authenticate") if name in reply.headers}
    if kind != PROTOBUF:
        return answer(reply.status_code, {"message": message, **told}, headers)
    text = message.encode()[:1000]
    length = bytes([len(text)]) if len(text) < _VARINT else bytes([len(text) & 0x7F | _VARINT, len(text) >> 7])
    return Response(b"\x12" + length + text, reply.status_code, headers, PROTOBUF)
