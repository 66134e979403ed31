"""The agent may read its state while Pullcord is still writing down that it had not."""

import pytest

from bot.domain.action import Applied, Change, Verification, Verified
from runbooks.controls.embedded import Embedded
from tests.support.engine import AGENT, World


async def test_a_read_between_the_read_back_and_its_record_is_not_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was waiting for that read yet, so the record itself asks for one more look."""
    real = Embedded.verify

    async def raced(plane: Embedded, change: Change, applied: Applied) -> Verification:
        found = await real(plane, change, applied)
        if found.verified is Verified.PENDING:
            revision = (await world.store.desired.state(AGENT)).revision
            await world.store.desired.record_read(AGENT, ["agent.tools.denied"], revision)
            # another worker hears of the read before this one has written anything
            for leased in await world.store.work.take("another", 10, 5):
                await world.engine.handlers[leased.item.kind](leased.item)
                await world.store.work.done(leased.id)
        return found

    monkeypatch.setattr(Embedded, "verify", raced)
    await world.fire()
    await world.click("Revoke a tool", tool="issue_refund")
    assert (await world.incident()).executions[-1].verified is Verified.IN_FORCE
