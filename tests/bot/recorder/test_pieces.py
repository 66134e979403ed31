import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.errors import Refused
from bot.recorder.json_pieces import outline
from bot.recorder.limits import Limits
from bot.recorder.otlp import JSON, PROTOBUF, Items, parse_export
from bot.recorder.otlp_values import LOGS
from bot.recorder.protobuf_pieces import Torn, fields
from bot.recorder.spool import Spool
from tests.bot.recorder.samples import START, TRACE, export, raw_span

nasty = st.text(alphabet='a"\\[]{}:, spn é\n', max_size=12)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | nasty,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(nasty | st.just("spans"), inner, max_size=4),
    max_leaves=30,
)


def put_back(found: Any, value: Any) -> Any:
    """A document with its elements in their places again."""
    if isinstance(value, dict):
        return {key: put_back(found, held) for key, held in value.items()}
    if isinstance(value, list):
        whole = found.element(value)
        return whole if whole is not value else [put_back(found, item) for item in value]
    return value


@given(spans=st.lists(anything.filter(lambda v: isinstance(v, (dict, list))), max_size=5), rest=anything)
def test_an_outline_and_its_elements_are_the_document(spans: list[Any], rest: Any) -> None:
    """Texts with brackets, quotes and keys in them included."""
    body = json.dumps(
        {"rest": {"x": rest} if not _holds_spans(rest) else {}, "spans": spans}, ensure_ascii=False
    ).encode()
    found = outline(body, "spans")
    assert [found.element(value) for value in found.document["spans"]] == spans
    assert found.document["rest"] == json.loads(body)["rest"]


def _holds_spans(value: Any) -> bool:
    return "spans" in json.dumps(value)


def test_what_is_nested_too_deeply_to_be_cut_out_is_read_with_the_rest() -> None:
    """Fifty lists in each other are no reason to refuse a body."""
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    found = outline(json.dumps({"spans": [{"a": 1}, {"deep": deep}]}).encode(), "spans")
    assert found.element(found.document["spans"][1]) == {"deep": deep}


@pytest.mark.parametrize(
    "body", ['{"spans":[{', '{"spans":[{}', '{"spans":[{}}', '{"spans":[{"a":}]}', '{"spans":[{},,]}']
)
def test_what_is_no_json_is_refused_as_that(body: str) -> None:
    """Whether the fault lies in the outline or in an element."""
    with pytest.raises(Refused):
        parse_export(body.replace("spans", "resourceSpans").encode(), JSON)
    with pytest.raises(Refused):
        parse_export(f'{{"resourceSpans":[{{"scopeSpans":[{body}]}}]}}'.encode(), JSON)


def test_a_placeholder_of_the_sender_is_no_span() -> None:
    """A list where a span should be must not stand for another one."""
    document = json.loads(export(raw_span(1)))
    document["resourceSpans"][0]["scopeSpans"][0]["spans"].append([0])
    found = parse_export(json.dumps(document).encode(), JSON)
    assert (len(found.spans), found.rejected) == (1, 1)


def test_a_resource_after_its_spans_is_theirs_all_the_same() -> None:
    """Field order says nothing, in JSON and in protobuf."""
    group = json.loads(export(raw_span(1), service="shop"))["resourceSpans"][0]
    turned = {"resourceSpans": [{"scopeSpans": group["scopeSpans"], "resource": group["resource"]}]}
    assert parse_export(json.dumps(turned).encode(), JSON).spans[0].resource == {"service.name": "shop"}
    resource, scopes = ExportTraceServiceRequest(), ExportTraceServiceRequest()
    resource.resource_spans.add().resource.attributes.add(key="service.name").value.string_value = "shop"
    span = scopes.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id = bytes.fromhex(TRACE), b"12345678"
    held = scopes.resource_spans[0].SerializeToString() + resource.resource_spans[0].SerializeToString()
    body = b"\x0a" + bytes([len(held)]) + held
    assert parse_export(body, PROTOBUF).spans[0].resource == {"service.name": "shop"}


def test_one_torn_span_of_protobuf_is_rejected_and_the_others_are_kept() -> None:
    """As in JSON: a partial success."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for span_id in (b"12345678", b"12345679"):
        scope.spans.add(trace_id=bytes.fromhex(TRACE), span_id=span_id, name="chat")
    body = request.SerializeToString().replace(b"chat", b"ch\xff\xff", 1)
    found = parse_export(body, PROTOBUF)
    assert (len(found.spans), found.rejected) == (1, 1)


@given(body=st.binary(max_size=60))
def test_any_bytes_are_fields_or_torn(body: bytes) -> None:
    """Nothing else is raised, and it ends."""
    with contextlib.suppress(Torn):
        for number, held in fields(memoryview(body)):
            assert number > 0
            assert len(held) <= len(body)


def raw_log(**change: Any) -> dict[str, Any]:
    """A valid log event in OTLP/JSON."""
    return {
        "traceId": TRACE,
        "spanId": f"{1:016x}",
        "eventName": "gen_ai.choice",
        "timeUnixNano": str(START),
        "body": {"stringValue": "x"},
        "attributes": [],
        **change,
    }


@given(change=st.dictionaries(st.sampled_from([*raw_log(), "observedTimeUnixNano"]), anything, max_size=3))
def test_any_change_of_a_log_record_is_read_or_refused(change: dict[str, Any]) -> None:
    """Nothing but a refusal is raised."""
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [raw_log(**change), raw_log()]}]}]}
    with contextlib.suppress(Refused):
        parse_export(json.dumps(body).encode(), JSON, "", None, LOGS)


@given(document=anything)
def test_any_json_is_read_as_logs_or_refused(document: Any) -> None:
    """Whatever the structure."""
    with contextlib.suppress(Refused):
        parse_export(json.dumps({"resourceLogs": document}).encode(), JSON, "", None, LOGS)


@given(at=st.integers(min_value=0), byte=st.integers(0, 255), cut=st.integers(0, 200))
def test_a_damaged_export_of_logs_is_read_or_refused(at: int, byte: int, cut: int) -> None:
    """A flipped byte, an early end."""
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.trace_id, record.span_id, record.event_name = bytes.fromhex(TRACE), b"12345678", "gen_ai.choice"
    record.body.kvlist_value.values.add(key="content").value.double_value = 1.5
    body = bytearray(request.SerializeToString())
    body[at % len(body)] = byte
    with contextlib.suppress(Refused):
        parse_export(bytes(body[: len(body) - cut % len(body)]), PROTOBUF, "", None, LOGS)


def test_what_was_not_taken_is_known_when_all_was_read() -> None:
    """Spans come one at a time, so that a large body is never several times as large in objects."""
    items = Items(export(raw_span(1), raw_span(2, traceId="x"), raw_span(3)), JSON, "", Limits())
    spans = iter(items)
    assert next(spans).span_id == f"{1:016x}"
    assert [span.span_id for span in spans] == [f"{3:016x}"]
    assert items.rejected == 1


def test_a_spool_gives_every_record_back_whether_it_fits_the_memory_or_not() -> None:
    """In their order and by number."""
    for size in (10, 40_000):
        records = [bytes([n]) * size for n in range(60)]
        spool = Spool(iter(records))
        assert list(spool) == records
        assert spool[7] == records[7]
        assert spool[59] == records[59]
