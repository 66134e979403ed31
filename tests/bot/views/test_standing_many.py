"""A card of thousands of effects says what a card of few says, and costs little more."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.effect import Effect, EffectCounts, EffectOutcome, Reversibility, counts, rank, ranked
from bot.domain.incident import AlertState, Incident, IncidentState
from bot.views.standing import standing

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_CLASSES = list(Reversibility)
_OUTCOMES = list(EffectOutcome)


def _effects(many: int, seed: int) -> tuple[Effect, ...]:
    chance = random.Random(seed)
    return tuple(
        Effect(
            id=f"e{order}",
            trace_id="ab" * 16,
            order=order,
            tool=chance.choice(["refund", "mail", "look"]),
            reversibility=chance.choice(_CLASSES),
            outcome=chance.choice(_OUTCOMES),
            guessed=chance.random() < 0.3,
            undo_deadline=NOW + timedelta(minutes=chance.randint(-60, 60)) if chance.random() < 0.4 else None,
        )
        for order in range(1, many + 1)
    )


def _counted_one_by_one(effects: tuple[Effect, ...]) -> EffectCounts:
    tally = dict.fromkeys(EffectCounts.model_fields, 0)
    for effect in effects:
        tally["total"] += 1
        read = effect.reversibility is Reversibility.READ_ONLY
        if not effect.happened:
            tally["failed"] += not read
            continue
        tally[effect.reversibility] += 1
        tally["guessed"] += read and effect.guessed
        tally["unknown"] += not read and effect.outcome is EffectOutcome.UNKNOWN
    return EffectCounts(**tally)


@pytest.mark.parametrize("many", [0, 3, 49, 50, 700])
def test_changes_are_the_beginning_of_the_order_however_many(many: int) -> None:
    """The card shows the first five of them, and the sentence names those without a way back."""
    for seed in range(5):
        effects = _effects(many, seed)
        for _ in range(2):  # the second time from what was kept
            tally, order = counts(effects), ranked(effects)
            assert tally == _counted_one_by_one(effects)
            assert sorted(effects, key=rank) == list(order)
            assert [e.changes for e in order] == [True] * tally.changes + [False] * (many - tally.changes)
            assert [e.irreversible for e in order[: tally.no_way_back]] == [True] * tally.no_way_back


def test_windows_that_close_are_seen_at_once_though_the_order_is_kept() -> None:
    """Asked before and after each deadline, in any order, many effects stand as they would if looked at anew."""
    effects = _effects(300, 1)
    held = Incident(
        id="INC-1",
        number=1,
        seq=1,
        head="",
        state=IncidentState.OPEN,
        alert_state=AlertState.FIRING,
        severity="SEV2",
        agent="refund-bot",
        name="Refunds",
        opened_at=NOW,
        opened_by="alertmanager",
        effects=effects,
    )
    moments = [NOW + timedelta(minutes=m) for m in (-90, 0, 5, 30, 29, 90, -90)]
    for at in moments:
        anew = ranked(
            effect.model_copy(update={"reversibility": Reversibility.IRREVERSIBLE})
            if effect.undo_deadline is not None
            and effect.undo_deadline <= at
            and effect.reversibility in {Reversibility.COMPENSABLE, Reversibility.REVERSIBLE}
            else effect
            for effect in effects
        )
        assert standing(held, at) == anew
        assert standing(held, at) is standing(held, at)
