"""What is fuzzed: each reader of the recorder with its good inputs, and all that is done with what it read."""

import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
from tests.fuzz.samples import (
    DATA,
    TRACE,
    encoded,
    in_base64,
    length,
    load,
    mlflow_answers,
    otlp_logs,
    otlp_traces,
    parts,
    phoenix_answers,
    saved_otlp,
)
from tests.fuzz.wire import Fields, wire

LIMITS = Limits(body=200_000, inflated=400_000, spans=500)
_NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
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
        run = normalise([fit(span, LIMITS) for span in held])
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
    beside = () if signal is TRACES else parse_export(json.dumps(otlp_traces(4)).encode(), JSON, limits=LIMITS).spans

    def run(body: bytes) -> int:
        export = parse_export(body, kind, "gzip" if zipped else "", LIMITS, signal)
        use([*beside, *export.spans], whole=len(body) % _WHOLE_EVERY == 0)
        return len(export.spans)

    return run


def _store(source: TraceSource, head: Sequence[bytes] = (), trace: str = TRACE) -> Callable[[bytes], int]:
    ref = TraceRef(trace_id=trace)

    def run(body: bytes) -> int:
        fetched = source.read([*head, body], ref)
        json.dumps(fetched.partial)
        return use(fetched.spans, whole=len(body) % _WHOLE_EVERY == 0)

    return run


def _json(name: str, run: Callable[[bytes], int], trees: Iterable[Any]) -> Target:
    held = tuple(trees)
    bodies = tuple(json.dumps(tree).encode() for tree in held)
    return Target(name, bodies, run, trees=held)


def _protobuf(name: str, run: Callable[[bytes], int], bodies: Iterable[bytes]) -> Target:
    held = tuple(bodies)
    return Target(name, held, run, messages=tuple(message for body in held if (message := wire(body))))


def targets() -> list[Target]:
    """All readers."""
    otlp = [otlp_traces(4), otlp_traces(2)]
    exports = [encoded(document) for document in otlp]
    answers = [b"\x0a" + length(body) + body + b"\x18\x01\x22\x03big" for body in exports]
    observations, runs = load(DATA / "langfuse_observations_v2.json"), load(DATA / "langsmith_runs_v2.json")
    trace, legacy = load(DATA / "langfuse_trace_v3.json"), load(DATA / "langsmith_runs_legacy.json")
    pages = [{"data": part, "meta": {"cursor": "x"}} for part in parts(observations)]
    older = [{"runs": part, "cursors": {"next": None}} for part in parts(legacy)]
    traces = [{**trace, "observations": part} for part in parts(trace["observations"])]
    messages = tuple(message for body in exports if (message := wire(body)))
    zipped = tuple(gzip.compress(body, 1, mtime=0) for body in exports)
    return [
        _json("otlp traces json", _exports(JSON, TRACES), [*otlp, *saved_otlp()]),
        _protobuf("otlp traces protobuf", _exports(PROTOBUF, TRACES), exports),
        Target("otlp traces gzip", zipped, _exports(PROTOBUF, TRACES, zipped=True), messages=messages, zipped=True),
        _json("otlp logs json", _exports(JSON, LOGS), [otlp_logs()]),
        _protobuf("otlp logs protobuf", _exports(PROTOBUF, LOGS), [encoded(otlp_logs())]),
        _protobuf("tempo protobuf", _store(tempo, [b"v2 protobuf"]), answers),
        _json("tempo json", _store(tempo, [b"json"]), [{"trace": in_base64(otlp[0]), "status": "PARTIAL"}]),
        _json("jaeger", _store(jaeger), [{"result": document} for document in otlp]),
        _json("langfuse v2", _store(langfuse, [b"v2"]), pages),
        _json("langfuse v3", _store(langfuse, [b"v3"]), traces),
        _json("langsmith v2", _store(langsmith), [{"items": part} for part in parts(runs)]),
        _json("langsmith legacy", _store(langsmith), older),
        _json("phoenix", _store(phoenix), phoenix_answers()),
        _json("mlflow", _store(mlflow), mlflow_answers()),
    ]
