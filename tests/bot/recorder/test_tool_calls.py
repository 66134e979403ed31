from typing import Any

from bot.domain.run import Executed
from bot.domain.span import SpanRecord
from bot.recorder.normalise import normalise
from tests.bot.recorder.samples import chat, root, span, tool

PAY = {"id": "c1", "name": "pay", "arguments": {"amount": 5}}


def answer(call_id: str, result: Any) -> dict[str, Any]:
    """The message of a tool's answer, as later prompts repeat it."""
    return {"role": "tool", "parts": [{"type": "tool_call_response", "id": call_id, "response": result}]}


def asked(*calls: dict[str, Any]) -> dict[str, Any]:
    """The message of a model's calls, as later prompts repeat it."""
    return {"role": "assistant", "parts": [{"type": "tool_call", **call} for call in calls]}


def names(*spans: SpanRecord) -> list[tuple[str, Any, Executed]]:
    """Name, result and execution of each call."""
    return [(call.name, call.result, call.executed) for call in normalise([root(), *spans]).tool_calls]


def test_a_call_is_counted_once_however_often_it_shows_up() -> None:
    """Output, span, and the history of two later prompts: one call."""
    history = [asked(PAY), answer("c1", "paid")]
    spans = [
        chat(2, PAY),
        tool(3, "pay", arguments={"amount": 5}, result="paid", call_id="c1"),
        chat(4, prompt=history),
        chat(5, prompt=history),
    ]
    assert names(*spans) == [("pay", "paid", Executed.YES)]


def test_a_call_without_a_span_is_executed_only_if_a_later_prompt_shows_its_result() -> None:
    """Applications often run tools themselves: the next prompt is the record."""
    assert names(chat(2, PAY)) == [("pay", None, Executed.UNKNOWN)]
    assert names(chat(2, PAY), chat(3, prompt=[asked(PAY), answer("c1", {"ok": True})])) == [
        ("pay", {"ok": True}, Executed.YES)
    ]


def test_calls_of_an_earlier_turn_in_the_prompt_are_not_calls_of_this_run() -> None:
    """A conversation's history holds calls of runs before this one."""
    assert names(chat(2, prompt=[asked(PAY), answer("c1", "paid")])) == []


def test_a_reused_call_id_does_not_merge_different_calls() -> None:
    """Published traces reuse one id: other tools and other arguments stay calls of their own, in order."""
    spans = [
        tool(2, "search", arguments={"q": 1}, result="a", call_id="c1"),
        tool(4, "pay", arguments={"amount": 5}, result="b", call_id="c1"),
        tool(6, "pay", arguments={"amount": 6}, result="c", call_id="c1"),
        tool(8, "pay", arguments={"amount": 6}, result="d", call_id="c1"),
    ]
    mentions = [
        (1, "search", {"q": 1}),
        (3, "pay", {"amount": 5}),
        (5, "pay", {"amount": 6}),
        (7, "pay", {"amount": 6}),
    ]
    outputs = [
        chat(100 + at, {"id": "c1", "name": name, "arguments": arguments}, at=at, lasts=0.5)
        for at, name, arguments in mentions
    ]
    assert [result for _, result, _ in names(*spans, *outputs)] == ["a", "b", "c", "d"]


def test_spans_without_an_id_take_it_from_the_model_in_order() -> None:
    """OpenInference's openai-agents writes no id on tool spans."""
    second = {**PAY, "id": "c2", "arguments": {"amount": 6}}
    spans = [chat(2, PAY, second), tool(4, "pay", arguments={"amount": 6}), tool(5, "pay")]
    run = normalise([root(), *spans])
    assert [(call.call_id, call.arguments) for call in run.tool_calls] == [
        ("c2", {"amount": 6}),
        ("c1", {"amount": 5}),
    ]


def test_mcp_client_and_server_spans_of_one_call_are_one() -> None:
    """The client's span lies around the server's; the function's span may lie around both."""
    mcp = {"mcp.method.name": "tools/call"}
    spans = [
        tool(2, "pay", arguments={"amount": 5}, call_id="c1", lasts=5),
        tool(3, "pay", arguments={"amount": 5}, parent=2, at=2.1, lasts=4, **mcp),
        tool(4, "pay", result={"content": [], "isError": False}, parent=3, at=2.2, lasts=3, **mcp),
    ]
    [call] = normalise([root(), *spans]).tool_calls
    assert (call.via, call.call_id, call.result) == ("mcp", "c1", {"content": [], "isError": False})


def test_a_tool_that_runs_an_agent_with_the_same_tool_is_two_calls() -> None:
    """An agent between the spans means another call, and so do other arguments."""
    inner = span(3, 2, attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"})
    spans = [tool(2, "ask", arguments={"q": 1}, lasts=9), inner, tool(4, "ask", arguments={"q": 1}, parent=3)]
    assert len(names(*spans)) == 2
    assert len(names(tool(2, "pay", arguments={"a": 1}, lasts=9), tool(3, "pay", arguments={"a": 2}, parent=2))) == 2
    assert [call.agent for call in normalise([root(), *spans]).tool_calls] == ["refund-bot", "helper"]


def test_two_instrumentations_of_one_call_side_by_side_are_one() -> None:
    """Same id, tool, arguments and time: one. One after the other: a retry, two."""
    same: dict[str, Any] = {"arguments": {"amount": 5}, "call_id": "c1"}
    assert len(names(tool(2, "pay", at=2, **same), tool(3, "pay", at=2.2, **same))) == 1
    assert len(names(tool(2, "pay", at=2, **same), tool(3, "pay", at=5, **same))) == 2


def test_one_model_call_described_twice_makes_one_call() -> None:
    """A gateway's span inside the client's repeats the output."""
    assert len(names(chat(2, PAY, lasts=5), chat(3, PAY, parent=2, at=2.1))) == 1


def test_results_of_reused_ids_are_given_only_when_the_set_is_whole() -> None:
    """Two calls of one id with two results in order; with one result nobody knows whose it is."""
    first, second = PAY, {**PAY, "arguments": {"amount": 6}}
    whole = [asked(first), answer("c1", "a"), asked(second), answer("c1", "b")]
    assert [r for _, r, _ in names(chat(2, first), chat(3, second), chat(4, prompt=whole))] == ["a", "b"]
    assert [r for _, r, _ in names(chat(2, first), chat(3, second), chat(4, prompt=whole[:2]))] == [None, None]


def test_arguments_and_results_are_read_as_json_repr_or_text() -> None:
    """Objects, JSON text, JSON in a JSON string, a Python repr, and text that is none of these."""
    cases: list[tuple[Any, Any]] = [
        ({"a": 1}, {"a": 1}),
        ('{"a": 1}\n', {"a": 1}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ("{'a': None, 'b': (1, True)}", {"a": None, "b": [1, True]}),
        ("\"{'a': 1}\"", {"a": 1}),
        ("(a=1)", "(a=1)"),
        ("255.0", "255.0"),
        ("{'a': __import__('os')}", "{'a': __import__('os')}"),
        ("{'a': 1e999}", "{'a': 1e999}"),
        ("[" * 5_000, "[" * 5_000),
        ("", ""),
    ]
    for written, read in cases:
        [call] = normalise([root(), tool(2, "x", arguments=written, result=written)]).tool_calls
        assert (call.arguments, call.result) == (read, read)
        assert call.result_recorded
