"""How far a long action is: one message in the thread, edited in place, behind every card, and with its end."""

from datetime import timedelta

from bot.domain.action import Execution
from bot.domain.events import PULLCORD, ActionFailed, ActionRequested, ActionStarted, StopAsked
from bot.domain.progress import ProgressState
from bot.slack import progress
from bot.slack.budget import Budget
from bot.timeline.timeline import Write
from bot.views.progress import progress as card
from tests.bot.slack.incidents import AT, DANA, open_one
from tests.bot.slack.test_poster import running, settled
from tests.bot.slack.workspace import Desk
from tests.support.blockcheck import problems
from tests.support.waiting import wait_until

EX = "ex_1"


async def _runs(desk: Desk, incident: str) -> None:
    asked = ActionRequested(
        at=AT, by=DANA, execution=EX, action="sweep", title="Sweep <!channel>", params={}, offer="of_1"
    )
    started = ActionStarted(at=AT, by=PULLCORD, execution=EX, key=EX, summary="swept 12 <!channel> things")
    await desk.store.incidents.write(incident, "go", lambda _i: Write(events=(asked, started)))


async def _says(desk: Desk, incident: str, done: int, began: timedelta = timedelta(seconds=10)) -> None:
    now = desk.clock.now()
    state = ProgressState(
        incident=incident, execution=EX, done=done, total=12, words="<!here> *x*", began=now - began, at=now
    )
    await desk.store.progress.put(state)
    await desk.store.outbox.dirty(incident)


async def test_it_is_one_message_edited_in_place_that_ends_with_the_end(desk: Desk, monkeypatch: object) -> None:
    """A stop button while it runs; once asked, none; at its end what it came to, and nothing is kept."""
    monkeypatch.setattr(progress, "EDIT_SECONDS", 0.6)  # type: ignore[attr-defined]
    name = (await open_one(desk.store)).incident_id
    async with running(desk.poster()):
        await settled(desk, name)
        channel, root = await desk.root(name)
        await _runs(desk, name)
        await _says(desk, name, 3, began=timedelta(0))
        await settled(desk, name)
        assert not await _texts(desk, channel, root), "what may be over in a moment has no message"
        await _says(desk, name, 4)
        await wait_until(lambda: _has(desk, channel, root, "4 of 12 (33 %)"))
        await _says(desk, name, 7)
        await wait_until(lambda: _again(desk, name, channel, root, 7, "7 of 12 (58 %)"))
        stopped = StopAsked(at=AT, by=DANA, execution=EX)
        ended = ActionFailed(at=AT, by=PULLCORD, execution=EX, reason="Stopped after 7 of 12 steps.")
        await desk.store.incidents.write(name, "end", lambda _i: Write(events=(stopped, ended)))
        await wait_until(lambda: _has(desk, channel, root, "Ended: Stopped after 7 of 12 steps."))
        await wait_until(lambda: _none_kept(desk, name))
    found = await _texts(desk, channel, root)
    assert len(found) == 1, found
    assert "pullcord_stop" not in str(found)


async def _texts(desk: Desk, channel: str, root: str) -> list[object]:
    replies = await desk.slack.messages(channel, thread_ts=root)
    return [m for m in replies if "of 12 (" in str(m)]


async def _has(desk: Desk, channel: str, root: str, words: str) -> bool:
    return any(words in str(message) for message in await _texts(desk, channel, root))


async def _again(desk: Desk, name: str, channel: str, root: str, done: int, words: str) -> bool:
    """As the action does it: it says so again with its next step."""
    await _says(desk, name, done)
    return await _has(desk, channel, root, words)


async def _none_kept(desk: Desk, name: str) -> bool:
    return not await desk.store.progress.of(name)


async def test_bars_take_only_what_cards_leave() -> None:
    """45 edits a minute: unacknowledged cards may have all, other cards 30, bars 15."""
    now = [0.0]
    budget = Budget(monotonic=lambda: now[0])
    taken = 0
    while budget.update(urgent=False, spare=True) == 0:
        taken += 1
    assert taken == 15
    while budget.update(urgent=False) == 0:
        taken += 1
    assert taken == 30
    while budget.update(urgent=True) == 0:
        taken += 1
    assert taken == 45
    now[0] = 61.0
    assert budget.update(urgent=False, spare=True) == 0


async def test_its_blocks_are_valid_and_foreign_words_are_calm(desk: Desk) -> None:
    """In each of its states."""
    name = (await open_one(desk.store)).incident_id
    await _runs(desk, name)
    incident = await desk.store.incidents.read(name)
    execution = incident.execution(EX)
    assert isinstance(execution, Execution)
    for done, total in ((0, 0), (5, 0), (3, 12), (30, 12)):
        state = ProgressState(incident=name, execution=EX, done=done, total=total, words="<!here> @x", began=AT, at=AT)
        for changed in ({}, {"stopped_by": "U0LEE"}, {"state": "unknown"}, {"state": "succeeded"}):
            made = card(incident, Execution.model_validate({**execution.model_dump(), **changed}), state)
            assert problems(made) == []
