from typing import Any

import pytest
from pydantic import ValidationError

from bot.domain.catalogue import Catalogue, ToolRule
from bot.effects.catalogue import Verdict, classify
from tests.bot.effects.samples import UNSET, call


def verdict(rules: list[dict[str, Any]], arguments: Any = UNSET, name: str = "pay", **fields: Any) -> Verdict:
    """How these rules classify one call."""
    agents = fields.pop("agents", ())
    return classify(call(name, arguments, **fields), Catalogue.model_validate({"rules": rules}), agents)


@pytest.mark.parametrize(
    ("test", "value", "holds"),
    [
        ({"gt": 0}, 5, True),
        ({"gt": 0}, 0, False),
        ({"gt": 0}, "5.5", True),
        ({"gte": 5, "lt": 6}, 5, True),
        ({"gte": 5, "lt": 6}, 6, False),
        ({"lte": 5}, 6, False),
        ({"eq": "a"}, "a", True),
        ({"eq": 1}, True, False),
        ({"ne": "a"}, "b", True),
        ({"ne": []}, [], False),
        ({"ne": []}, ["x"], True),
        ({"in": ["a", "b"]}, "b", True),
        ({"in": ["a", "b"]}, "c", False),
        ({"matches": "rm *"}, "rm x", True),
        ({"matches": "rm *"}, "ls", False),
        ({"matches": "4*"}, 42, True),
        ({"exists": True}, "x", True),
        ({"exists": False}, "x", False),
        ({"absent": True}, None, True),
        ({"exists": True}, None, False),
        ({"gt": 0}, None, False),
    ],
)
def test_conditions_on_arguments(test: dict[str, Any], value: Any, holds: bool) -> None:
    """Each test of a condition, with the argument there, other, or absent."""
    rules = [{"name": "pay", "when": {"arguments.x.0.y": test}, "reversibility": "reversible"}]
    arguments = {"x": [{"y": value} if value is not None else {}]}
    assert (verdict(rules, arguments).reversibility == "reversible") is holds


@pytest.mark.parametrize(
    "arguments", [UNSET, "not json (amount=5)", {"amount": "a lot"}, {"amount": "[redacted: x]"}, {"amount": [1]}]
)
def test_a_condition_that_cannot_be_told_counts_as_the_worst(arguments: Any) -> None:
    """Arguments not recorded, unreadable, redacted or of another type never make a call milder."""
    rules: list[dict[str, Any]] = [
        {"name": "pay", "when": {"arguments.amount": {"gt": 100}}, "reversibility": "irreversible"},
        {"name": "pay", "reversibility": "compensable"},
    ]
    found = verdict(rules, arguments)
    assert found.reversibility == "irreversible"
    assert "not recorded" in found.reason
    mild = [{"name": "pay", "when": {"arguments.amount": {"lt": 100}}, "reversibility": "reversible"}]
    assert verdict(mild, arguments).reversibility == "unclassified"
    assert verdict(rules, {"amount": 5}).reversibility == "compensable"


@pytest.mark.parametrize("amount", ["1e999", "inf", "-Infinity", "nan", "a lot"])
def test_an_amount_that_is_no_number_decides_nothing(amount: str) -> None:
    """Whether the mild rule fits cannot be told, so the worst counts."""
    mild = [{"name": "pay", "when": {"arguments.amount": {"lt": 100}}, "reversibility": "reversible"}]
    assert verdict(mild, {"amount": amount}).reversibility == "unclassified"


def test_the_first_rule_that_fits_wins() -> None:
    """In the order written: name, names, pattern, agents."""
    rules: list[dict[str, Any]] = [
        {"name": "pay", "agents": ["other-bot"], "reversibility": "read_only"},
        {"names": ["refund", "pay"], "reversibility": "compensable"},
        {"pattern": "*", "reversibility": "reversible"},
    ]
    assert verdict(rules, {}).reversibility == "compensable"
    assert verdict(rules, {}, agents=("refund-bot", "other-bot")).reversibility == "read_only"
    assert verdict(rules, {}, "x").reversibility == "reversible"
    assert verdict(rules[:2], {}, "Pay").reversibility == "unclassified"


def test_a_rule_beats_the_guess_and_nothing_is_guessed_beyond_reads() -> None:
    """The catalogue may say that a get is none; without it, unknown tools are unclassified."""
    assert verdict([], {}, "get_user").guessed
    rule = {"name": "get_user", "reversibility": "irreversible", "reason": "it unlocks the account"}
    found = verdict([rule], {}, "get_user")
    assert (found.reversibility, found.guessed, found.reason) == ("irreversible", False, "it unlocks the account")
    assert verdict([], {}).reversibility == "unclassified"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "exactly one of name"),
        ({"name": "a", "pattern": "b"}, "exactly one of name"),
        ({"name": "a", "when": {"arguments.x": {}}}, "a condition needs one of"),
        ({"name": "a", "when": {"x": {"gt": 0}}}, "starts with 'arguments' or 'result'"),
        ({"name": "a", "when": {"arguments.x": {"larger": 0}}}, "larger"),
        ({"name": "a", "target": "{arguments.__class__!r}"}, "not a dotted path"),
        ({"name": "a", "target": "{arguments.x"}, "no partner"),
        ({"name": "a", "target": "{self.x}"}, "starts with"),
        ({"name": "a", "summary": "{arguments.x|upper}"}, "not a dotted path"),
        ({"name": "a", "undo_window": "soon"}, "undo_window"),
        ({"name": "a", "undo_window": "0s"}, "longer than zero"),
        ({"name": "a", "pattern2": 1}, "pattern2"),
    ],
)
def test_a_faulty_rule_is_refused_with_what_is_wrong(rule: dict[str, Any], said: str) -> None:
    """Faults are found when the config is read, not at 3 a.m."""
    with pytest.raises(ValidationError, match=said):
        ToolRule.model_validate({"reversibility": "compensable", **rule})


def test_the_version_names_the_rules() -> None:
    """Equal rules, equal version, also after a round trip; other rules, another."""
    one = Catalogue.model_validate({"rules": [{"name": "a", "reversibility": "reversible", "undo_window": "1h"}]})
    again = Catalogue.model_validate_json(one.model_dump_json(by_alias=True))
    assert again == one
    assert again.version == one.version
    assert one.version != Catalogue().version
