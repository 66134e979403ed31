import base64
import contextlib
import gzip
import json
import time
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.errors import Refused
from bot.recorder.limits import Limits, TooLarge, UnsupportedMedia
from bot.recorder.otlp import JSON, PROTOBUF, parse_export
from tests.bot.recorder.samples import START, TRACE, export, raw_span, shared

SAMPLES = [
    *(f"otlp_{name}" for name in ("genai", "openinference", "both")),
    *(
        f"instrumented/{name}"
        for name in ("openai-agents", "openai-oi", "openai-v2", "openai-v2-defaults", "pydantic-ai", "pydantic-ai-oi")
    ),
]


@pytest.mark.parametrize("name", SAMPLES)
def test_protobuf_and_json_of_one_export_read_the_same(name: str) -> None:
    """Both encodings of a recorded export give equal spans, and none is rejected."""
    binary = parse_export(shared("traces", f"{name}.pb").read_bytes(), PROTOBUF)
    text = parse_export(shared("traces", f"{name}.json").read_bytes(), JSON)
    assert binary == text
    assert binary.spans
    assert binary.rejected == 0


def test_ids_times_and_numbers_are_read_as_the_specification_writes_them() -> None:
    """Hex ids, 64-bit integers as strings, enums as integers."""
    value = {"key": "n", "value": {"intValue": "1234"}}
    [span] = parse_export(export(raw_span(7, status={"code": 2, "message": "no"}, attributes=[value])), JSON).spans
    assert (span.trace_id, span.span_id, span.parent_id) == (TRACE, f"{7:016x}", None)
    assert (span.start_ns, span.status, span.status_message) == (START, "error", "no")
    assert span.attributes == {"n": 1234}
    assert span.resource == {"service.name": "refund-bot"}


def test_every_kind_of_value_is_read() -> None:
    """Lists, maps, bytes, None as an empty value, and maps inside lists."""
    values: dict[str, Any] = {
        "map": {"kvlistValue": {"values": [{"key": "a", "value": {"doubleValue": 1.5}}, {"key": "b", "value": {}}]}},
        "list": {"arrayValue": {"values": [{"boolValue": True}, {"stringValue": "x"}]}},
        "bytes": {"bytesValue": "AAE="},
        "none": {},
    }
    attributes = [{"key": key, "value": value} for key, value in values.items()]
    [span] = parse_export(export(raw_span(attributes=attributes)), JSON).spans
    assert span.attributes == {"map": {"a": 1.5, "b": None}, "list": [True, "x"], "bytes": "AAE=", "none": None}


def test_base64_ids_are_refused_and_not_misread() -> None:
    """Protobuf's own JSON writes ids in base64; the refusal names the field and says so."""
    wrong = base64.b64encode(bytes.fromhex(TRACE)).decode()
    with pytest.raises(Refused, match="base64") as refused:
        parse_export(export(raw_span(traceId=wrong)), JSON)
    assert refused.value.field == "resourceSpans[0].scopeSpans[0].spans[0].traceId"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"traceId": "0" * 32}, "traceId"),
        ({"traceId": TRACE[:-1]}, "traceId"),
        ({"spanId": "xyz"}, "spanId"),
        ({"spanId": 7}, "spanId"),
        ({"parentSpanId": "12"}, "parentSpanId"),
        ({"startTimeUnixNano": "-5"}, "startTimeUnixNano"),
        ({"endTimeUnixNano": str(2**64)}, "endTimeUnixNano"),
        ({"name": ["x"]}, "name"),
        ({"status": "bad"}, "status"),
        ({"attributes": {}}, "attributes"),
        ({"attributes": [{"key": "d", "value": {"doubleValue": "NaN"}}]}, "attributes[0].value.doubleValue"),
        ({"attributes": [{"key": "d", "value": {"doubleValue": 1e308 * 10}}]}, "attributes[0].value.doubleValue"),
        ({"attributes": [{"key": "d", "value": {"intValue": "x"}}]}, "attributes[0].value.intValue"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, Any], field: str) -> None:
    """A span that cannot be read is refused by the path of its field."""
    body = export(raw_span(**change)).replace(b"Infinity", b"1e999")
    with pytest.raises(Refused) as refused:
        parse_export(body, JSON)
    assert refused.value.field == f"resourceSpans[0].scopeSpans[0].spans[0].{field}"


def test_good_spans_are_kept_when_others_are_bad() -> None:
    """OTLP's partial success: the readable ones are taken, the rest counted, the first reason given."""
    found = parse_export(export(raw_span(1), raw_span(2, traceId="bad"), raw_span(3), raw_span(4, spanId="")), JSON)
    assert [span.span_id[-1] for span in found.spans] == ["1", "3"]
    assert found.rejected == 2
    assert "spans[1].traceId" in found.reason


def test_unknown_fields_are_ignored_and_another_document_is_not_taken_for_an_empty_export() -> None:
    """Newer fields do not matter; a body of logs, or one in snake case, is refused instead of silently dropped."""
    assert len(parse_export(export(raw_span(newField={"x": 1})), JSON).spans) == 1
    assert parse_export(b"{}", JSON).spans == ()
    for body in (b'{"resourceLogs": []}', b'{"resource_spans": []}', b"[]", b"null", b'"x"'):
        with pytest.raises(Refused):
            parse_export(body, JSON)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"resourceSpans": NaN}',
        b'{"resourceSpans": [{"a": "\xff"}]}',
        b'{"resourceSpans": ' + b"[" * 100_000,
        b'{"resourceSpans": [{"scopeSpans": [{"spans": 5}]}]}',
        b'{"resourceSpans": ["\\ud800"]}',
    ],
)
def test_hostile_json_is_refused(body: bytes) -> None:
    """NaN, invalid UTF-8, lone surrogates, 100,000 levels, wrong types: refused, never another error."""
    with pytest.raises(Refused):
        parse_export(body, JSON)


def test_values_nested_too_deeply_reject_their_span_in_both_encodings() -> None:
    """A value of 40 levels is over the cap of 32."""
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(40):
        value = {"arrayValue": {"values": [value]}}
    with pytest.raises(Refused, match="nested too deeply"):
        parse_export(export(raw_span(attributes=[{"key": "a", "value": value}])), JSON)
    request = ExportTraceServiceRequest()
    made = request.resource_spans.add().scope_spans.add().spans.add()
    made.trace_id, made.span_id = bytes.fromhex(TRACE), b"12345678"
    held = made.attributes.add()
    held.key = "a"
    at = held.value
    for _ in range(40):
        at = at.array_value.values.add()
    at.string_value = "x"
    with pytest.raises(Refused, match="nested too deeply"):
        parse_export(request.SerializeToString(), PROTOBUF)


def test_gzip_is_inflated_and_a_bomb_is_not() -> None:
    """Several members are one body; the cap holds on what comes out, not on what came in."""
    body = export(raw_span())
    assert len(parse_export(gzip.compress(body), JSON, "gzip").spans) == 1
    half = len(body) // 2
    assert len(parse_export(gzip.compress(body[:half]) + gzip.compress(body[half:]), JSON, "GZIP").spans) == 1
    with pytest.raises(TooLarge, match="inflates"):
        parse_export(gzip.compress(b"a" * 5_000_000), JSON, "gzip", Limits(inflated=1_000_000))
    with pytest.raises(TooLarge, match="more than"):
        parse_export(b"a" * 2_000, JSON, "", Limits(body=1_000))
    with pytest.raises(Refused, match="ends early"):
        parse_export(gzip.compress(body)[:-20], JSON, "gzip")
    with pytest.raises(Refused, match="not gzip"):
        parse_export(body, JSON, "gzip")


def test_a_gzip_body_may_have_several_members_but_not_very_many() -> None:
    """Each member costs a copy of the rest: 30,000 empty ones would keep a worker busy for a long time."""
    whole = json.dumps({"resourceSpans": []}).encode()
    halves = gzip.compress(whole[:5]) + gzip.compress(whole[5:])
    assert parse_export(halves, JSON, "gzip").spans == ()
    began = time.perf_counter()
    with pytest.raises(Refused, match="more than 100 members"):
        parse_export(gzip.compress(b"") * 30_000, JSON, "gzip")
    assert time.perf_counter() - began < 0.1


def test_other_media_are_refused() -> None:
    """Only OTLP/HTTP's two content types and its one encoding; a charset does not matter."""
    body = export(raw_span())
    assert parse_export(body, "application/json; charset=utf-8").spans
    with pytest.raises(UnsupportedMedia):
        parse_export(body, "text/plain")
    with pytest.raises(UnsupportedMedia):
        parse_export(zlib.compress(body), JSON, "deflate")


def test_too_many_spans_or_attributes_are_refused() -> None:
    """Counts are capped as well as bytes."""
    with pytest.raises(TooLarge, match="spans"):
        parse_export(export(*(raw_span(n) for n in range(1, 5))), JSON, "", Limits(spans=3))
    many = [{"key": str(n), "value": {"intValue": "1"}} for n in range(20)]
    with pytest.raises(Refused, match="attributes"):
        parse_export(export(raw_span(attributes=many)), JSON, "", Limits(attributes=10))


hostile_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceSpans",
                    "scopeSpans",
                    "spans",
                    "attributes",
                    "key",
                    "value",
                    "stringValue",
                    "arrayValue",
                    "values",
                    "kvlistValue",
                    "intValue",
                    "doubleValue",
                    "traceId",
                    "spanId",
                    "resource",
                    "scope",
                    "status",
                    "code",
                    "events",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=40,
)


@given(document=hostile_json)
def test_any_json_is_read_or_refused(document: object) -> None:
    """Whatever the structure, the reader answers or refuses; it never raises anything else."""
    with contextlib.suppress(Refused):
        parse_export(json.dumps({"resourceSpans": document}).encode(), JSON)


@given(change=st.dictionaries(st.sampled_from(list(raw_span())), hostile_json, max_size=3))
def test_any_change_of_a_span_is_read_or_refused(change: dict[str, Any]) -> None:
    """As above, closer to a valid span."""
    with contextlib.suppress(Refused):
        parse_export(export(raw_span(1, **change), raw_span(2)), JSON)


@given(body=st.binary(max_size=300), kind=st.sampled_from([JSON, PROTOBUF]), encoding=st.sampled_from(["", "gzip"]))
def test_any_bytes_are_read_or_refused(body: bytes, kind: str, encoding: str) -> None:
    """Bytes of no format at all."""
    with contextlib.suppress(Refused):
        parse_export(body, kind, encoding)


@given(at=st.integers(min_value=0), byte=st.integers(0, 255))
def test_a_flipped_byte_of_protobuf_is_read_or_refused(at: int, byte: int) -> None:
    """A damaged export never raises anything but the refusal."""
    request = ExportTraceServiceRequest()
    made = request.resource_spans.add().scope_spans.add().spans.add()
    made.trace_id, made.span_id, made.name = bytes.fromhex(TRACE), b"12345678", "chat"
    made.attributes.add(key="a").value.double_value = 1.5
    made.events.add(name="e", time_unix_nano=START)
    body = bytearray(request.SerializeToString())
    body[at % len(body)] = byte
    with contextlib.suppress(Refused):
        parse_export(bytes(body), PROTOBUF)
