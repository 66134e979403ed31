import json
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


def test_two_instrumentations_side_by_side_on_one_model_call_are_one() -> None:
    """Siblings at the same time with the answer's id: one. The same id at another time, as stubs give it: two."""
    held = {"gen_ai.operation.name": "chat", "gen_ai.response.id": "r1"}
    one, two = span(2, lasts=5, attributes=held), span(3, at=2.5, attributes={**held, "gen_ai.response.model": "m"})
    assert [call.model_served for call in normalise([root(), one, two]).model_calls] == ["m"]
    assert len(normalise([root(), one, span(3, at=20, attributes=held)]).model_calls) == 2


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


def test_calls_that_the_provider_ran_itself_are_tool_calls_with_their_result() -> None:
    """OpenAI's Responses hold them in the answer alone: an MCP call there may have paid somebody."""
    answer = [
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "mcp_call", "id": "mcp_1", "name": "pay", "arguments": '{"cents": 5}', "output": "paid"},
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "refunds"}},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "mail", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
    ]
    attributes = {"openinference.span.kind": "LLM", "output.value": json.dumps({"id": "x", "output": answer})}
    run = normalise([root(), span(2, attributes=attributes)])
    assert [(c.name, c.call_id, c.arguments, c.result, c.executed) for c in run.tool_calls] == [
        ("pay", "mcp_1", {"cents": 5}, "paid", Executed.YES),
        ("web_search", "ws_1", {"type": "search", "query": "refunds"}, None, Executed.UNKNOWN),
        ("mail", "c1", {}, None, Executed.UNKNOWN),
    ]
    assert [part.kind for message in run.model_calls[0].output for part in message.parts] == [
        "reasoning", "tool_call", "tool_result", "tool_call", "tool_call", "text",
    ]  # fmt: skip


def test_strands_writes_messages_and_tools_as_events() -> None:
    """Content blocks as JSON text in events; a tool's arguments and result are events of its span."""
    use = [{"toolUse": {"toolUseId": "c1", "name": "refund", "input": ARGUMENTS}}]
    result = [{"toolResult": {"toolUseId": "c1", "status": "success", "content": [{"text": "ok"}]}}]
    events: list[dict[str, Any]] = [
        {"name": "gen_ai.user.message", "attributes": {"content": json.dumps([{"text": USER}])}},
        {"name": "gen_ai.choice", "attributes": {"finish_reason": "tool_use", "message": json.dumps(use)}},
    ]
    tool_events: list[dict[str, Any]] = [
        {"name": "gen_ai.tool.message", "attributes": {"role": "tool", "id": "c1", "content": json.dumps(ARGUMENTS)}},
        {"name": "gen_ai.choice", "attributes": {"id": "c1", "message": json.dumps(result)}},
    ]
    named = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "refund", "gen_ai.tool.call.id": "c1"}
    run = normalise(
        [
            root(),
            span(2, attributes={"gen_ai.operation.name": "chat"}, events=events),
            span(3, attributes=named, events=tool_events),
        ]
    )
    [model] = run.model_calls
    assert model.input[0].text == USER
    assert [(p.kind, p.name, p.arguments) for p in model.output[0].parts] == [("tool_call", "refund", ARGUMENTS)]
    [call] = run.tool_calls
    assert (call.arguments, call.result) == (ARGUMENTS, result)


def test_langchains_tool_message_is_unwrapped_and_a_failed_one_keeps_its_word() -> None:
    """OpenInference records the whole message of LangChain; its content is the result."""
    message = {"content": '{"ok": true}', "type": "tool", "name": "pay", "tool_call_id": "c1", "status": "success"}
    held = {"openinference.span.kind": "TOOL", "tool.name": "pay", "input.value": "{'cents': 5}"}
    [call] = normalise([root(), span(2, attributes={**held, "output.value": json.dumps(message)})]).tool_calls
    assert (call.call_id, call.arguments, call.result) == ("c1", {"cents": 5}, {"ok": True})
    failed = {**message, "content": "no such order", "status": "error"}
    [call] = normalise([root(), span(2, attributes={**held, "output.value": json.dumps(failed)})]).tool_calls
    assert call.result == failed


def test_what_openinference_was_told_to_hide_is_a_gap() -> None:
    """It writes a placeholder for hidden values; that is neither an argument nor a prompt."""
    hidden = {"input.value": "__REDACTED__", "output.value": "__REDACTED__"}
    spans = [
        span(2, attributes={"openinference.span.kind": "LLM", **hidden}),
        span(3, attributes={"openinference.span.kind": "TOOL", "tool.name": "pay", **hidden}),
    ]
    run = normalise([root(), *spans])
    assert {"prompt", "output", "tool_arguments", "tool_result"} <= {gap.field for gap in run.gaps}
    assert not run.model_calls[0].input
    assert not run.tool_calls[0].arguments_recorded
