"""Jaeger: the answer of API v3 as one object and streamed, ids either way, errors, and links. Contract-tested."""

import json

import pytest
from pydantic import SecretStr

from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, Refused
from handlers.traces.jaeger import jaeger
from tests.bot.recorder.samples import shared
from tests.handlers.traces.recorded import REF, TRACE, exported, facts, load, pages, run_of
from tests.handlers.traces.talking import fetched, pinged, ref_of
from tests.handlers.traces.test_tempo import in_base64
from tests.support.trace_stores import Asked, Told, loopback_store, told


def scripted(asked: Asked) -> Told:
    """A Jaeger by its gateway: no parameter that it does not know, and its own shape of a miss."""
    if set(asked.query) - {"start_time", "end_time", "raw_traces"}:
        return told({"error": {"httpCode": 400, "message": "malformed parameter"}}, 400)
    if asked.path == "/jaeger/api/v3/services":
        return told({"services": ["refund-agent", "shop"]})
    if asked.path != f"/jaeger/api/v3/traces/{TRACE}":
        return told({"error": {"httpCode": 404, "message": "No traces found"}}, 404)
    return told({"result": load("refund_run.otlp.json")})


async def test_a_run_reads_like_the_export() -> None:
    """Under a base path, as a query service behind a proxy is."""
    async with loopback_store(scripted) as store:
        found = await fetched(jaeger, f"{store.url}/jaeger", REF)
        assert await pinged(jaeger, f"{store.url}/jaeger") == "spans of 2 services seen"
    assert found is not None
    assert found.partial is None
    assert facts(run_of(found)) == facts(exported())
    assert run_of(found).tool_calls == exported().tool_calls


async def test_an_unknown_trace_is_none() -> None:
    """404 with the gateway's error object."""
    async with loopback_store(scripted) as store:
        assert await fetched(jaeger, f"{store.url}/jaeger", TraceRef(trace_id="1" * 32)) is None


async def test_a_gateway_that_wants_a_token_gets_it() -> None:
    """401 without."""

    def guarded(asked: Asked) -> Told:
        return scripted(asked) if asked.headers.get("authorization") == "Bearer t0ken" else Told(401)

    async with loopback_store(guarded) as store:
        assert await fetched(jaeger, f"{store.url}/jaeger", REF, bearer=SecretStr("t0ken")) is not None
        with pytest.raises(ActionFailed, match="401"):
            await fetched(jaeger, f"{store.url}/jaeger", REF)


def streamed(size: int, end: bytes = b"\n") -> bytes:
    """The run as a gRPC stream becomes JSON: an object for each message."""
    (group,) = load("refund_run.otlp.json")["resourceSpans"]
    (scoped,) = group["scopeSpans"]
    messages = [
        {"result": {"resourceSpans": [{**group, "scopeSpans": [{**scoped, "spans": part}]}]}}
        for part in pages(scoped["spans"], size)
    ]
    return end.join(json.dumps(message).encode() for message in messages) + end


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_several_objects_one_after_the_other_are_one_trace(end: bytes) -> None:
    """The contract is a stream of answers."""
    found = jaeger.read([streamed(3, end)], REF)
    assert found.partial is None
    assert facts(run_of(found)) == facts(exported())


def test_a_stream_that_breaks_off_is_said_to_be_partial() -> None:
    """An object ``error`` after some of the spans."""
    body = streamed(4) + json.dumps({"error": {"httpCode": 500, "message": "storage went away"}}).encode()
    found = jaeger.read([body], REF)
    assert len(found.spans) == 10
    assert found.partial == "Jaeger broke off: storage went away"


def test_a_pretty_printed_answer_is_one_object() -> None:
    """Lines within one object are no stream."""
    body = json.dumps({"result": load("refund_run.otlp.json")}, indent=2).encode()
    assert len(jaeger.read([body], REF).spans) == 10


def test_ids_in_base64_are_read_too() -> None:
    """Gateways made from the protobuf definition write them so."""
    body = json.dumps({"result": in_base64(load("refund_run.otlp.json"))}).encode()
    assert facts(run_of(jaeger.read([body], REF))) == facts(exported())


def test_a_span_that_cannot_be_read_and_one_of_another_trace_are_counted() -> None:
    """The rest is kept, and the note says what is lacking."""
    document = load("refund_run.otlp.json")
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans[0]["startTimeUnixNano"] = "soon"
    spans[1]["traceId"] = "f" * 32
    found = jaeger.read([json.dumps({"result": document}).encode()], REF)
    assert len(found.spans) == 8
    assert found.partial is not None
    assert "1 of its spans could not be read" in found.partial
    assert "1 of its spans are of another trace" in found.partial


def test_jaegers_own_snapshot_is_read() -> None:
    """The saved sample: no times, no attributes, a status without a message."""
    body = shared("traces", "jaeger_v3_GetTrace.snapshot.json").read_bytes()
    (span,) = jaeger.read([body], TraceRef(trace_id="0" * 31 + "1")).spans
    assert (span.name, span.span_id, span.status, span.kind) == ("foobar", "0" * 15 + "2", "error", 2)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 5_000, b'{"result": 5}', b'{"result": {"resourceSpans": 5}}'])
def test_what_is_no_answer_of_jaeger_is_refused(body: bytes) -> None:
    """Never another exception."""
    with pytest.raises(Refused):
        jaeger.read([body], REF)


@pytest.mark.parametrize(
    ("link", "trace"),
    [
        (f"https://jaeger.example/ui/trace/{TRACE}", TRACE),
        (f"https://jaeger.example/ui/trace/{TRACE}?uiFind=x", TRACE),
        ("https://jaeger.example/ui/trace/94ef4f40e2bf5323", "0" * 16 + "94ef4f40e2bf5323"),
        (f"https://jaeger.example/ui/api/v3/traces/{TRACE}", TRACE),
        ("https://jaeger.example/ui/search?service=x", None),
        (f"https://jaeger.example/uix/trace/{TRACE}", None),
        (f"https://other.example/ui/trace/{TRACE}", None),
        ("https://jaeger.example/ui/trace/../../x", None),
    ],
)
def test_links_into_the_ui_mean_their_trace(link: str, trace: str | None) -> None:
    """A 64-bit id is padded, as Jaeger shows it."""
    ref = ref_of(jaeger, link, "http://jaeger-query:16686", links=["https://jaeger.example/ui"])
    assert (ref.trace_id if ref else None) == trace
