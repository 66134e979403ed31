"""What is known of an incident: read from its projection, three-valued, and never guessed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.effect import Effect, EffectOutcome, Origin, Reversibility
from bot.domain.fact import FACTS, Basis, Fact
from bot.domain.incident import Compared, Incident
from bot.domain.profile import ChangeKind, Difference
from bot.engine.facts import READ, facts_of, held
from tests.support.sample_incident import TRACE, chain, opening, sample_incident

NOW = datetime(2026, 6, 9, 3, 3, tzinfo=UTC)


def compared(*changes: Difference, against: int = 20, unrecorded: tuple[str, ...] = ()) -> Compared:
    """A comparison with good runs."""
    return Compared(trace_id=TRACE, compared=against, changes=changes, note="", at=NOW, unrecorded=unrecorded)


def effect(number: int = 1, **changes: Any) -> Effect:
    """A refund that happened."""
    values: dict[str, Any] = {
        "id": f"ef_{number}",
        "trace_id": TRACE,
        "order": number,
        "tool": "issue_refund",
        "arguments": {"amount": 420},
        "reversibility": Reversibility.IRREVERSIBLE,
        "outcome": EffectOutcome.APPLIED,
        **changes,
    }
    return Effect(**values)


def incident(**changes: Any) -> Incident:
    """The sample as it was opened, with other facts."""
    made = sample_incident(chain(opening()))
    return made.model_copy(update={"compared": (), "effects": (effect(),), **changes})


def fact(name: str, of: Incident) -> Fact:
    """One fact."""
    return next(one for one in facts_of(of) if one.id == name)


def test_every_fact_has_its_words_and_its_reader() -> None:
    """The list that ladders are checked against is the list that is read."""
    assert list(FACTS) == list(READ)
    assert [one.id for one in facts_of(incident())] == list(FACTS)


def test_without_a_run_nothing_is_known_and_nothing_holds() -> None:
    """Unknown is not false: each says why it is not known."""
    bare = incident(runs=(), effects=(), alerts=(), similar=())
    assert held(facts_of(bare)) == {}
    assert {one.holds for one in facts_of(bare)} == {None}
    assert all(one.evidence for one in facts_of(bare))


def test_without_a_comparison_nobody_knows_what_changed() -> None:
    """Neither that something changed nor that nothing did."""
    names = ("model_served_changed", "prompt_changed", "tools_changed", "documents_changed", "nothing_changed")
    assert {fact(name, incident()).holds for name in names} == {None}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ChangeKind.MODEL_SERVED, "model_served_changed"),
        (ChangeKind.FINGERPRINT, "model_served_changed"),
        (ChangeKind.MODEL_REQUESTED, "model_requested_changed"),
        (ChangeKind.PROMPT, "prompt_changed"),
        (ChangeKind.TOOL_REMOVED, "tools_changed"),
        (ChangeKind.DOCUMENT, "documents_changed"),
        (ChangeKind.PARAMETER, "parameters_changed"),
        (ChangeKind.AGENT_VERSION, "code_changed"),
    ],
)
def test_a_change_is_one_fact_with_its_values_and_counts(kind: ChangeKind, name: str) -> None:
    """And the others do not hold."""
    change = Difference(kind=kind, name="x", before="a-1", after="a-2", runs_before=19)
    of = incident(compared=(compared(change),))
    found = fact(name, of)
    assert (found.holds, found.basis) == (True, Basis.COMPARED)
    assert "a-1 → a-2" in found.evidence
    assert "19 good runs" in found.evidence
    assert fact("nothing_changed", of).holds is False
    mine = {one.id for one in facts_of(of) if one.holds} & {n for n in FACTS if n.endswith("_changed")}
    assert mine == {name}


def test_few_runs_to_compare_with_may_be_chance() -> None:
    """That stands in how sure it is."""
    change = Difference(kind=ChangeKind.PROMPT, runs_before=1)
    assert fact("prompt_changed", incident(compared=(compared(change, against=2),))).basis is Basis.COMPARED_FEW


def test_what_was_not_recorded_is_not_called_unchanged() -> None:
    """The clean log says what it could not see."""
    of = incident(compared=(compared(unrecorded=("served model",)),))
    assert fact("model_served_changed", of).holds is None
    assert fact("prompt_changed", of).holds is False
    clean = fact("nothing_changed", of)
    assert clean.holds is True
    assert clean.evidence.endswith("not recorded, so not compared: served model")


def test_untrusted_content_names_argument_value_and_source() -> None:
    """Of changes that happened; a hint, no verdict."""
    origin = Origin(argument="iban", value="DE89", source="web page https://evil.test", content="c" * 32)
    assert fact("untrusted_arguments", incident()).holds is False
    found = fact("untrusted_arguments", incident(effects=(effect(origins=(origin,)),)))
    assert (found.holds, found.basis) == (True, Basis.HINT)
    assert found.evidence == "iban of issue_refund (DE89) came from web page https://evil.test"
    failed = effect(origins=(origin,), outcome=EffectOutcome.FAILED)
    assert fact("untrusted_arguments", incident(effects=(failed,))).holds is False


def test_three_equal_calls_are_a_repeat_and_two_are_not() -> None:
    """Of one run, with the same arguments."""
    same = [effect(n) for n in (1, 2)]
    other = effect(3, arguments={"amount": 421})
    assert fact("repeated_calls", incident(effects=(*same, other))).holds is False
    found = fact("repeated_calls", incident(effects=(*same, effect(3))))
    assert (found.holds, found.evidence) == (True, "issue_refund was called 3 times with the same arguments")


def test_what_the_user_said_counts_only_without_untrusted_content() -> None:
    """A value that stands in both is nobody's."""
    origin = Origin(argument="amount", value="420", source="mail", content="c" * 32)
    assert fact("user_named_it", incident(effects=(effect(said=("amount",)),))).holds is True
    assert fact("user_named_it", incident(effects=(effect(said=("amount",), origins=(origin,)),))).holds is False
    assert fact("user_named_it", incident(effects=(effect(),))).holds is False


@given(st.text(max_size=400), st.text(max_size=400), st.sampled_from(list(EffectOutcome)))
def test_hostile_words_stay_one_short_line(tool: str, argument: str, outcome: EffectOutcome) -> None:
    """Whatever tools and contents are called: no line breaks, no length that floods a card."""
    origin = Origin(argument=argument, value=tool, source=argument, content="c" * 32)
    change = Difference(kind=ChangeKind.DOCUMENT, name=tool, before=argument, after=tool)
    of = incident(
        effects=tuple(effect(n, tool=tool, outcome=outcome, origins=(origin,), outbound=tool) for n in (1, 2, 3)),
        compared=(compared(change),),
    )
    for one in facts_of(of):
        assert len(one.evidence) <= 400
        assert len(one.evidence.splitlines()) <= 1


def test_facts_do_not_change_what_they_read() -> None:
    """Pure: the same answer each time."""
    of = sample_incident()
    assert facts_of(of) == facts_of(of)


def test_of_many_effects_facts_are_read_once_and_never_of_another_incident() -> None:
    """A card is rendered often; what it was made from decides whether the answer still holds."""
    many = tuple(effect(n, arguments={"amount": n}) for n in range(1, 60))
    of = incident(effects=many)
    assert facts_of(of) is facts_of(of.model_copy(update={"notes": 3}))
    change = Difference(kind=ChangeKind.PROMPT)
    assert fact("prompt_changed", of.model_copy(update={"compared": (compared(change),)})).holds is True
    assert fact("prompt_changed", of).holds is None
    said = of.model_copy(update={"effects": (*many, effect(99, said=("amount",)))})
    assert len(facts_of(said)) == len(FACTS)
