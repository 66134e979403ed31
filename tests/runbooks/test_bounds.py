"""Bounds as people write them, held against values with a real validator."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bot.errors import Refused
from runbooks.bounds import ALLOW, MAXIMUM, MINIMUM, PATTERN, SCHEMA, bound, stricter

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def holds(schema: Any, value: Any) -> bool:
    """Whether the value satisfies it."""
    return Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("kind", "text", "recorded", "good", "bad"),
    [
        (MAXIMUM, "5000", [42000], [5000, 0, 4999.5], [5001, "1", True, None]),
        (MAXIMUM, " 49.90 ", [42.5], [49.9], [49.91]),
        (MINIMUM, "1", [3], [1, 2], [0, -5, "3"]),
        (ALLOW, "USD\nEUR", ["USD"], ["USD", "EUR"], ["usd", "GBP", 1, ["USD"]]),
        (ALLOW, "1, 2", [1], [1, 2], ["1", 3]),
        (ALLOW, "true", [True], [True], [False, "true"]),
        (ALLOW, "a, b\nc", ["x"], ["a, b", "c"], ["a"]),
        (PATTERN, r".+@acme\.test", ["x"], ["j@acme.test"], ["j@acme.test\n", "j@acme.test.evil", 5]),
        (PATTERN, "a|b", ["x"], ["a", "b"], ["ab", "xa"]),
        (PATTERN, r"(?:\d{1,3}\.){3}\d{1,3}", ["x"], ["10.0.0.1"], ["10.0.0", "10.0.0.1 "]),
        (PATTERN, "(?:EUR|USD) ?", ["x"], ["EUR", "USD "], ["GBP"]),
        (SCHEMA, '{"properties": {"format": {"enum": ["pdf"]}}}', [], [{"format": "pdf"}], [{"format": "exe"}]),
        (SCHEMA, '{"type": "string", "maxLength": 3}', [], ["abc"], ["abcd", 1]),
    ],
)
def test_a_bound_means_what_it_says(kind: str, text: str, recorded: Any, good: Any, bad: Any) -> None:
    """And the value's type is part of it."""
    schema = bound(kind, text, recorded)
    assert [holds(schema, value) for value in good] == [True] * len(good)
    assert [holds(schema, value) for value in bad] == [False] * len(bad)


@pytest.mark.parametrize(
    ("kind", "text", "recorded"),
    [
        (MAXIMUM, "$50", [1]),
        (MAXIMUM, "1e9", [1]),
        (MAXIMUM, "nan", [1]),
        (MAXIMUM, "9" * 41, [1]),
        (MAXIMUM, "50", ["42.00"]),
        (ALLOW, " \n ", ["a"]),
        (ALLOW, "yes", [True]),
        (ALLOW, "\n".join(map(str, range(101))), ["a"]),
        (PATTERN, "(a+)+", ["a"]),
        (PATTERN, "(a", ["a"]),
        (PATTERN, "a)(b", ["a"]),
        (PATTERN, "(?i)a", ["a"]),
        (PATTERN, r"(a)\1", ["a"]),
        (PATTERN, "(?:a|a)*b", ["a"]),
        (PATTERN, "(?:a|ab){1,900}c", ["a"]),
        (PATTERN, "(?:a?){40}a{40}", ["a"]),
        (PATTERN, "(?:a|aa)" * 30, ["a"]),
        (PATTERN, "a\ud800", ["a"]),
        (ALLOW, "a\ud800", ["a"]),
        (SCHEMA, '{"enum": ["\\ud800"]}', []),
        (SCHEMA, '{"maximun": 5000}', []),
        (SCHEMA, '{"type": "object", "properties": {"a": {"maximun": 5000}}}', []),
        (SCHEMA, '{"format": "email"}', []),
        (SCHEMA, '{"title": "at most 5000"}', []),
        (SCHEMA, '{"maximum": 5, "maximum": 500000}', []),
        (SCHEMA, "5", []),
        (SCHEMA, "{}", []),
        (SCHEMA, "{", []),
        (SCHEMA, '{"type": "nonsense"}', []),
        (SCHEMA, '{"maximum": "5"}', []),
        (SCHEMA, '{"$ref": "http://evil.test/x"}', []),
        (SCHEMA, '{"properties": {"a": {"pattern": "(a+)+"}}}', []),
        (SCHEMA, '{"patternProperties": {"(a*)*": {}}}', []),
        (SCHEMA, '{"maximum": NaN}', []),
        (SCHEMA, '{"not": ' * 40 + "{}" + "}" * 40, []),
        (SCHEMA, "[" * 100_000, []),
    ],
)
def test_what_cannot_be_held_is_refused_at_its_field(kind: str, text: str, recorded: Any) -> None:
    """In words, with the next step; never as an error of a library."""
    with pytest.raises(Refused) as refused:
        bound(kind, text, recorded)
    assert refused.value.field == "value"
    assert refused.value.next_step


@settings(max_examples=300)
@given(
    st.sampled_from([MAXIMUM, MINIMUM, ALLOW, PATTERN, SCHEMA]), st.text(max_size=60), st.lists(JSON, max_size=3), JSON
)
def test_hostile_input_is_a_schema_or_a_refusal(kind: str, text: str, recorded: Any, value: Any) -> None:
    """And what comes out can be held against anything, quickly."""
    try:
        schema = bound(kind, text, recorded)
    except Refused:
        return
    Draft202012Validator.check_schema(schema)
    began = time.monotonic()
    holds(schema, value)
    assert time.monotonic() - began < 1


BOUNDS: Any = st.one_of(
    st.integers(-5, 5).map(lambda n: bound(MAXIMUM, str(n), [1])),
    st.integers(-5, 5).map(lambda n: bound(MINIMUM, str(n), [1])),
    st.lists(st.sampled_from("abc"), min_size=1).map(lambda v: bound(ALLOW, "\n".join(v), ["a"])),
)


@given(st.lists(BOUNDS, min_size=2, max_size=4), st.integers(-6, 6) | st.sampled_from("abcd"))
def test_a_later_bound_never_loosens_an_earlier_one(bounds: list[Any], value: Any) -> None:
    """One responder may tighten alone, so that what they set must never let more through."""
    held = bounds[0]
    for new in bounds[1:]:
        try:
            wanted = stricter(held, new)
        except Refused:
            continue
        assert not holds(wanted, value) or holds(held, value)
        held = wanted
