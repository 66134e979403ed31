"""Every verb's modal, about a run whose every name and value is hostile, stands within Slack's limits."""

import pytest

from tests.runbooks.conftest import Opened
from tests.support.blockcheck import problems
from tests.support.engine import KIM

BAD = "<!channel> & `*_~ <https://evil.test|x> \u202e\x00 👩‍👩‍👧 \\ # % . * \n" * 12
CALLS = ((BAD, {BAD: BAD, "a.b": [1, {"*": BAD}]}), ("", {"x": None}), ("t" * 3000, {"amount": 10**30}))


@pytest.mark.parametrize("calls", [CALLS, CALLS[:1], CALLS[1:2], CALLS[2:]])
async def test_hostile_names_break_no_modal(opened: Opened, calls: tuple[tuple[str, object], ...]) -> None:
    """Labels, options, prefilled texts and previews alike; nothing in them is live."""
    world = await opened(*calls)
    offers = await world.engine.requests.offers(await world.incident())
    asking = {offer.action for offer in offers if offer.asks}
    assert {"pin_model", "tighten_validation", "patch_prompt", "wait_and_watch", "pause_agent"} <= asking
    for offer in offers:
        assert len(offer.consequence) <= 300, offer.action
        if offer.asks:
            assert problems(await world.engine.requests.modal(offer, KIM)) == [], offer.action
