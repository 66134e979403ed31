from datetime import timedelta

import pytest

from bot.domain.alert import AlertStatus
from bot.domain.events import AlertJoined, WorkDropped
from bot.domain.incident import AlertState
from bot.domain.work import Work, WorkItem
from tests.support.engine import DANA, Killed, World, alert_of

OTHER = "a" * 32


async def test_an_alert_opens_an_incident_pages_and_looks_for_its_run(world: World) -> None:
    """Its severity is provisional and says so."""
    await world.fire()
    incident = await world.incident()
    assert (incident.severity, incident.severity_why) == ("SEV3", "effects are not known yet")
    assert [(w.incident, w.payload) for w in world.paged] == [("INC-1", {"step": 0})]
    assert incident.missing[0].reason == "it has not arrived yet"


async def test_an_alert_without_a_run_says_so(world: World) -> None:
    """Effects are unknown, not none."""
    await world.fire(trace_id=None)
    incident = await world.incident()
    assert incident.missing[0].reason == "the alert names no run"
    assert "names no run" in incident.severity_why


async def test_alerts_of_one_agent_and_name_join_within_the_window_of_the_last_one(world: World) -> None:
    """Each joining alert opens the window anew; after it a new incident opens."""
    await world.fire()
    for number in range(3):
        world.clock.forward(minutes=20)
        await world.fire(fingerprint=f"f{number}", trace_id=f"{number}" * 32)
    assert len((await world.incident()).alerts) == 4
    world.clock.forward(minutes=31)
    await world.fire(fingerprint="late")
    assert len((await world.incident(2)).alerts) == 1


async def test_a_repeat_of_a_firing_alert_keeps_its_incident_joinable(world: World) -> None:
    """The last alert is the last one sent, also when it only raised a counter, however rarely its source repeats."""
    first = await world.fire()
    for minutes in (20, 20, 240):
        world.clock.forward(minutes=minutes)
        await world.store.intake.accept([first])
    world.clock.forward(minutes=20)
    await world.fire(fingerprint="b")
    assert len((await world.incident()).alerts) == 2


async def test_a_repeat_takes_the_group_from_no_younger_incident(world: World) -> None:
    """An old alert that goes on firing beside a new incident leaves the new one where alerts join."""
    first = await world.fire()
    world.clock.forward(minutes=31)
    await world.fire(fingerprint="b")
    await world.store.intake.accept([first])
    await world.fire(fingerprint="c")
    assert [len((await world.incident(n)).alerts) for n in (1, 2)] == [1, 2]


async def test_a_repeat_makes_no_resolved_incident_joinable(world: World) -> None:
    """What people closed stays closed; the next alert is another incident."""
    first = await world.fire()
    await world.engine.requests.lifecycle("INC-1", "resolve", DANA, key="r", text="done")
    await world.work()
    await world.store.intake.accept([first])
    await world.fire(fingerprint="b")
    assert len((await world.incident(2)).alerts) == 1


async def test_another_agent_or_name_is_another_incident(world: World) -> None:
    """What joins is what happened to the same agent in the same way."""
    await world.fire()
    await world.fire(fingerprint="b", name="TooManyMails")
    await world.fire(fingerprint="c", agent="mail-bot")
    assert [(await world.incident(n)).number for n in (1, 2, 3)] == [1, 2, 3]


async def test_after_a_resolve_the_next_alert_opens_anew(world: World) -> None:
    """A closed incident is not joined, however young."""
    await world.fire()
    await world.engine.requests.lifecycle("INC-1", "resolve", DANA, key="r", text="done")
    await world.work()
    await world.fire(fingerprint="b")
    assert (await world.incident(2)).open


@pytest.mark.parametrize("after", [False, True])
async def test_a_kill_while_opening_leaves_one_incident(world: World, after: bool) -> None:
    """I4: the alert is delivered again and lands once."""
    incidents = world.store.incidents
    original = incidents.open

    async def dies(*args: object, **kwargs: object) -> object:
        if after:
            await original(*args, **kwargs)  # type: ignore[arg-type]
        raise Killed("open")

    incidents.open = dies  # type: ignore[assignment,method-assign]
    with pytest.raises(Killed):
        await world.fire()
    incidents.open = original  # type: ignore[method-assign]
    world.restart()
    await world.work()
    assert len((await world.store.incidents.rows()).rows) == 1
    assert len((await world.incident()).alerts) == 1
    assert len(world.paged) == 1


@pytest.mark.parametrize("resolved_meanwhile", [False, True])
async def test_an_alert_that_joined_and_is_delivered_again_stays_in_that_one_incident(
    world: World, resolved_meanwhile: bool
) -> None:
    """Also when that incident was resolved before the second delivery."""
    await world.fire()
    alert = alert_of(world.clock, fingerprint="b", trace_id=OTHER)
    await world.store.intake.accept([alert])
    with world.kill_at("alert:", after=True), pytest.raises(Killed):
        await world.work()
    if resolved_meanwhile:
        await world.engine.requests.lifecycle("INC-1", "resolve", DANA, key="r", text="done")
    world.restart()
    await world.work()
    assert len((await world.store.incidents.rows()).rows) == 1
    entries = await world.store.incidents.entries("INC-1")
    assert [e.event.alert.fingerprint for e in entries if isinstance(e.event, AlertJoined)] == ["b"]


async def test_a_resolved_alert_is_recorded_and_the_incident_stays_open(world: World) -> None:
    """Effects do not vanish because the signal did."""
    alert = await world.fire()
    await world.store.intake.accept(
        [alert.model_copy(update={"status": AlertStatus.RESOLVED, "ends_at": world.clock.now()})]
    )
    await world.work()
    incident = await world.incident()
    assert (incident.alert_state, incident.open) == (AlertState.CLEARED, True)


async def test_a_resolve_that_comes_before_its_firing_waits_for_it(world: World) -> None:
    """Workers take alerts side by side; a few seconds later it finds its incident."""
    firing = alert_of(world.clock)
    resolved = firing.model_copy(update={"status": AlertStatus.RESOLVED})
    await world.store.intake.accept([resolved])
    await world.work()
    await world.store.intake.accept([firing])
    await world.work()
    assert (await world.incident()).alert_state is AlertState.FIRING
    await world.later(seconds=6)
    assert (await world.incident()).alert_state is AlertState.CLEARED


async def test_an_alert_that_is_over_before_it_was_known_wakes_nobody(world: World) -> None:
    """After some minutes it is dropped."""
    await world.fire(status=AlertStatus.RESOLVED)
    for _ in range(12):
        await world.later(minutes=1)
    assert (await world.store.incidents.rows()).rows == ()
    assert (await world.store.work.depth()).due == 0


async def test_a_resolve_waits_for_a_firing_that_is_being_tried_again(world: World) -> None:
    """A firing that failed for a minute and a half opens its incident in the end; that it is over must not be lost."""
    alert = alert_of(world.clock)
    await world.store.intake.accept([alert])
    (held,) = await world.store.work.take("worker that fails", 1, 5)
    await world.store.work.retry(held, world.clock.now() + timedelta(seconds=86))
    await world.store.intake.accept([alert.model_copy(update={"status": AlertStatus.RESOLVED})])
    await world.work()
    for _ in range(10):
        await world.later(seconds=30)
    assert (await world.incident()).alert_state is AlertState.CLEARED


async def test_one_incident_per_source_that_sends_what_cannot_be_read(world: World) -> None:
    """Hours later too, while it is open: the same trouble, not a new incident each hour."""
    for hour in range(3):
        await world.store.intake.trouble("generic", f"labels.agent is missing <!channel> {hour}")
        await world.work()
        world.clock.forward(hours=1)
    await world.store.intake.trouble("alertmanager", "no alerts")
    await world.work()
    rows = (await world.store.incidents.rows()).rows
    assert [r.name for r in rows] == ["alerts of alertmanager were refused", "alerts of generic were refused"]
    assert (await world.incident()).notes == 2
    assert len(world.paged) == 2


async def test_work_that_was_given_up_is_said_where_it_belongs(world: World) -> None:
    """On its incident, or on one about Pullcord itself; an execution does not look as if it still ran."""
    await world.fire()
    offer = await world.offer("Revoke a tool")
    await world.engine.requests.submit(offer.id, DANA, {"tool": "issue_refund"}, key="a")
    (leased,) = await world.store.work.take("worker", 10, 5)
    world.clock.forward(minutes=5)
    await world.store.work.bury(leased, "it failed five times")
    await world.work()
    incident = await world.incident()
    assert "given up" in incident.degraded[0]
    assert incident.executions[0].state == "failed"
    lost = WorkItem(kind=Work.DEAD_LETTER, payload={"work": "agent_read", "reason": "a bug", "entry": "1-1"})
    for _ in range(2):
        await world.store.work.add(lost)
        await world.work()
    own = await world.incident(2)
    assert own.name == "Pullcord gave up work"
    entries = await world.store.incidents.entries("INC-2")
    assert not [e for e in entries if isinstance(e.event, WorkDropped)]


async def test_work_that_was_given_up_costs_no_other_execution(world: World) -> None:
    """Another press that still waits for its worker is run, however long it waited."""
    await world.fire()
    for key, tool in (("a", "issue_refund"), ("b", "send_email")):
        offer = await world.offer("Revoke a tool")
        await world.engine.requests.submit(offer.id, DANA, {"tool": tool}, key=key)
    first, second = await world.store.work.take("worker", 10, 5)
    await world.store.work.retry(second, world.clock.now() + timedelta(minutes=6))
    world.clock.forward(minutes=5)
    await world.store.work.bury(first, "it failed five times")
    await world.work()
    await world.later(minutes=2)
    assert [e.state for e in (await world.incident()).executions] == ["failed", "succeeded"]


async def test_joining_alerts_look_for_each_new_run_once(world: World) -> None:
    """A trace that is known already is not looked for again."""
    await world.fire()
    await world.fire(fingerprint="b")
    await world.fire(fingerprint="c", trace_id=OTHER)
    assert {m.trace_id for m in (await world.incident()).missing} == {alert_of(world.clock).trace_id, OTHER}
    assert await world.store.work.due_at(f"run:INC-1:{OTHER}") == world.clock.now() + timedelta(seconds=5)
