import hashlib
import os
from datetime import timedelta

import pytest
from redis import Redis

from bot.errors import Refused
from bot.plugin import OfferView
from bot.timeline.store import Store

OFFER = OfferView(
    id="of_1", incident="INC-1", action="revoke_tool", params={"tool": "issue_refund"}, label="Revoke…", asks=False
)


@pytest.mark.parametrize("size", [0, 1, 900_000, 900_001, 3_000_000])
async def test_evidence_comes_back_as_it_was_frozen(store: Store, raw: Redis, size: int) -> None:
    """Its name is its SHA-256; no chunk is over 900 kB."""
    data = os.urandom(size)
    name = await store.evidence.put(data)
    assert name == hashlib.sha256(data).hexdigest()
    assert await store.evidence.get(name) == data
    assert all(raw.strlen(key) <= 900_000 for key in raw.scan_iter("*chunk*"))


async def test_the_same_evidence_is_stored_once_and_lives_on(store: Store, raw: Redis) -> None:
    """Freezing it again refreshes 400 days."""
    name = await store.evidence.put(b"a run")
    raw.expire(f"{{pullcord}}:evidence:{name}", 60)
    raw.expire(f"{{pullcord}}:chunk:{name}", 60)
    assert await store.evidence.put(b"a run") == name
    stored = [key for kind in ("evidence", "chunk") for key in raw.keys(f"{{pullcord}}:{kind}:*")]
    assert len(stored) == 2, "one manifest, one chunk"
    for key in (f"{{pullcord}}:evidence:{name}", f"{{pullcord}}:chunk:{name}"):
        assert timedelta(days=399) < timedelta(seconds=raw.ttl(key)) <= timedelta(days=400)


async def test_changed_or_missing_evidence_is_refused(store: Store, raw: Redis) -> None:
    """What does not fit its hash is not shown as what happened."""
    name = await store.evidence.put(b"a run")
    raw.set(f"{{pullcord}}:chunk:{name}", b"a lie", ex=60)
    with pytest.raises(Refused, match="is not what was frozen"):
        await store.evidence.get(name)
    raw.delete(f"{{pullcord}}:chunk:{name}")
    with pytest.raises(Refused, match="is not what was frozen"):
        await store.evidence.get(name)
    raw.set(f"{{pullcord}}:evidence:{name}", b"nonsense", ex=60)
    with pytest.raises(Refused, match="is not what was frozen"):
        await store.evidence.get(name)
    raw.delete(f"{{pullcord}}:evidence:{name}")
    with pytest.raises(Refused, match="not in the store"):
        await store.evidence.get(name)


async def test_an_offer_is_what_was_shown_and_lives_while_it_is_shown(store: Store, raw: Redis) -> None:
    """A button's parameters are frozen on the server; showing the card again refreshes them."""
    await store.offers.put([OFFER, OFFER.model_copy(update={"id": "of_2"})])
    assert await store.offers.get("of_1") == OFFER
    raw.expire("{pullcord}:offer:of_1", 60)
    await store.offers.put([OFFER])
    assert raw.ttl("{pullcord}:offer:of_1") > 60


@pytest.mark.parametrize("hostile", ["", "of_9", "of_1:x", "*", "é" * 500])
async def test_an_unknown_offer_is_refused_with_what_to_do(store: Store, hostile: str) -> None:
    """The value of a button comes from a client and proves nothing."""
    await store.offers.put([OFFER])
    with pytest.raises(Refused, match="newest card"):
        await store.offers.get(hostile)
