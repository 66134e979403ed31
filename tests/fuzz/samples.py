"""The good inputs: the recorded answers in parts, the shared samples where they lie beside the checkout, and a few."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.recorder.otlp_values import LOGS, TRACES
from tests.fuzz.wire import Fields, unwire

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "handlers" / "traces" / "data"
SHARED = ROOT.parent / "shared" / "data" / "traces"
TRACE = "5cc2de60e211604aa0bc088c09152af4"
_OTHERS = ("e254fa82efe117d8c95b6a4da6c9bbe5", "6c66af4866368729e37fbe999794b74e")
"""The trace ids of the shared samples."""


def load(path: Path) -> Any:
    """A recorded answer."""
    return json.loads(path.read_text(encoding="utf-8"))


def few(items: list[Any], most: int = 4) -> list[Any]:
    """Small inputs are tried more often in the same time; the first items hold every kind of step."""
    return items[:most]


def parts(items: list[Any]) -> list[list[Any]]:
    """Two steps at a time, and once the first five."""
    return [*(items[at : at + 2] for at in range(0, 6, 2)), items[:5]]


def otlp_traces(spans: int) -> dict[str, Any]:
    """So many spans of the refund run, the root first."""
    document: dict[str, Any] = load(DATA / "refund_run.otlp.json")
    for group in document["resourceSpans"]:
        for scope in group["scopeSpans"]:
            scope["spans"] = scope["spans"][-1:] + scope["spans"][: spans - 1]
    return document


def otlp_logs() -> dict[str, Any]:
    """Log records of that run."""

    def record(name: str, body: Any, **attributes: str) -> dict[str, Any]:
        return {
            "timeUnixNano": "1795339599836638948",
            "traceId": TRACE,
            "spanId": "94ef4f40e2bf5323",
            "eventName": name,
            "body": body,
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
        }

    content = {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": "refund me"}}]}}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant"}}
    records = [
        record("gen_ai.user.message", content, **{"gen_ai.system": "openai"}),
        record("gen_ai.choice", {"stringValue": json.dumps(choice)}),
        record(
            "gen_ai.evaluation.result", None, **{"gen_ai.evaluation.name": "ok", "gen_ai.evaluation.score.label": "no"}
        ),
    ]
    scope = {"name": "opentelemetry.instrumentation.openai_v2"}
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": scope, "logRecords": records}]}]}


def encoded(value: Any) -> bytes:
    """A value of OTLP/JSON in protobuf, for what these inputs need: traces and logs without bytes and doubles."""
    return unwire(_ENCODERS["export"](value))


def _any(value: dict[str, Any]) -> Fields:
    (name, held), *_ = value.items()
    if name == "stringValue":
        return [(1, 2, held.encode())]
    if name == "boolValue":
        return [(2, 0, int(held))]
    if name == "intValue":
        return [(3, 0, int(held))]
    if name == "doubleValue":
        return [(4, 1, 0x3FE0000000000000)]
    if name == "arrayValue":
        return [(5, 2, [(1, 2, _any(item)) for item in held["values"]])]
    return [(6, 2, [(1, 2, _pair(item)) for item in held["values"]])]


def _pair(item: dict[str, Any]) -> Fields:
    return [(1, 2, item["key"].encode()), (2, 2, _any(item["value"]))]


def _attributes(number: int, holder: dict[str, Any]) -> Fields:
    return [(number, 2, _pair(item)) for item in holder.get("attributes", [])]


def _span(span: dict[str, Any]) -> Fields:
    parent = span.get("parentSpanId")
    status = span.get("status") or {}
    return [
        (1, 2, bytes.fromhex(span["traceId"])),
        (2, 2, bytes.fromhex(span["spanId"])),
        *([(4, 2, bytes.fromhex(parent))] if parent else []),
        (5, 2, span["name"].encode()),
        (6, 0, span["kind"]),
        (7, 1, int(span["startTimeUnixNano"])),
        (8, 1, int(span["endTimeUnixNano"])),
        *_attributes(9, span),
        (15, 2, [(2, 2, status.get("message", "").encode()), (3, 0, status.get("code", 0))]),
    ]


def _log(log: dict[str, Any]) -> Fields:
    body: Fields = [(5, 2, _any(log["body"]))] if log["body"] else []
    return [
        (1, 1, int(log["timeUnixNano"])),
        *body,
        *_attributes(6, log),
        (9, 2, bytes.fromhex(log["traceId"])),
        (10, 2, bytes.fromhex(log["spanId"])),
        (12, 2, log["eventName"].encode()),
    ]


def _export(document: dict[str, Any]) -> Fields:
    signal = TRACES if TRACES.resources in document else LOGS
    item = _span if signal is TRACES else _log
    found: Fields = []
    for group in document[signal.resources]:
        scopes: Fields = []
        for scoped in group[signal.scopes]:
            scope: Fields = [(1, 2, scoped["scope"]["name"].encode())]
            scopes.append((2, 2, [(1, 2, scope), *((2, 2, item(each)) for each in scoped[signal.items])]))
        found.append((1, 2, [(1, 2, _attributes(1, group["resource"])), *scopes]))
    return found


_ENCODERS: dict[str, Callable[[dict[str, Any]], Fields]] = {"export": _export}


def in_base64(document: dict[str, Any]) -> dict[str, Any]:
    """The same with its ids as protobuf's own JSON writes them."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(item) for item in value]
        if not isinstance(value, dict):
            return value
        ids = {"traceId", "spanId", "parentSpanId"}
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode() if key in ids and item else changed(item)
            for key, item in value.items()
        }

    found: dict[str, Any] = changed(document)
    return found


def _saved(*names: str) -> list[Any]:
    """Shared samples, where they lie beside the checkout, all with the one trace id that is asked for."""
    return [_renamed((SHARED / name).read_text(encoding="utf-8")) for name in names if (SHARED / name).exists()]


def _renamed(body: str) -> Any:
    for other in _OTHERS:
        body = body.replace(other, TRACE)
        body = body.replace(_base64(other), _base64(TRACE))
    return json.loads(body)


def _base64(trace: str) -> str:
    return base64.b64encode(bytes.fromhex(trace)).decode()


def phoenix_answers() -> list[Any]:
    """One span as Phoenix tells it, and the saved pages."""
    span = {
        "id": "U3Bhbjox",
        "name": "execute_tool issue_refund",
        "context": {"trace_id": TRACE, "span_id": "b00ced4db05525f5"},
        "span_kind": "TOOL",
        "parent_id": "03169b16efc0d4c8",
        "start_time": "2026-11-23T12:00:00.123456+00:00",
        "end_time": "2026-11-23T12:00:01+00:00",
        "status_code": "ERROR",
        "status_message": "declined",
        "attributes": {"tool.name": "issue_refund", "input.value": '{"cents": 5}', "output.value": "no"},
        "events": [
            {"name": "exception", "timestamp": "2026-11-23T12:00:01+00:00", "attributes": {"exception.type": "E"}}
        ],
    }
    saved = [
        {**page, "data": few(page["data"])} for page in _saved("phoenix/spans_both.json", "phoenix/spans_genai.json")
    ]
    return [{"data": [span], "next_cursor": None}, *saved]


def mlflow_answers() -> list[Any]:
    """One trace as MLflow tells it, and the saved ones."""
    found = []
    for held in _saved(
        "mlflow/trace_get_both.json", "mlflow/trace_get_openinference.json", "mlflow/artifact_genai.json"
    ):
        if "trace" in held:
            held["trace"]["spans"] = few(held["trace"]["spans"])
        elif "spans" in held:
            held["spans"] = few(held["spans"])
        found.append(held)
    value = {"key": "mlflow.spanType", "value": {"string_value": '"TOOL"'}}
    span = {"trace_id": "XMLeYOIRYEqgvAiMCRUq9A==", "span_id": "sAztTbBVJfU=", "name": "refund", "attributes": [value]}
    info = {"trace_id": f"tr-{TRACE}", "state": "OK", "tags": {"service.name": "shop"}}
    return [{"trace": {"trace_info": info, "spans": [span]}}, *found]


def saved_otlp() -> list[Any]:
    """What real instrumentations exported."""
    names = ("instrumented/openai-agents.json", "instrumented/openai-oi.json", "instrumented/pydantic-ai.json")
    found = _saved(*names, "instrumented/openai-v2.json", "otlp_openinference.json")
    for document in found:
        for group in document["resourceSpans"]:
            for scope in group["scopeSpans"]:
                scope["spans"] = few(scope["spans"], 3)
    return found


def length(body: bytes) -> bytes:
    """How long it is, as protobuf writes it before it."""
    found = bytearray()
    number = len(body)
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
