"""Two whole processes on one store: whichever does it, it is done once."""

import asyncio
from pathlib import Path

from bot.domain.desired import TOOLS_DENIED
from tests.support.world import AGENT, ANNOUNCE, DANA, LEE, Json, World, a_world, alert, bad_run, free_port
from tests.support.world_store import a_valkey

TRACE = "7a0c" + "0" * 28
MANY = 12


async def test_two_replicas_do_everything_once_also_when_one_is_killed(tmp_path: Path) -> None:
    """Alerts sent to both at once: each in one incident, one card and one page each. A click: run once.

    The undo is pressed while one of them is killed: it is done once, by whoever is left.
    """
    async with a_valkey(tmp_path / "valkey", free_port()) as valkey, a_world(tmp_path, redis_url=valkey.url) as world:
        first = await world.start()
        other = await world.start(port=free_port())
        await world.slack.wait_connected(2)
        await world.spans(*bad_run(TRACE))
        await _both(world, first.origin, other.origin, alert("a", trace_id=TRACE))
        await world.button("Revoke issue_refund")
        await asyncio.gather(
            *(_both(world, first.origin, other.origin, alert(f"b{n}", title=f"Kind {n}")) for n in range(MANY))
        )
        await world.until("all incidents stand", lambda: _stand(world, MANY + 1))
        await world.quiet()
        found = await world.incidents()
        holders = [held["id"] for i in found for held in i["alerts"]]
        pages = [len(await world.posted(f"{i['id']}:page:0:{LEE}")) for i in found]
        cards = [len(await world.posted(f"{i['id']}:card")) for i in found]

        channel, ts, action, value = await world.button("Revoke issue_refund")
        await asyncio.gather(
            *(world.slack.click(who, channel, ts, action, value, stale=True) for who in (LEE, DANA, LEE, DANA))
        )
        await world.execution("succeeded")
        await world.quiet()
        ran = [e for e in (await world.incident())["executions"] if e["state"] == "succeeded"]

        channel, ts, action, value = await world.button("Undo")
        pressing = asyncio.create_task(world.slack.click(DANA, channel, ts, action, value, stale=True))
        await asyncio.to_thread(other.kill)
        await pressing
        await world.slack.click(DANA, channel, ts, action, value, stale=True)
        await world.execution("succeeded", index=1)
        await world.quiet()
        async with world.store() as store:
            state = await store.desired.state(AGENT)
        print(
            f"\ntwo replicas: accepted {len(world.accepted)}, in incidents {len(holders)}, incidents {len(found)}, "
            f"cards {sum(cards)}, pages {sum(pages)}, four clicks ran {len(ran)}, writes in all {state.revision}"
        )
        assert len(found) == MANY + 1
        assert sorted(holders) == sorted(world.accepted)
        assert (set(cards), set(pages)) == ({1}, {1})
        assert len([m for m in await world.slack.messages(ANNOUNCE) if not m.get("thread_ts")]) == MANY + 1
        assert len(ran) == 1
        assert (state.revision, state.value(TOOLS_DENIED)) == (2, {"tools": []})
        await world.verified()


async def _both(world: World, one: str, other: str, body: Json) -> None:
    """The same alert to both replicas at the same moment, as a sender behind a load balancer may do."""
    headers = {"authorization": f"Bearer {world.environment['ALERT_TOKEN']}"}
    answers = await asyncio.gather(
        *(world.http.post(f"{origin}/alerts/generic", json=[body], headers=headers) for origin in (one, other))
    )
    assert [a.status_code for a in answers] == [202, 202]
    world.accepted.update(i for a in answers for i in a.json()["ids"])


async def _stand(world: World, count: int) -> bool:
    found = await world.incidents()
    assert len(found) == count, f"{len(found)} incidents"
    return all(i["root_ts"] and len(i["pages"]) == 2 for i in found)
