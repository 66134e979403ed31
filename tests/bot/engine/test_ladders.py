"""Which ladder fits, and what it does to the offers: data and facts, nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.effect import Effect, EffectOutcome, Origin, Reversibility
from bot.domain.fact import FACTS, Basis, Fact
from bot.domain.incident import Compared, Incident
from bot.domain.ladder import Ladder
from bot.domain.profile import ChangeKind, Difference
from bot.engine.ladders import climb, fits, ranked
from bot.ladder_files import ladders_of
from bot.plugin import OfferView
from bot.registry import discover
from bot.settings import Settings
from tests.support.engine import AGENT, TRACE, World
from tests.support.sample_incident import NOW, chain, opening, sample_incident
from tests.support.sample_incident import TRACE as SAMPLE
from tests.support.spans import root_span, tool_span

BUILT_IN = ladders_of(Settings(), discover(["runbooks"]))[0]


def offers(*verbs: str) -> list[OfferView]:
    """One offer of each verb, in this order."""
    return [
        OfferView(id=f"o{n}", incident="INC-1", action=verb, params={}, label=verb, asks=True, rank=10 + n)
        for n, verb in enumerate(verbs)
    ]


def incident(*changes: Difference, against: int = 20, **effect: Any) -> Incident:
    """One irreversible effect, compared with good runs."""
    made = sample_incident(chain(opening()))
    did = Effect(
        id="ef_1",
        trace_id=SAMPLE,
        order=1,
        tool="issue_refund",
        arguments={"amount": 420},
        reversibility=Reversibility.IRREVERSIBLE,
        outcome=EffectOutcome.APPLIED,
    ).model_copy(update=effect)
    compared = Compared(trace_id=SAMPLE, compared=against, changes=changes, note="", at=NOW)
    return made.model_copy(update={"effects": (did,), "compared": (compared,) if against else ()})


ORIGIN = Origin(argument="iban", value="DE89", source="web page", content="c" * 32)
REPEAT = tuple(f"ef_{n}" for n in range(3))


@pytest.mark.parametrize(
    ("of", "ladder", "first"),
    [
        (incident(Difference(kind=ChangeKind.MODEL_SERVED)), "model_served_changed", ["pin_model", "revoke_tool"]),
        (incident(Difference(kind=ChangeKind.PROMPT)), "prompt_changed", ["rollback_prompt", "revoke_tool"]),
        (incident(Difference(kind=ChangeKind.DOCUMENT)), "retrieval_stale", ["revoke_tool", "patch_prompt"]),
        (incident(Difference(kind=ChangeKind.TOOL_CHANGED)), "tool_misuse", ["revoke_tool", "tighten_validation"]),
        (incident(origins=(ORIGIN,)), "injected_instruction", ["revoke_tool", "pause_agent"]),
        (incident(said=("amount",)), "user_error", ["tighten_validation", "open_eval_case"]),
        (incident(), "clean_log", ["revoke_tool", "tighten_validation"]),
    ],
)
def test_each_situation_has_its_ladder(of: Incident, ladder: str, first: list[str]) -> None:
    """Of the built-in ones, by facts alone; the first two are the card's buttons."""
    chosen = climb(of, BUILT_IN)
    assert chosen is not None
    assert chosen.ladder.id == ladder
    assert [step.verb for step in chosen.ladder.steps][:2] == first
    assert "{" not in chosen.because


def test_only_what_holds_of_several_facts_is_told_as_the_reason() -> None:
    """Another model was asked for: that the served one is as before would be a reason against it."""
    chosen = climb(incident(Difference(kind=ChangeKind.MODEL_REQUESTED, before="gpt-x", after="gpt-y")), BUILT_IN)
    assert chosen is not None
    assert chosen.ladder.id == "model_served_changed"
    assert chosen.because.startswith("the requested model changed: gpt-x → gpt-y. No commit did it")


def test_a_loop_is_seen_in_equal_calls() -> None:
    """Whatever it cost; what was recorded of the cost stands beside it."""
    of = incident()
    again = tuple(of.effects[0].model_copy(update={"id": name, "order": n + 1}) for n, name in enumerate(REPEAT))
    chosen = climb(of.model_copy(update={"effects": again}), BUILT_IN)
    assert chosen is not None
    assert chosen.ladder.id == "cost_loop"
    assert "called 3 times" in chosen.because


def test_the_clean_log_says_so_in_words() -> None:
    """For somebody who was trained on revert."""
    chosen = climb(incident(), BUILT_IN)
    assert chosen is not None
    assert chosen.ladder.title == "The git log is clean"
    assert "nothing changed against 20 recent good runs" in chosen.because
    assert "no commit to revert" in chosen.because


def test_where_nothing_is_known_no_ladder_is_guessed() -> None:
    """Not compared, nothing untrusted, nothing repeated: the verbs keep their own order."""
    of = incident(against=0)
    assert climb(of, BUILT_IN) is None
    made = offers("pin_model", "revoke_tool")
    assert list(ranked(made, None)) == made


def test_steps_come_first_and_the_others_keep_their_order() -> None:
    """A step that cannot be offered leaves its place to the next; each says why it stands there."""
    chosen = climb(incident(Difference(kind=ChangeKind.MODEL_SERVED)), BUILT_IN)
    before = offers("classify_tool", "revoke_tool", "pause_agent", "route_fallback", "patch_prompt")
    undo = OfferView(
        id="u", incident="INC-1", action="revoke_tool", params={}, label="Undo", asks=False, rank=60, undo_of="ex_1"
    )
    made = ranked([*before, undo], chosen)
    assert [o.action for o in made[:2]] == ["revoke_tool", "route_fallback"]
    assert [o.action for o in made[2:]] == ["classify_tool", "pause_agent", "patch_prompt", "revoke_tool"]
    assert made[0].why == "Until the pinned model has shown itself, what cannot be undone should not happen again."
    assert made[0].ladder.startswith("Another model served: the served model changed")
    assert (made[2].why, made[-1].why) == ("", "")


NAMES = st.lists(st.sampled_from(list(FACTS)), max_size=4, unique=True)
STATES = st.fixed_dictionaries({name: st.sampled_from([True, False, None]) for name in FACTS})


@given(NAMES, NAMES, NAMES, STATES)
def test_a_ladder_fits_by_what_is_known_to_hold(
    every: list[str], some: list[str], none: list[str], states: dict[str, bool | None]
) -> None:
    """Not known is neither true nor false: it fits no ``all`` and no ``any``, and hinders no ``none``."""
    facts = [Fact(id=name, holds=state, evidence="e", basis=Basis.RECORDED) for name, state in states.items()]
    step = {"verb": "pin_model", "why": "why not"}
    raw = {
        "id": "a",
        "title": "abc",
        "because": "abc",
        "steps": [step],
        "when": {"all": every, "any": some, "none": none},
    }
    wanted = (
        all(states[n] is True for n in every)
        and (not some or any(states[n] is True for n in some))
        and not any(states[n] is True for n in none)
    )
    assert fits(Ladder.model_validate(raw), facts) is wanted


async def test_the_card_shows_the_first_two_steps_of_the_ladder(world: World) -> None:
    """Through the engine: the offers as the card and the tray get them, with a step's parameters in its modal."""
    world.registry = replace(world.registry, ladders=BUILT_IN)
    world.restart()
    now = world.clock.now()
    spans = [root_span(TRACE, now)]
    spans += [tool_span(TRACE, n, "issue_refund", {"amount_cents": 5}, now) for n in (1, 2, 3)]
    await world.store.spans.upsert(TRACE, AGENT, {s.span_id: s.to_bytes() for s in spans})
    await world.fire()
    made = await world.engine.offers(await world.incident())
    assert [o.action for o in made[:2]] == ["pause_agent", "revoke_tool"]
    assert made[0].ladder.startswith("The agent repeats itself: issue_refund was called 3 times")
    waits = next(o for o in made if o.action == "wait_and_watch")
    assert (waits.params, waits.asks) == ({"minutes": 15}, True)
    assert await world.engine.offers(await world.incident()) == made
    await world.click("Revoke issue_refund")
    assert (await world.store.desired.state(AGENT)).value("agent.tools.denied") == {"tools": ["issue_refund"]}
