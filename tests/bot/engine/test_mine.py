"""Which open incidents are a person's own: led, acknowledged, or on call for."""

from collections.abc import Sequence

from bot.domain.events import Actor
from bot.plugin import Incidents
from tests.support.engine import AGENT, DANA, KIM, SAM, World, settings_of


async def ids(incidents: Incidents, by: Actor, limit: int = 50) -> Sequence[str]:
    """Their ids."""
    return [row.id for row in await incidents.mine(by, limit)]


async def test_mine_are_those_i_lead_have_or_am_on_call_for_while_they_are_open(world: World) -> None:
    """The newest first, and no more than asked for. Somebody with no part in any sees none."""
    assert DANA.id in settings_of().agent(AGENT).on_call
    await world.fire(fingerprint="a", name="A")
    await world.fire(fingerprint="b", name="B", agent="nobody-knows-this-bot")
    incidents = world.engine.incidents
    assert await ids(incidents, SAM) == []
    assert "INC-1" in await ids(incidents, DANA)
    await world.engine.requests.lifecycle("INC-2", "acknowledge", SAM, key="k1")
    await world.engine.requests.lifecycle("INC-1", "take", KIM, key="k2")
    await world.work()
    assert await ids(incidents, SAM) == ["INC-2"]
    assert await ids(incidents, KIM) == ["INC-1"]
    await world.engine.requests.lifecycle("INC-1", "resolve", KIM, key="k3", text="over")
    await world.work()
    assert await ids(incidents, KIM) == []
    assert "INC-1" not in await ids(incidents, DANA)


async def test_no_more_than_asked_for(world: World) -> None:
    """The newest."""
    for n in range(4):
        await world.fire(fingerprint=f"f{n}", name=f"N{n}")
    assert await ids(world.engine.incidents, DANA, 2) == ["INC-4", "INC-3"]
