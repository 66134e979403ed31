"""What frameworks wrap round a tool's arguments and answers is taken off; what is a tool's own stays."""

from typing import Any

import pytest

from bot.recorder.call_envelope import arguments_in, message_in

OWN = {"iban": "DE1", "amount": 5}


@pytest.mark.parametrize(
    "recorded",
    [
        {"kwargs": OWN},
        {"args": [], "kwargs": OWN},
        {"args": [], "sanitize_inputs_outputs": True, "kwargs": OWN},
        {"tool_name": "pay", "arguments": OWN},
        {"input_str": "{'iban': 'DE1', 'amount': 5}"},
        {"input_str": "x", "inputs": OWN, "kwargs": {"color": "green"}, "tags": []},
        {
            "tool_string": "Action: pay",
            "tool": "T()",
            "calling": "tool_name='pay' arguments={'iban': 'DE1', 'amount': 5}",
        },
        '{"kwargs": {"iban": "DE1", "amount": 5}}',
        OWN,
    ],
)
def test_the_arguments_are_found_in_every_wrapper(recorded: Any) -> None:
    """As an object and as JSON text."""
    assert arguments_in(recorded) == OWN


def test_positional_arguments_have_their_places_as_names() -> None:
    """Nothing is lost where a function was called without names."""
    assert arguments_in({"args": ["DE1"], "kwargs": {"amount": 5}}) == {"0": "DE1", "amount": 5}


@pytest.mark.parametrize(
    "own",
    [
        {"args": [1], "cwd": "/"},
        {"kwargs": {}, "name": "x"},
        {"kwargs": "x"},
        {"calling": "Bob"},
        {"tool_string": "x", "calling": "y"},
        "kwargs",
        None,
        [1],
    ],
)
def test_a_tools_own_arguments_of_such_names_stay(own: Any) -> None:
    """Only the whole wrapper is one."""
    assert arguments_in(own) == own


@pytest.mark.parametrize(
    ("recorded", "content", "status"),
    [
        ({"type": "tool", "content": "ok", "tool_call_id": "c1", "status": "success"}, "ok", "success"),
        ({"output": {"type": "tool", "content": "no", "tool_call_id": "c1", "status": "error"}}, "no", "error"),
        ("content='it\\'s ok' name='pay' tool_call_id='c1'", "it's ok", "success"),
        ("content=\"it's ok\" name='pay' id='x' tool_call_id='c1' status='error'", "it's ok", "error"),
    ],
)
def test_a_whole_message_is_unwrapped(recorded: Any, content: str, status: str) -> None:
    """As its fields, under ``output``, and as its repr."""
    found = message_in(recorded)
    assert found is not None
    assert (found["content"], found["tool_call_id"], found["status"]) == (content, "c1", status)


@pytest.mark.parametrize("other", ["content='x'", "content=open('/etc') tool_call_id='1'", {"output": "x"}, "ok", None])
def test_what_is_no_message_is_left_alone(other: Any) -> None:
    """Nothing is evaluated, nothing guessed."""
    assert message_in(other) is None
