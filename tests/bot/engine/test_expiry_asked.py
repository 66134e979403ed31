"""Before a temporary mitigation ends its owner is asked what is to become of it: once, also over a restart."""

from datetime import timedelta

import pytest

from bot.domain.action import ExecutionState
from bot.domain.desired import MODEL
from bot.domain.events import PULLCORD, CardPosted, ChannelReady, CommandTaken
from bot.domain.work import Work, WorkItem
from bot.errors import ActionFailed, OutcomeUnknown
from bot.plugin import Say
from bot.timeline.timeline import Write
from bot.views.blocks import Card
from tests.support.blockcheck import problems
from tests.support.engine import AGENT, DANA, GUEST, KIM, LEE, REMOTE_AGENT, SAM, Killed, World, settings_of

PINNED = "gpt-x-2026-01-01"


async def in_channel(world: World) -> None:
    """The incident's channel and card are there."""
    ready = ChannelReady(at=world.clock.now(), by=PULLCORD, channel="C0INC", name="inc-1", created=True)
    card = CardPosted(at=world.clock.now(), by=PULLCORD, channel="C0INC", ts="100.1")
    await world.store.incidents.write("INC-1", "channel", lambda _: Write(events=(ready, card)))


async def pinned(world: World, life: str = "PT4H") -> str:
    """Dana pins the model for a time; the execution's id."""
    await world.fire()
    await in_channel(world)
    await world.click("Pin model", model=PINNED, expires_in=life)
    return (await world.incident()).executions[0].id


async def test_the_owner_is_asked_half_an_hour_before_the_end_directly_and_in_the_thread(world: World) -> None:
    """With buttons that carry the incident and the execution, and nothing else; asked once."""
    execution = await pinned(world)
    await world.later(hours=3, minutes=29)
    assert world.slack.sent == []
    await world.later(minutes=1, seconds=1)
    assert sorted(where for where, _, _ in world.slack.sent) == ["C0INC/100.1", "U0DANA"]
    message = world.slack.sent[0][2]
    assert message.text.startswith("<@U0DANA> pinned refund-bot to gpt-x-2026-01-01 ends ")
    assert problems(Card(message.text, message.blocks)) == []
    buttons = message.blocks[1]["elements"]
    assert {b["value"] for b in buttons} == {f"INC-1|{execution}"}  # type: ignore[union-attr,index,call-overload]
    assert [b["action_id"] for b in buttons] == [  # type: ignore[union-attr,index,call-overload]
        "pullcord_extend:1h",
        "pullcord_extend:4h",
        "pullcord_extend:24h",
        "pullcord_permanent",
        "pullcord_lapse",
    ]
    asked = (await world.incident()).execution(execution)
    assert asked is not None
    assert asked.expiry_asked_at is not None
    await world.later(minutes=10)
    assert len(world.slack.sent) == 2


async def test_a_short_one_is_asked_about_in_the_middle_of_its_life(world: World) -> None:
    """Half an hour before the end of half an hour would be at its start."""
    await pinned(world, "PT30M")
    await world.later(minutes=14)
    assert world.slack.sent == []
    await world.later(minutes=1, seconds=1)
    assert len(world.slack.sent) == 2


@pytest.mark.parametrize("after", [False, True])
async def test_a_worker_that_dies_while_asking_is_followed_by_one_that_asks_once(world: World, after: bool) -> None:
    """Killed between the messages and the event, or after the event: each message is there once."""
    execution = await pinned(world)
    with world.kill_at("expiry-asked:", after=after), pytest.raises(Killed):
        await world.later(hours=3, minutes=30, seconds=1)
    world.restart()
    await world.later(minutes=1)
    assert len(world.slack.sent) == 2
    entries = await world.store.incidents.entries("INC-1", 0, 200)
    assert [e.event.type for e in entries].count("expiry_asked") == 1
    found = (await world.incident()).execution(execution)
    assert found is not None
    assert found.expiry_asked_at is not None


async def test_while_slack_is_away_it_is_asked_again_and_again(world: World) -> None:
    """The question is not given up as long as there is something to decide."""
    await pinned(world)
    world.slack.away = OutcomeUnknown("Slack did not answer.")
    await world.later(hours=3, minutes=30, seconds=1)
    for _ in range(8):
        await world.later(minutes=1, seconds=1)
    world.slack.away = None
    await world.later(minutes=1, seconds=1)
    assert len(world.slack.sent) == 2


async def test_where_the_owner_takes_no_messages_the_commander_is_asked(world: World) -> None:
    """And where there is no commander the thread has asked."""
    await pinned(world)
    taken = CommandTaken(at=world.clock.now(), by=KIM)
    await world.store.incidents.write("INC-1", "cmd", lambda _: Write(events=(taken,)))
    world.slack.unreachable = frozenset({"U0DANA"})
    await world.later(hours=3, minutes=31)
    assert sorted(where for where, _, _ in world.slack.sent) == ["C0INC/100.1", "U0KIM"]


async def test_what_was_taken_back_is_not_asked_about(world: World) -> None:
    """Its question is cleared with it."""
    execution = await pinned(world)
    await world.click("Undo: pinned", by=KIM, key="u")
    assert await world.store.work.due_at(f"ask:{execution}") is None
    await world.later(hours=4)
    assert world.slack.sent == []


async def test_without_an_answer_it_ends_and_that_is_read_back(world: World) -> None:
    """The default is the lapse."""
    execution = await pinned(world)
    await world.later(hours=4, seconds=1)
    await world.agent_reads()
    incident = await world.incident()
    assert (await world.store.desired.state(AGENT)).value(MODEL) == ""
    ended = incident.executions[-1]
    assert (ended.undo_of, ended.by, ended.state) == (execution, "pullcord", ExecutionState.SUCCEEDED)
    assert ended.verified == "in_force"
    assert await world.store.mitigations.rows() == []


async def test_an_extension_moves_the_end_on_the_timeline_at_the_agent_and_in_the_due_times(world: World) -> None:
    """The agent's callers are shown the new end; the question comes again before it."""
    execution = await pinned(world)
    await world.later(hours=3, minutes=31)
    before = (await world.incident()).execution(execution)
    assert before is not None
    assert before.expires_at is not None
    reply = await world.engine.requests.extend("INC-1", execution, "4h", LEE, key="e1")
    await world.work()
    assert isinstance(reply, Say)
    assert "is being extended" in reply.text
    until = before.expires_at + timedelta(hours=4)
    after = (await world.incident()).execution(execution)
    assert after is not None
    assert (after.expires_at, after.extended_by, after.expiry_asked_at) == (until, "U0LEE", None)
    setting = (await world.store.desired.state(AGENT)).setting(MODEL)
    assert setting is not None
    assert setting.restraint is not None
    assert (setting.restraint.until, setting.restraint.by, setting.key) == (until, "U0DANA", execution)
    assert await world.store.work.due_at(f"expire:{execution}") == until
    assert await world.store.work.due_at(f"ask:{execution}") == until - timedelta(minutes=30)
    assert [row.extended_by for row in await world.store.mitigations.rows()] == ["U0LEE"]
    await world.later(minutes=30)
    assert (await world.store.desired.state(AGENT)).value(MODEL) == PINNED
    await world.later(hours=3, minutes=30)
    assert len(world.slack.sent) == 4
    await world.later(minutes=31)
    assert (await world.store.desired.state(AGENT)).value(MODEL) == ""


async def test_two_who_extend_at_once_extend_once(world: World) -> None:
    """The second is told who was first; the same press delivered thrice is one."""
    execution = await pinned(world)
    await world.later(hours=3, minutes=31)
    for who, key in ((LEE, "e1"), (LEE, "e1"), (DANA, "e2")):
        await world.engine.requests.extend("INC-1", execution, "1h", who, key=key)
    await world.work()
    found = (await world.incident()).execution(execution)
    assert found is not None
    assert found.started_at is not None
    assert found.expires_at == found.started_at + timedelta(hours=5)
    assert "It was extended already by <@U0LEE>" in world.told("U0DANA")[-1]


@pytest.mark.parametrize("after", [False, True])
async def test_a_worker_that_dies_while_extending_extends_once(world: World, after: bool) -> None:
    """The new end was worked out at the press, and written under one key."""
    execution = await pinned(world)
    await world.later(hours=3, minutes=31)
    await world.engine.requests.extend("INC-1", execution, "1h", DANA, key="e1")
    with world.kill_at("extended:", after=after), pytest.raises(Killed):
        await world.work()
    world.restart()
    await world.work()
    found = (await world.incident()).execution(execution)
    assert found is not None
    assert found.started_at is not None
    assert found.expires_at == found.started_at + timedelta(hours=5)
    entries = await world.store.incidents.entries("INC-1", 0, 200)
    assert [e.event.type for e in entries].count("expiry_answered") == 1


async def test_who_may_not_run_it_may_not_extend_it_and_that_is_on_the_timeline(world: World) -> None:
    """A guest and a member without the role; nothing moves."""
    execution = await pinned(world)
    await world.later(hours=3, minutes=31)
    for who in (SAM, GUEST):
        reply = await world.engine.requests.extend("INC-1", execution, "1h", who, key=f"e-{who.id}")
        assert isinstance(reply, Say)
        assert reply.text.startswith("You may not")
    await world.work()
    found = (await world.incident()).execution(execution)
    assert found is not None
    assert found.extended_by is None
    notes = [e.event for e in await world.store.incidents.entries("INC-1", 0, 200) if e.event.type == "note_added"]
    assert any("<@U0SAM> may not extend" in getattr(note, "text", "") for note in notes)


async def test_an_end_that_came_while_the_extension_was_on_its_way_stands(world: World) -> None:
    """Too late is said, and nothing is set again."""
    execution = await pinned(world)
    await world.later(hours=3, minutes=31)
    await world.engine.requests.extend("INC-1", execution, "1h", DANA, key="e1")
    world.clock.forward(minutes=30)
    await world.store.work.move_due(world.clock.now())
    await world.work()
    assert (await world.store.desired.state(AGENT)).value(MODEL) == ""
    assert any("is over" in text or "not in force any more" in text for text in world.told("U0DANA"))


async def test_an_extension_that_came_before_the_end_was_carried_out_wins(world: World) -> None:
    """The end was moved while its work lay in the stream: it looks at the newest end first."""
    execution = await pinned(world)
    await world.later(hours=3, minutes=59)
    found = (await world.incident()).execution(execution)
    assert found is not None
    await world.engine.requests.extend("INC-1", execution, "1h", DANA, key="e1")
    await world.work()
    world.clock.forward(minutes=1, seconds=1)
    await world.store.work.add(WorkItem(kind=Work.EXPIRE, incident="INC-1", payload={"execution": execution}))
    await world.work()
    assert (await world.store.desired.state(AGENT)).value(MODEL) == PINNED
    assert await world.store.work.due_at(f"expire:{execution}") is not None


async def test_what_somebody_changed_since_cannot_be_extended(world: World) -> None:
    """The plane refuses to show a new end for what is not ours any more; nothing is put over the other's setting."""
    execution = await pinned(world)
    await world.later(hours=3, minutes=31)
    await world.store.desired.put(AGENT, MODEL, None, "gpt-y", key="else", restraint=None)
    await world.engine.requests.extend("INC-1", execution, "1h", DANA, key="e1")
    await world.work()
    assert (await world.store.desired.state(AGENT)).value(MODEL) == "gpt-y"
    found = (await world.incident()).execution(execution)
    assert found is not None
    assert found.extended_by is None
    assert "was not extended" in world.told("U0DANA")[-1]


async def test_a_plane_that_shows_no_end_needs_no_write(world: World) -> None:
    """Its restraint ends when we end it, so only our end moves."""
    await world.fire(agent=REMOTE_AGENT)
    await world.click("Revoke a tool", tool="send_email", expires_in="PT4H")
    execution = (await world.incident()).executions[0].id
    await world.later(hours=3, minutes=31)
    writes = world.remote.writes
    await world.engine.requests.extend("INC-1", execution, "1h", DANA, key="e1")
    await world.work()
    await world.later(minutes=45)
    assert world.remote.writes == writes
    assert world.remote.held != {}
    await world.later(hours=1)
    assert world.remote.held == {}


async def test_letting_it_lapse_is_noted_and_changes_nothing_before_the_end(world: World) -> None:
    """Any full member may say so; a guest may not."""
    execution = await pinned(world)
    await world.later(hours=3, minutes=31)
    refused = await world.engine.requests.lapse("INC-1", execution, GUEST, key="l0")
    assert isinstance(refused, Say)
    assert refused.text.startswith("You may not")
    await world.engine.requests.lapse("INC-1", execution, SAM, key="l1")
    await world.engine.requests.lapse("INC-1", execution, SAM, key="l2")
    found = (await world.incident()).execution(execution)
    assert found is not None
    assert found.expiry_answer == "lapse"
    assert (await world.store.desired.state(AGENT)).value(MODEL) == PINNED
    entries = await world.store.incidents.entries("INC-1", 0, 200)
    assert [e.event.type for e in entries].count("expiry_answered") == 1


async def test_make_permanent_says_what_to_configure_where_nothing_is(world: World) -> None:
    """No fix is promised that cannot be opened."""
    execution = await pinned(world)
    await world.later(hours=3, minutes=31)
    reply = await world.engine.requests.permanent("INC-1", execution, DANA, key="p1")
    assert isinstance(reply, Say)
    assert "fixes.refund-bot" in reply.text
    found = (await world.incident()).execution(execution)
    assert found is not None
    assert found.expiry_answer is None


@pytest.mark.parametrize(
    ("incident", "execution", "length"),
    [("INC-1", "ex_none", "1h"), ("INC-9", "ex_none", "1h"), ("INC-1", "", "9h"), ("INC-1", "<!channel>", "1h")],
)
async def test_forged_buttons_are_told_apart_and_change_nothing(
    world: World, incident: str, execution: str, length: str
) -> None:
    """Of no action, of no incident, of a length that was never offered."""
    real = await pinned(world)
    reply = await world.engine.requests.extend(incident, execution or real, length, DANA, key="f")
    assert isinstance(reply, Say)
    assert await world.store.work.due_at(f"expire:{real}") is not None
    found = (await world.incident()).execution(real)
    assert found is not None
    assert found.extended_by is None


async def test_nobody_reachable_is_tried_again_until_the_end(world: World) -> None:
    """No owner that takes messages, no channel: the question stays due."""
    await world.fire()
    await world.click("Pin model", model=PINNED, expires_in="PT4H")
    execution = (await world.incident()).executions[0].id
    world.slack.unreachable = frozenset({"U0DANA"})
    await world.later(hours=3, minutes=31)
    assert await world.store.work.due_at(f"ask:{execution}") is not None
    world.slack.away = ActionFailed("no")
    await world.later(minutes=30)
    assert (await world.store.desired.state(AGENT)).value(MODEL) == ""


async def test_when_to_ask_can_be_set(world: World) -> None:
    """``mitigations.ask_before``."""
    world.settings = settings_of(mitigations={"ask_before": "2h"})
    world.restart()
    await pinned(world, "P1D")
    await world.later(hours=21, minutes=59)
    assert world.slack.sent == []
    await world.later(minutes=2)
    assert len(world.slack.sent) == 2


async def test_what_was_set_at_two_points_with_one_press_is_asked_about_and_extended_once(world: World) -> None:
    """One question, one answer, both ends; only the plane that shows the end to agents is written."""
    agent = {"on_call": ["U0DANA"], "tools": ["send_email"], "control": ["embedded", "remote"]}
    world.settings = settings_of(agents={AGENT: agent})
    world.restart()
    await world.fire()
    await in_channel(world)
    await world.click("Revoke a tool", tool="send_email", expires_in="PT4H")
    first, second = (await world.incident()).executions
    assert second.leads == first.id
    await world.later(hours=3, minutes=31)
    assert len(world.slack.sent) == 2
    assert "1 more of the same press" in world.slack.sent[0][2].text
    writes = world.remote.writes
    await world.engine.requests.extend("INC-1", first.id, "4h", DANA, key="e1")
    await world.work()
    ends = {e.expires_at - e.started_at for e in (await world.incident()).executions if e.expires_at and e.started_at}
    assert ends == {timedelta(hours=8)}
    assert world.remote.writes == writes
    await world.later(hours=4, minutes=30)
    assert await world.store.mitigations.rows() == []
    assert world.remote.held == {}


async def test_an_extension_is_bounded_like_the_mitigation_itself(world: World) -> None:
    """A responder who may pin for four hours at most does not get a day by way of Extend; a commander does."""
    bound = {"verbs": ["pin_model"], "undo": False, "where": {"expires_in": {"max": 4 * 3600}}, "role": "responder"}
    world.settings = settings_of(permissions=[bound, {"verbs": ["pin_model"], "role": "commander"}])
    world.restart()
    lead = await pinned(world)
    await world.later(hours=3, minutes=31)
    before = (await world.incident()).execution(lead)
    reply = await world.engine.requests.extend("INC-1", lead, "24h", DANA, key="long")
    assert isinstance(reply, Say)
    assert "needs the role commander" in reply.text
    await world.work()
    assert (await world.incident()).execution(lead) == before
    assert "is being extended" in str(await world.engine.requests.extend("INC-1", lead, "1h", DANA, key="short"))
    await world.work()
    assert "is being extended" in str(await world.engine.requests.extend("INC-1", lead, "24h", KIM, key="kim"))


async def test_a_plane_that_quotes_its_credential_when_the_end_cannot_be_shown_is_redacted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is moved, whoever extended is told what agents may still see, and the credential reaches nobody."""
    secret = "ghp_" + "a1B2c3" * 6

    async def quotes(*_: object) -> None:
        raise ActionFailed(f"the gateway refused the token {secret}.")

    execution = await pinned(world)
    plane = world.engine._parts.planes.plane("embedded")
    monkeypatch.setattr(plane, "extend", quotes)
    await world.later(hours=3, minutes=31)
    await world.engine.requests.extend("INC-1", execution, "1h", LEE, key="e1")
    await world.work()
    told = world.told("U0LEE")[-1]
    assert "may still show the old end" in told
    entries = await world.store.incidents.entries("INC-1", 0, 200)
    assert secret not in told + str(entries)
