import json
import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.run import UNRECORDED_TOOL, Completeness, Executed, Run, RunStatus, StepKind
from bot.errors import Refused
from bot.recorder.lenient import structured
from bot.recorder.normalise import normalise
from bot.recorder.otlp import PROTOBUF, parse_export
from tests.bot.recorder.samples import chat, root, shared, span, tool

CALLS = ["lookup_order", "issue_refund", "send_email"]


def sample(name: str) -> Run:
    """The run in one of the shared samples."""
    return normalise(parse_export(shared("traces", f"{name}.pb").read_bytes(), PROTOBUF).spans)


@pytest.mark.parametrize("dialect", ["genai", "openinference", "both"])
def test_one_scenario_reads_the_same_in_every_dialect(dialect: str) -> None:
    """GenAI, OpenInference, and both on one span: the same calls, models, documents and failure."""
    run = sample(f"otlp_{dialect}")
    assert (run.agent, run.service, run.service_version, run.environment) == (
        "refund-agent", "refund-agent", "2026.11.3", "prod",
    )  # fmt: skip
    assert (run.status, run.completeness) == (RunStatus.ERROR, Completeness.COMPLETE)
    assert run.error is not None
    assert run.error.message == "refund 8400 exceeds order total 4200"
    assert (run.model_requested, run.model_served) == ("gpt-4.1", "gpt-4.1-2025-04-14")
    assert run.parameters == {"temperature": 0.7, "top_p": 0.95, "seed": 1234, "max_tokens": 512}
    assert [call.name for call in run.tool_calls] == CALLS
    assert [call.call_id for call in run.tool_calls] == ["call_1", "call_2", "call_3"]
    assert run.tool_calls[1].arguments == {"order_id": "A-1009", "amount_cents": 8400}
    assert run.tool_calls[1].result == {"refund_id": "re_77", "status": "succeeded", "amount_cents": 8400}
    assert all(call.executed is Executed.YES and call.agent == "refund-agent" for call in run.tool_calls)
    [retrieval] = run.retrievals
    assert retrieval.query == "refund damaged order"
    assert [document.id for document in retrieval.documents or ()] == ["kb/refund-policy@v7#3", "kb/refund-policy@v2#1"]
    assert [tool.name for tool in run.model_calls[0].tools_offered] == CALLS
    assert StepKind.PLAN in {step.kind for step in run.steps}


@pytest.mark.parametrize(
    ("name", "served", "gaps"),
    [
        ("pydantic-ai", "gpt-4.1-2025-04-14", {"fingerprint"}),
        ("pydantic-ai-oi", "gpt-4.1-2025-04-14", {"fingerprint"}),
        ("openai-v2", "gpt-4.1-2025-04-14", {"tools_offered", "tool_span"}),
        ("openai-oi", "gpt-4.1-2025-04-14", {"tool_span"}),
        ("openai-agents", None, {"model_served", "seed", "fingerprint", "tools_offered"}),
    ],
)
def test_real_instrumentations_are_read_and_their_gaps_named(name: str, served: str | None, gaps: set[str]) -> None:
    """Each recorded instrumentation: three calls, the models as far as recorded, and what is missing."""
    run = sample(f"instrumented/{name}")
    assert run.model_requested == "gpt-4.1"
    assert run.model_served == served
    assert [call.name for call in run.tool_calls] == CALLS
    assert run.tool_calls[1].arguments == {"order_id": "A-1009", "amount_cents": 8400}
    assert all(call.result_recorded and call.call_id for call in run.tool_calls)
    assert {gap.field for gap in run.gaps} == gaps
    assert all(gap.hint for gap in run.gaps)


def test_an_instrumentation_that_records_no_content_never_looks_like_a_run_without_effects() -> None:
    """openai-v2 by default keeps neither prompt nor answer: the finish reasons still say that tools were asked for."""
    run = sample("instrumented/openai-v2-defaults")
    assert [(call.name, call.executed) for call in run.tool_calls] == [(UNRECORDED_TOOL, Executed.UNKNOWN)] * 3
    hints = {gap.field: gap.hint for gap in run.gaps}
    assert {"prompt", "output", "tool_calls"} <= set(hints)
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY" in hints["prompt"]


def test_the_first_generation_is_read_from_events_and_from_flattened_attributes() -> None:
    """Up to 1.36: ``gen_ai.system``, messages as span events; and the flattened form of other libraries."""
    call = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": '{"amount": 5}'}}
    events = [
        {"name": "gen_ai.user.message", "attributes": {"content": "hi"}},
        {"name": "gen_ai.choice", "attributes": {"message": json.dumps({"tool_calls": [call]}), "index": 0}},
    ]
    attributes = {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-x"}
    first = normalise([root(), span(2, attributes=attributes, events=events)])
    flat = {
        **attributes,
        "gen_ai.prompt.0.role": "user",
        "gen_ai.prompt.0.content": "hi",
        "gen_ai.completion.0.tool_calls.0.id": "c1",
        "gen_ai.completion.0.tool_calls.0.name": "pay",
        "gen_ai.completion.0.tool_calls.0.arguments": '{"amount": 5}',
    }
    second = normalise([root(), span(2, attributes=flat)])
    for run in (first, second):
        [model] = run.model_calls
        assert (model.provider, model.model_requested, model.input[0].text) == ("openai", "gpt-x", "hi")
        assert [(c.name, c.call_id, c.arguments) for c in run.tool_calls] == [("pay", "c1", {"amount": 5})]


@pytest.mark.parametrize("value", ["", "unknown", "None", "null"])
def test_what_instrumentations_write_for_nothing_is_nothing(value: str) -> None:
    """A model called ``unknown`` is no model."""
    run = normalise([root(), chat(2, attributes={"gen_ai.request.model": value})])
    assert run.model_requested is None
    assert "model_requested" in {gap.field for gap in run.gaps}


def test_openinference_model_name_alone_is_never_the_served_model() -> None:
    """``llm.model_name`` is the asked one unless the span shows that it came from the answer."""
    alone = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-x"}
    differs = {**alone, "llm.invocation_parameters": '{"model": "gpt-y"}'}
    same = {**alone, "llm.invocation_parameters": '{"model": "gpt-x"}'}
    answer = {**alone, "output.value": '{"model": "gpt-x-2026", "system_fingerprint": "fp_1"}'}
    read = [normalise([root(), span(2, attributes=held)]).model_calls[0] for held in (alone, differs, same, answer)]
    assert [(call.model_requested, call.model_served) for call in read] == [
        ("gpt-x", None), ("gpt-y", "gpt-x"), ("gpt-x", None), (None, "gpt-x-2026"),
    ]  # fmt: skip
    assert read[3].fingerprint == "fp_1"


def test_a_schema_is_not_taken_for_arguments() -> None:
    """``tool.parameters`` may hold the tool's JSON schema; then the arguments are not recorded."""
    schema = {"properties": {"order_id": {"type": "string"}}, "type": "object"}
    held = {"openinference.span.kind": "TOOL", "tool.name": "pay", "tool.parameters": json.dumps(schema)}
    [call] = normalise([root(), span(2, attributes=held)]).tool_calls
    assert (call.arguments, call.arguments_recorded) == (None, False)
    [call] = normalise([root(), span(2, attributes={**held, "input.value": '{"order_id": 1}'})]).tool_calls
    assert call.arguments == {"order_id": 1}


@pytest.mark.parametrize("number", ["1e999", "-1E+400", "1" * 400 + ".0", "1" * 299 + "e99"])
def test_a_number_that_no_float_holds_stays_text(number: str) -> None:
    """The JSON reader makes infinity of it, which no JSON answer can hold; the arguments stay as they were written."""
    written = '{"amount": ' + number + "}"
    assert structured(written) == written
    assert structured('{"amount": 1e30, "big": ' + "1" * 400 + "}") == {"amount": 1e30, "big": int("1" * 400)}


def test_the_order_and_number_of_arrivals_do_not_matter() -> None:
    """Batches come in any order and twice; the later version of a span wins."""
    spans = list(parse_export(shared("traces", "otlp_both.pb").read_bytes(), PROTOBUF).spans)
    expected = normalise(spans)
    half = [s.model_copy(update={"end_ns": 0, "attributes": {}}) for s in spans[:3]]
    mixed = [*half, *spans, *spans]
    random.Random(4).shuffle(mixed)
    assert normalise(mixed) == expected


def test_completeness_says_how_much_is_there() -> None:
    """Whole, with a hole, without a root, and under a remote parent that reports elsewhere."""
    whole = [root(), chat(2), tool(3, "x", parent=2)]
    assert normalise(whole).completeness is Completeness.COMPLETE
    assert normalise([whole[0], whole[2]]).completeness is Completeness.PARTIAL
    missing = normalise(whole[1:])
    assert (missing.completeness, missing.status, missing.ended_at) == (
        Completeness.MISSING_ROOT, RunStatus.UNKNOWN, None,
    )  # fmt: skip
    assert missing.gaps[0].field == "root"
    remote = root().model_copy(update={"parent_id": "f" * 16, "remote_parent": True})
    assert normalise([remote, *whole[1:]]).completeness is Completeness.PARTIAL


def test_parents_in_a_circle_end() -> None:
    """Hostile spans that are each other's parents are read as well."""
    spans = [tool(2, "pay", parent=3), tool(3, "pay", parent=2), tool(4, "pay", parent=4)]
    assert normalise(spans).completeness is Completeness.MISSING_ROOT


def test_no_spans_or_mixed_traces_are_refused() -> None:
    """A run is one trace."""
    with pytest.raises(Refused):
        normalise([])
    with pytest.raises(Refused, match="different traces"):
        normalise([root(), root().model_copy(update={"trace_id": "a" * 32, "span_id": "b" * 16})])


def test_an_exception_event_is_the_error_of_its_step() -> None:
    """Type and message come from ``error.type``, the status, or the exception event."""
    thrown = {"name": "exception", "attributes": {"exception.type": "KeyError", "exception.message": "no order"}}
    run = normalise(
        [root(), tool(2, "pay").model_copy(update={"status": "error"}), span(3, status="error", events=[thrown])]
    )
    errors = [(step.error.type, step.error.message) for step in run.steps if step.error]
    assert errors == [(None, ""), ("KeyError", "no order")]


def test_ten_thousand_spans_are_read_in_seconds_at_most() -> None:
    """About a second of this process; the bound leaves room for a slow machine."""
    spans = [root()]
    for n in range(2, 10_002, 2):
        call = {"id": f"c{n}", "name": "pay", "arguments": {"n": n}}
        spans += [chat(n, call), tool(n + 1, "pay", arguments={"n": n}, result={"ok": True}, call_id=f"c{n}")]
    start = time.process_time()
    run = normalise(spans)
    assert time.process_time() - start < 4
    assert len(run.tool_calls) == 5_000


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "parts",
                    "type",
                    "content",
                    "id",
                    "name",
                    "arguments",
                    "response",
                    "tool_calls",
                    "function",
                    "text",
                    "message",
                    "tool_call",
                    "0",
                    "1",
                    "json_schema",
                    "document",
                    "score",
                    "contents",
                    "tool_call_id",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
NAMES = """
gen_ai.operation.name gen_ai.input.messages gen_ai.output.messages gen_ai.tool.definitions
gen_ai.system_instructions gen_ai.retrieval.documents gen_ai.tool.name gen_ai.tool.call.arguments
gen_ai.tool.call.result gen_ai.response.finish_reasons gen_ai.usage.input_tokens gen_ai.prompt.0.role
gen_ai.prompt.0 gen_ai.completion.0.tool_calls openinference.span.kind llm.input_messages.0.message.role
llm.input_messages.0.message llm.output_messages.0.message.tool_calls llm.tools.0.tool.json_schema
llm.invocation_parameters output.value input.value retrieval.documents.0.document.score tool.parameters
mcp.method.name error.type gen_ai.agent.name
"""
names = st.sampled_from(NAMES.split())
kinds = st.sampled_from(
    ["chat", "execute_tool", "retrieval", "invoke_agent", "plan", "LLM", "TOOL", "RETRIEVER", "CHAIN"]
)


@given(
    held=st.lists(st.dictionaries(names, values | values.map(json.dumps) | kinds, max_size=8), min_size=1, max_size=5),
    parents=st.lists(st.integers(1, 6), min_size=5, max_size=5),
)
def test_any_attributes_make_a_run(held: list[dict[str, Any]], parents: list[int]) -> None:
    """Whatever instrumentations write, reading never fails."""
    run = normalise([span(n, parents[n - 1], attributes=attributes) for n, attributes in enumerate(held, 1)])
    assert Run.model_validate_json(run.model_dump_json()) == run
