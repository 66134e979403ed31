"""The same number in another dress is no change, and another number is one."""

import pytest

from bot.domain.base import Json
from bot.domain.profile import CallShape, Grade, RunProfile
from bot.recorder.changes import compare


def run(number: int, value: Json) -> RunProfile:
    """A run whose model call had this parameter."""
    shape = CallShape(requested="gpt-x", served="gpt-x", parameters={"p": value, "q": 1})
    values = {"trace_id": f"{number:032x}", "agent": "a", "kind": "k", "grade": Grade.GOOD, "calls": (shape,)}
    return RunProfile.model_validate({**values, "ended_at": f"2026-06-01T{number // 60:02}:{number % 60:02}:00Z"})


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (0, 0.0, False),
        (1048576, 1048576.0, False),
        (1.0, 1, False),
        (True, True, False),
        (0.7, 0.699999988079071, False),
        (0.7, 0.71, True),
        (1234567.0, 1234568.0, True),
        (0, 0.0001, True),
        (0.2, 0.9, True),
        (None, 0.5, True),
        (4096, 8192, True),
    ],
)
def test_numbers_are_compared_by_value(before: Json, after: Json, changed: bool) -> None:
    """Exporters write 0 and 0.0 for one temperature, or in 32 bits; large counts have more than six digits."""
    found = compare(run(100, after), [run(number, before) for number in range(50)], {})
    assert bool(found.changes) is changed, found.changes
