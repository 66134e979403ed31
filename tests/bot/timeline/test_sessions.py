import asyncio

from redis import Redis

from bot.timeline.store import Store
from tests.support.clock import ManualClock


async def test_a_link_works_once(store: Store) -> None:
    """Ten browsers that race with one link get one session."""
    token = await store.sessions.link("U0DANA", ("INC-1",))
    sessions = await asyncio.gather(*(store.sessions.redeem(token) for _ in range(10)))
    (session_id,) = [s for s in sessions if s is not None]
    session = await store.sessions.get(session_id)
    assert session is not None
    assert session.user == "U0DANA"
    assert session.may_see("INC-1")
    assert not session.may_see("INC-2")


async def test_a_link_is_over_after_60_seconds_and_a_session_after_12_hours(
    store: Store, clock: ManualClock, raw: Redis
) -> None:
    """By the injected clock, and cleared away by a TTL."""
    late = await store.sessions.link("U0DANA", None)
    clock.forward(seconds=60)
    assert await store.sessions.redeem(late) is None
    session_id = await store.sessions.redeem(await store.sessions.link("U0DANA", None))
    assert session_id is not None
    clock.forward(hours=11)
    session = await store.sessions.get(session_id)
    assert session is not None
    assert session.may_see("INC-99")
    clock.forward(hours=1)
    assert await store.sessions.get(session_id) is None


async def test_the_store_holds_neither_tokens_nor_session_ids(store: Store, raw: Redis) -> None:
    """Whoever reads the store cannot sign in with what is there."""
    used = await store.sessions.link("U0DANA", None)
    session_id = await store.sessions.redeem(used)
    token = await store.sessions.link("U0DANA", None)
    assert session_id is not None
    for key in raw.scan_iter():
        content = key + (raw.get(key) or b"" if raw.type(key) == b"string" else b"")
        assert token.encode() not in content
        assert session_id.encode() not in content


async def test_signing_out_ends_the_session_and_foreign_ids_have_none(store: Store) -> None:
    """Cookies come from a client."""
    session_id = await store.sessions.redeem(await store.sessions.link("U0DANA", None))
    assert session_id is not None
    await store.sessions.end(session_id)
    assert await store.sessions.get(session_id) is None
    for hostile in ("", "x", "\udcff", "a" * 10_000):
        assert await store.sessions.get(hostile) is None
        assert await store.sessions.redeem(hostile) is None
