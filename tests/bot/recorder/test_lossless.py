import base64
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from bot.domain.run import Run
from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.recorder.normalise import normalise
from bot.recorder.otlp import JSON, PROTOBUF, parse_export
from handlers.traces import mlflow as mlflow_store
from handlers.traces import phoenix as phoenix_store
from tests.bot.recorder.samples import SHARED, shared
from tests.support import said

OTLP = [
    *(f"traces/{path.name}" for path in sorted((SHARED / "traces").glob("otlp_*.pb"))),
    *(f"traces/{path.name}" for path in sorted((SHARED / "traces").glob("otlp_*.json")) if "headers" not in path.name),
    *(f"traces/instrumented/{path.name}" for path in sorted((SHARED / "traces" / "instrumented").glob("*.*"))),
    *(f"runs/otlp/{path.name}" for path in sorted((SHARED / "runs" / "otlp").glob("*.json"))),
]
STORES = [
    ("phoenix", "spans_genai.json"),
    ("phoenix", "spans_openinference.json"),
    ("phoenix", "spans_both.json"),
    ("mlflow", "trace_get_genai.json"),
    ("mlflow", "trace_get_openinference.json"),
    ("mlflow", "trace_get_both.json"),
]
WALKS: dict[str, Callable[[bytes], list[said.RawSpan]]] = {
    ".json": said.otlp_json,
    ".pb": said.otlp_protobuf,
    "phoenix": said.phoenix,
    "mlflow": said.mlflow,
}


def check(raw: Iterable[said.RawSpan], run: Run) -> None:
    """The run says what the source's spans say, and there was something to say."""
    spans = list(raw)
    assert spans
    assert len(run.steps) == len(spans)
    assert said.differences(spans, run) == []


@pytest.mark.parametrize("name", OTLP or ["traces/otlp_genai.pb"])
def test_every_sample_reads_without_loss(name: str) -> None:
    """Messages, tool calls and documents of the run are those of the source's spans: none lost, none twice."""
    path = shared(*Path(name).parts)
    body = path.read_bytes()
    spans = parse_export(body, JSON if path.suffix == ".json" else PROTOBUF).spans
    check(WALKS[path.suffix](body), normalise(spans))


@pytest.mark.parametrize(("store", "name"), STORES)
def test_what_a_store_gives_back_reads_without_loss(store: str, name: str) -> None:
    """The same scenario read back from Phoenix and MLflow, with what each adds, moves and unpacks."""
    body = shared("traces", store, name).read_bytes()
    check(WALKS[store](body), normalise(fetched(store, body)))


@pytest.mark.parametrize("dialect", ["genai", "openinference", "both"])
def test_a_run_is_the_same_from_the_wire_and_from_a_store(dialect: str) -> None:
    """What was asked, answered and done does not depend on where the run was read."""
    wire = normalise(parse_export(shared("traces", f"otlp_{dialect}.pb").read_bytes(), PROTOBUF).spans)
    for store, name in (("phoenix", f"spans_{dialect}.json"), ("mlflow", f"trace_get_{dialect}.json")):
        run = normalise(fetched(store, shared("traces", store, name).read_bytes()))
        assert (run.agent, run.model_requested, run.model_served, run.parameters) == (
            wire.agent, wire.model_requested, wire.model_served, wire.parameters,
        )  # fmt: skip
        assert [(c.name, c.call_id, c.arguments, c.result) for c in run.tool_calls] == [
            (c.name, c.call_id, c.arguments, c.result) for c in wire.tool_calls
        ]
        assert [call.tools_offered for call in run.model_calls] == [call.tools_offered for call in wire.model_calls]
        assert [(c.input, c.output) for c in run.model_calls] == [(c.input, c.output) for c in wire.model_calls]


def fetched(store: str, body: bytes) -> tuple[SpanRecord, ...]:
    """The spans that the store's own reader makes of its answer."""
    told = json.loads(body)
    if store == "phoenix":
        ref = TraceRef(trace_id=told["data"][0]["context"]["trace_id"])
        return phoenix_store.read([body], ref).spans
    native = told["trace"]["trace_info"]["trace_id"]
    assert base64.b64decode(told["trace"]["spans"][0]["trace_id"]).hex() == native.removeprefix("tr-")
    return mlflow_store.read([body], TraceRef(trace_id=native.removeprefix("tr-"), native=native)).spans


def test_the_walk_sees_a_loss() -> None:
    """The comparison itself: a run without one message, or with a call twice, is found out."""
    body = shared("traces", "otlp_genai.json").read_bytes()
    run = normalise(parse_export(body, JSON).spans)
    first = run.model_calls[0]
    cut = first.model_copy(update={"input": first.input[1:]})
    assert said.differences(said.otlp_json(body), run.model_copy(update={"model_calls": (cut, *run.model_calls[1:])}))
    twice = run.model_copy(update={"tool_calls": (*run.tool_calls, run.tool_calls[0])})
    assert said.differences(said.otlp_json(body), twice)
