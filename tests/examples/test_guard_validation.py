"""A bound on a tool's arguments: what the guard lets through, what it refuses, and what it says then."""

import functools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from examples.guard import ArgumentsRefused
from examples.guard.arguments import as_json
from examples.guard.validation import INSTALLED, broken
from sandbox.ofrep_stub import OfrepStub
from tests.examples.conftest import MakeGuard

BOUND = {"issue_refund": {"type": "object", "properties": {"amount_minor": {"maximum": 5000}}}}
JUDGES = [False, *([True] if INSTALLED else [])]


def _bounded(stub: OfrepStub, bound: object = BOUND) -> None:
    stub.restrain(
        "agent.validation",
        bound,
        **{
            "tool.issue_refund#amount_minor.by": "@dana",
            "tool.issue_refund#amount_minor.why": "double refunds",
            "tool.issue_refund#amount_minor.incident": "INC-42",
            "by": "@lee",
        },
    )


def test_a_call_beyond_the_bound_is_not_made_and_says_who_and_why(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """The decorated function stays uncalled; within the bound it is called, and other tools are as ever."""
    _bounded(stub)
    guard = make_guard()
    paid: list[int] = []

    @guard.tool
    def issue_refund(order: str, amount_minor: int = 4200) -> None:
        paid.append(amount_minor)

    issue_refund("o-1")
    with pytest.raises(ArgumentsRefused) as caught:
        issue_refund("o-1", 420_000)
    assert paid == [4200]
    refusal = caught.value
    assert (refusal.by, refusal.incident, refusal.tool) == ("@dana", "INC-42", "issue_refund")
    assert "420000" in refusal.fault
    assert "5000" in refusal.fault
    assert "Reason: double refunds." in refusal.as_tool_result()
    guard.check_tool("send_email")


async def test_coroutines_are_bounded_too(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """As a function is."""
    _bounded(stub)
    guard = make_guard()

    @guard.tool("issue_refund")
    async def refund(amount_minor: int) -> int:
        return amount_minor

    assert await refund(5000) == 5000
    with pytest.raises(ArgumentsRefused):
        await refund(5001)
    with pytest.raises(ArgumentsRefused):
        await guard.check_tool_async("issue_refund", {"amount_minor": 5001})


def test_a_bounded_tool_asked_for_without_its_arguments_is_refused(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """Nobody could tell; an agent that only asks by name must not slip by."""
    _bounded(stub)
    with pytest.raises(ArgumentsRefused, match="without its arguments"):
        make_guard().check_tool("issue_refund")


def test_a_bound_on_an_argument_that_the_function_lacks_is_refused(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """The traces and the function call it differently: the bound would hold nothing."""
    _bounded(stub)
    guard = make_guard()

    @guard.tool
    def issue_refund(body: dict[str, Any]) -> None:
        raise AssertionError(body)

    with pytest.raises(ArgumentsRefused, match="no argument of that name"):
        issue_refund({"amount_minor": 1})

    @guard.tool("issue_refund")
    def loose(**arguments: Any) -> int:
        return int(arguments["amount_minor"])

    assert loose(amount_minor=1) == 1
    with pytest.raises(ArgumentsRefused):
        loose(amount_minor=9999)


def test_a_call_that_does_not_fit_fails_as_python_says(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """The guard does not hide a mistake of the caller."""
    _bounded(stub)

    @make_guard().tool
    def issue_refund(amount_minor: int) -> None: ...

    with pytest.raises(TypeError, match="missing"):
        issue_refund()  # type: ignore[call-arg]


@pytest.mark.parametrize("installed", JUDGES)
@pytest.mark.parametrize(
    ("schema", "value", "holds"),
    [
        ({"maximum": 50}, 50, True),
        ({"maximum": 50}, 51, False),
        ({"maximum": 50}, "9999", False),
        ({"maximum": 50}, True, False),
        ({"maximum": 50}, None, False),
        ({"maximum": 50}, [9999], False),
        ({"exclusiveMinimum": 0, "maximum": 50}, 0, False),
        ({"type": "integer"}, 3.0, True),
        ({"type": "integer"}, True, False),
        ({"type": ["string", "null"], "maxLength": 3}, None, True),
        ({"type": "string", "maxLength": 3}, "abcd", False),
        ({"enum": ["a@x.test", "b@x.test"]}, "a@x.test", True),
        ({"enum": ["a@x.test"]}, "A@x.test", False),
        ({"enum": [1]}, True, False),
        ({"const": "EUR"}, "USD", False),
        ({"pattern": "@x\\.test$"}, "who@x.test", True),
        ({"pattern": "@x\\.test$"}, "who@evil.test", False),
        ({"pattern": "@x\\.test$"}, {"to": "who@x.test"}, False),
        ({"type": "array", "maxItems": 1, "items": {"enum": ["a"]}}, ["a"], True),
        ({"type": "array", "maxItems": 1}, ["a", "b"], False),
        ({"type": "array", "items": {"maximum": 5}}, [1, 9], False),
        ({"type": "object", "required": ["to"], "properties": {"to": {"pattern": "x"}}}, {}, False),
        ({"anyOf": [{"maximum": 5}, {"enum": ["all"]}]}, "all", True),
        ({"allOf": [{"minimum": 2}, {"maximum": 5}]}, 1, False),
        ({"multipleOf": 100}, 150, False),
        (False, 1, False),
        (True, 1, True),
        ({"title": "Amount", "description": "in cents", "maximum": 5}, 5, True),
    ],
)
def test_bounds_mean_what_they_say(schema: Any, value: Any, holds: bool, installed: bool) -> None:
    """By the maintained validator and by the built-in subset alike; a bound on numbers refuses what is no number."""
    said = broken({"type": "object", "properties": {"a": schema}}, {"a": value}, installed=installed)
    assert (said is None) == holds, said
    assert "cannot be judged" not in str(said)


@pytest.mark.parametrize("installed", JUDGES)
@pytest.mark.parametrize(
    "schema",
    [
        {"format": "email"},
        {"$ref": "https://elsewhere.test/schema"},
        {"type": "money"},
        {"maxLength": "five"},
        {"pattern": "("},
        "no schema",
        {"properties": ["a"]},
    ],
)
def test_what_cannot_be_judged_is_refused_with_the_reason(schema: Any, installed: bool) -> None:
    """Never passed by; and nothing is fetched to find out."""
    said = broken({"type": "object", "properties": {"a": schema}}, {"a": "value"}, installed=installed)
    assert str(said).startswith("its bound cannot be judged: ")


def test_a_keyword_beyond_the_subset_says_what_to_install() -> None:
    """``jsonschema`` knows them all."""
    said = broken({"properties": {"a": {"if": {}, "not": {}}}}, {"a": 1}, installed=False)
    assert said == "its bound cannot be judged: if, not are not known here; install jsonschema"


def test_a_bound_without_end_is_refused() -> None:
    """Nested deeper than Python goes."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"properties": {"a": deep}}
    assert broken(deep, {"a": {}}) == "its bound cannot be judged: it is nested too deeply"


@pytest.mark.parametrize(
    ("value", "plain"),
    [(Decimal(50), 50), (Decimal("0.5"), 0.5), ((1, 2), [1, 2]), ({"a": Decimal(1)}, {"a": 1}), ("x", "x")],
)
def test_arguments_become_the_json_that_a_bound_means(value: Any, plain: Any) -> None:
    """A Decimal is a number."""
    assert as_json({"a": value}) == {"a": plain}


@pytest.mark.parametrize("make", [object, lambda: float("nan"), lambda: Decimal("nan"), lambda: [float("inf")]])
def test_an_argument_that_no_bound_can_hold_is_refused(
    make_guard: MakeGuard, stub: OfrepStub, make: Callable[[], object]
) -> None:
    """NaN is not more than any maximum, and an object of Python's has no JSON."""
    _bounded(stub)
    with pytest.raises(ArgumentsRefused, match="amount_minor"):
        make_guard().check_tool("issue_refund", {"amount_minor": make()})


def test_the_refusal_names_who_bounded_this_argument(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """Two people bounded two arguments of one tool; a name may hold what stands between tool and argument."""
    told = {
        "tool.pay%23out%25#to.by": "@lee",
        "tool.pay%23out%25#order.amount.by": "@dana",
        "tool.pay%23out%25#order.amount.until": "2026-06-10T03:09:00+00:00",
        "by": "@someone",
    }
    amount = {"type": "object", "properties": {"amount": {"maximum": 5}}}
    bound = {"pay#out%": {"type": "object", "properties": {"order": amount, "to": {"enum": ["a"]}}}}
    stub.restrain("agent.validation", bound, **told)
    guard = make_guard()
    for arguments, who in (({"order": {"amount": 6}}, "@dana"), ({"to": "b"}, "@lee")):
        with pytest.raises(ArgumentsRefused) as caught:
            guard.check_tool("pay#out%", arguments)
        assert caught.value.by == who


@pytest.mark.parametrize("installed", JUDGES)
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"multipleOf": 0.01}, 10**400),
        ({"pattern": "[a-z]+@"}, "a" * 100_000),
        ({"if": True, "then": {"maximum": 50}}, "9999"),
        ({"if": False, "else": {"maximum": 50}}, "9999"),
    ],
)
def test_what_is_beyond_judging_is_a_refusal_and_no_crash(schema: Any, value: Any, installed: bool) -> None:
    """Numbers that overflow, texts on which a search takes minutes, and bounds inside of conditions."""
    whole: Any = {"type": "object", "properties": {"a": schema}}
    assert broken(whole, {"a": value}, installed=installed) is not None


def test_arguments_that_hide_from_a_bound_are_refused(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """Without a name, under a name that is there twice, or through a wrapper that takes what the function does not."""
    _bounded(stub)
    guard = make_guard()
    paid: list[Any] = []

    def anything(*args: Any, **kwargs: Any) -> None:
        paid.append((args, kwargs))

    def twice(amount_minor: int, /, **more: Any) -> None:
        paid.append((amount_minor, more))

    @functools.wraps(_plain)
    def wrapped(*args: Any) -> None:
        paid.append(args)

    def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        guard.tool("issue_refund")(function)(*args, **kwargs)

    for function, args, kwargs in (
        (anything, (420_000,), {}),
        (twice, (420_000,), {"amount_minor": 1}),
        (wrapped, (1, 420_000), {}),
    ):
        with pytest.raises(ArgumentsRefused):
            call(function, *args, **kwargs)
    assert paid == []
    call(anything, amount_minor=4200)
    assert paid == [((), {"amount_minor": 4200})]


def _plain(amount_minor: int) -> None:
    """What is wrapped above."""
