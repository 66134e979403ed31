"""What refund-bot records: OTLP/HTTP, protobuf and gzip, with GenAI attributes."""

import json

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import TracerProvider

from sandbox.agent.model import NEWER, OLDER
from sandbox.ofrep_stub import OfrepStub
from tests.sandbox.agent.conftest import Ask
from tests.sandbox.agent.pullcord_sink import PullcordSink, attributes


def test_a_run_is_one_trace_with_a_span_for_every_step(
    ask: Ask, pullcord: PullcordSink, traces: TracerProvider
) -> None:
    """The root is the agent; every other span hangs below it."""
    report = ask()
    traces.force_flush()
    spans = pullcord.trace(report.trace_id)
    root, *others = spans
    assert root.name == "invoke_agent refund-bot"
    assert root.parent_span_id == b""
    known = {span.span_id for span in spans}
    assert all(span.parent_span_id in known for span in others)
    kinds = [attributes(span)["gen_ai.operation.name"] for span in spans]
    assert {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)} == {
        "invoke_agent": 1,
        "retrieval": 1,
        "plan": 2,
        "chat": 9,
        "execute_tool": 12,
    }
    assert pullcord.resources[0]["service.name"] == "refund-bot"
    assert pullcord.refused == []


def test_a_model_call_shows_prompt_tools_parameters_and_both_model_names_but_no_seed(
    ask: Ask, pullcord: PullcordSink, traces: TracerProvider
) -> None:
    """The seed is left out on purpose: the gap should show."""
    report = ask()
    traces.force_flush()
    chats = [span for span in pullcord.trace(report.trace_id) if span.name == "chat gpt-x"]
    first, last = attributes(chats[0]), attributes(chats[-1])
    assert (first["gen_ai.request.model"], first["gen_ai.response.model"]) == ("gpt-x", NEWER)
    assert first["gen_ai.request.temperature"] == 0.7
    assert not any("seed" in name for span in chats for name in attributes(span))
    assert "refunds@v2#1" in json.loads(first["gen_ai.system_instructions"])[0]["content"]
    assert json.loads(first["gen_ai.input.messages"])[0]["role"] == "user"
    assert len(json.loads(first["gen_ai.tool.definitions"])) == 9
    called = json.loads(first["gen_ai.output.messages"])[0]["parts"][-1]
    assert (called["type"], called["name"]) == ("tool_call", "get_customer")
    assert first["gen_ai.response.finish_reasons"] == ["tool_calls"]
    assert last["gen_ai.response.finish_reasons"] == ["stop"]
    answered = [part for message in json.loads(last["gen_ai.input.messages"]) for part in message["parts"]]
    assert {part["type"] for part in answered} == {"text", "tool_call", "tool_call_response"}


def test_tool_spans_tell_applied_failed_and_unknown_apart(
    ask: Ask, pullcord: PullcordSink, traces: TracerProvider
) -> None:
    """Applied: a result. Failed: a result with an error. Unknown: an error and no result."""
    report = ask()
    traces.force_flush()
    tools: dict[str, list[Span]] = {}
    for span in pullcord.trace(report.trace_id):
        if span.name.startswith("execute_tool"):
            tools.setdefault(attributes(span)["gen_ai.tool.name"], []).append(span)
    refunds = [attributes(span) for span in tools["issue_refund"]]
    results = [json.loads(refund["gen_ai.tool.call.result"]) for refund in refunds]
    assert ["error" in result for result in results] == [True, True, False, True]
    assert [refund.get("error.type") for refund in refunds] == ["422", "422", None, "409"]
    assert json.loads(refunds[2]["gen_ai.tool.call.arguments"])["amount_minor"] == 42_000
    (coupon,) = tools["apply_coupon"]
    assert attributes(coupon)["error.type"] == "timeout"
    assert "gen_ai.tool.call.result" not in attributes(coupon)
    assert coupon.status.code == Status.STATUS_CODE_ERROR
    ids = [attributes(span)["gen_ai.tool.call.id"] for spans in tools.values() for span in spans]
    assert len(set(ids)) == len(ids)


def test_a_denied_tool_and_a_missing_model_leave_an_error_on_their_spans(
    ask: Ask, pullcord: PullcordSink, control: OfrepStub, traces: TracerProvider
) -> None:
    """What Pullcord caused can be seen in the next run."""
    control.restrain("agent.model", OLDER)
    control.restrain("agent.tools.denied", {"tools": ["issue_refund"]}, by="@lee")
    denied = ask()
    control.restrain("agent.model", "gone")
    failed = ask()
    traces.force_flush()
    refund = next(s for s in pullcord.trace(denied.trace_id) if s.name == "execute_tool issue_refund")
    assert attributes(refund)["error.type"] == "tool_denied"
    root = pullcord.trace(failed.trace_id)[0]
    assert root.status.code == Status.STATUS_CODE_ERROR
    assert attributes(root)["error.type"] == "model_not_found"


def test_a_run_does_not_wait_for_a_recorder_that_is_away(
    ask: Ask, pullcord: PullcordSink, traces: TracerProvider
) -> None:
    """Spans leave in the background."""
    control = pullcord.control
    pullcord.close()
    assert ask().status == "completed"
    assert control.requests == []
