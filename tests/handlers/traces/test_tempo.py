"""Tempo: protobuf and JSON of v2, v1 before it, partial answers, tenants, and links of Grafana. Contract-tested."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import SecretStr, ValidationError

from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, Refused
from bot.plugin import TraceSource
from handlers.traces.jaeger import jaeger
from handlers.traces.langfuse import langfuse
from handlers.traces.langsmith import langsmith
from handlers.traces.tempo import tempo
from tests.bot.recorder.samples import shared
from tests.handlers.traces.recorded import REF, TRACE, exported, facts, load, run_of
from tests.handlers.traces.talking import answered, fetched, pinged, ref_of, settings_of
from tests.support.trace_stores import Asked, Told, loopback_store, told

PROTOBUF = {"content-type": "application/protobuf"}
GRAFANA = "https://grafana.example/ops"


def trace_message() -> bytes:
    """The run as ``tempopb.Trace``, which is an OTLP export on the wire."""
    export = ExportTraceServiceRequest()
    for group in load("refund_run.otlp.json")["resourceSpans"]:
        export.resource_spans.add().ParseFromString(_group(group))
    return bytes(export.SerializeToString())


def _group(group: dict[str, Any]) -> bytes:
    held = ExportTraceServiceRequest()
    ParseDict({"resourceSpans": [in_base64(group)]}, held)
    return bytes(held.resource_spans[0].SerializeToString())


def in_base64(value: Any) -> Any:
    """The same as protobuf's own JSON writes it: ids in base64, enums by name."""
    if isinstance(value, list):
        return [in_base64(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: in_base64(item) for key, item in value.items()}
    for name in ("traceId", "spanId", "parentSpanId"):
        if isinstance(value.get(name), str):
            found[name] = base64.b64encode(bytes.fromhex(value[name])).decode()
    if isinstance(value.get("kind"), int):
        found["kind"] = {1: "SPAN_KIND_INTERNAL", 3: "SPAN_KIND_CLIENT"}[value["kind"]]
    if "code" in value:
        found["code"] = {2: "STATUS_CODE_ERROR"}[value["code"]]
    return found


def envelope(trace: bytes, *, partial: str | None = None) -> bytes:
    """``TraceByIDResponse``: trace = 1, metrics = 2, status = 3, message = 4."""
    body = b"\x0a" + _varint(len(trace)) + trace + b"\x12\x02\x08\x07"
    if partial is not None:
        body += b"\x18\x01\x22" + _varint(len(partial)) + partial.encode()
    return body


def _varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


class Scripted:
    """A Tempo by its documented API; ``headers`` must come with every request."""

    def __init__(self, routes: Mapping[str, Told], headers: Mapping[str, str] | None = None) -> None:
        self.routes = routes
        self.headers = headers or {}

    def __call__(self, asked: Asked) -> Told:
        """One answer."""
        if any(asked.headers.get(name) != value for name, value in self.headers.items()):
            return Told(401, b"no org id")
        if set(asked.query) - {"start", "end"}:
            return Told(400, b"unknown parameter")
        if ("start" in asked.query) != ("end" in asked.query):
            return Told(400, b"start and end go together")
        return self.routes.get(asked.path, Told(404, b"trace not found"))


async def test_a_run_in_protobuf_reads_like_the_export() -> None:
    """Everything that the Run needs comes back."""
    peer = Scripted({f"/api/v2/traces/{TRACE}": Told(200, envelope(trace_message()), PROTOBUF)})
    async with loopback_store(peer) as store:
        found = await fetched(tempo, store.url, REF)
    assert found is not None
    assert found.partial is None
    assert facts(run_of(found)) == facts(exported())
    assert run_of(found).tool_calls == exported().tool_calls
    assert store.asked[0].headers["accept"] == "application/protobuf"


async def test_its_json_reads_alike_although_ids_are_in_base64() -> None:
    """A gateway may not pass protobuf on; ``in_base64`` is how protobuf's JSON writes ids and enums."""
    body = {"trace": in_base64(load("refund_run.otlp.json")), "metrics": {}}
    async with loopback_store(Scripted({f"/api/v2/traces/{TRACE}": told(body)})) as store:
        found = await fetched(tempo, store.url, REF)
    assert found is not None
    assert found.partial is None
    assert facts(run_of(found)) == facts(exported())


@pytest.mark.parametrize("in_json", [False, True])
async def test_a_partial_trace_is_said_to_be_partial(in_json: bool) -> None:
    """``status: PARTIAL`` with Tempo's own reason."""
    reason = "Trace exceeds maximum size"
    answer = Told(200, envelope(trace_message(), partial=reason), PROTOBUF)
    if in_json:
        answer = told({"trace": in_base64(load("refund_run.otlp.json")), "status": "PARTIAL", "message": reason})
    async with loopback_store(Scripted({f"/api/v2/traces/{TRACE}": answer})) as store:
        found = await fetched(tempo, store.url, REF)
    assert found is not None
    assert found.partial == f"Tempo called the trace partial: {reason}"
    assert len(found.spans) == 10


async def test_an_older_tempo_is_asked_by_v1() -> None:
    """v2 came with 2.7: before that its address is unknown, and v1 answers the bare trace."""
    async with loopback_store(Scripted({f"/api/traces/{TRACE}": Told(200, trace_message(), PROTOBUF)})) as store:
        found = await fetched(tempo, store.url, REF)
    assert found is not None
    assert facts(run_of(found)) == facts(exported())
    assert [asked.path for asked in store.asked] == [f"/api/v2/traces/{TRACE}", f"/api/traces/{TRACE}"]


async def test_json_of_v1_with_batches_is_read() -> None:
    """What v1 calls ``batches`` and, in old versions, ``instrumentationLibrarySpans``."""
    (group,) = in_base64(load("refund_run.otlp.json"))["resourceSpans"]
    old = {"resource": group["resource"], "instrumentationLibrarySpans": group["scopeSpans"]}
    async with loopback_store(Scripted({f"/api/traces/{TRACE}": told({"batches": [old]})})) as store:
        found = await fetched(tempo, store.url, REF)
    assert found is not None
    assert len(found.spans) == 10


async def test_an_unknown_trace_is_none() -> None:
    """404 to both versions."""
    async with loopback_store(Scripted({})) as store:
        assert await fetched(tempo, store.url, REF) is None


async def test_tenant_and_credentials_go_with_every_request() -> None:
    """``X-Scope-OrgID``, and the gateway's own authentication."""
    basic = {"authorization": "Basic " + base64.b64encode(b"bot:hush").decode(), "x-scope-orgid": "team-a"}
    routes = {
        f"/api/v2/traces/{TRACE}": Told(200, envelope(trace_message()), PROTOBUF),
        "/api/search/tags": told({"tagNames": ["a", "b"]}),
    }
    async with loopback_store(Scripted(routes, basic)) as store:
        given = {"tenant": "team-a", "basic": {"username": "bot", "password": SecretStr("hush")}}
        assert await fetched(tempo, store.url, REF, **given) is not None
        assert await pinged(tempo, store.url, **given) == "2 names of attributes seen"
        with pytest.raises(ActionFailed, match="refused our credentials"):
            await fetched(tempo, store.url, REF, tenant="team-b")
    async with loopback_store(Scripted(routes, {"authorization": "Bearer t0ken"})) as store:
        assert await fetched(tempo, store.url, REF, bearer=SecretStr("t0ken")) is not None


def test_two_ways_to_sign_in_are_refused() -> None:
    """Which of them counts would be a guess."""
    both = {"bearer": SecretStr("t"), "basic": {"username": "bot", "password": SecretStr("hush")}}
    with pytest.raises(ValidationError, match="bearer or basic, not both"):
        settings_of(tempo, "https://tempo.example", **both)


async def test_with_a_window_the_time_round_the_alert_is_asked_first_and_then_everything() -> None:
    """Tempo reads fewer blocks with ``start`` and ``end``; a run outside of them is still found."""
    at = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    ref = TraceRef(trace_id=TRACE, at=at)
    found = Told(200, envelope(trace_message()), PROTOBUF)

    def answer(asked: Asked) -> Told:
        return Told(404) if asked.query else found

    async with loopback_store(answer) as store:
        assert await fetched(tempo, store.url, ref, window="30m") is not None
    first, second = store.asked
    assert (first.query["start"], first.query["end"]) == (
        [str(int(at.timestamp()) - 1800)],
        [str(int(at.timestamp()) + 1800)],
    )
    assert second.query == {}


async def test_a_page_that_asks_to_sign_in_is_refused_and_names_the_setting() -> None:
    """A gateway answers 200 with HTML."""
    page = Told(200, b"<html>Sign in</html>", {"content-type": "text/html; charset=utf-8"})
    async with loopback_store(lambda _: page) as store:
        with pytest.raises(ActionFailed, match="text/html") as raised:
            await answered(tempo, store.url, REF)
    assert "trace_stores" in str(raised.value)


async def test_an_answer_that_is_no_protobuf_is_refused() -> None:
    """The type says protobuf, the body is something else."""
    async with loopback_store(lambda _: Told(200, b"\xff\xff\xff\xff", PROTOBUF)) as store:
        with pytest.raises(Refused, match="not protobuf"):
            await fetched(tempo, store.url, REF)


def test_the_example_of_tempos_documentation_is_read() -> None:
    """The saved sample: ids in base64, a kind by its name."""
    body = shared("traces", "tempo_v2_trace.doc_example.json").read_bytes()
    trace = base64.b64decode("W47/95gDgQPSabYzgT/HAA==").hex()
    found = tempo.read([b"json", body], TraceRef(trace_id=trace))
    (span,) = found.spans
    assert (span.trace_id, span.span_id, span.kind) == (trace, base64.b64decode("7uGbfsPBsQA=").hex(), 2)
    assert span.attributes == {"my.span.attr": "some value"}
    assert span.resource == {"service.name": "my.service"}


def explore(**panes: Any) -> str:
    """A link to Grafana's Explore as version 10 and newer writes it."""
    return f"{GRAFANA}/explore?schemaVersion=1&panes={quote(json.dumps(panes))}&orgId=1"


PANE = {
    "datasource": "uid1",
    "queries": [{"refId": "A", "datasource": {"type": "tempo", "uid": "uid1"}, "queryType": "traceql", "query": TRACE}],
    "range": {"from": "now-1h", "to": "now"},
}
LOGS = {"queries": [{"refId": "A", "datasource": {"type": "loki", "uid": "l"}, "query": "a" * 32}]}
LEFT = quote(json.dumps({"datasource": "tempo", "queries": [{"query": TRACE, "queryType": "traceql"}]}))


@pytest.mark.parametrize(
    ("link", "trace"),
    [
        (explore(abc=PANE), TRACE),
        (explore(logs=LOGS, abc=PANE), TRACE),
        (explore(logs=LOGS), None),
        (explore(abc={"queries": [{"query": "{ status = error }", "datasource": {"type": "tempo"}}]}), None),
        (f"{GRAFANA}/explore?orgId=1&left={LEFT}", TRACE),
        (f"{GRAFANA}/explore?left=%7Bnot-json", None),
        (f"{GRAFANA}/a/grafana-exploretraces-app/explore?traceId={TRACE}&var-ds=x", TRACE),
        (f"{GRAFANA}/d/abc/agents?var-traceId={TRACE.upper()}", TRACE),
        (f"https://tempo.example/api/v2/traces/{TRACE}", TRACE),
        ("https://tempo.example/api/traces/9f108cbe4b45fe9a", "0" * 16 + "9f108cbe4b45fe9a"),
        ("https://tempo.example/api/traces/" + "0" * 32, None),
        (f"https://evil.example/explore?traceId={TRACE}", None),
        (f"https://grafana.example/other/explore?traceId={TRACE}", None),
        (f"https://grafana.example@evil.example/ops/explore?traceId={TRACE}", None),
        (f"http://grafana.example/ops/explore?traceId={TRACE}", None),
        (f"{GRAFANA}/../x/explore?traceId={TRACE}", None),
        ("not a link", None),
        ("https://[grafana.example/ops", None),
    ],
)
def test_links_of_grafana_and_of_tempo_mean_their_trace(link: str, trace: str | None) -> None:
    """Only below the configured addresses, and only a trace id."""
    ref = ref_of(tempo, link, "https://tempo.example", links=[GRAFANA])
    assert (ref.trace_id if ref else None) == trace


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (tempo, {}),
        (jaeger, {}),
        (langfuse, {"public_key": "pk", "secret_key": SecretStr("sk")}),
        (langsmith, {"project": "8b1f4d0a-5b77-4c53-9a6e-0c7d8d3f1a11", "api_key": SecretStr("key")}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_a_ping_that_finds_something_else_fails(source: TraceSource, options: dict[str, Any]) -> None:
    """404 to what each store must have."""
    async with loopback_store(lambda _: Told(404)) as store:
        with pytest.raises(ActionFailed, match="this trace store"):
            await pinged(source, store.url, **options)
