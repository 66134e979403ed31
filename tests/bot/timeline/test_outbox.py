import asyncio
import time
from datetime import timedelta

import pytest
from redis import Redis

from bot.errors import Refused
from bot.timeline.outbox import PostState
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.incidents import acknowledge, note, open_one

LEASE = timedelta(seconds=30)


async def claimed(store: Store, clock: ManualClock) -> str | None:
    """The incident that is claimed now."""
    found = await store.outbox.claim(clock.now(), LEASE)
    return None if found is None else found.incident


async def test_unacknowledged_incidents_are_posted_first_then_the_oldest(store: Store, clock: ManualClock) -> None:
    """Rank before age; an incident that changes ten times is posted once."""
    for n in range(1, 4):
        await open_one(store, f"op {n}", dirty=False)
        clock.forward(seconds=1)
    await store.incidents.write("INC-1", "ack", lambda _i: acknowledge())
    clock.forward(seconds=1)
    for n in range(10):
        for incident in ("INC-2", "INC-3"):
            await store.incidents.write(incident, f"n{n}", lambda _i: note("x"))
            clock.forward(seconds=1)
    assert [await claimed(store, clock) for _ in range(4)] == ["INC-2", "INC-3", "INC-1", None]


async def test_a_change_during_a_post_is_posted_after_it(store: Store, clock: ManualClock) -> None:
    """Latest wins, and one incident has one poster at a time."""
    await store.outbox.dirty("INC-1")
    first = await store.outbox.claim(clock.now(), LEASE)
    assert first is not None
    await store.outbox.dirty("INC-1")
    await store.outbox.dirty("INC-2")
    assert await claimed(store, clock) == "INC-2"
    assert await claimed(store, clock) is None
    assert await store.outbox.done(first)
    assert await claimed(store, clock) == "INC-1"


async def test_a_dead_posters_claim_returns_with_its_rank(store: Store, clock: ManualClock) -> None:
    """The lease ends by the injected clock; who was too slow cannot write over the one that took over."""
    await store.outbox.dirty("INC-1", 0)
    slow = await store.outbox.claim(clock.now(), LEASE)
    assert slow is not None
    assert await store.outbox.claim(clock.forward(seconds=29), LEASE) is None
    fast = await store.outbox.claim(clock.forward(seconds=1), LEASE)
    assert fast is not None
    assert (fast.incident, fast.rank) == ("INC-1", 0)
    assert fast.token > slow.token
    state = PostState(incident="INC-1", channel="C1", ts="1.2", shown="abc", more={"announced": "3.4"})
    with pytest.raises(Refused, match="Another poster"):
        await store.outbox.save_post_state(state, slow)
    assert not await store.outbox.done(slow)
    await store.outbox.save_post_state(state, fast)
    assert await store.outbox.post_state("INC-1") == state
    assert await store.outbox.done(fast)


async def test_retry_after_keeps_an_incident_back_whatever_changes(store: Store, clock: ManualClock) -> None:
    """Slack said when: neither a new event nor another poster asks earlier, and nothing is lost."""
    await store.outbox.dirty("INC-1", 1)
    found = await store.outbox.claim(clock.now(), LEASE)
    assert found is not None
    await store.outbox.dirty("INC-1", 1)
    assert await store.outbox.later(found, clock.now() + timedelta(seconds=20))
    await store.outbox.dirty("INC-1", 0)
    assert await claimed(store, clock) is None
    assert await store.outbox.size() == 1
    again = await store.outbox.claim(clock.forward(seconds=20), LEASE)
    assert again is not None
    assert (again.incident, again.rank) == ("INC-1", 0)
    assert await claimed(store, clock) is None


async def test_a_method_is_paused_for_every_replica(store: Store, clock: ManualClock, raw: Redis) -> None:
    """429 on one method says nothing about the others."""
    until = clock.now() + timedelta(seconds=30)
    await store.outbox.pause("chat.postMessage", until)
    await store.outbox.pause("chat.update", clock.now())
    assert await store.outbox.paused_until("chat.postMessage") == until
    assert await store.outbox.paused_until("chat.update") is None
    assert 0 < raw.ttl("{pullcord}:pause:chat.postMessage") <= 30
    clock.forward(seconds=30)
    assert await store.outbox.paused_until("chat.postMessage") is None


async def test_an_incident_that_was_never_posted_has_an_empty_state(store: Store) -> None:
    """The poster begins from nothing; a state may be kept without a claim."""
    assert await store.outbox.post_state("INC-1") == PostState(incident="INC-1")
    await store.outbox.save_post_state(PostState(incident="INC-1", intent="card:INC-1"))
    assert (await store.outbox.post_state("INC-1")).intent == "card:INC-1"


async def test_a_poster_that_lives_keeps_its_claim_and_a_dead_one_gives_it_up(store: Store, clock: ManualClock) -> None:
    """Renewed in time a claim outlives its lease; once it has passed on it cannot be renewed."""
    await store.outbox.dirty("INC-1", 1)
    mine = await store.outbox.claim(clock.now(), LEASE)
    assert mine is not None
    clock.forward(seconds=LEASE.total_seconds() - 1)
    assert await store.outbox.renew(mine, clock.now() + LEASE)
    clock.forward(seconds=LEASE.total_seconds() - 1)
    assert await claimed(store, clock) is None
    clock.forward(seconds=2)
    assert await claimed(store, clock) == "INC-1"
    assert not await store.outbox.renew(mine, clock.now() + LEASE)


async def test_a_write_of_this_process_wakes_its_poster_at_once(store: Store) -> None:
    """Looking at an empty outbox may be slow then; a quiet bookkeeping write wakes nobody."""
    waiting = asyncio.create_task(store.outbox.wait(20))
    await asyncio.sleep(0)
    assert not waiting.done()
    await store.outbox.dirty("INC-1")
    await asyncio.wait_for(waiting, 2)
    began = time.monotonic()
    await store.outbox.wait(0.05)
    assert time.monotonic() - began >= 0.04
