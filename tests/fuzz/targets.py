"""What is fuzzed: each reader of the recorder with its good inputs, and all that is done with what it read."""

import base64
import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.domain.catalogue import Catalogue
from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.effects.assess import assess
from bot.plugin import TraceSource
from bot.recorder.evidence import thaw
from bot.recorder.limits import Limits
from bot.recorder.normalise import normalise
from bot.recorder.otlp import JSON, PROTOBUF, parse_export
from bot.recorder.otlp_values import LOGS, TRACES, Signal
from bot.recorder.pack import Cleaner, fit
from bot.recorder.redact import Redactor
from bot.recorder.run_reading import read_run
from bot.recorder.signatures import signed
from handlers.traces.jaeger import jaeger
from handlers.traces.langfuse import langfuse
from handlers.traces.langsmith import langsmith
from handlers.traces.mlflow import mlflow
from handlers.traces.phoenix import phoenix
from handlers.traces.tempo import tempo
from tests.fuzz.mutate import Fields, unwire, wire

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "handlers" / "traces" / "data"
SHARED = ROOT.parent / "shared" / "data" / "traces"
LIMITS = Limits(body=200_000, inflated=400_000, spans=500)
_NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_TRACE = "5cc2de60e211604aa0bc088c09152af4"
_OTHERS = ("e254fa82efe117d8c95b6a4da6c9bbe5", "6c66af4866368729e37fbe999794b74e")
"""The trace ids of the shared samples."""
_WHOLE_EVERY = 20


@dataclass(frozen=True)
class Target:
    """A reader. ``run`` raises nothing but a ``PullcordError``, whatever the body; it says how many spans it read."""

    name: str
    bodies: tuple[bytes, ...]
    run: Callable[[bytes], int]
    trees: tuple[Any, ...] = ()
    messages: tuple[Fields, ...] = ()
    zipped: bool = False


def use(spans: Sequence[SpanRecord], *, whole: bool) -> int:
    """What the bot does with spans: makes a run of each trace, and its effects.

    ``whole``: also redacts and stores them, freezes the run as evidence and thaws it, and signs it for the index.
    """
    by_trace: dict[str, list[SpanRecord]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    for held in by_trace.values():
        if whole:
            _read_whole(held)
            continue
        run = normalise(held)
        type(run).model_validate_json(run.model_dump_json())
        for effect in assess(run, _CATALOGUE, _NOW):
            type(effect).model_validate_json(effect.model_dump_json())
    return len(spans)


def _read_whole(spans: Sequence[SpanRecord]) -> None:
    cleaner = Cleaner(_REDACTOR)
    records = [fit(cleaner.span(span), LIMITS).to_bytes() for span in spans]
    reading = read_run(records, _CATALOGUE, _NOW, ["a note"])
    assert thaw([reading.frozen]).run.trace_id == spans[0].trace_id
    signed(reading.profiled.profile, reading.effects)


_REDACTOR = Redactor()
_CATALOGUE = Catalogue()


def _exports(kind: str, signal: Signal, *, zipped: bool = False) -> Callable[[bytes], int]:
    """Log records alone are no run, so they are read beside the spans that they belong to."""
    beside = () if signal is TRACES else parse_export(json.dumps(_otlp(4)).encode(), JSON, limits=LIMITS).spans

    def run(body: bytes) -> int:
        export = parse_export(body, kind, "gzip" if zipped else "", LIMITS, signal)
        use([*beside, *export.spans], whole=len(body) % _WHOLE_EVERY == 0)
        return len(export.spans)

    return run


def _store(source: TraceSource, head: Sequence[bytes] = (), trace: str = _TRACE) -> Callable[[bytes], int]:
    ref = TraceRef(trace_id=trace)

    def run(body: bytes) -> int:
        fetched = source.read([*head, body], ref)
        json.dumps(fetched.partial)
        return use(fetched.spans, whole=len(body) % _WHOLE_EVERY == 0)

    return run


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _json(name: str, run: Callable[[bytes], int], trees: Iterable[Any]) -> Target:
    held = tuple(trees)
    bodies = tuple(json.dumps(tree).encode() for tree in held)
    return Target(name, bodies, run, trees=held)


def _protobuf(name: str, run: Callable[[bytes], int], bodies: Iterable[bytes]) -> Target:
    held = tuple(bodies)
    return Target(name, held, run, messages=tuple(message for body in held if (message := wire(body))))


def _few(items: list[Any], most: int = 4) -> list[Any]:
    """Small inputs are tried more often in the same time; the first items hold every kind of step."""
    return items[:most]


def _parts(items: list[Any]) -> list[list[Any]]:
    """Two steps at a time, and once the first five."""
    return [*(items[at : at + 2] for at in range(0, 6, 2)), items[:5]]


def _otlp(spans: int) -> dict[str, Any]:
    document: dict[str, Any] = _load(DATA / "refund_run.otlp.json")
    for group in document["resourceSpans"]:
        for scope in group["scopeSpans"]:
            scope["spans"] = scope["spans"][-1:] + scope["spans"][: spans - 1]
    return document


def _logs() -> dict[str, Any]:
    def record(name: str, body: Any, **attributes: str) -> dict[str, Any]:
        return {
            "timeUnixNano": "1795339599836638948",
            "traceId": _TRACE,
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


def _encoded(value: Any) -> bytes:
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


def _in_base64(document: dict[str, Any]) -> dict[str, Any]:
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
        body = body.replace(other, _TRACE)
        body = body.replace(_base64(other), _base64(_TRACE))
    return json.loads(body)


def _base64(trace: str) -> str:
    return base64.b64encode(bytes.fromhex(trace)).decode()


def _phoenix() -> list[Any]:
    span = {
        "id": "U3Bhbjox",
        "name": "execute_tool issue_refund",
        "context": {"trace_id": _TRACE, "span_id": "b00ced4db05525f5"},
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
        {**page, "data": _few(page["data"])} for page in _saved("phoenix/spans_both.json", "phoenix/spans_genai.json")
    ]
    return [{"data": [span], "next_cursor": None}, *saved]


def _mlflow() -> list[Any]:
    found = []
    for held in _saved(
        "mlflow/trace_get_both.json", "mlflow/trace_get_openinference.json", "mlflow/artifact_genai.json"
    ):
        if "trace" in held:
            held["trace"]["spans"] = _few(held["trace"]["spans"])
        elif "spans" in held:
            held["spans"] = _few(held["spans"])
        found.append(held)
    value = {"key": "mlflow.spanType", "value": {"string_value": '"TOOL"'}}
    span = {"trace_id": "XMLeYOIRYEqgvAiMCRUq9A==", "span_id": "sAztTbBVJfU=", "name": "refund", "attributes": [value]}
    info = {"trace_id": f"tr-{_TRACE}", "state": "OK", "tags": {"service.name": "shop"}}
    return [{"trace": {"trace_info": info, "spans": [span]}}, *found]


def targets() -> list[Target]:
    """All readers."""
    otlp = [_otlp(4), _otlp(2)]
    exports = [_encoded(document) for document in otlp]
    answers = [b"\x0a" + _length(body) + body + b"\x18\x01\x22\x03big" for body in exports]
    observations, runs = _load(DATA / "langfuse_observations_v2.json"), _load(DATA / "langsmith_runs_v2.json")
    trace, legacy = _load(DATA / "langfuse_trace_v3.json"), _load(DATA / "langsmith_runs_legacy.json")
    pages = [{"data": part, "meta": {"cursor": "x"}} for part in _parts(observations)]
    older = [{"runs": part, "cursors": {"next": None}} for part in _parts(legacy)]
    traces = [{**trace, "observations": part} for part in _parts(trace["observations"])]
    messages = tuple(message for body in exports if (message := wire(body)))
    zipped = tuple(gzip.compress(body, 1, mtime=0) for body in exports)
    return [
        _json("otlp traces json", _exports(JSON, TRACES), [*otlp, *_saved_otlp()]),
        _protobuf("otlp traces protobuf", _exports(PROTOBUF, TRACES), exports),
        Target("otlp traces gzip", zipped, _exports(PROTOBUF, TRACES, zipped=True), messages=messages, zipped=True),
        _json("otlp logs json", _exports(JSON, LOGS), [_logs()]),
        _protobuf("otlp logs protobuf", _exports(PROTOBUF, LOGS), [_encoded(_logs())]),
        _protobuf("tempo protobuf", _store(tempo, [b"v2 protobuf"]), answers),
        _json("tempo json", _store(tempo, [b"json"]), [{"trace": _in_base64(otlp[0]), "status": "PARTIAL"}]),
        _json("jaeger", _store(jaeger), [{"result": document} for document in otlp]),
        _json("langfuse v2", _store(langfuse, [b"v2"]), pages),
        _json("langfuse v3", _store(langfuse, [b"v3"]), traces),
        _json("langsmith v2", _store(langsmith), [{"items": part} for part in _parts(runs)]),
        _json("langsmith legacy", _store(langsmith), older),
        _json("phoenix", _store(phoenix), _phoenix()),
        _json("mlflow", _store(mlflow), _mlflow()),
    ]


def _saved_otlp() -> list[Any]:
    names = ("instrumented/openai-agents.json", "instrumented/openai-oi.json", "instrumented/pydantic-ai.json")
    found = _saved(*names, "instrumented/openai-v2.json", "otlp_openinference.json")
    for document in found:
        for group in document["resourceSpans"]:
            for scope in group["scopeSpans"]:
                scope["spans"] = _few(scope["spans"], 3)
    return found


def _length(body: bytes) -> bytes:
    found = bytearray()
    number = len(body)
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
