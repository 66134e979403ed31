import asyncio
import itertools
from datetime import timedelta

import pytest

from bot.domain.events import Actor, NoteAdded
from bot.domain.incident import IncidentState
from bot.domain.work import Due, Work, WorkItem
from bot.errors import Refused, StoreUnavailable
from bot.ports import ChatMessage
from tests.support.engine import AGENT, DANA, GUEST, KIM, LEE, SAM, TEAM, World, settings_of, someone


async def ask(world: World, what: str, by: Actor, key: str = "k", text: str = "", **extra: str) -> None:
    """Ask, and let the worker work."""
    await world.engine.requests.lifecycle("INC-1", what, by, key=f"{key}:{what}:{by.id}", text=text, **extra)
    await world.work()


async def test_an_acknowledge_stops_every_page_that_is_due(world: World) -> None:
    """In the same write: there is no moment in which it is acknowledged and still pages."""
    await world.fire()
    for due in ("page:INC-1:1", "page:INC-1:2", "again:INC-1"):
        item = WorkItem(kind=Work.PAGE, incident="INC-1", payload={"step": 1})
        await world.store.work.schedule(Due(id=due, at=world.clock.now() + timedelta(minutes=5), item=item))
    await ask(world, "acknowledge", DANA)
    incident = await world.incident()
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "U0DANA")
    assert [await world.store.work.due_at(d) for d in ("page:INC-1:1", "page:INC-1:2", "again:INC-1")] == [None] * 3


async def test_the_second_who_acknowledges_is_told_who_was_first(world: World) -> None:
    """Visible to that person only."""
    await world.fire()
    await ask(world, "acknowledge", LEE)
    world.clock.forward(seconds=40)
    await ask(world, "acknowledge", DANA, channel="C0ROOM")
    assert world.slack.told == [("C0ROOM", "U0DANA", "INC-1 was already acknowledged by <@U0LEE> 40 s ago.")]


async def test_people_of_the_configuration_acknowledge_without_asking_slack(world: World) -> None:
    """An outage of Slack's API must not keep the pager ringing."""
    world.slack.readable = False
    await world.fire()
    await ask(world, "acknowledge", DANA)
    assert (await world.incident()).acknowledged_by == "U0DANA"
    assert world.slack.lookups == 0


async def test_any_full_member_may_acknowledge_and_nobody_else(world: World) -> None:
    """A guest may not; when Slack does not say who somebody is, the answer is no, with the reason."""
    await world.fire()
    await ask(world, "acknowledge", GUEST)
    assert "only full members" in world.told("U0GUEST")[0]
    world.slack.readable = False
    await ask(world, "acknowledge", SAM)
    assert "Slack did not say" in world.told("U0SAM")[0]
    assert (await world.incident()).acknowledged_by is None
    world.slack.readable = True
    await ask(world, "acknowledge", SAM, key="again")
    assert (await world.incident()).acknowledged_by == "U0SAM"


async def test_command_passes_to_whoever_takes_it_and_needs_a_role(world: World) -> None:
    """Each time is recorded; a member without a role is told who may."""
    await world.fire()
    with pytest.raises(Refused, match=r"needs the role responder\. Ask <@U0DANA>, <@U0LEE>, <@U0KIM>") as refused:
        await ask(world, "take", SAM)
    assert refused.value.who_may is None  # its sentence names them; it would be said twice
    await ask(world, "take", DANA)
    await ask(world, "take", KIM)
    incident = await world.incident()
    assert (incident.commander, incident.acknowledged_by) == ("U0KIM", "U0DANA")
    await ask(world, "take", KIM, key="twice")
    assert "already have command" in world.told("U0KIM")[0]


async def test_resolving_takes_a_responder_and_a_reason(world: World) -> None:
    """Also while it is not contained: then the reason is what stands there."""
    await world.fire()
    await ask(world, "resolve", DANA, text="  ")
    assert "needs a reason" in world.told("U0DANA")[0]
    with pytest.raises(Refused, match="responder"):
        await ask(world, "resolve", SAM, text="me")
    with pytest.raises(Refused, match="responder"):
        await world.engine.requests.may_ask("resolve", SAM)
    await world.engine.requests.may_ask("resolve", LEE)
    assert (await world.incident()).open
    await ask(world, "resolve", DANA, key="2", text="refunds were reversed by hand")
    incident = await world.incident()
    assert (incident.state, incident.resolution) == (IncidentState.RESOLVED, "refunds were reversed by hand")
    await ask(world, "acknowledge", LEE)
    assert "already resolved by <@U0DANA>" in world.told("U0LEE")[0]


async def test_a_pinned_message_keeps_its_author_time_and_link_and_is_pinned_once(world: World) -> None:
    """Two people pin the same message: one entry, one mark."""
    await world.fire()
    at = world.clock.now() - timedelta(minutes=3)
    said = ChatMessage(text="the gateway is fine", author="U0GUEST", at=at, permalink="https://slack.test/p1")
    world.slack.messages["C0ROOM", "1.5"] = said
    for by in (DANA, LEE):
        await ask(world, "pin", by, channel="C0ROOM", ts="1.5")
    entries = await world.store.incidents.entries("INC-1")
    (note,) = [e.event for e in entries if isinstance(e.event, NoteAdded)]
    assert (note.text, note.author, note.said_at, note.permalink) == (said.text, "U0GUEST", at, said.permalink)
    assert note.by.id == "U0DANA"
    assert ("C0ROOM", "1.5", "white_check_mark") in world.slack.reactions
    await ask(world, "pin", DANA, key="other", channel="C0ROOM", ts="9.9")
    assert "may not read it" in world.told("U0DANA")[-1]


async def test_the_same_note_pressed_twice_is_one_note(world: World) -> None:
    """A press that was not confirmed is repeated with another key."""
    await world.fire()
    await ask(world, "note", SAM, key="a", text="customer called")
    await ask(world, "note", SAM, key="b", text="customer called")
    await ask(world, "note", SAM, key="c", text="customer calmed")
    assert (await world.incident()).notes == 2


async def test_a_person_can_declare_an_incident_which_pages(world: World) -> None:
    """Effects are unknown, not none, and the person is told its number."""
    await world.engine.requests.declare(SAM, key="d", agent=AGENT, summary="it mails everyone", channel="C0ROOM")
    await world.work()
    incident = await world.incident()
    assert (incident.agent, incident.summary, incident.opened_by) == (AGENT, "it mails everyone", "<@U0SAM>")
    assert incident.missing[0].trace_id is None
    assert [w.payload for w in world.paged] == [{"step": 0}]
    assert "INC-1 is open" in world.told("U0SAM")[0]


async def test_who_cannot_be_told_in_the_channel_is_told_directly(world: World) -> None:
    """Not a member of that channel: a click still never ends in silence."""
    await world.fire()
    world.slack.ephemeral_works = False
    await ask(world, "acknowledge", GUEST, channel="C0ROOM")
    assert world.slack.told[0][:2] == (None, "U0GUEST")


async def test_what_nobody_can_ask_for_is_refused_at_once(world: World) -> None:
    """The front door, not the worker, says no."""
    await world.fire()
    with pytest.raises(Refused):
        await world.engine.requests.lifecycle("INC-1", "explode", DANA, key="x")


async def test_a_click_on_a_store_that_hangs_is_answered_not_confirmed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within 200 ms, in words that say what to do."""
    await world.fire()

    async def hangs(*_: object, **__: object) -> bool:
        await asyncio.sleep(5)
        return True

    monkeypatch.setattr(world.store.work, "add", hangs)
    with pytest.raises(StoreUnavailable, match="press again, it cannot run twice"):
        await world.engine.requests.lifecycle("INC-1", "acknowledge", DANA, key="x")


async def test_people_of_another_workspace_are_refused_before_anything_is_promised(world: World) -> None:
    """The same user id of another team proves nothing; no team is no proof either. Nothing is stored."""
    world.settings = settings_of(slack={"team_ids": [TEAM]})
    world.restart()
    await world.fire()
    for what, team in itertools.product(("acknowledge", "take", "resolve", "note"), ("T0OTHER", None)):
        stranger = someone("U0DANA", team)
        with pytest.raises(Refused, match="workspace"):
            await ask(world, what, stranger, text="x")
        with pytest.raises(Refused, match="workspace"):
            await world.engine.requests.may_ask(what, stranger)
    with pytest.raises(Refused, match="workspace"):
        await world.engine.requests.declare(
            someone("U0DANA", "T0OTHER"), key="d", agent=None, summary="x", channel=None
        )
    assert world.slack.told == []
    assert (await world.incident()).acknowledged_by is None
    await ask(world, "acknowledge", DANA)
    assert (await world.incident()).acknowledged_by == "U0DANA"


async def test_a_later_refusal_is_told_where_the_person_pressed(world: World) -> None:
    """In the channel of the click; directly where Slack does not take it there, or the click was in a conversation."""
    await world.fire()
    await ask(world, "acknowledge", GUEST, channel="C0PRESSED")
    assert world.slack.told[-1][:2] == ("C0PRESSED", "U0GUEST")
    assert world.slack.told[-1][2].endswith("(no guests, no bots). Ask a full member.")
    await ask(world, "acknowledge", GUEST, key="2", channel="D0DIRECT")
    assert world.slack.told[-1][:2] == (None, "U0GUEST")
    world.slack.ephemeral_works = False
    await ask(world, "acknowledge", GUEST, key="3", channel="C0PRESSED")
    assert world.slack.told[-1][:2] == (None, "U0GUEST")


async def test_whoever_leads_without_the_role_commander_is_told_who_may_loosen(world: World) -> None:
    """Leading an incident and the role commander are two things."""
    await world.fire()
    await ask(world, "take", DANA, channel="C0ROOM")
    expected = "You lead INC-1. Loosening and undoing still need <@U0KIM> (role commander)."
    assert world.slack.told == [("C0ROOM", "U0DANA", expected)]
    await ask(world, "take", KIM, channel="C0ROOM")
    assert world.told("U0KIM") == []
