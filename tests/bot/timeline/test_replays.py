"""Signatures that were taken: once for all replicas, for as long as they could be good, never kept as they are."""

import asyncio

from bot.timeline import keys
from bot.timeline.replays import LONGEST, Replays
from bot.timeline.store import Store

SIGNATURE = "v0=" + "ab" * 32


async def test_one_of_many_takers_is_the_first(store: Store) -> None:
    """Two replicas, the same request, at once."""
    other = Replays(store.connections.hot)
    answers = await asyncio.gather(*(one.first(SIGNATURE) for one in [store.replays, other] * 20))
    assert sorted(answers) == [False] * 39 + [True]
    assert await store.replays.first("v0=" + "cd" * 32)


async def test_it_is_kept_no_longer_than_it_could_be_good_and_can_be_forgotten(store: Store) -> None:
    """Ten minutes and some; its text stands nowhere in the store."""
    await store.replays.first(SIGNATURE)
    hot = store.connections.hot
    left = int(await hot.call("PTTL", keys.REPLAY(SIGNATURE)))
    assert 600_000 < left <= LONGEST.total_seconds() * 1000
    assert not [key for key in await hot.call("KEYS", "*") if b"abab" in key]
    await store.replays.forget(SIGNATURE)
    assert await store.replays.first(SIGNATURE)
