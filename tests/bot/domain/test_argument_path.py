"""Paths of arguments: names are the model's, and may hold anything."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bot.domain.action import Restraint
from bot.domain.argument_path import around, at, merged, path_of, paths, written
from bot.domain.desired import VALIDATION, AgentState, Setting, bound_of, tool_and_argument

NAMES = st.text(min_size=1, max_size=12)
STEPS = st.tuples(NAMES, st.lists(st.none() | NAMES, max_size=6)).map(lambda made: (made[0], *made[1]))


@given(STEPS)
def test_a_path_is_read_as_it_was_written(steps: tuple[str | None, ...]) -> None:
    """Whatever stands in a name: dots, stars, backslashes, line breaks."""
    assert path_of(written(steps)) == steps


@pytest.mark.parametrize("text", ["", ".", "a..b", "*", "a.", "\\", "a\\", ".a", ".".join("abcdefghi")])
def test_what_is_no_path_is_refused(text: str) -> None:
    """With the text in the message, so that it can be corrected."""
    with pytest.raises(ValueError, match="no path"):
        path_of(text)


@given(STEPS, st.integers(-1000, 1000))
def test_a_bound_holds_exactly_at_its_path(steps: tuple[str | None, ...], value: int) -> None:
    """A value there is held to it, wherever it stands; other arguments are not."""
    arguments: Any = value
    for step in reversed(steps):
        arguments = [arguments] if step is None else {step: arguments}
    assert list(at(arguments, steps)) == [value]
    validator = Draft202012Validator(around(steps, {"type": "number", "maximum": 10}))
    assert validator.is_valid(arguments) is (value <= 10)
    assert validator.is_valid({"another": 5_000} if steps[0] != "another" else {})


@pytest.mark.parametrize(
    "gone_round", [{"order": 42000}, {"order": [{"amount": 42000}]}, {"order": {"amount": "42000"}}]
)
def test_another_shape_does_not_go_round_a_bound(gone_round: Any) -> None:
    """What stands on the way must be what it was when the bound was set."""
    schema = around(("order", "amount"), {"type": "number", "maximum": 10})
    assert not Draft202012Validator(schema).is_valid(gone_round)


LEAF = st.sampled_from([{"maximum": 5}, {"minimum": 3}, {"enum": ["a", 4]}, {"type": "string"}, {"pattern": "^a"}])


@given(
    st.lists(st.tuples(STEPS, LEAF), min_size=1, max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "*"]), inner, max_size=3)
        ),
        max_leaves=8,
    ),
)
def test_merged_bounds_hold_to_each_of_them(bounds: list[tuple[Any, Any]], arguments: Any) -> None:
    """One schema for a tool refuses what any of its bounds refuses, and nothing else."""
    each = [around(steps, dict(schema)) for steps, schema in bounds]
    whole: Any = each[0]
    for one in each[1:]:
        whole = merged(whole, one)
    Draft202012Validator.check_schema(whole)
    alone = all(Draft202012Validator(one).is_valid(arguments) for one in each)
    assert Draft202012Validator(whole).is_valid(arguments) is alone


@given(NAMES, STEPS)
def test_an_element_names_its_tool_and_argument(tool: str, steps: tuple[str | None, ...]) -> None:
    """Also where a tool or an argument has a number sign in its name."""
    assert tool_and_argument(bound_of(tool, written(steps))) == (tool, written(steps))


@given(st.dictionaries(NAMES, st.recursive(st.integers(), lambda i: st.lists(i) | st.dictionaries(NAMES, i))))
def test_the_paths_of_recorded_arguments_lead_to_their_values(arguments: Any) -> None:
    """What a modal offers can be bound, and finds the value again."""
    for steps, value in paths(arguments):
        assert value in list(at(arguments, path_of(written(steps))))


def test_an_agent_reads_one_schema_for_each_tool() -> None:
    """Merged from one element for each argument; an element that nobody could have planned keeps no other from it."""

    def bound(element: str, value: Any) -> Setting:
        restraint = Restraint(incident="INC-1", by="@dana", why="too much")
        return Setting(flag=VALIDATION, element=element, value=value, revision=1, restraint=restraint, key="k")

    state = AgentState(
        agent="refund-bot",
        revision=3,
        settings=(
            bound("issue_refund#amount", {"type": "number", "maximum": 5000}),
            bound("issue_refund#currency", {"enum": ["USD"]}),
            bound("send#to.*.mail", {"pattern": "x"}),
            bound("broken", {"maximum": 1}),
            bound("broken#a..b", {"maximum": 1}),
            bound("broken#a", "text"),
        ),
    )
    assert state.value(VALIDATION) == {
        "issue_refund": {
            "type": "object",
            "properties": {"amount": {"type": "number", "maximum": 5000}, "currency": {"enum": ["USD"]}},
        },
        "send": {
            "type": "object",
            "properties": {
                "to": {"type": "array", "items": {"type": "object", "properties": {"mail": {"pattern": "x"}}}}
            },
        },
    }
