import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from bot.domain.events import PULLCORD, Announced, HeadPosted
from bot.domain.work import Work, WorkItem
from bot.errors import StoreUnavailable
from bot.slack.poster import Poster
from bot.timeline.timeline import Write
from sandbox.slack.faults import FaultKind
from tests.bot.slack.incidents import a_run_with, acknowledge, an_effect, note, open_one, resolve
from tests.bot.slack.workspace import Desk
from tests.support.waiting import wait_until


@asynccontextmanager
async def running(poster: Poster) -> AsyncIterator[None]:
    """The poster's loop, until the block ends."""
    task = asyncio.create_task(poster.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def settled(desk: Desk, incident_id: str, seconds: float = 6.0) -> None:
    """Until the card stands, the outbox is empty and the thread has told everything."""

    async def done() -> bool:
        incident = await desk.store.incidents.read(incident_id)
        state = await desk.store.outbox.post_state(incident_id)
        entries = await desk.store.incidents.entries(incident_id, state.thread_cursor)
        told = all(isinstance(e.event, HeadPosted) for e in entries)
        return incident.root_ts is not None and told and await desk.store.outbox.size() == 0

    await wait_until(done, seconds, f"{incident_id} to be settled")


async def test_an_incident_gets_its_channel_and_exactly_one_card(desk: Desk) -> None:
    """`new`: the channel is named after the incident, people on call are in it, the card is pinned there."""
    opened = await open_one(desk.store)
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
    channel, ts = await desk.root(opened.incident_id)
    made = next(c for c in await desk.slack.channels() if c["id"] == channel)
    assert made["name"] == f"inc-{opened.incident_id.removeprefix('INC-')}-refund-bot"
    assert "U0DANA" in made["members"]
    assert made["pins"] == [ts]
    assert len(await desk.cards(opened.incident_id)) == 1


async def test_the_card_is_edited_in_place_when_something_changes(desk: Desk) -> None:
    """A note changes the card's text; there is still one card."""
    opened = await open_one(desk.store)
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
        await desk.store.incidents.write(opened.incident_id, "n", lambda _i: note("look here"))
        channel, ts = await desk.root(opened.incident_id)
        await desk.slack.wait_for_message(channel, "(1 notes)")
    cards = await desk.cards(opened.incident_id)
    assert [c["ts"] for c in cards] == [ts]
    update = (await desk.slack.calls("chat.update"))[-1]
    assert {"text", "blocks"} <= update["args"].keys(), "text without blocks would remove the blocks"


async def test_the_thread_tells_each_entry_once_and_the_head_of_the_chain(desk: Desk) -> None:
    """Lines by a cursor; the head at open and at resolve; a posted head makes no further head."""
    opened = await open_one(desk.store)
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
        for n in range(3):
            await desk.store.incidents.write(opened.incident_id, f"n{n}", lambda _i, n=n: note(f"word {n}"))  # type: ignore[misc]
        await desk.store.incidents.write(opened.incident_id, "r", lambda _i: resolve())
        await settled(desk, opened.incident_id)
        await asyncio.sleep(0.1)
    channel, ts = await desk.root(opened.incident_id)
    said = "\n".join(m["text"] for m in await desk.slack.messages(channel, thread_ts=ts))
    assert [said.count(f"word {n}") for n in range(3)] == [1, 1, 1]
    entries = await desk.store.incidents.entries(opened.incident_id)
    heads = [e.event for e in entries if isinstance(e.event, HeadPosted)]
    assert said.count("Head of the timeline") == len(heads) == 2
    verdict = await desk.store.incidents.verify(opened.incident_id, f"{heads[-1].seq}:{heads[-1].head}")
    assert verdict.ok


@pytest.mark.parametrize("kind", ["429", "500", "hang", "lost_reply"])
async def test_a_bad_answer_to_the_first_post_still_gives_exactly_one_card(desk: Desk, kind: FaultKind) -> None:
    """Also when the message stood and only the answer was lost: it is found by its metadata."""
    await desk.slack.fault("chat.postMessage", kind, 2)
    opened = await open_one(desk.store)
    async with running(desk.poster()):
        await settled(desk, opened.incident_id, 15)
    assert len(await desk.cards(opened.incident_id)) == 1


async def test_a_poster_that_died_between_post_and_record_is_followed_by_one_that_finds_the_card(desk: Desk) -> None:
    """P2 happened, P3 did not: the next poster looks before it posts."""
    opened = await open_one(desk.store)
    await desk.slack.fault("chat.postMessage", "lost_reply", 1)
    first = desk.poster()
    assert await first.step()
    assert (await desk.store.incidents.read(opened.incident_id)).root_ts is None
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
    assert len(await desk.cards(opened.incident_id)) == 1


async def test_slack_away_loses_nothing_and_it_is_posted_when_it_is_back(desk: Desk) -> None:
    """One card for each incident; few calls meanwhile."""
    await desk.slack.outage("refuse")
    opened = [(await open_one(desk.store, op=f"o{n}")).incident_id for n in range(4)]
    async with running(desk.poster()):
        await asyncio.sleep(0.5)
        away = len(await desk.slack.calls())
        assert away < 25, "an outage must not become a flood"
        await desk.slack.restore()
        for one in opened:
            await settled(desk, one, 12)
    assert [len(await desk.cards(one)) for one in opened] == [1, 1, 1, 1]


async def test_a_missing_scope_for_channels_puts_the_card_into_the_announce_channel_and_says_so(desk: Desk) -> None:
    """Every optional call degrades; the reason is on the timeline once."""
    await desk.slack.set_scopes(remove=["channels:manage", "groups:write", "pins:write"])
    opened = await open_one(desk.store)
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
    incident = await desk.store.incidents.read(opened.incident_id)
    assert incident.channel == desk.settings.slack.announce_channel
    assert len([d for d in incident.degraded if "conversations.create" in d]) == 1
    assert len(await desk.cards(opened.incident_id)) == 1


async def test_a_refused_invitation_or_pin_does_not_stop_the_card(desk: Desk) -> None:
    """SlackRefused once each."""
    await desk.slack.fault("conversations.invite", "ok_false", 1, error="restricted_action")
    await desk.slack.fault("pins.add", "ok_false", 1, error="missing_scope")
    opened = await open_one(desk.store)
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
    incident = await desk.store.incidents.read(opened.incident_id)
    assert len(incident.degraded) == 2


async def test_a_taken_channel_name_gets_a_suffix(desk: Desk) -> None:
    """Somebody else's channel of that name is left alone."""
    await desk.client.call("conversations.create", name="inc-1-refund-bot")
    opened = await open_one(desk.store)
    # the channel above is the bot's own, but no intent of this incident made it
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
    assert (await desk.store.incidents.read(opened.incident_id)).channel_name == "inc-1-refund-bot-2"


async def test_a_deleted_card_is_posted_again(desk: Desk) -> None:
    """The card is what people look for; the timeline says where it stands now."""
    opened = await open_one(desk.store)
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
        _, before = await desk.root(opened.incident_id)
        channel, _ = await desk.root(opened.incident_id)
        await desk.client.web.chat_delete(channel=channel, ts=before)
        await desk.store.incidents.write(opened.incident_id, "n", lambda _i: note("x"))
        await wait_until(lambda: _moved(desk, opened.incident_id, before))


async def test_a_store_that_missed_one_beat_holds_no_card_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim is given back at once: a card that waits for its lease to end comes seconds late."""
    original = desk.store.outbox.save_post_state
    missed: list[str] = []

    async def misses(*given: object) -> None:
        if not missed:
            missed.append("once")
            raise StoreUnavailable("The store did not confirm SET.")
        await original(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.store.outbox, "save_post_state", misses)
    opened = await open_one(desk.store)
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
    assert missed
    assert len(await desk.cards(opened.incident_id)) == 1


async def test_a_channel_that_was_archived_is_left_alone(desk: Desk) -> None:
    """People archive the channels of old incidents: late news must not knock there for ever."""
    opened = await open_one(desk.store)
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
        for method in ("chat.update", "chat.postMessage"):
            await desk.slack.fault(method, "ok_false", 1000, error="is_archived")
        await desk.store.incidents.write(opened.incident_id, "n", lambda _i: note("x"))
        await settled(desk, opened.incident_id)
    incident = await desk.store.incidents.read(opened.incident_id)
    assert [d for d in incident.degraded if "is_archived" in d and "not edited any more" in d]
    assert len([c for c in await desk.slack.calls("chat.postMessage") if c["args"].get("thread_ts")]) <= 3


async def _moved(desk: Desk, incident_id: str, before: str) -> bool:
    return (await desk.store.incidents.read(incident_id)).root_ts != before


async def test_in_a_fixed_channel_the_announcement_becomes_the_card(fixed_desk: Desk) -> None:
    """One root message per incident, also there."""
    desk = fixed_desk
    opened = await open_one(desk.store)
    channel = desk.settings.slack.announce_channel
    assert channel is not None
    posted = await desk.client.call("chat.postMessage", channel=channel, text="<@U0DANA> wake up")
    event = Announced(at=desk.clock.now(), by=PULLCORD, channel=channel, ts=posted["ts"])
    await desk.store.incidents.write(opened.incident_id, "announced", lambda _i: Write(events=(event,)))
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
    assert await desk.root(opened.incident_id) == (channel, posted["ts"])
    roots = [m for m in await desk.slack.messages(channel) if not m.get("thread_ts") or m["thread_ts"] == m["ts"]]
    assert len([m for m in roots if opened.incident_id in m["text"]]) == 1


async def test_unacknowledged_incidents_are_posted_first(desk: Desk) -> None:
    """Somebody is waiting for those."""
    first, second = [(await open_one(desk.store, op=f"o{n}")).incident_id for n in range(2)]
    poster = desk.poster()
    await desk.store.incidents.write(first, "a", lambda _i: acknowledge())
    async with running(poster):
        await settled(desk, first)
        await settled(desk, second)
    await desk.store.incidents.write(first, "n", lambda _i: note("x"))
    await desk.store.incidents.write(second, "n", lambda _i: note("y"))
    claimed = await desk.store.outbox.claim(desk.clock.now(), timedelta(seconds=1))
    assert claimed is not None
    assert claimed.incident == second


async def test_a_storm_of_changes_is_one_edit_and_no_call_is_answered_429(desk: Desk) -> None:
    """Latest wins; with Slack's own limits on, the budget keeps below them."""
    await desk.slack.set_limits(on=True)
    opened = await open_one(desk.store)
    async with running(desk.poster()):
        await settled(desk, opened.incident_id)
        before = len(await desk.slack.calls("chat.update"))
        for n in range(50):
            await desk.store.incidents.write(opened.incident_id, f"n{n}", lambda _i, n=n: note(f"w{n}"))  # type: ignore[misc]
        await settled(desk, opened.incident_id, 20)
    assert len(await desk.slack.calls("chat.update")) - before <= 15
    assert [c for c in await desk.slack.calls() if c["status"] == 429] == []
    channel, ts = await desk.root(opened.incident_id)
    said = "\n".join(m["text"] for m in await desk.slack.messages(channel, thread_ts=ts))
    assert all(said.count(f": w{n}\n") + said.endswith(f": w{n}") == 1 for n in range(50))


async def test_a_closing_undo_window_is_rendered_anew_by_a_due_time(desk: Desk) -> None:
    """At 60, 30, 10 minutes and the end: not each minute, and also after a restart."""
    opened = await open_one(desk.store)
    deadline = desk.clock.now() + timedelta(minutes=45)
    events = a_run_with(an_effect(reversibility="compensable", undo_deadline=deadline))
    await desk.store.incidents.write(opened.incident_id, "run", lambda _i: Write(events=events))
    poster = desk.poster()
    async with running(poster):
        await settled(desk, opened.incident_id)
    due = await desk.store.work.due_at(f"refresh:{opened.incident_id}")
    assert due is not None
    assert abs((due - (deadline - timedelta(minutes=30))).total_seconds()) < 0.01
    assert await desk.store.outbox.size() == 0
    await poster.refresh(WorkItem(kind=Work.REFRESH, incident=opened.incident_id))
    assert await desk.store.outbox.size() == 1
