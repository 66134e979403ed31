"""Slack away or ill: nothing is lost, it is posted when Slack is back, once, and without a flood."""

import pytest

from sandbox.slack.faults import FaultKind, OutageKind
from tests.support.world import ANNOUNCE, LEE, World, alert


@pytest.mark.parametrize("kind", ["refuse", "hang", "503"])
async def test_an_outage_delays_and_loses_nothing(world: World, kind: OutageKind) -> None:
    """Three incidents open while Slack is away. Back again: one card, one announcement, one page each; few calls."""
    await world.start()
    await world.slack.wait_connected()
    await world.slack.outage(kind)
    before = len(await world.slack.calls())
    for number in range(3):
        await world.deliver(alert(f"a{number}", title=f"Anomaly {number}"))
    await world.until("three incidents", lambda: _count(world, 3))
    await world.until("calls that came to nothing", lambda: _calls(world, before + 3))
    await world.slack.restore()
    await world.until("all is posted", lambda: _posted(world, 3), seconds=22)
    await _exactly_once(world, 3, f"outage ({kind})", before)


@pytest.mark.parametrize("kind", ["429", "500", "hang", "lost_reply"])
async def test_a_fault_of_posting_ends_in_one_message_each(world: World, kind: FaultKind) -> None:
    """The first three posts fail in this way; what Slack did although its answer was lost is found, not repeated."""
    await world.start()
    await world.slack.wait_connected()
    await world.slack.fault("chat.postMessage", kind, times=3, retry_after=1)
    before = len(await world.slack.calls())
    await world.deliver(alert("a"))
    await world.until("all is posted", lambda: _posted(world, 1), seconds=24)
    await _exactly_once(world, 1, f"chat.postMessage {kind}", before)


async def _exactly_once(world: World, count: int, what: str, before: int) -> None:
    await world.quiet()
    found = await world.incidents()
    cards = [len(await world.posted(f"{i['id']}:card")) for i in found]
    announced = [len(await world.posted(f"{i['id']}:announce")) for i in found]
    pages = [len(await world.posted(f"{i['id']}:page:0:{LEE}")) for i in found]
    calls = len(await world.slack.calls()) - before
    print(f"\n{what}: incidents {len(found)}, cards {cards}, announcements {announced}, pages {pages}, calls {calls}")
    assert (len(found), cards, announced, pages) == (count, [1] * count, [1] * count, [1] * count)
    assert len([m for m in await world.slack.messages(ANNOUNCE) if not m.get("thread_ts")]) == count
    assert calls < 60 * count
    await world.verified()


async def _count(world: World, count: int) -> bool:
    return len((await world.api("/api/incidents"))["incidents"]) == count


async def _calls(world: World, count: int) -> bool:
    return len(await world.slack.calls()) >= count


async def _posted(world: World, count: int) -> bool:
    found = await world.incidents()
    reached = [i for i in found if any(p["delivered"] and p["how"] == "direct_message" for p in i["pages"])]
    return len(found) == count and len(reached) == count and all(i["root_ts"] for i in found)
