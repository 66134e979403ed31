"""The tray says which situation it is, why, and why each step stands where it does."""

from hypothesis import given
from hypothesis import strategies as st

from bot.plugin import OfferView
from bot.views.card import card
from bot.views.tray import tray
from tests.support import hostile
from tests.support.blockcheck import problems
from tests.support.sample_incident import NOW, sample_incident, sample_offers


def step(place: int, why: str, ladder: str, label: str = "Pin model…") -> OfferView:
    """An offer that is a step of a ladder."""
    return OfferView(
        id=f"o{place}",
        incident="INC-42",
        action="pin_model",
        params={},
        label=label,
        asks=True,
        rank=place - 9,
        why=why,
        ladder=ladder,
    )


def test_each_step_has_its_sentence() -> None:
    """And a tray without a ladder says nothing of one."""
    made = tray(sample_incident(), [step(1, "It takes effect at once.", "Another model served: gpt-x → gpt-y")], NOW)
    shown = str(made.blocks)
    assert "Another model served: gpt-x → gpt-y" in shown
    assert "1. *Pin model…* It takes effect at once." in shown
    assert "Why in this order" not in str(tray(sample_incident(), sample_offers(), NOW).blocks)


def test_the_card_says_why_its_two_buttons_come_first() -> None:
    """Right under them, in one line; a card whose buttons no ladder chose says nothing of one."""
    fits = "Another model served: gpt-x → gpt-y. No commit did it."
    made = card(sample_incident(), [step(1, "It takes effect at once.", fits), *sample_offers()], NOW)
    assert made.blocks[-1]["elements"][0]["text"].startswith(f"🪜 {fits}\n")
    assert made.blocks[-2]["block_id"] == "containment"
    assert problems(made) == []
    assert "🪜" not in str(card(sample_incident(), sample_offers(), NOW).blocks)


@given(hostile.text(), st.integers(1, 30))
def test_hostile_evidence_on_the_card_stays_text_within_the_limits(text: str, count: int) -> None:
    """As in the tray."""
    assert problems(card(sample_incident(), [step(n, text, text * 20, text) for n in range(count)], NOW)) == []


@given(hostile.text(), st.integers(1, 30))
def test_hostile_evidence_stays_text_within_the_limits(text: str, count: int) -> None:
    """Names of models, tools and sources stand in it."""
    made = tray(sample_incident(), [step(n, text, text, text) for n in range(count)], NOW)
    assert problems(made) == []
