from typing import Any

import pytest
from redis import Redis

from bot.errors import Refused
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.incidents import acknowledge, an_alert, note, open_one
from tests.support.store import CHAIN_KEY

TIMELINE = "{pullcord}:INC-1:timeline"


async def three_entries(store: Store, op: str = "open") -> None:
    """An incident with an opening, an acknowledgement and a note."""
    incident = (await open_one(store, op, an_alert(op) if op == "open" else None)).incident_id
    await store.incidents.write(incident, "a", lambda _i: acknowledge())
    await store.incidents.write(incident, "n", lambda _i: note("hello"))


def rewrite(raw: Redis, entries: list[tuple[bytes, list[bytes]]], key: str = TIMELINE) -> None:
    """Put these entries (id, flat fields) in the place of the timeline."""
    pipeline = raw.pipeline()
    pipeline.delete(key)
    for place, flat in entries:
        pipeline.execute_command("XADD", key, place, *flat)  # type: ignore[no-untyped-call]
    pipeline.execute()


def stored(raw: Redis, key: str = TIMELINE) -> list[tuple[bytes, list[bytes]]]:
    """The entries as they lie there."""
    entries: Any = raw.xrange(key)
    return [(place, [word for pair in fields.items() for word in pair]) for place, fields in entries]


async def test_a_changed_byte_is_found_wherever_it_lies(store: Store, raw: Redis) -> None:
    """Each byte of each stored entry in turn: event, code, key id, format, and the names of the fields."""
    await three_entries(store)
    good = stored(raw)
    flipped = 0
    for number, (place, flat) in enumerate(good):
        for word in range(len(flat)):
            for at in range(len(flat[word])):
                changed = list(flat)
                byte = bytes([flat[word][at] ^ 0x01])
                changed[word] = flat[word][:at] + byte + flat[word][at + 1 :]
                rewrite(raw, [*good[:number], (place, changed), *good[number + 1 :]])
                verdict = await store.incidents.verify("INC-1")
                assert not verdict.ok, f"byte {at} of field {word} of entry {number + 1}"
                assert verdict.first_bad == number + 1
                flipped += 1
    rewrite(raw, good)
    assert (await store.incidents.verify("INC-1")).ok
    print(f"{flipped} bytes changed, {flipped} found")
    assert flipped > 1000


async def test_a_changed_id_is_found(store: Store, raw: Redis) -> None:
    """The place of an entry is part of its code and must be without a gap."""
    await three_entries(store)
    good = stored(raw)
    for entries in (
        [(b"1-1", good[0][1]), *good[1:]],
        [*good[:2], (b"3-1", good[2][1])],
        [*good[:2], (b"4-0", good[2][1])],
    ):
        rewrite(raw, entries)
        assert not (await store.incidents.verify("INC-1")).ok


async def test_removed_reordered_and_inserted_entries_are_found(store: Store, raw: Redis) -> None:
    """The first entry that does not fit is named."""
    await three_entries(store)
    good = stored(raw)
    one, two, three = (flat for _, flat in good)

    rewrite(raw, [good[0], good[2]])
    verdict = await store.incidents.verify("INC-1")
    assert (verdict.first_bad, verdict.entries) == (2, 1)
    assert verdict.reason == "entry 2 is missing: the store has 3-0 in its place"

    rewrite(raw, [(b"1-0", one), (b"2-0", three), (b"3-0", two)])
    assert (await store.incidents.verify("INC-1")).first_bad == 2

    rewrite(raw, [(b"1-0", one), (b"2-0", two), (b"3-0", two), (b"4-0", three)])
    assert (await store.incidents.verify("INC-1")).first_bad == 3

    rewrite(raw, good[1:])
    assert (await store.incidents.verify("INC-1")).first_bad == 1


async def test_entries_of_another_incident_do_not_fit(store: Store, raw: Redis) -> None:
    """The incident's id is part of each code: a whole timeline cannot be put in the place of another."""
    await three_entries(store)
    await three_entries(store, "other")
    rewrite(raw, stored(raw, "{pullcord}:INC-2:timeline"))
    assert (await store.incidents.verify("INC-1")).first_bad == 1
    assert (await store.incidents.verify("INC-2")).ok


async def test_a_posted_head_finds_entries_that_were_cut_off(store: Store, raw: Redis) -> None:
    """A chain alone cannot show that its newest entries are gone; the head in the thread can."""
    await three_entries(store)
    head = (await store.incidents.read("INC-1")).head
    assert (await store.incidents.verify("INC-1", head)).ok
    assert (await store.incidents.verify("INC-1", f"3:{head.upper()}")).ok
    await store.incidents.write("INC-1", "later", lambda _i: note("an older head stays good"))
    assert (await store.incidents.verify("INC-1", head)).ok

    await three_entries(store, "other")
    head = (await store.incidents.read("INC-2")).head
    raw.xdel("{pullcord}:INC-2:timeline", "3-0")
    raw.hdel("{pullcord}:rows:items", "INC-2")
    assert (await store.incidents.verify("INC-2")).ok, "the chain alone cannot know"
    verdict = await store.incidents.verify("INC-2", head)
    assert not verdict.ok
    assert verdict.first_bad == 3
    assert "cut off" in verdict.reason


async def test_entries_that_were_cut_off_are_missed_in_the_list_of_incidents(store: Store, raw: Redis) -> None:
    """Whoever cuts the timeline alone is found without any head: the list says how many entries there were."""
    await three_entries(store)
    raw.xdel(TIMELINE, "3-0")
    verdict = await store.incidents.verify("INC-1")
    assert (verdict.ok, verdict.entries, verdict.first_bad) == (False, 2, 3)
    assert "cut off" in verdict.reason


async def test_a_whole_timeline_that_was_deleted_is_missed(store: Store, raw: Redis) -> None:
    """By the list of incidents, or by a head that somebody holds; what never was is no incident."""
    await three_entries(store)
    head = (await store.incidents.read("INC-1")).head
    raw.delete(TIMELINE)
    verdict = await store.incidents.verify("INC-1")
    assert (verdict.ok, verdict.entries, verdict.first_bad) == (False, 0, 1)
    assert "gone" in verdict.reason
    raw.hdel("{pullcord}:rows:items", "INC-1")
    assert not (await store.incidents.verify("INC-1", head)).ok
    with pytest.raises(Refused, match="no incident"):
        await store.incidents.verify("INC-1")


async def test_another_keys_codes_do_not_fit(store: Store, raw: Redis) -> None:
    """Whoever can write to the store but has no key cannot make an entry that fits."""
    await three_entries(store)
    other = Store(store.connections, CHAIN_KEY[::-1], ManualClock())
    verdict = await other.incidents.verify("INC-1")
    assert (verdict.first_bad, verdict.reason) == (1, "entry 1 was written with another key")


async def test_a_damaged_entry_stops_a_reader_with_the_command_that_finds_it(store: Store, raw: Redis) -> None:
    """A timeline that cannot be read is said to be so, by entry; it is not guessed."""
    await three_entries(store)
    good = stored(raw)
    flat = list(good[1][1])
    flat[-1] = flat[-1][:-1]
    rewrite(raw, [good[0], (b"2-0", flat), good[2]])
    fresh = Store(store.connections, CHAIN_KEY, ManualClock())
    with pytest.raises(Refused, match="Entry 2 of the timeline of INC-1") as refused:
        await fresh.incidents.read("INC-1")
    assert "pullcord verify INC-1" in str(refused.value)
