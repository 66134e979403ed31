"""A short run of the fuzzer in every ``make test``; ``python -m tests.fuzz.run`` is the long one."""

import math
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from bot.domain.span import SpanRecord
from bot.errors import PullcordError
from bot.recorder.normalise import normalise
from tests.fuzz.run import fuzz, made
from tests.fuzz.targets import Target, targets
from tests.fuzz.wire import unwire, wire

TARGETS = targets()
SECONDS = 0.8
INPUTS = 300
by_name = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@by_name
def test_every_good_input_is_read(target: Target) -> None:
    """A fuzzer whose inputs are refused at the door proves nothing."""
    assert [target.run(body) > 0 for body in target.bodies] == [True] * len(target.bodies)


@by_name
def test_bad_inputs_are_read_or_refused_in_words(target: Target) -> None:
    """Mutations of good inputs: bytes, JSON trees, protobuf messages. What is read goes through all that follows."""
    outcome = fuzz(target, seed=7, first=0, last=INPUTS, until=time.monotonic() + SECONDS)
    assert outcome.fallen == []
    assert outcome.inputs > 20


def test_an_input_can_be_made_again_from_its_number() -> None:
    """That is how a failure is looked at."""
    for target in TARGETS:
        assert [made(target, 1, number) for number in range(20)] == [made(target, 1, number) for number in range(20)]


def test_a_protobuf_message_comes_back_as_it_was() -> None:
    """The mutator takes apart and puts together without loss."""
    for target in TARGETS:
        for body in target.bodies:
            read = wire(body) if target.messages and not target.zipped else None
            assert read is None or unwire(read) == body


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        *(
            "data",
            "meta",
            "cursor",
            "items",
            "runs",
            "trace",
            "spans",
            "result",
            "resourceSpans",
            "scopeSpans",
            "error",
        ),
        *("observations", "metadata", "scores", "id", "type", "input", "output", "level", "parentObservationId"),
        *("inputs", "outputs", "extra", "messages", "choices", "generations", "documents", "run_type", "status"),
        *("attributes", "events", "context", "span_id", "trace_id", "start_time", "startTime", "kwargs", "lc"),
    ]
)
STORE_JSON = st.recursive(
    JSON | st.sampled_from(["GENERATION", "TOOL", "RETRIEVER", "llm", "tool", "retriever", "a" * 16, "5" * 32]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(answer=st.dictionaries(KEYS, STORE_JSON, max_size=6))
def test_any_json_is_read_or_refused_by_every_store(answer: dict[str, Any]) -> None:
    """Not only mutations of what is right."""
    body = to_json(answer, inf_nan_mode="constants")
    for target in TARGETS:
        if target.trees:
            with suppress(PullcordError):
                target.run(body)


ATTRIBUTES = st.sampled_from(
    [
        *("gen_ai.operation.name", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.definitions"),
        *("gen_ai.tool.name", "gen_ai.tool.call.id", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"),
        *("gen_ai.retrieval.documents", "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens", "error.type"),
        *("openinference.span.kind", "input.value", "output.value", "llm.invocation_parameters", "tool.parameters"),
        *(
            "mcp.method.name",
            "llm.input_messages.0.message.role",
            "llm.input_messages.0.message.tool_calls.1.tool_call.function.name",
        ),
        *(
            "retrieval.documents.0.document.score",
            "llm.tools.0.tool.json_schema",
            "ai.toolCall.args",
            "mcp.method.name",
        ),
        *("gcp.vertex.agent.llm_request", "gen_ai.prompt.0.content", "traceloop.entity.input", "mlflow.spanInputs"),
    ]
)
OPERATIONS = st.sampled_from(["chat", "execute_tool", "retrieval", "invoke_agent", "plan", "LLM", "TOOL", "RETRIEVER"])


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    held=st.lists(st.dictionaries(ATTRIBUTES, OPERATIONS | JSON.filter(_finite), max_size=6), min_size=1, max_size=5),
    parents=st.lists(st.integers(0, 6), min_size=5, max_size=5),
)
def test_any_attributes_make_a_run(held: list[dict[str, Any]], parents: list[int]) -> None:
    """The normaliser raises nothing, whatever known names hold and whoever is whose parent."""
    spans = [
        SpanRecord(
            trace_id="5" * 32,
            span_id=f"{number + 1:016x}",
            parent_id=f"{parents[number]:016x}" if parents[number] else None,
            start_ns=number * 10,
            end_ns=number * 10 + parents[number],
            attributes=attributes,
        )
        for number, attributes in enumerate(held)
    ]
    run = normalise(spans)
    assert type(run).model_validate_json(run.model_dump_json()) == run
