"""Names are a convenience for pages: kept for a while, cut to size, learnt once."""

from bot.timeline import keys
from bot.timeline.names import Names
from bot.timeline.store import Store


async def test_a_name_is_kept_cut_and_written_once(store: Store) -> None:
    """The newest name of a person counts; a repeat costs no write."""
    await store.names.learn("U0DANA", "dana")
    await store.names.learn("U0LEE", "l" * 500)
    await store.names.learn("U0LEE", "")
    assert dict(await store.names.all()) == {"U0DANA": "dana", "U0LEE": "l" * 80}
    await Names(store.connections.hot).learn("U0DANA", "dana.cruz")
    assert (await store.names.all())["U0DANA"] == "dana.cruz"
    assert int(await store.connections.hot.call("PTTL", keys.NAMES())) > 0
