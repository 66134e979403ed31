import pytest

from tests.support.failpoints import POINTS
from tests.support.world import ANNOUNCE, LEE, World, alert

POSTING = [name for name in POINTS if name.startswith("P")]


@pytest.mark.parametrize("point", POSTING)
async def test_one_card_one_announcement_one_page_wherever_the_poster_is_killed(world: World, point: str) -> None:
    """P1 to P3: whoever comes after finds by its metadata what Slack has already, and posts only what it has not."""
    await world.start(point)
    await world.deliver(alert("a"))
    await world.died()
    await world.start()
    await world.until("posted and paged", lambda: _complete(world))
    await world.quiet()
    whole = await world.incident()
    roots = [m for m in await world.slack.messages(whole["channel"]) if m.get("thread_ts", m["ts"]) == m["ts"]]
    cards = [m for m in roots if m.get("blocks")]
    channels = [c["name"] for c in await world.slack.channels() if c.get("name", "").startswith("inc-1")]
    direct = await world.posted(f"INC-1:page:0:{LEE}")
    announced = [m for m in await world.slack.messages(ANNOUNCE) if not m.get("thread_ts")]
    entries = await world.verified()
    print(
        f"\n{point}: channels {len(channels)}, cards {len(cards)}, announcements {len(announced)}, "
        f"pages {len(direct)}, chain {entries} entries fit"
    )
    assert (len(channels), len(cards), len(announced), len(direct)) == (1, 1, 1, 1)
    assert cards[0]["ts"] == whole["root_ts"]
    assert [(p["step"], p["user"], p["how"], p["delivered"]) for p in sorted(whole["pages"], key=str)].count(
        (0, LEE, "direct_message", True)
    ) == 1
    assert len(whole["pages"]) == 2


async def _complete(world: World) -> bool:
    whole = await world.incident()
    return bool(whole["root_ts"]) and len(whole["pages"]) == 2
