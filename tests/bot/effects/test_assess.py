from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.catalogue import Catalogue
from bot.domain.effect import Effect
from bot.effects.assess import assess
from tests.bot.effects.samples import NOW, UNSET, call, run

REFUND = {
    "name": "issue_refund",
    "reversibility": "compensable",
    "undo_window": "1h",
    "target": "{arguments.customer_id}",
    "summary": "{arguments.amount_cents|money:arguments.currency} → {arguments.customer_id}",
}
ARGUMENTS = {"customer_id": "cus_81", "amount_cents": 42000, "currency": "usd"}


def one(rule: dict[str, Any] | None, arguments: Any = UNSET, now: Any = NOW, **fields: Any) -> Effect:
    """The effect of one call under one rule."""
    catalogue = Catalogue.model_validate({"rules": [rule] if rule else []})
    [effect] = assess(run(call("issue_refund", arguments, **fields)), catalogue, now)
    return effect


def test_an_effect_says_what_to_whom_and_how_much() -> None:
    """Target, summary and money come from the rule's templates."""
    effect = one(REFUND, ARGUMENTS, result={"ok": True})
    assert (effect.target, effect.summary) == ("cus_81", "$420.00 → cus_81")
    assert effect.money is not None
    assert (effect.money.amount, effect.money.currency) == (42000, "USD")
    assert (effect.outcome, effect.reversibility, effect.agent) == ("applied", "compensable", "refund-bot")


@pytest.mark.parametrize(
    ("arguments", "summary"),
    [
        (UNSET, "(amount_cents not recorded) → (customer_id not recorded)"),
        ({"amount_cents": 5, "currency": "dollars"}, "5 → (customer_id not recorded)"),
        ({"amount_cents": 5.5, "currency": "USD", "customer_id": {"a": 1}}, '5.5 → {"a":1}'),
        ({"amount_cents": "1200", "currency": "JPY", "customer_id": "x\n<!channel>"}, "JPY 1,200 → x <!channel>"),
        ({"amount_cents": True, "currency": "USD", "customer_id": "x" * 500}, "true → " + "x" * 119 + "…"),
    ],
)
def test_what_is_missing_or_odd_is_said_and_never_made_up(arguments: Any, summary: str) -> None:
    """No amount without its currency, no path into what was not recorded, no endless text."""
    effect = one(REFUND, arguments)
    assert effect.summary == summary
    assert (effect.money is not None) is summary.startswith("JPY")


def test_an_undo_window_closes() -> None:
    """Within it compensable with a deadline; after it irreversible; with no recorded end it counts as closed."""
    inside, after = NOW + timedelta(minutes=59), NOW + timedelta(hours=1)
    assert (one(REFUND, ARGUMENTS, inside).reversibility, one(REFUND, ARGUMENTS, inside).undo_deadline) == (
        "compensable",
        after,
    )
    closed = one(REFUND, ARGUMENTS, after)
    assert (closed.reversibility, closed.undo_deadline) == ("irreversible", after)
    assert "closed" in closed.reason
    assert one({**REFUND, "after_window": "compensable"}, ARGUMENTS, after).reversibility == "compensable"
    assert one(REFUND, ARGUMENTS, inside, ended_at=None).reversibility == "irreversible"


def test_ids_are_stable_and_tell_equal_calls_apart() -> None:
    """The id does not depend on the call id, the span, the order of keys, or what came later."""
    first, other = call("pay", {"a": 1, "b": 2}), call("pay", {"a": 2})
    ids = [effect.id for effect in assess(run(first, other, first), Catalogue(), NOW)]
    again = call("pay", {"b": 2, "a": 1}, call_id="c9", span_id="f" * 16, result="ok")
    assert len(set(ids)) == 3
    assert [effect.id for effect in assess(run(again), Catalogue(), NOW)] == ids[:1]
    elsewhere = assess(run(first, trace_id="b" * 32), Catalogue(), NOW)
    assert elsewhere[0].id not in ids


def test_large_arguments_are_cut_for_the_timeline() -> None:
    """An effect stays small whatever a tool was given, and says what was cut."""
    large = {f"k{n}": "x" * 10_000 for n in range(300)}
    effect = one(None, large)
    assert len(effect.model_dump_json()) < 10_000
    assert "more characters" in str(effect.arguments) or "more]" in str(effect.arguments)
    assert one(None, {"a": "short", "n": [1, None, 2.5]}).arguments == {"a": "short", "n": [1, None, 2.5]}


def test_a_rule_for_agents_looks_at_agent_and_service() -> None:
    """The name in the config may be that of the agent span or of the service."""
    rule = {"name": "pay", "agents": ["shop"], "reversibility": "reversible"}
    catalogue = Catalogue.model_validate({"rules": [rule]})
    assert assess(run(call("pay", {}), service="shop"), catalogue, NOW)[0].reversibility == "reversible"
    assert assess(run(call("pay", {}, agent="shop")), catalogue, NOW)[0].reversibility == "reversible"
    assert assess(run(call("pay", {})), catalogue, NOW)[0].reversibility == "unclassified"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(name=st.text(max_size=30), arguments=json_values, result=json_values)
def test_any_call_becomes_an_effect(name: str, arguments: Any, result: Any) -> None:
    """Foreign values never stop the reading, and every effect survives the store."""
    rules = [
        {"pattern": "*a*", "when": {"arguments.x": {"gt": 1}}, "reversibility": "reversible", "target": "{result.y}"}
    ]
    [effect] = assess(run(call(name, arguments, result)), Catalogue.model_validate({"rules": rules}), NOW)
    assert Effect.model_validate_json(effect.model_dump_json()) == effect
