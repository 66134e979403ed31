"""MLflow: its traces as they were sent to it, from servers of today and from those before ``traces/get``."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, Refused
from bot.recorder.limits import Limits
from bot.recorder.normalise import normalise
from bot.recorder.otlp import parse_export
from handlers.traces.mlflow import mlflow
from tests.handlers.traces.talking import answered, fetched, pinged, ref_of, settings_of
from tests.support.trace_stores import Asked, Told, loopback_store, told

TRACE = "ab" * 16
REF = TraceRef(trace_id=TRACE)
SHARED = Path(__file__).parents[4] / "shared" / "data" / "traces"
GONE = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Trace is not found."}
NO_SUCH_PATH = {"error_code": "ENDPOINT_NOT_FOUND", "message": "nothing here"}


def in_base64(hex_id: str) -> str:
    """As protobuf's own JSON writes bytes."""
    return base64.b64encode(bytes.fromhex(hex_id)).decode()


def span(number: int, **changes: Any) -> dict[str, Any]:
    """One span as ``traces/get`` writes it."""
    return {
        "trace_id": in_base64(TRACE),
        "span_id": in_base64(f"{number:016x}"),
        **({} if number == 1 else {"parent_span_id": in_base64(f"{1:016x}")}),
        "name": f"step {number}",
        "start_time_unix_nano": 1795339599836421031,
        "end_time_unix_nano": "1795339599837112970",
        "attributes": [
            {"key": "tool.name", "value": {"string_value": "issue_refund"}},
            {"key": "many", "value": {"array_value": {"values": [{"int_value": "7"}, {"bool_value": True}, {}]}}},
            {"key": "deep", "value": {"kvlist_value": {"values": [{"key": "a", "value": {"double_value": 0.5}}]}}},
        ],
        "status": {"code": "STATUS_CODE_ERROR", "message": "no"},
        "events": [
            {
                "name": "e",
                "time_unix_nano": 1795339599837000000,
                "attributes": [{"key": "r", "value": {"string_value": "x"}}],
            }
        ],
        **changes,
    }


def trace(*spans: dict[str, Any], state: str = "ERROR") -> dict[str, Any]:
    """What ``traces/get`` answers."""
    info = {"trace_id": f"tr-{TRACE}", "state": state, "tags": {"service.name": "refund-agent", "mlflow.x": "y"}}
    return {"trace": {"trace_info": info, "spans": list(spans)}}


async def test_a_run_is_read_with_hex_ids_values_and_the_resource() -> None:
    """MLflow writes ids in base64 and keeps the resource as tags; its own tags are none."""
    async with loopback_store(lambda _: told(trace(span(1), span(2)))) as store:
        found = await fetched(mlflow, store.url, REF)
        (asked,) = store.asked
    assert asked.query == {"trace_id": [f"tr-{TRACE}"], "allow_partial": ["true"]}
    assert found is not None
    assert found.partial is None
    first, second = found.spans
    assert (first.trace_id, first.span_id, first.parent_id) == (TRACE, f"{1:016x}", None)
    assert second.parent_id == first.span_id
    assert first.attributes == {"tool.name": "issue_refund", "many": [7, True, None], "deep": {"a": 0.5}}
    assert (first.start_ns, first.end_ns, first.status) == (1795339599836421031, 1795339599837112970, "error")
    assert first.events[0].attributes == {"r": "x"}
    assert first.resource == {"service.name": "refund-agent"}


async def test_a_trace_in_progress_is_said_to_be_partial() -> None:
    """What is shown may not be all of it."""
    async with loopback_store(lambda _: told(trace(span(1), state="IN_PROGRESS"))) as store:
        found = await fetched(mlflow, store.url, REF)
    assert found is not None
    assert found.partial == "it is still in progress there"


async def test_a_trace_that_is_not_there_is_none_and_what_is_no_mlflow_is_said() -> None:
    """Two kinds of 404."""
    async with loopback_store(lambda _: told(GONE, 404)) as store:
        assert await fetched(mlflow, store.url, REF) is None
        store.answer = lambda _: Told(404, b"<html>")
        with pytest.raises(ActionFailed, match="is no MLflow"):
            await fetched(mlflow, store.url, REF)
        with pytest.raises(ActionFailed, match="is no MLflow"):
            await pinged(mlflow, store.url)
        store.answer = lambda _: told({"traces": []})
        with pytest.raises(Refused, match="holds no trace"):
            await fetched(mlflow, store.url, REF)


@pytest.mark.parametrize("info", [True, False])
async def test_a_server_before_traces_get_is_read_by_its_artifact(info: bool) -> None:
    """Attributes are JSON texts there; an id may be another than the trace's; the tags stand in the trace's info."""
    artifact = {
        "spans": [
            {
                "name": "issue_refund",
                "context": {"span_id": f"0x{1:016x}", "trace_id": "0x" + "cd" * 16},
                "parent_id": None,
                "start_time": 1795339599836421031,
                "end_time": 1795339599837112970,
                "status_code": "OK",
                "status_message": "",
                "attributes": {"mlflow.spanType": '"TOOL"', "plain": "text", "n": "1e999"},
                "events": [{"name": "e", "timestamp": 1795339599837000000, "attributes": {"r": "1"}}],
            }
        ]
    }

    def answer(asked: Asked) -> Told:
        if asked.path == "/api/3.0/mlflow/traces/get":
            return told(NO_SUCH_PATH, 404)
        if asked.path == f"/api/3.0/mlflow/traces/tr-{TRACE}":
            return told(trace()) if info else told(NO_SUCH_PATH, 404)
        if asked.path == "/ajax-api/2.0/mlflow/get-trace-artifact":
            return told(artifact)
        return told(NO_SUCH_PATH, 404)

    async with loopback_store(answer) as store:
        found = await fetched(mlflow, store.url, REF)
    assert found is not None
    (only,) = found.spans
    assert (only.trace_id, only.span_id, only.status) == (TRACE, f"{1:016x}", "ok")
    assert only.attributes == {"mlflow.spanType": "TOOL", "plain": "text", "n": "1e999"}
    assert only.events[0].attributes == {"r": "1"}
    assert only.resource == ({"service.name": "refund-agent"} if info else {})


async def test_a_trace_whose_spans_are_only_in_the_artifact_is_read_from_there() -> None:
    """The info alone would be an empty run."""

    def answer(asked: Asked) -> Told:
        if asked.path.endswith("traces/get"):
            return told(trace())
        return told({"spans": [span(1, attributes={"tool.name": '"issue_refund"'})]})

    async with loopback_store(answer) as store:
        found = await fetched(mlflow, store.url, REF)
    assert found is not None
    assert [s.attributes for s in found.spans] == [{"tool.name": "issue_refund"}]
    assert found.spans[0].resource == {"service.name": "refund-agent"}


async def test_each_way_to_sign_in_is_sent() -> None:
    """A bearer token, or a user with a password; a workspace where there are any."""
    async with loopback_store(lambda _: told(trace(span(1)))) as store:
        await answered(mlflow, store.url, REF, token=SecretStr("t" * 20), workspace="team")
        await answered(mlflow, store.url, REF, username="bot", password=SecretStr("pä:ss"))
        first, second = (asked.headers for asked in store.asked)
    assert (first["authorization"], first["x-mlflow-workspace"]) == ("Bearer " + "t" * 20, "team")
    assert base64.b64decode(second["authorization"].removeprefix("Basic ")).decode() == "bot:pä:ss"


@pytest.mark.parametrize(
    "options",
    [
        {"username": "bot"},
        {"password": SecretStr("x")},
        {"username": "b", "password": SecretStr("x"), "token": SecretStr("t")},
    ],
)
def test_half_or_double_credentials_are_refused(options: dict[str, Any]) -> None:
    """Found at the start, not at three in the morning."""
    with pytest.raises(ValidationError):
        settings_of(mlflow, "http://mlflow.example", **options)


async def test_a_native_id_is_asked_for_as_it_is() -> None:
    """From a link whose id is no trace id."""
    ref = ref_of(mlflow, "https://m.example/#/experiments/0/traces?selectedEvaluationId=req-77", "https://m.example")
    assert ref is not None
    assert ref.native == "req-77"
    async with loopback_store(lambda _: told(GONE, 404)) as store:
        await fetched(mlflow, store.url, ref)
        assert store.asked[0].query["trace_id"] == ["req-77"]


@pytest.mark.parametrize(
    ("link", "trace"),
    [
        (f"https://m.example/#/experiments/0/traces?selectedEvaluationId=tr-{TRACE}", TRACE),
        (f"https://m.example/#/experiments/0/traces?x=1&selectedEvaluationId=tr-{TRACE}&y=2", TRACE),
        (f"https://m.example/?workspace=a#/experiments/0/traces?selectedEvaluationId=tr-{TRACE}", TRACE),
        (f"https://m.example/experiments/0/traces?selectedTraceId=tr-{TRACE}", TRACE),
        (f"https://m.example/#/experiments/0/traces?other=tr-{TRACE}", None),
        (f"https://evil.test/#/experiments/0/traces?selectedEvaluationId=tr-{TRACE}", None),
        (f"https://m.example@evil.test/#/experiments/0/traces?selectedEvaluationId=tr-{TRACE}", None),
        (f"http://m.example/#/experiments/0/traces?selectedEvaluationId=tr-{TRACE}", None),
        ("https://m.example/#/experiments/0/traces?selectedEvaluationId=", None),
    ],
)
def test_only_links_into_the_configured_address_name_a_run(link: str, trace: str | None) -> None:
    """MLflow's own path follows the ``#``."""
    found = ref_of(mlflow, link, "https://m.example")
    assert (found.trace_id if found else None) == trace


def test_what_cannot_be_read_is_left_out_and_said() -> None:
    """One bad span does not hide the others."""
    spans = [
        span(1),
        span(2, span_id="???"),
        span(3, trace_id=in_base64("cd" * 16)),
        span(4, attributes=[{"key": "a", "value": 7}]),
    ]
    found = mlflow.read([json.dumps(trace(*spans)).encode()], REF)
    assert len(found.spans) == 1
    assert "2 of its spans could not be read" in (found.partial or "")
    assert "1 of its spans are of another trace" in (found.partial or "")


@pytest.mark.skipif(not SHARED.exists(), reason="the recorded answers are not beside this checkout")
@pytest.mark.parametrize("name", ["genai", "openinference", "both"])
def test_a_recorded_answer_is_the_run_as_it_was_exported(name: str) -> None:
    """Without loss; by the artifact without the resource, which stands beside it in the trace's info."""
    exported = normalise(
        parse_export((SHARED / f"otlp_{name}.json").read_bytes(), "application/json", limits=Limits()).spans
    )
    ref = TraceRef(trace_id=exported.trace_id)
    whole = (SHARED / "mlflow" / f"trace_get_{name}.json").read_bytes()
    info = (SHARED / "mlflow" / f"traceinfo_{name}.json").read_bytes()
    artifact = (SHARED / "mlflow" / f"artifact_{name}.json").read_bytes()
    for answers in ([whole], [info, artifact]):
        run = normalise(mlflow.read(answers, ref).spans)
        drop = {"gaps", "capture", "instrumentations"}
        assert run.model_dump(exclude=drop) == exported.model_dump(exclude=drop)
