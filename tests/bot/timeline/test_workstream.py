from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from bot.domain.work import Due, Work, WorkItem
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.waiting import wait_until

PAGE = WorkItem(kind=Work.PAGE, incident="INC-1", payload={"step": 1})


async def test_an_item_goes_to_one_consumer_and_is_gone_when_done(store: Store) -> None:
    """The stream holds only what is not done."""
    assert await store.work.add(PAGE)
    (leased,) = await store.work.take("a", 10, 10)
    assert (leased.item, leased.deliveries) == (PAGE, 1)
    assert await store.work.take("b", 10, 10) == []
    await store.work.done(leased.id)
    depth = await store.work.depth()
    assert (depth.waiting, depth.leased, depth.oldest) == (0, 0, None)


async def test_the_same_operation_adds_once(store: Store) -> None:
    """A click that is delivered twice is one piece of work."""
    assert await store.work.add(PAGE, "click 1")
    assert not await store.work.add(PAGE, "click 1")
    assert await store.work.add(PAGE, "click 2")


async def test_a_renewed_lease_is_not_taken_over_and_counts_no_delivery(store: Store) -> None:
    """Working long is no failure."""
    await store.work.add(PAGE)
    (leased,) = await store.work.take("a", 1, 10)
    assert await store.work.renew([leased.id], "a") == [leased.id]
    assert await store.work.takeover("b", 60_000) == []
    (again,) = await store.work.takeover("b", 0)
    assert (again.item, again.deliveries) == (PAGE, 2)


async def test_a_lost_lease_cannot_be_renewed_back(store: Store) -> None:
    """A worker that was frozen finds out that another has its item."""
    await store.work.add(PAGE)
    (leased,) = await store.work.take("a", 1, 10)
    await store.work.takeover("b", 0)
    assert await store.work.renew([leased.id], "a") == []
    assert await store.work.renew([leased.id], "b") == [leased.id]


async def test_a_retry_keeps_the_count_and_waits_for_its_time(store: Store, clock: ManualClock) -> None:
    """Failing items wait as due times, where they block nobody."""
    await store.work.add(PAGE)
    (leased,) = await store.work.take("a", 1, 10)
    assert await store.work.retry(leased, clock.now() + timedelta(seconds=5))
    assert not await store.work.retry(leased, clock.now()), "it is pending no more"
    assert await store.work.move_due(clock.now()) == 0
    assert await store.work.move_due(clock.forward(seconds=5)) == 1
    (leased,) = await store.work.take("a", 1, 10)
    assert leased.deliveries == 2
    await store.work.retry(leased, clock.now(), counted=False)
    await store.work.move_due(clock.now())
    assert (await store.work.take("a", 1, 10))[0].deliveries == 2


async def test_a_buried_item_is_kept_and_people_are_told(store: Store, raw: Redis) -> None:
    """Nothing that was given up is given up in silence; a message about it that fails too is only kept."""
    await store.work.add(PAGE)
    (leased,) = await store.work.take("a", 1, 10)
    assert await store.work.bury(leased, "Slack says no")
    assert not await store.work.bury(leased, "twice")
    (told,) = await store.work.take("a", 1, 10)
    assert told.item.kind is Work.DEAD_LETTER
    assert told.item.incident == "INC-1"
    assert told.item.payload == {"work": "page", "reason": "Slack says no", "entry": leased.id}
    await store.work.bury(told, "nobody listens")
    assert await store.work.take("a", 1, 10) == []
    dead: Any = raw.xrange("{pullcord}:dead")
    assert [fields[b"reason"] for _, fields in dead] == [b"Slack says no", b"nobody listens"]
    assert (await store.work.depth()).dead == 2


async def test_due_work_moves_when_its_time_comes_and_is_replaced_by_id(store: Store, clock: ManualClock) -> None:
    """An owner sets, moves and clears its due time by a name of its own."""
    for minutes in (1, 5):
        await store.work.schedule(Due(id="page:INC-1", at=clock.now() + timedelta(minutes=minutes), item=PAGE))
    assert (await store.work.depth()).next_due == clock.now() + timedelta(minutes=5)
    assert await store.work.move_due(clock.forward(minutes=1)) == 0
    assert await store.work.move_due(clock.forward(minutes=4)) == 1
    assert await store.work.move_due(clock.now()) == 0
    await store.work.schedule(Due(id="page:INC-1", at=clock.now(), item=PAGE))
    assert await store.work.unschedule("page:INC-1", "unknown") == 1
    assert await store.work.move_due(clock.now()) == 0
    assert [x.item for x in await store.work.take("a", 10, 10)] == [PAGE]


async def test_a_recurring_check_is_done_by_one_replica_in_each_period(store: Store, clock: ManualClock) -> None:
    """floor(now / period) by the injected clock names the period."""
    period = timedelta(minutes=10)
    claims = [await store.work.claim_period("audit", period, clock.now()) for _ in range(3)]
    assert claims == [True, False, False]
    assert await store.work.claim_period("other", period, clock.now())
    assert await store.work.claim_period("audit", period, clock.forward(minutes=10))


async def test_an_item_of_a_newer_version_is_offered_again_and_then_kept(
    store: Store, clock: ManualClock, raw: Redis
) -> None:
    """During a rolling upgrade another replica may be able to read it; it blocks nobody meanwhile."""
    raw.xadd("{pullcord}:work", {"n": "0", "i": '{"kind":"from_the_future"}'})
    await store.work.add(PAGE)
    assert [x.item for x in await store.work.take("a", 10, 10)] == [PAGE]
    for _ in range(4):
        assert await store.work.move_due(clock.forward(seconds=15)) == 1
        readable = await store.work.take("a", 10, 10)
    assert [x.item.kind for x in await store.work.take("a", 10, 10) + readable] == [Work.DEAD_LETTER]
    dead: Any = raw.xrange("{pullcord}:dead")
    assert dead[0][1][b"i"] == b'{"kind":"from_the_future"}'


@pytest.mark.parametrize("fields", [{"x": "y"}, {"n": "many", "i": "{}"}, {"n": "0", "i": "\udcff"}])
async def test_an_entry_that_is_no_item_is_set_aside(store: Store, raw: Redis, fields: dict[str, str]) -> None:
    """A damaged entry ends in the dead ones, not in a loop."""
    words = [w.encode(errors="surrogateescape") for pair in fields.items() for w in pair]
    raw.execute_command("XADD", "{pullcord}:work", "*", *words)  # type: ignore[no-untyped-call]
    assert await store.work.take("a", 10, 10) == []
    depth = await store.work.depth()
    assert depth.leased == 0
    assert depth.dead + depth.due == 1


async def test_consumers_of_dead_processes_are_forgotten_once_they_hold_nothing(store: Store, raw: Redis) -> None:
    """Each start has a new name; the group must not grow for ever, and must drop nothing."""
    await store.work.add(PAGE)
    await store.work.take("holds", 1, 10)
    await store.work.take("idle", 1, 10)
    assert not await store.work.forget("holds")

    async def one_gone() -> bool:
        return await store.work.forget_idle(timedelta(milliseconds=1)) == 1

    await wait_until(one_gone)
    assert [c["name"] for c in raw.xinfo_consumers("{pullcord}:work", "workers")] == [b"holds"]


async def test_the_group_is_made_again_when_the_store_was_emptied(store: Store, raw: Redis) -> None:
    """A store that comes back empty must not stop the workers for ever."""
    raw.flushall()
    await store.work.make_group()
    await store.work.make_group()
    await store.work.add(PAGE)
    assert len(await store.work.take("a", 1, 10)) == 1


async def test_a_damaged_due_time_does_not_stop_the_others(store: Store, raw: Redis, clock: ManualClock) -> None:
    """It is set aside with a message to people like any item that nobody can read; every page behind it still goes."""
    raw.zadd("{pullcord}:due", {"bad": 1.0})
    raw.hset("{pullcord}:due:items", "bad", "no number before it")
    await store.work.schedule(Due(id="good", at=clock.now(), item=WorkItem(kind=Work.PAGE, incident="INC-1")))
    assert await store.work.move_due(clock.now()) == 2
    assert [leased.item.kind for leased in await store.work.take("w", 10, 10)] == [Work.PAGE]
