from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.run import Executed, StepKind
from bot.domain.span import SpanRecord
from bot.recorder.dialects import BUILT_IN
from bot.recorder.normalise import normalise
from tests.bot.recorder import dialect_spans as written
from tests.bot.recorder.dialect_spans import ANSWER, ARGUMENTS, RESULT, USER
from tests.bot.recorder.samples import root, span, tool

Scenario = Callable[[], list[SpanRecord]]
SCENARIOS: list[Scenario] = [
    written.vercel_ai,
    written.google_adk,
    written.pydantic_ai,
    written.any_agent,
    written.traceloop,
    written.mlflow,
    written.log_events,
]
ASKED_ONCE = {written.any_agent}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_run_reads_the_same_whoever_wrote_it(scenario: Scenario) -> None:
    """The same question, tool call, result and answer, each once, from what each instrumentation writes."""
    run = normalise(scenario())
    assert run.agent == "refund-bot"
    first, second = run.model_calls
    assert [m.text for m in first.input if m.role == "user"] == [USER]
    assert [m.text for m in second.output] == [ANSWER]
    [asked] = [part for message in first.output for part in message.parts]
    assert (asked.kind, asked.name, asked.arguments) == ("tool_call", "refund", ARGUMENTS)
    [call] = run.tool_calls
    assert (call.name, call.arguments, call.result) == ("refund", ARGUMENTS, RESULT)
    assert (call.executed, call.agent) == (Executed.YES, "refund-bot")
    assert call.call_id == ("c1" if scenario is not written.any_agent else None)
    assert run.exchanges == ()
    assert [step.kind for step in run.steps][:4] == [StepKind.AGENT, StepKind.MODEL, StepKind.TOOL, StepKind.MODEL]
    assert not run.notes


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s not in ASKED_ONCE])
def test_the_prompt_with_the_tools_result_is_kept(scenario: Scenario) -> None:
    """The second prompt repeats question, call and result, in that order."""
    second = normalise(scenario()).model_calls[1]
    parts = [part for message in second.input if message.role != "system" for part in message.parts]
    assert [part.kind for part in parts] == ["text", "tool_call", "tool_result"]
    assert (parts[1].arguments, parts[2].result, parts[2].call_id) == (ARGUMENTS, RESULT, "c1")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_system_prompt_is_kept_once(scenario: Scenario) -> None:
    """As a system text or as the first message, never as both."""
    first = normalise(scenario()).model_calls[0]
    texts = [*first.system, *(m.text for m in first.input if m.role == "system")]
    assert texts == ["Be fair."]


@pytest.mark.parametrize(
    ("scenario", "requested", "served", "parameters"),
    [
        (written.vercel_ai, "gpt-x", "gpt-x-2026", {"temperature": 0.5, "seed": 7}),
        (written.google_adk, "gemini-x", "gemini-x-002", {"temperature": 0.5, "seed": 7}),
        (written.pydantic_ai, "gpt-x", "gpt-x-2026", {"temperature": 0.5, "seed": 7}),
        (written.any_agent, "gpt-x", None, {}),
        (written.traceloop, "gpt-x", "gpt-x-2026", {"temperature": 0.5}),
        (written.mlflow, "gpt-x", "gpt-x-2026", {"temperature": 0.5, "seed": 7}),
    ],
)
def test_models_and_parameters_are_read(
    scenario: Scenario, requested: str, served: str | None, parameters: dict[str, float]
) -> None:
    """The asked and the served model are told apart; the parameters have our names."""
    run = normalise(scenario())
    assert (run.model_requested, run.model_served, run.parameters) == (requested, served, parameters)


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s not in {written.any_agent, written.log_events}])
def test_the_tools_that_were_offered_are_read(scenario: Scenario) -> None:
    """Name and schema, however the definition is wrapped."""
    [offered] = normalise(scenario()).model_calls[0].tools_offered
    assert (offered.name, offered.parameters) == ("refund", written.SCHEMA)


def test_adk_without_content_has_gaps_and_not_empty_arguments() -> None:
    """With capture off it writes empty objects: those are no arguments, and the hint names its variable."""
    scope: dict[str, Any] = {"scope": "gcp.vertex.agent", "scope_version": "1.18.0"}
    off = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "pay"}
    off |= {"gcp.vertex.agent.tool_call_args": {}, "gcp.vertex.agent.tool_response": {}}  # type: ignore[dict-item]
    run = normalise([root(), span(2, attributes=off, **scope)])
    [call] = run.tool_calls
    assert (call.arguments_recorded, call.result_recorded) == (False, False)
    hints = {gap.field: gap.hint for gap in run.gaps}
    assert hints["tool_arguments"] == "google-adk: set ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true"
    none = {**off, "gcp.vertex.agent.tool_call_args": "{}"}
    [call] = normalise([root(), span(2, attributes=none, **scope)]).tool_calls
    assert (call.arguments, call.arguments_recorded) == ({}, True)


@pytest.mark.parametrize(
    ("held", "arguments"),
    [
        ({"input_str": "{'order_id': 'A-1'}", "tags": [], "inputs": {"order_id": "A-1"}}, {"order_id": "A-1"}),
        ({"input_str": "{'order_id': 'A-1'}"}, {"order_id": "A-1"}),
        ({"args": ["A-1"], "kwargs": {"cents": 1}}, {"0": "A-1", "cents": 1}),
        ({"tool_name": "pay", "arguments": {"order_id": "A-1"}}, {"order_id": "A-1"}),
        ({"order_id": "A-1"}, {"order_id": "A-1"}),
    ],
)
def test_traceloop_inputs_are_unwrapped(held: dict[str, object], arguments: object) -> None:
    """A decorated function's, a LangChain tool's and an MCP tool's input."""
    attributes = {"traceloop.span.kind": "tool", "traceloop.entity.name": "pay", "traceloop.entity.input": held}
    [call] = normalise([root(), span(2, attributes=attributes)]).tool_calls
    assert (call.name, call.arguments) == ("pay", arguments)


def test_mcp_spans_of_one_call_are_one_effect_though_the_client_names_the_server() -> None:
    """``mcp__bank__pay`` asked by the model and run by a function, ``pay`` at the MCP client and at the server."""
    mcp = {"mcp.method.name": "tools/call"}
    ask = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    ask["gen_ai.output.messages"] = (
        '[{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "mcp__bank__pay", '
        '"arguments": {"amount": 5}}]}]'
    )
    client = tool(4, "pay", parent=3, at=4.1, lasts=4, arguments={"amount": 5}, **mcp)
    server = tool(5, "pay", parent=4, at=4.2, lasts=3, result={"isError": False, "content": []}, **mcp)
    outer = tool(3, "mcp__bank__pay", at=4, lasts=5, arguments={"amount": 5}, call_id="c1")
    for spans in ([outer, client, server], [client.model_copy(update={"parent_id": "0" * 15 + "1"}), server]):
        [call] = normalise([root(), span(2, attributes=ask), *spans]).tool_calls
        assert (call.via, call.call_id, call.result) == ("mcp", "c1", {"isError": False, "content": []})
    traceloop = {"mcp.method.name": "tools/call", "mcp.request.argument": '{"name": "pay", "arguments": {"amount": 5}}'}
    [call] = normalise([root(), span(2, attributes={**traceloop, "mcp.response.value": "done"})]).tool_calls
    assert (call.name, call.arguments, call.result, call.via) == ("pay", {"amount": 5}, "done", "mcp")


def test_one_model_call_seen_by_two_instrumentations_is_one() -> None:
    """A framework's span round the client's: one call, with what either of them recorded."""
    text = '[{"role": "assistant", "parts": [{"type": "text", "content": "hi"}]}]'
    outer = span(2, lasts=5, attributes={"gen_ai.operation.name": "chat", "gen_ai.output.messages": text})
    held = {"openinference.span.kind": "LLM", "llm.output_messages.0.message.role": "assistant"}
    held |= {"llm.output_messages.0.message.content": "hi", "llm.response.model_name": "m-2026"}
    inner = span(3, 2, attributes=held)
    [call] = normalise([root(), outer, inner]).model_calls
    assert (call.span_id, call.model_served, call.output[0].text) == (outer.span_id, "m-2026", "hi")
    other = span(3, 2, attributes={**held, "llm.output_messages.0.message.content": "no"})
    assert len(normalise([root(), outer, other]).model_calls) == 2
    helper = span(3, 2, attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"})
    below = inner.model_copy(update={"span_id": "0" * 15 + "4", "parent_id": helper.span_id})
    assert len(normalise([root(), outer, helper, below]).model_calls) == 2


def test_two_attempts_inside_one_call_stay_two() -> None:
    """A client that asks again after a failure: the attempts are shown, none is lost in the other."""
    outer = span(2, lasts=9, attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})
    one = span(3, 2, attributes={"gen_ai.operation.name": "chat", "gen_ai.response.id": "a"})
    two = span(4, 2, attributes={"gen_ai.operation.name": "chat", "gen_ai.response.id": "b"})
    assert [call.response_id for call in normalise([root(), outer, one, two]).model_calls] == ["a", "b"]


def test_what_an_agent_heard_after_its_last_model_call_is_kept() -> None:
    """The agent's own messages hold the user's last word; what a model call has is not told twice."""
    thanks = '[{"role": "user", "parts": [{"type": "text", "content": "%s"}]}]'
    asked = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": thanks % "hi"}
    both = thanks[:-1] % "hi" + ", " + thanks[1:] % "thank you"
    run = normalise([root(**{"gen_ai.input.messages": both}), span(2, attributes=asked)])
    [exchange] = run.exchanges
    assert (exchange.agent, [message.text for message in exchange.input]) == ("refund-bot", ["thank you"])


def test_every_dialect_is_found_by_its_own_file_and_says_what_it_is() -> None:
    """Names and modules are unique; every hint names a gap that there is."""
    assert len({dialect.name for dialect in BUILT_IN}) == len(BUILT_IN)
    assert len({dialect.module for dialect in BUILT_IN}) == len(BUILT_IN)
    fields = {
        "prompt", "output", "model_requested", "model_served", "temperature", "seed", "fingerprint", "tools_offered",
        "tool_span", "tool_arguments", "tool_result", "documents",
    }  # fmt: skip
    for dialect in BUILT_IN:
        hints = [dialect.hints, *(library.hints for library in dialect.instrumentations)]
        assert {name for held in hints for name in held} <= fields, dialect.name
