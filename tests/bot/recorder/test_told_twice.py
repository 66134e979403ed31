"""One call that a message tells twice is one call: LangChain keeps Anthropic's block and makes ``tool_calls`` of it."""

from typing import Any

from bot.recorder.normalise import normalise
from tests.bot.recorder.samples import root, span


def calls_of(*messages: dict[str, Any]) -> list[tuple[str, str | None]]:
    """The tool calls of a run whose model answered so, without any tool span."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.output.messages": list(messages)}
    run = normalise([root(), span(2, attributes=attributes)])
    return [(call.name, call.call_id) for call in run.tool_calls]


def test_a_content_block_that_tool_calls_repeats_is_one_call() -> None:
    """Two effects would be shown where one happened."""
    block = {"type": "tool_use", "id": "toolu_1", "name": "refund", "input": {"cents": 5}}
    call = {"id": "toolu_1", "name": "refund", "args": {"cents": 5}}
    assert calls_of({"role": "assistant", "content": [block], "tool_calls": [call]}) == [("refund", "toolu_1")]


def test_two_calls_of_one_message_stay_two() -> None:
    """Also when one stands in the content and the other does not, and when neither has an id."""
    block = {"type": "tool_use", "id": "toolu_1", "name": "refund", "input": {"cents": 5}}
    other = {"id": "toolu_2", "name": "refund", "args": {"cents": 5}}
    assert calls_of({"role": "assistant", "content": [block], "tool_calls": [other]}) == [
        ("refund", "toolu_1"),
        ("refund", "toolu_2"),
    ]
    nameless = {"name": "refund", "args": {"cents": 5}}
    assert calls_of({"role": "assistant", "content": "", "tool_calls": [nameless, nameless]}) == [("refund", None)] * 2
