"""Action and callback ids that messages already posted carry: changed only on purpose."""

from pathlib import Path

from bot.views import approval_blocks, card_buttons, forms, mitigations, modal, run_modal
from bot.views.card import card
from bot.views.messages import announcement, direct_message
from bot.views.tray import tray
from tests.support.blockcheck import action_ids
from tests.support.sample_incident import NOW, at, chain, opening, sample_incident, sample_offers

FROZEN = (Path(__file__).parent / "action_ids.txt").read_text(encoding="utf-8").split()


def test_action_ids_are_frozen() -> None:
    """Each constant is in the list, and the list names nothing else."""
    written = {
        v
        for m in (approval_blocks, card_buttons, forms, mitigations, modal, run_modal)
        for v in vars(m).values()
        if str(v).startswith("pullcord_")
    }
    assert sorted(written) == FROZEN


def test_messages_carry_only_frozen_ids() -> None:
    """No button was made with an id outside the list."""
    fresh, working = sample_incident(chain(opening())), sample_incident()
    made = [card(i, sample_offers(), NOW) for i in (fresh, working)]
    made += [tray(i, sample_offers(), NOW) for i in (fresh, working, None)]
    made += [announcement(fresh, at("03:04:00")), direct_message(fresh, at("03:04:00"))]
    used = {found for one in made for found in action_ids(one.blocks)}
    assert used <= set(FROZEN)
    assert {"pullcord_ack", "pullcord_run", "pullcord_more", "pullcord_check", "pullcord_tray"} <= used
