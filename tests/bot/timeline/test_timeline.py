import asyncio

import pytest
from redis import Redis

from bot.domain.events import AlertJoined, CardPosted, ChannelReady, NoteAdded, RunMissing
from bot.domain.incident import Incident, IncidentState
from bot.domain.work import Due, Work, WorkItem
from bot.errors import Misconfigured, Refused
from bot.timeline.connection import Connections
from bot.timeline.store import Store
from bot.timeline.timeline import Claim, Decide, Write
from tests.support.clock import ManualClock
from tests.support.incidents import AT, DANA, TRACE, acknowledge, an_alert, note, open_one, opening, resolve
from tests.support.store import CHAIN_KEY


def claiming(number: int) -> Decide:
    """A decision to write a note with a claim."""
    return lambda _incident: note("x", claims=(Claim(key="offer", value={"n": number}),))


def noting(text: str) -> Decide:
    """A decision to write a note."""
    return lambda _incident: note(text)


PAGE = WorkItem(kind=Work.PAGE, incident="INC-1", payload={"step": 1})


async def test_an_operation_is_written_once_and_answers_the_same_ever_after(store: Store) -> None:
    """A repeat gets the first answer, whatever has happened since, and writes nothing."""
    await open_one(store)
    first = await store.incidents.write("INC-1", "op", lambda _i: note("one", answer={"said": 1}, work=(PAGE,)))
    await store.incidents.write("INC-1", "other", lambda _i: note("two"))
    again = await store.incidents.write("INC-1", "op", lambda _i: note("one", answer={"said": 2}, work=(PAGE,)))
    assert (first.status, again.status, again.answer) == ("written", "seen", {"said": 1})
    assert [e.seq for e in await store.incidents.entries("INC-1")] == [1, 2, 3]
    assert (await store.work.depth()).waiting == 1


async def test_a_repeat_is_seen_even_when_it_would_now_be_refused_or_be_nothing(store: Store) -> None:
    """Whoever asks again after a lost answer must not be told that somebody else was first."""
    await open_one(store)
    await store.incidents.write("INC-1", "op", lambda _i: acknowledge(answer="done"))

    def refuse(incident: Incident) -> Write | None:
        raise Refused(f"already {incident.state}")

    assert (await store.incidents.write("INC-1", "op", refuse)).answer == "done"
    assert (await store.incidents.write("INC-1", "op", lambda _i: None)).status == "seen"
    assert (await store.incidents.write("INC-1", "new", lambda _i: None)).status == "nothing"
    with pytest.raises(Refused, match="already acknowledged"):
        await store.incidents.write("INC-1", "new", refuse)


async def test_the_first_claim_wins_and_the_second_is_told_who_was_first(store: Store) -> None:
    """Claims are looked at before the head, so the loser's state does not matter."""
    await open_one(store)

    def claim(user: str) -> Write:
        return note(user, claims=(Claim(key="offer:ab12", value={"by": user}),))

    first = await store.incidents.write("INC-1", "click 1", lambda _i: claim("U1"))
    second = await store.incidents.write("INC-1", "click 2", lambda _i: claim("U2"))
    assert first.status == "written"
    assert (second.status, second.answer) == ("claimed", {"by": "U1"})
    assert second.incident.seq == 2


async def test_200_clicks_at_once_have_one_winner_and_make_200_script_calls(store: Store, raw: Redis) -> None:
    """One lock per incident in the process: writers do not race for the head (19,806 calls without it)."""
    await open_one(store)
    raw.config_resetstat()
    answers = await asyncio.gather(*(store.incidents.write("INC-1", f"op {n}", claiming(n)) for n in range(200)))
    assert sorted(a.status for a in answers).count("written") == 1
    assert len({str(a.answer) for a in answers if a.status == "claimed"}) == 1
    stats = raw.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] == 200


async def test_200_writers_all_get_their_entry_in_200_script_calls(store: Store, raw: Redis) -> None:
    """None is lost, none is doubled, and the chain fits."""
    await open_one(store)
    raw.config_resetstat()
    await asyncio.gather(*(store.incidents.write("INC-1", f"op {n}", noting(str(n))) for n in range(200)))
    entries = await store.incidents.entries("INC-1", after=1, limit=500)
    texts = [e.event.text for e in entries if isinstance(e.event, NoteAdded)]
    assert sorted(texts, key=int) == [str(n) for n in range(200)]
    assert raw.info("commandstats")["cmdstat_evalsha"]["calls"] == 200
    assert (await store.incidents.verify("INC-1")).ok


async def test_two_replicas_write_one_chain(connections: Connections, store: Store, clock: ManualClock) -> None:
    """A writer whose head moved decides again on the newest state; both see the same incident."""
    other = Store(connections, CHAIN_KEY, clock)
    await other.start()
    await open_one(store)
    await asyncio.gather(
        *(
            replica.incidents.write("INC-1", f"{name} {n}", lambda _i: note("x"))
            for n in range(20)
            for name, replica in (("a", store), ("b", other))
        )
    )
    assert (await store.incidents.read("INC-1")) == (await other.incidents.read("INC-1"))
    assert (await store.incidents.read("INC-1")).notes == 40
    assert (await other.incidents.verify("INC-1")).ok


async def test_a_decision_is_made_on_the_newest_state(
    connections: Connections, store: Store, clock: ManualClock
) -> None:
    """A replica with an old projection in memory neither refuses nor writes because of it."""
    other = Store(connections, CHAIN_KEY, clock)
    await open_one(store)
    await other.incidents.read("INC-1")
    await store.incidents.write("INC-1", "ack", lambda _i: acknowledge())

    def once(incident: Incident) -> Write | None:
        return note("late") if incident.acknowledged_by else None

    assert (await other.incidents.write("INC-1", "op", once)).status == "written"


async def test_events_work_due_times_and_clearing_are_one_write(store: Store, clock: ManualClock) -> None:
    """What is due is set and cleared with the events that say so."""
    due = Due(id="page:INC-1", at=clock.now(), item=PAGE)
    await open_one(store, due=(due,), work=(PAGE,))
    assert await store.work.due_at("page:INC-1") == clock.now()
    assert (await store.work.depth()).waiting == 1
    await store.incidents.write("INC-1", "ack", lambda _i: acknowledge(clear=("page:INC-1",)))
    assert await store.work.due_at("page:INC-1") is None
    assert await store.work.move_due(clock.forward(days=1)) == 0


async def test_an_opening_happens_once_per_operation(store: Store) -> None:
    """A redelivered alert finds the incident that it opened, also when that is resolved by now."""
    first = await open_one(store, "alert 1")
    await store.incidents.write("INC-1", "r", lambda _i: resolve())
    again = await open_one(store, "alert 1")
    assert (first.incident_id, first.opened, first.seen) == ("INC-1", True, False)
    assert (again.incident_id, again.opened, again.seen) == ("INC-1", True, True)


async def test_racing_alerts_of_one_group_open_one_incident(store: Store) -> None:
    """The script decides who holds the group; the others are told to join, and gaps in the numbers are allowed."""
    results = await asyncio.gather(*(open_one(store, f"alert {n}", an_alert(str(n))) for n in range(30)))
    assert sum(r.opened for r in results) == 1
    assert len({r.incident_id for r in results}) == 1
    assert len(await store.incidents.open_ids()) == 1


async def test_a_group_is_joined_until_the_window_after_its_last_alert_or_until_it_is_resolved(
    store: Store, clock: ManualClock
) -> None:
    """30 minutes from the last alert by the injected clock; a resolved incident is never joined."""
    group = an_alert().group
    await open_one(store, "1", an_alert())
    clock.forward(minutes=29)
    assert await store.incidents.joinable(group) == "INC-1"
    assert await store.incidents.touch_join(group, "INC-1")
    clock.forward(minutes=29)
    assert await store.incidents.joinable(group) == "INC-1"
    clock.forward(minutes=2)
    assert await store.incidents.joinable(group) is None
    assert (await open_one(store, "2", an_alert("f2"))).incident_id == "INC-2"
    assert not await store.incidents.touch_join(group, "INC-1"), "INC-2 holds the group now"
    await store.incidents.write("INC-2", "r", lambda _i: resolve())
    assert await store.incidents.joinable(group) is None


async def test_incidents_are_found_by_channel_message_and_trace(store: Store) -> None:
    """Indexes are kept by the write script from the events; a fixed channel leads to no single incident."""
    await open_one(store, alert=an_alert())
    events = (
        ChannelReady(at=AT, by=DANA, channel="C1", name="inc-1", created=True),
        ChannelReady(at=AT, by=DANA, channel="C2", name="alerts", created=False),
        CardPosted(at=AT, by=DANA, channel="C1", ts="1.2"),
        RunMissing(at=AT, by=DANA, trace_id="ab" * 16, reason="not found yet"),
    )
    await store.incidents.write("INC-1", "op", lambda _i: Write(events=events))
    await store.incidents.index_message("INC-1", "D9", "3.4")
    assert await store.incidents.in_channel("C1") == "INC-1"
    assert await store.incidents.in_channel("C2") is None
    assert await store.incidents.of_message("C1", "1.2") == "INC-1"
    assert await store.incidents.of_message("D9", "3.4") == "INC-1"
    assert await store.incidents.of_message("C1", "9.9") is None
    assert await store.incidents.waiting_for(TRACE) == ["INC-1"]
    assert await store.incidents.waiting_for("ab" * 16) == ["INC-1"]
    assert await store.incidents.waiting_for("cd" * 16) == []


async def test_rows_come_newest_first_in_pages_and_follow_the_incident(store: Store) -> None:
    """A list reads the index alone; each row is as new as the last write."""
    for n in range(5):
        await open_one(store, f"op {n}")
    await store.incidents.write("INC-4", "a", lambda _i: acknowledge())
    await store.incidents.write("INC-5", "r", lambda _i: resolve())
    first = await store.incidents.rows(limit=2)
    second = await store.incidents.rows(before=first.next, limit=2)
    last = await store.incidents.rows(before=second.next, limit=2)
    assert [r.id for r in (*first.rows, *second.rows, *last.rows)] == ["INC-5", "INC-4", "INC-3", "INC-2", "INC-1"]
    assert last.next is None
    assert [r.state for r in first.rows] == [IncidentState.RESOLVED, IncidentState.ACKNOWLEDGED]
    assert await store.incidents.open_ids(2) == ["INC-4", "INC-3"]
    assert (await store.incidents.rows(before=1)).rows == ()


async def test_repeats_are_told_by_alert(store: Store, clock: ManualClock) -> None:
    """A storm raises a counter; the timeline does not grow."""
    await store.intake.accept([an_alert()])
    await open_one(store, alert=an_alert())
    later = clock.forward(minutes=4)
    await store.intake.accept([an_alert()] * 3)
    joined = AlertJoined(at=AT, by=DANA, alert=an_alert("never sent"))
    await store.incidents.write("INC-1", "j", lambda _i: Write(events=(joined,)))
    repeats = await store.incidents.repeats("INC-1")
    assert list(repeats) == [an_alert().id]
    assert repeats[an_alert().id].count == 4
    assert repeats[an_alert().id].last == later
    assert (await store.incidents.read("INC-1")).seq == 2


@pytest.mark.parametrize("incident_id", ["INC-7", "INC-", "inc-1", "../x", "INC-1:timeline", "", "INC-" + "9" * 40])
async def test_an_unknown_incident_is_refused_by_name(store: Store, incident_id: str) -> None:
    """Ids come from addresses and commands: none reaches a key unless it could be one."""
    for asking in (
        store.incidents.read(incident_id),
        store.incidents.verify(incident_id),
        store.incidents.write(incident_id, "op", lambda _i: note("x")),
    ):
        with pytest.raises(Refused, match="no incident"):
            await asking
    assert await store.incidents.entries(incident_id) == []


async def test_a_long_timeline_is_read_in_pages(connections: Connections, store: Store, clock: ManualClock) -> None:
    """More entries than one page; a second process reads all of it, then only what is new."""
    await open_one(store)
    for batch in range(6):
        events = tuple(NoteAdded(at=AT, by=DANA, text=f"{batch} {n}") for n in range(200))
        write = Write(events=events)
        await store.incidents.write("INC-1", f"op {batch}", lambda _i, write=write: write)  # type: ignore[misc]
    other = Store(connections, CHAIN_KEY, clock)
    assert (await other.incidents.read("INC-1")).notes == 1200
    await store.incidents.write("INC-1", "one more", lambda _i: note("x"))
    assert (await other.incidents.read("INC-1")).notes == 1201
    assert (await other.incidents.verify("INC-1")).entries == 1202


async def test_memory_holds_a_bounded_number_of_projections(store: Store) -> None:
    """Any other incident is read again from its timeline, and nothing changes."""
    for n in range(260):
        await open_one(store, f"op {n}")
    assert len(store.incidents._kept) == 256
    written = await store.incidents.write("INC-1", "op", lambda _i: note("still there"))
    assert written.incident.notes == 1


async def test_a_card_that_needs_no_change_is_not_marked_dirty(store: Store, clock: ManualClock) -> None:
    """The poster's own bookkeeping must not make it post again."""
    await open_one(store, dirty=False)
    assert await store.outbox.size() == 0
    await store.incidents.write("INC-1", "op", lambda _i: note("x"))
    assert await store.outbox.size() == 1


async def test_a_start_with_another_chain_key_is_refused(connections: Connections, store: Store) -> None:
    """Replicas with different keys would break each other's chains."""
    other = Store(connections, b"another key, which is not theirs", ManualClock())
    with pytest.raises(Misconfigured, match="another chain key"):
        await other.start()
    with pytest.raises(Misconfigured, match="has 5 bytes"):
        Store(connections, b"short", ManualClock())


async def test_what_decide_raises_leaves_nothing_behind(store: Store, raw: Redis) -> None:
    """A bug in a decision is the caller's to see; the lock is free again."""
    await open_one(store)
    with pytest.raises(ZeroDivisionError):
        await store.incidents.write("INC-1", "op", lambda incident: note(str(1 // incident.notes)))
    assert (await store.incidents.write("INC-1", "op", lambda _i: note("x"))).status == "written"
    assert raw.hlen("{pullcord}:INC-1:ops") == 1


async def test_the_number_of_an_incident_is_never_given_twice(store: Store) -> None:
    """A reserved number that was not used stays a gap."""

    def fails(number: int) -> tuple[object, Write]:
        raise Refused(f"no {number}")

    with pytest.raises(Refused, match="no 1"):
        await store.incidents.open("op", fails, None)  # type: ignore[arg-type]
    assert (await store.incidents.open("op", opening, None)).incident_id == "INC-2"
