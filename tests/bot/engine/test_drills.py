"""Drills: people press everything, nothing is written, nobody is paged, and no alert ever joins."""

import pytest

from bot.domain.action import ExecutionState
from bot.domain.desired import TOOLS_DENIED
from bot.domain.events import IncidentOpened, PersonPaged
from bot.domain.work import Work, WorkItem
from bot.engine.sample_run import MADE_UP
from bot.errors import Refused
from bot.paging.paging import Paging
from bot.plugin import Quiet, Say
from bot.timeline.timeline import Write
from bot.views.card import card
from bot.views.thread_lines import thread_line
from tests.support.engine import AGENT, DANA, GUEST, KIM, TRACE, World
from tests.support.spans import root_span, tool_span


async def _drill(world: World, agent: str | None = None, key: str = "d") -> str:
    reply = await world.engine.requests.drill(DANA, agent=agent, key=key)
    assert isinstance(reply, Say)
    await world.work()
    return reply.text.split()[0]


async def test_a_drill_without_a_recorded_run_stands_on_a_made_up_one_and_says_so(world: World) -> None:
    """Named on the run, as a note, and nowhere in the index: nothing real is compared with it."""
    name = await _drill(world, AGENT)
    incident = await world.store.incidents.read(name)
    assert (incident.drill, incident.agent, incident.alerts) == (True, AGENT, ())
    (run,) = incident.runs
    assert run.source == MADE_UP
    assert "none of it happened" in run.source_note
    assert {e.tool for e in incident.effects} == {"issue_refund", "send_email"}
    assert await world.store.run_index.get(run.summary.trace_id) is None
    entries = await world.store.incidents.entries(name, 0, 50)
    lines = [line for entry in entries if (line := thread_line(entry, incident)) is not None]
    assert any("none of it happened" in line for line in lines)
    assert all(line.startswith("DRILL · ") for line in lines)


async def test_a_drill_uses_a_recorded_run_where_one_is_at_hand(world: World) -> None:
    """The newest that shows something; it is frozen for the drill as for any incident."""
    await world.fire(trace_id=None)
    at = world.clock.now()
    spans = [root_span(TRACE, at), tool_span(TRACE, 1, "issue_refund", {"amount_cents": 42000}, at)]
    await world.store.spans.upsert(TRACE, AGENT, {s.span_id: s.to_bytes() for s in spans})
    await world.store.background.add(WorkItem(kind=Work.INDEX_RUN, payload={"trace_id": TRACE}), op="index")
    world.clock.forward(minutes=10)
    await world.work()
    name = await _drill(world, AGENT)
    incident = await world.store.incidents.read(name)
    assert [run.summary.trace_id for run in incident.runs] == [TRACE]
    assert incident.added == (TRACE,)


async def test_every_press_ends_drilled_with_what_it_would_have_done(world: World) -> None:
    """Confirm, role and modal are as in earnest; the end says what would have been, and the agent keeps its tools."""
    name = await _drill(world, AGENT)
    number = int(name.removeprefix("INC-"))
    revoke = await world.offer("Revoke issue_refund", number)
    assert revoke.consequence.startswith("A drill: nothing is written. ")
    assert isinstance(await world.engine.requests.submit(revoke.id, DANA, {}, key="a"), Quiet)
    await world.work()
    (execution,) = (await world.incident(number)).executions
    assert (execution.state, execution.drill) == (ExecutionState.DRILLED, True)
    assert execution.summary == "agent.tools.denied[issue_refund] of refund-bot: now nothing, then yes"
    assert (await world.store.desired.state(AGENT)).value(TOOLS_DENIED) == {"tools": []}
    assert not [label for label in await world.labels(number) if label.startswith("Undo")]
    again = await world.engine.requests.submit(revoke.id, KIM, {}, key="b")
    assert isinstance(again, Say)
    assert again.text.startswith("Already drilled by <@U0DANA>")
    assert await world.offer("Revoke issue_refund", number) != revoke  # to be pressed again


async def test_a_refusal_is_practised_too(world: World) -> None:
    """Who may not in earnest may not here."""
    name = await _drill(world, AGENT)
    revoke = await world.offer("Revoke issue_refund", int(name.removeprefix("INC-")))
    reply = await world.engine.requests.submit(revoke.id, GUEST, {}, key="a")
    await world.work()
    assert not isinstance(reply, Quiet)
    states = [e.state for e in (await world.store.incidents.read(name)).executions]
    assert ExecutionState.DRILLED not in states


async def test_no_alert_joins_a_drill_and_a_drill_joins_none(world: World) -> None:
    """The real alert of the same agent opens its own incident and pages."""
    drill = await _drill(world, AGENT)
    await world.fire()
    second = await world.incident(2)
    assert (second.drill, len(second.alerts)) == (False, 1)
    assert (await world.store.incidents.read(drill)).alerts == ()
    third = await _drill(world, AGENT, key="other")
    assert third == "INC-3"


async def test_nobody_is_paged_and_it_says_who_would_have_been(world: World) -> None:
    """By name, without a mention: a mention would wake them. Neither channel nor direct message."""
    await world.store.names.learn("U0DANA", "dana")
    paging = Paging(world.store, world.slack, world.settings, world.clock)
    opened = await world.store.incidents.open("x", lambda n: _opening(world, n), None)
    await paging.handle(WorkItem(kind=Work.PAGE, incident=opened.incident_id, payload={"step": 0}))
    await paging.handle(WorkItem(kind=Work.PAGE, incident=opened.incident_id, payload={"step": 0, "reason": "more"}))
    incident = await world.store.incidents.read(opened.incident_id)
    assert [(p.user, p.how, p.delivered, p.detail) for p in incident.pages] == [("U0DANA", "drill", False, "@dana")]
    entries = await world.store.incidents.entries(incident.id, 0, 20)
    (line,) = [thread_line(e, incident) for e in entries if isinstance(e.event, PersonPaged)]
    assert line == "DRILL · Would have paged @dana. Nobody was."
    made = card(incident, (), world.clock.now())
    assert made.text.startswith("DRILL · ")
    assert made.blocks[0]["text"]["text"].startswith("DRILL · ")
    assert "<@U0DANA>" not in str(made.blocks) + made.text
    assert world.slack.told == []


def _opening(world: World, number: int) -> tuple[IncidentOpened, Write]:
    opened = IncidentOpened(
        at=world.clock.now(), by=KIM, number=number, agent=AGENT, name="drill", severity="SEV3", drill=True
    )
    return opened, Write(events=())


async def test_an_agent_that_is_not_configured_is_refused_with_those_there_are(world: World) -> None:
    """And without a name the first one is taken; a guest may not at all."""
    with pytest.raises(Refused, match=r"no agent 'nobody' in the configuration. Name one of: mail-bot, refund-bot"):
        await world.engine.requests.drill(DANA, agent="nobody", key="d")
    with pytest.raises(Refused):
        await world.engine.requests.drill(GUEST, agent=None, key="d")
    name = await _drill(world)
    assert (await world.store.incidents.read(name)).agent == "mail-bot"
    assert await _drill(world, key="d") == name  # the same click delivered twice opens one


async def test_a_drill_is_resolved_like_any_incident_and_marked_in_the_list(world: World) -> None:
    """People end it; the list says what it was."""
    name = await _drill(world)
    await world.engine.requests.lifecycle(name, "resolve", KIM, key="r", text="practised")
    await world.work()
    assert not (await world.store.incidents.read(name)).open
    assert [row.drill for row in (await world.store.incidents.rows(None, 5)).rows] == [True]
