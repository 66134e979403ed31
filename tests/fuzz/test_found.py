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
    ],
    ids=["value", "JSON that only Python reads", "key", "number"],
)
def test_a_repr_that_no_json_can_hold_stays_the_text_that_it_is(recorded: str) -> None:
    """Half a surrogate pair, and a number longer than any reader takes, would break whatever stores the run."""
    assert structured(recorded) == recorded
    assert from_json(to_json(structured(recorded))) == recorded
