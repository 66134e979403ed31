import asyncio
import gzip
import json
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from redis import Redis

from bot.domain.span import SpanRecord
from bot.recorder.otlp_values import TRACES, Signal
from bot.recorder.pack import PackedExport
from bot.timeline.store import Store
from bot.web.otlp import Otlp
from tests.support.clock import ManualClock
from tests.support.stored import stored_bytes
from tests.support.web import OTLP_TOKEN, bearer, serving, settings

TRACE = "0af7651916cd43dd8448eb211c80319c"
OTHER_TRACE = "1af7651916cd43dd8448eb211c80319c"
PROTOBUF = "application/x-protobuf"
SENDER = bearer(OTLP_TOKEN)


def span(number: int = 1, trace: str = TRACE, **attributes: str) -> dict[str, Any]:
    """One span in OTLP/JSON."""
    return {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "name": f"step {number}",
        "startTimeUnixNano": "1763899200000000000",
        "endTimeUnixNano": "1763899201000000000",
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }


def export(*spans: dict[str, Any], service: str = "refund-bot") -> dict[str, Any]:
    """An export of one service in OTLP/JSON."""
    name = {"key": "service.name", "value": {"stringValue": service}}
    return {"resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": list(spans)}]}]}


async def stored(store: Store, trace: str = TRACE) -> list[SpanRecord]:
    """The spans of a trace as they lie in the store."""
    return [SpanRecord.from_bytes(raw) for raw in await store.spans.load(trace)]


async def test_json_with_hex_ids_is_stored_under_the_id_that_was_sent(web: httpx.AsyncClient, store: Store) -> None:
    """OTLP/JSON writes ids in hex: reading them as base64 would raise nothing and lose the run."""
    reply = await web.post("/v1/traces", json=export(span(1), span(2)), headers=SENDER)
    assert (reply.status_code, reply.json(), reply.headers["content-type"]) == (200, {}, "application/json")
    assert [(s.trace_id, s.name) for s in await stored(store)] == [(TRACE, "step 1"), (TRACE, "step 2")]
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert meta.agent == "refund-bot"


async def test_sending_the_same_again_changes_nothing(web: httpx.AsyncClient, store: Store) -> None:
    """Exporters send again after an answer that was lost."""
    for _ in range(2):
        await web.post("/v1/traces", json=export(span(1)), headers=SENDER)
    assert len(await stored(store)) == 1


@pytest.mark.parametrize("compression", [Compression.Gzip, Compression.NoCompression])
async def test_a_real_sdk_exporter_is_satisfied_and_its_spans_are_there(
    web: httpx.AsyncClient, store: Store, compression: Compression
) -> None:
    """OpenTelemetry's own exporter, protobuf, as agents use it."""
    exporter = OTLPSpanExporter(endpoint=f"{web.base_url}/v1/traces", headers=SENDER, compression=compression)
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "refund-bot"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("run") as root, tracer.start_as_current_span("call"):
        pass
    try:
        result = await asyncio.to_thread(exporter.export, kept.get_finished_spans())
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]
        provider.shutdown()
    assert result is SpanExportResult.SUCCESS
    records = await stored(store, f"{root.get_span_context().trace_id:032x}")
    assert {record.name for record in records} == {"run", "call"}


async def test_an_export_in_protobuf_is_answered_in_protobuf(web: httpx.AsyncClient, store: Store) -> None:
    """With ``partial_success`` only where something was left out."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    good, bad = scope.spans.add(), scope.spans.add()
    good.trace_id, good.span_id, good.name = bytes.fromhex(TRACE), b"12345678", "good"
    bad.trace_id, bad.span_id, bad.name = b"short", b"12345678", "bad"
    headers = {**SENDER, "content-type": PROTOBUF}
    reply = await web.post("/v1/traces", content=request.SerializeToString(), headers=headers)
    assert (reply.status_code, reply.headers["content-type"]) == (200, PROTOBUF)
    told = ExportTraceServiceResponse.FromString(reply.content)
    assert told.partial_success.rejected_spans == 1
    assert told.partial_success.error_message
    assert [record.name for record in await stored(store)] == ["good"]
    del scope.spans[1]
    packed = gzip.compress(request.SerializeToString())
    reply = await web.post("/v1/traces", content=packed, headers={**headers, "content-encoding": "gzip"})
    assert (reply.status_code, reply.content) == (200, b"")


async def test_partly_bad_json_is_a_partial_success(web: httpx.AsyncClient, store: Store) -> None:
    """The readable spans are kept; the count is a text, as protobuf's JSON has 64-bit numbers."""
    bad = {**span(2), "traceId": "not hex"}
    reply = await web.post("/v1/traces", json=export(span(1), bad), headers=SENDER)
    assert reply.status_code == 200
    assert reply.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert len(await stored(store)) == 1


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {"content-type": "application/json"}, 400),
        (b"\xff\xff", {"content-type": PROTOBUF}, 400),
        (b"[]", {"content-type": "application/json"}, 400),
        (b"not gzip", {"content-type": PROTOBUF, "content-encoding": "gzip"}, 400),
        (b"x", {"content-type": "text/plain"}, 415),
        (b"x", {}, 415),
        (b"x", {"content-type": PROTOBUF, "content-encoding": "zstd"}, 415),
    ],
)
async def test_what_cannot_be_read_is_refused_in_the_senders_encoding(
    web: httpx.AsyncClient, content: bytes, headers: dict[str, str], status: int
) -> None:
    """``google.rpc.Status`` with a message, as OTLP/HTTP asks for."""
    reply = await web.post("/v1/traces", content=content, headers={**SENDER, **headers})
    assert reply.status_code == status
    if headers.get("content-type") == PROTOBUF:
        assert reply.headers["content-type"] == PROTOBUF
        assert reply.content[:1] == b"\x12"
        assert len(reply.content) > 20
    else:
        assert reply.json()["message"]
        assert reply.json()["error"]["field"]


@pytest.mark.parametrize("headers", [{}, bearer("nobody"), bearer("flags-refund-bot")])
async def test_without_a_good_token_it_is_401(web: httpx.AsyncClient, store: Store, headers: dict[str, str]) -> None:
    """A token for reading flags sends no spans."""
    reply = await web.post("/v1/traces", json=export(span(1)), headers=headers)
    assert reply.status_code == 401
    assert reply.json()["error"]["field"] == "authorization"
    assert await stored(store) == []


async def test_a_token_of_one_agent_sends_only_that_agents_runs(web: httpx.AsyncClient, store: Store) -> None:
    """By name in the spans, and by whose trace it already is; unknown sub-agents are fine."""
    mine, other = bearer("spans-refund-bot"), bearer("spans-mail-bot")
    assert (await web.post("/v1/traces", json=export(span(1)), headers=mine)).status_code == 200
    sub = export(span(2, **{"gen_ai.agent.name": "policy-reader", "gen_ai.operation.name": "invoke_agent"}))
    assert (await web.post("/v1/traces", json=sub, headers=mine)).status_code == 200
    for body in (
        export(span(3), service="mail-bot"),
        export(span(3, **{"gen_ai.agent.name": "mail-bot", "gen_ai.operation.name": "invoke_agent"})),
        export(span(3), span(4, OTHER_TRACE), service="quiet-bot"),
    ):
        reply = await web.post("/v1/traces", json=body, headers=mine)
        assert reply.status_code == 403
        assert "refund-bot" in reply.json()["error"]["reason"]
    reply = await web.post("/v1/traces", json=export(span(5), service="mail-bot"), headers=other)
    assert reply.status_code == 403, "the trace belongs to refund-bot"
    assert {record.name for record in await stored(store)} == {"step 1", "step 2"}
    assert await stored(store, OTHER_TRACE) == []
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert meta.agent == "refund-bot"


async def test_a_body_over_the_cap_is_413(store: Store, clock: ManualClock) -> None:
    """Before and after inflating."""
    small = settings(recorder={"max_body": 5_000, "max_inflated": 20_000})
    async with serving(store, clock, configured=small) as web:
        large = json.dumps(export(*(span(n) for n in range(100)))).encode()
        headers = {**SENDER, "content-type": "application/json"}
        assert (await web.post("/v1/traces", content=large, headers=headers)).status_code == 413
        bomb = gzip.compress(b" " * 100_000)
        headers["content-encoding"] = "gzip"
        assert (await web.post("/v1/traces", content=bomb, headers=headers)).status_code == 413


async def test_a_store_that_is_away_is_503_and_nothing_is_said_to_be_stored(
    web: httpx.AsyncClient, store: Store, raw: Redis
) -> None:
    """Exporters send again, and then it is there."""
    raw.client_pause(1500, all=True)
    reply = await web.post("/v1/traces", json=export(span(1)), headers=SENDER)
    assert reply.status_code == 503
    assert reply.headers["retry-after"]
    raw.client_unpause()
    assert (await web.post("/v1/traces", json=export(span(1)), headers=SENDER)).status_code == 200
    assert len(await stored(store)) == 1


def shapes_of(secret: str) -> Iterator[dict[str, Any]]:
    """Places of a span where a secret may stand."""
    yield span(1, **{"http.request.header.authorization": f"Bearer {secret}"})
    yield span(2, **{"gen_ai.prompt": json.dumps([{"role": "user", "content": f"use api_key={secret} now"}])})
    yield {**span(3), "name": f"GET /x?access_token={secret}"}
    yield {**span(4), "status": {"code": 2, "message": f"password={secret} was refused"}}
    yield {
        **span(5),
        "events": [{"name": "e", "attributes": [{"key": "client_secret", "value": {"stringValue": secret}}]}],
    }


async def test_secrets_in_spans_are_not_in_the_store(web: httpx.AsyncClient, store: Store, raw: Redis) -> None:
    """Names, attributes, nested JSON texts, status messages, events, resources: every stored byte was looked at."""
    secret = f"ghp_{secrets.token_hex(18)}"
    body = export(*shapes_of(secret))
    body["resourceSpans"][0]["resource"]["attributes"].append(
        {"key": "deployment.api_key", "value": {"stringValue": secret}}
    )
    assert (await web.post("/v1/traces", json=body, headers=SENDER)).status_code == 200
    assert len(await stored(store)) == 5
    found = stored_bytes(raw)
    assert b"was refused" in found, "the test sees what is stored"
    assert secret.encode() not in found
    assert secret[:16].encode() not in found


async def test_bodies_in_hand_are_bounded_together(store: Store) -> None:
    """Beyond four of the largest bodies at once, senders are told to come again."""
    release = asyncio.Event()

    class Slow:
        async def parse(
            self, body: bytes | list[bytes], content_type: str, encoding: str = "", signal: Signal = TRACES
        ) -> PackedExport:
            await release.wait()
            return PackedExport(())

    from starlette.requests import Request  # noqa: PLC0415 - only this test speaks ASGI itself

    def request(size: int) -> Request:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"x" * size, "more_body": False}

        headers = [(b"content-length", str(size).encode()), (b"authorization", f"Bearer {OTLP_TOKEN}".encode())]
        return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)

    configured = settings().environment
    otlp = Otlp(configured.otlp_token, {}, Slow(), store, 1000)
    waiting = [asyncio.create_task(otlp.receive(request(1000))) for _ in range(4)]
    await asyncio.sleep(0)
    assert (await otlp.receive(request(1000))).status_code == 503
    release.set()
    assert {(await task).status_code for task in waiting} == {200}
    assert (await otlp.receive(request(1000))).status_code == 200
