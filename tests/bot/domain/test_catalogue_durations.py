"""Durations of the catalogue come back as they were written: evidence keeps the rules as JSON."""

from datetime import timedelta

import pytest

from bot.domain.catalogue import ToolRule
from bot.domain.effect import Reversibility


@pytest.mark.parametrize(
    "window",
    [
        timedelta(seconds=1),
        timedelta(seconds=1.5),
        timedelta(microseconds=1),
        timedelta(days=14),
        timedelta(days=3660),
        timedelta(days=99, seconds=1, microseconds=7),
    ],
)
def test_an_undo_window_comes_back_from_json(window: timedelta) -> None:
    """Also a long one: 14 days were written as 1.2096e+06s, which nobody can read."""
    rule = ToolRule(name="pay", reversibility=Reversibility.COMPENSABLE, undo_window=window)
    assert ToolRule.model_validate_json(rule.model_dump_json()) == rule
    assert "e+" not in rule.model_dump_json()
