"""The shapes in which SDKs record a call of a model or of a tool, read as what they are."""

from typing import Any

import pytest

from handlers.traces import chat, tool_io


def test_a_call_that_anthropic_tells_twice_through_langchain_counts_once() -> None:
    """LangChain keeps the content block and makes a ``tool_calls`` of it."""
    block = {"type": "tool_use", "id": "toolu_1", "name": "refund", "input": {"cents": 5}}
    call = {"name": "refund", "args": {"cents": 5}, "id": "toolu_1"}
    value = {"type": "ai", "content": [{"type": "text", "text": "Refunding."}, block], "tool_calls": [call]}
    (found,) = chat.messages(value, "assistant")
    assert found == {"role": "assistant", "content": [{"type": "text", "text": "Refunding."}], "tool_calls": [call]}


def test_blocks_without_tool_calls_beside_them_stay() -> None:
    """As Anthropic's own SDK records them."""
    block = {"type": "tool_use", "id": "toolu_1", "name": "refund", "input": {"cents": 5}}
    assert chat.messages({"role": "assistant", "content": [block]}, "user") == [
        {"role": "assistant", "content": [block]}
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hi", [{"role": "user", "content": "hi"}]),
        ("", []),
        (None, []),
        (7, []),
        ([["human", "hi"]], [{"role": "user", "content": "hi"}]),
        ([{"type": "human", "data": {"content": "hi"}}], [{"role": "user", "content": "hi"}]),
        ([[{"role": "user", "content": "hi"}]], [{"role": "user", "content": "hi"}]),
        ('[{"role": "user", "content": "hi"}]', [{"role": "user", "content": "hi"}]),
        ({"messages": [{"role": "user", "content": "hi"}]}, [{"role": "user", "content": "hi"}]),
        ({"question": "why?"}, [{"role": "user", "content": [{"question": "why?"}]}]),
    ],
)
def test_messages_in_each_shape(value: Any, expected: list[Any]) -> None:
    """Plain text, pairs, batches, JSON as text, LangChain's, and an object of the application's own."""
    assert chat.messages(value, "user") == expected


def test_numbers_of_parameters_that_were_written_as_text_are_numbers() -> None:
    """Langfuse keeps them as text in some versions."""
    told = {"temperature": "0.7", "maxTokens": "512", "stop": ["END"], "n": None, "seed": "", "top_p": "Infinity"}
    assert chat.parameters(told) == {
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.max_tokens": 512,
        "gen_ai.request.stop_sequences": ["END"],
    }


def test_a_request_tells_its_messages_tools_and_parameters() -> None:
    """As the OpenAI wrappers of both stores record it."""
    tool = {"type": "function", "function": {"name": "refund"}}
    value: Any = {"model": "gpt-x", "messages": [{"role": "user", "content": "hi"}], "tools": [tool], "seed": 7}
    assert chat.asked(value) == {
        "gen_ai.input.messages": [{"role": "user", "content": "hi"}],
        "gen_ai.tool.definitions": [tool],
        "gen_ai.request.model": "gpt-x",
        "gen_ai.request.seed": 7,
    }


def test_tools_that_were_written_among_the_messages_are_offered_and_no_messages() -> None:
    """As Langfuse's callback for LangChain does; a tool's answer has a call's id."""
    tool: Any = {"type": "function", "function": {"name": "refund"}}
    answer = {"role": "tool", "content": {"name": "x", "description": "y"}, "tool_call_id": "c1"}
    value: Any = [{"role": "user", "content": "hi"}, answer, {"role": "tool", "content": tool}]
    assert chat.asked(value) == {
        "gen_ai.input.messages": [{"role": "user", "content": "hi"}, answer],
        "gen_ai.tool.definitions": [tool],
    }


def test_a_raw_answer_tells_the_served_model_and_why_it_stopped() -> None:
    """Served is only what the answer says."""
    message = {"role": "assistant", "content": "done"}
    value: Any = {"id": "c1", "model": "gpt-x-2026", "choices": [{"message": message, "finish_reason": "stop"}]}
    assert chat.answered(value) == {
        "gen_ai.response.model": "gpt-x-2026",
        "gen_ai.response.id": "c1",
        "gen_ai.output.messages": [message],
        "gen_ai.response.finish_reasons": ["stop"],
    }
    assert "gen_ai.response.model" not in chat.answered("done")


@pytest.mark.parametrize(
    ("value", "arguments", "call_id"),
    [
        ({"cents": 5}, {"cents": 5}, None),
        ('{"cents": 5}', {"cents": 5}, None),
        ({"input": "{'cents': 5}"}, {"cents": 5}, None),
        ({"input": "plain"}, {"input": "plain"}, None),
        ({"name": "refund", "args": {"cents": 5}, "id": "c1", "type": "tool_call"}, {"cents": 5}, "c1"),
        ({"args": {"cents": 5}}, {"args": {"cents": 5}}, None),
        ("plain", "plain", None),
    ],
)
def test_arguments_out_of_their_envelopes(value: Any, arguments: Any, call_id: str | None) -> None:
    """A tool that has an argument called ``input`` or ``args`` keeps it."""
    found = tool_io.tool_input(value)
    assert found["gen_ai.tool.call.arguments"] == arguments
    assert found.get("gen_ai.tool.call.id") == call_id


def test_a_tool_message_with_status_error_is_an_error() -> None:
    """LangChain catches a tool's exception and answers the model with its text."""
    told: Any = {"output": {"type": "tool", "content": "no such order", "tool_call_id": "c1", "status": "error"}}
    assert tool_io.tool_output(told) == {
        "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.call.result": "no such order",
        "error.type": "tool_error",
    }
    assert tool_io.tool_output({"output": {"ok": True}}) == {"gen_ai.tool.call.result": {"ok": True}}
    assert tool_io.tool_output(None) == {}


@pytest.mark.parametrize(
    "value",
    [
        [{"page_content": "text", "metadata": {"source": "kb/1"}, "score": "0.5"}],
        [[{"page_content": "text", "metadata": {"source": "kb/1"}}, 0.5]],
        {"documents": [{"content": "text", "id": "kb/1", "relevance_score": 0.5}]},
    ],
)
def test_documents_in_each_shape(value: Any) -> None:
    """Id, score and content wherever they stand."""
    (found,) = tool_io.documents(value) or []
    assert isinstance(found, dict)
    assert (found["id"], found["score"], found["content"]) == ("kb/1", 0.5, "text")


@pytest.mark.parametrize("value", ["an answer", {"answer": "x"}, None, 5])
def test_what_is_no_list_of_documents_is_not_taken_for_one(value: Any) -> None:
    """``None`` is "not recorded"; an empty list is "none were found"."""
    assert tool_io.documents(value) is None
    assert tool_io.documents([]) == []
