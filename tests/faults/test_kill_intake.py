import asyncio

import pytest

from tests.support.failpoints import POINTS
from tests.support.world import AGENT, ANNOUNCE, LEE, Json, World, alert

INTAKE = [name for name in POINTS if name.startswith("I")]


@pytest.mark.parametrize("point", INTAKE)
async def test_an_accepted_alert_is_in_exactly_one_incident_wherever_the_bot_is_killed(
    world: World, point: str
) -> None:
    """I1 to I4: the sender tries again until 202, as Alertmanager does; the restarted bot finishes what was accepted.

    Two alerts belong together, one to another agent: two incidents, one card, one announcement and one page each.
    """
    await world.start(point)
    batches = ([alert("a")], [alert("b"), alert("c", agent="mail-bot")])
    sending = asyncio.create_task(_deliver(world, *batches))
    await world.died()
    await world.start()
    await sending
    for batch in batches:  # what was accepted is sent once more, as a sender does whose 202 was lost
        await world.deliver(*batch)
    found = await _settled(world, 2)

    holders = [held["id"] for incident in found for held in incident["alerts"]]
    lost = world.accepted - set(holders)
    doubled = len(holders) - len(set(holders))
    cards = [len(await world.posted(f"{i['id']}:card")) for i in found]
    announced = [len(await world.posted(f"{i['id']}:announce")) for i in found]
    pages = [len(await world.posted(f"{i['id']}:page:0:{LEE}")) for i in found]
    entries = await world.verified()
    print(
        f"\n{point}: accepted {len(world.accepted)}, lost {len(lost)}, doubled {doubled}, incidents {len(found)}, "
        f"cards {cards}, announcements {announced}, pages {pages}, chain {entries} entries fit"
    )
    assert (len(world.accepted), len(lost), doubled) == (3, 0, 0)
    assert sorted(i["agent"] for i in found) == ["mail-bot", AGENT]
    assert (cards, announced, pages) == ([1, 1], [1, 1], [1, 1])
    assert len(await world.slack.messages(ANNOUNCE)) == 2
    assert {(p["step"], p["user"], p["how"]) for i in found for p in i["pages"]} == {
        (0, LEE, "direct_message"),
        (0, LEE, "mention"),
    }
    assert all(len(i["pages"]) == 2 for i in found)


async def _deliver(world: World, *batches: list[Json]) -> None:
    for batch in batches:
        await world.deliver(*batch)


async def _settled(world: World, count: int) -> list[Json]:
    async def look() -> bool:
        found = await world.incidents()
        assert len(found) == count, f"{len(found)} incidents"
        assert all(i["root_ts"] and len(i["pages"]) == 2 for i in found), "no card or page yet"
        return True

    await world.until(f"{count} incidents with card and pages", look)
    await world.quiet()
    return await world.incidents()
