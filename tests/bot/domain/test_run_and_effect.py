from typing import Any

import pytest

from bot.domain.effect import Effect, EffectCounts, Reversibility, Suggestion, counts, ranked, severity_inputs
from bot.domain.money import Money
from bot.domain.run import Gap, ModelCall, Run, summarise
from bot.domain.span import SpanRecord

TRACE = "a" * 32


def effect(order: int, reversibility: str = "irreversible", outcome: str = "applied", **fields: Any) -> Effect:
    """An effect of that class and outcome."""
    held = {"id": f"e{order}", "trace_id": TRACE, "order": order, "tool": "pay", **fields}
    return Effect.model_validate({"reversibility": reversibility, "outcome": outcome, **held})


def test_failed_attempts_are_shown_and_not_counted_and_unknown_ones_count() -> None:
    """Counts by class hold what happened or may have; failures beside them."""
    effects = [
        effect(1),
        effect(2, "unclassified", "unknown"),
        effect(3, "compensable", "failed"),
        effect(4, "read_only", guessed=True),
        effect(5, "read_only", "failed"),
        effect(6, "reversible"),
    ]
    found = counts(effects)
    assert found == EffectCounts(
        total=6, read_only=1, reversible=1, irreversible=1, unclassified=1, failed=1, unknown=1, guessed=1
    )
    assert (found.changes, found.no_way_back) == (3, 2)
    assert (found + found).total == 12


def test_effects_are_ranked_worst_first() -> None:
    """Irreversible and unclassified, compensable, reversible, reads; failed attempts last; then in order."""
    effects = [
        effect(1, "read_only"),
        effect(2, "irreversible", "failed"),
        effect(3, "reversible"),
        effect(4, "unclassified", "unknown"),
        effect(5, "compensable"),
        effect(6, "irreversible"),
    ]
    assert [e.order for e in ranked(effects)] == [4, 6, 5, 3, 1, 2]


def test_of_unclassified_effects_that_with_a_softer_suggestion_comes_last() -> None:
    """It counts the same; but the first lines of a card, and its first button, are for what is likely the worst."""
    wired = Suggestion(reversibility=Reversibility.IRREVERSIBLE, reason="money goes out")
    read = Suggestion(reversibility=Reversibility.READ_ONLY, reason="it reads")
    effects = [
        effect(1, "unclassified").model_copy(update={"suggestion": read}),
        effect(2, "compensable"),
        effect(3, "unclassified").model_copy(update={"suggestion": wired}),
        effect(4, "unclassified"),
        effect(5, "irreversible"),
    ]
    assert [e.order for e in ranked(effects)] == [3, 4, 5, 1, 2]
    assert counts(effects).no_way_back == 4


def test_severity_looks_at_what_cannot_be_undone_and_in_how_many_runs() -> None:
    """Unclassified is irreversible until someone says otherwise; a failed attempt is nothing."""
    effects = [
        effect(1),
        effect(2, "unclassified", "unknown", trace_id="b" * 32),
        effect(3, "reversible"),
        effect(4, "irreversible", "failed", trace_id="c" * 32),
    ]
    found = severity_inputs(effects)
    assert (found.changes, found.irreversible, found.irreversible_runs) == (3, 2, 2)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (42000, "USD", "$420.00"),
        (-5, "EUR", "-€0.05"),
        (123456789, "GBP", "£1,234,567.89"),
        (1200, "JPY", "JPY 1,200"),
        (1500, "KWD", "KWD 1.500"),
        (999, "CHF", "CHF 9.99"),
    ],
)
def test_money_is_written_by_its_currency(amount: int, currency: str, text: str) -> None:
    """Minor units as ISO 4217 has them."""
    assert str(Money(amount=amount, currency=currency)) == text


def test_a_summary_has_one_gap_of_each_kind_and_the_last_known_models() -> None:
    """What goes on the timeline is small; unknown stays unknown."""
    calls = (
        ModelCall(
            order=1, span_id="1" * 16, model_requested="a", model_served="a-1", parameters={"seed": 1, "top_p": 1}
        ),
        ModelCall(order=2, span_id="2" * 16, model_requested="b", parameters={"seed": 2}),
    )
    gaps = tuple(Gap(field=field, hint=str(n)) for n, field in enumerate(["seed", "prompt", "seed"]))
    run = Run(trace_id=TRACE, model_calls=calls, gaps=gaps)
    found = summarise(run, EffectCounts(total=3))
    assert (found.model_requested, found.model_served) == ("b", "a-1")
    assert found.parameters == {"seed": 2, "top_p": 1}
    assert [gap.hint for gap in found.gaps] == ["0", "1"]
    assert summarise(Run(trace_id=TRACE), EffectCounts()).model_served is None


def test_a_span_record_comes_back_from_its_bytes() -> None:
    """Fields at their default are not written."""
    record = SpanRecord(trace_id=TRACE, span_id="b" * 16, attributes={"x": [1, None, {"y": 1.5}]}, marks=("cut",))
    raw = record.to_bytes()
    assert b"parent_id" not in raw
    assert SpanRecord.from_bytes(raw) == record
