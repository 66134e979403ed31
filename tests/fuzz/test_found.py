"""What the long run found once, kept."""

import pytest
from pydantic_core import from_json, to_json

from bot.recorder.lenient import structured


@pytest.mark.parametrize(
    "recorded",
    [
        "{'order': '\\ud800'}",
        '{"order": "\\ud800"}',
        "{'\\udfff': 1}",
        "{'cents': 0x" + "f" * 10_000 + "}",
        "[" * 190 + "]" * 190,
        '{"a":' * 101 + "1" + "}" * 101,
    ],
    ids=["value", "JSON that only Python reads", "key", "number", "deep lists", "deep objects"],
)
def test_what_could_not_be_read_again_stays_the_text_that_it_is(recorded: str) -> None:
    """Half a surrogate pair, a number longer and a nesting deeper than readers take would break what stores the run."""
    assert structured(recorded) == recorded
    assert from_json(to_json(structured(recorded))) == recorded
