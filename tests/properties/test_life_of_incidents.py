"""A state machine against the real store: whatever people, senders, agents and crashes do, in whatever order.

A crash is a kill at a write (before it or after it) and a new engine on the same store, as after kill -9.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from redis import Redis

from bot.domain import events as ev
from bot.domain.action import ExecutionState
from bot.domain.alert import Alert, AlertStatus
from bot.domain.incident import Incident
from bot.domain.work import Work
from bot.engine.lifecycle_rules import What
from bot.engine.names import PAGE_STEPS
from bot.errors import Refused
from bot.paging.paging import Paging
from bot.timeline.connection import Connections
from bot.timeline.store import Store
from bot.timeline.workstream import Leased, WorkStream
from tests.support.clock import ManualClock
from tests.support.engine import AGENT, DANA, KIM, LEE, REMOTE_AGENT, SAM, Killed, World, alert_of
from tests.support.store import CHAIN_KEY

T = TypeVar("T")
KILLS = st.sampled_from(["", "alert:", "start:", "succeeded:", "page:", "expire:"])
"""Operation ids at which the bot is killed begin so; the empty one is the first write that comes."""
PEOPLE = st.sampled_from([KIM, DANA, LEE, KIM, SAM])


class Paged(World):
    """The engine's world with the real paging in it."""

    async def _do(self, leased: Leased, lane: WorkStream) -> None:
        if leased.item.kind is Work.PAGE:
            await Paging(self.store, self.slack, self.settings, self.clock).handle(leased.item)
            await lane.done(leased.id)
        else:
            await super()._do(leased, lane)


class LifeOfIncidents(RuleBasedStateMachine):
    """Rules are what may happen; invariants hold after each of them."""

    url: ClassVar[str]
    seen: ClassVar[Counter[str]]
    """What came to pass over all examples: shown at the end, so that nobody mistakes silence for proof."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        with Redis.from_url(self.url) as client:
            client.flushall()
        self.accepted: dict[str, Alert] = {}
        self.pressed: list[tuple[str, Any, str, dict[str, Any]]] = []
        self.clicks = 0
        self.run(self._open())

    def run(self, doing: Awaitable[T]) -> T:
        """Run on the machine's own event loop."""

        async def it() -> T:
            return await doing

        return self.runner.run(it())

    async def _open(self) -> None:
        self.clock = ManualClock()
        self.connections = await Connections.open(self.url)
        store = Store(self.connections, CHAIN_KEY, self.clock)
        await store.start()
        self.world = Paged(store, self.clock)

    def teardown(self) -> None:
        """Everything that is left is worked off; then everything must hold."""
        self.run(self.world.work())
        self.check()
        for incident in self.run(self._incidents()):
            self.seen.update({"incidents": 1, "alerts": len(incident.alerts), "pages": len(incident.pages)})
            self.seen.update(f"{e.state} {e.action}" for e in incident.executions)
        self.run(self.connections.aclose())
        self.runner.close()

    async def _accept(self, alert: Alert) -> None:
        for one in await self.world.store.intake.accept([alert]):
            if alert.status is AlertStatus.FIRING:
                self.accepted[one.id] = alert

    # ------------------------------------------------------------------ what may happen

    @initialize(agent=st.sampled_from([AGENT, REMOTE_AGENT]))
    def it_has_begun(self, agent: str) -> None:
        """One incident to act on."""
        self.an_alert_fires("a", "TooHigh", agent)
        self.run(self.world.work())

    @rule(
        fingerprint=st.sampled_from("abcdef"),
        name=st.sampled_from(["TooHigh", "TooOften"]),
        agent=st.sampled_from([AGENT, REMOTE_AGENT]),
    )
    def an_alert_fires(self, fingerprint: str, name: str, agent: str) -> None:
        """New, or joining."""
        mark = f"{agent}-{name}-{fingerprint}"
        self.run(self._accept(alert_of(self.clock, fingerprint=mark, name=name, agent=agent, trace_id=None)))

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def an_alert_is_sent_again(self, data: st.DataObject) -> None:
        """As senders do."""
        self.run(self._accept(data.draw(st.sampled_from(list(self.accepted.values())))))

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def an_alert_resolves(self, data: st.DataObject) -> None:
        """Its source says it is over."""
        alert = data.draw(st.sampled_from(list(self.accepted.values())))
        over = {"status": AlertStatus.RESOLVED, "ends_at": self.clock.now()}
        self.run(self._accept(alert.model_copy(update=over)))

    @rule()
    def the_worker_works(self) -> None:
        """Everything that is there."""
        self.run(self.world.work())

    @rule(op=KILLS, after=st.booleans(), minutes=st.sampled_from([0, 6]))
    def the_bot_is_killed_at_work(self, op: str, after: bool, minutes: int) -> None:
        """At this write, if it comes to it (what is due now comes first); then a new engine on the same store."""
        self.run(self.world.store.work.move_due(self.clock.forward(minutes=minutes)))
        self._killed(op, after=after)

    def _killed(self, op: str, *, after: bool) -> None:
        async def killed() -> None:
            with self.world.kill_at(op, after=after):
                try:
                    await self.world.work()
                except (Killed, BaseExceptionGroup):
                    self.seen["killed"] += 1

        self.run(killed())
        self.world.restart()

    @rule()
    def the_bot_restarts(self) -> None:
        """Nothing of memory is left: not even what was projected."""

        async def anew() -> None:
            store = Store(self.connections, CHAIN_KEY, self.clock)
            await store.start()
            self.world.store = store
            self.world.restart()

        self.run(anew())

    @rule(minutes=st.sampled_from([1, 6, 40, 300]))
    def time_passes(self, minutes: int) -> None:
        """What is due becomes work, and is worked off."""
        self.run(self.world.later(minutes=minutes))

    @rule(data=st.data(), by=PEOPLE, op=KILLS, after=st.booleans(), dies=st.booleans())
    def somebody_presses_a_button(self, data: st.DataObject, by: ev.Actor, op: str, after: bool, dies: bool) -> None:
        """Any offer of any incident, with what its modal would send; the bot may die over it."""
        incidents = self.run(self._incidents())
        offers = [o for i in incidents for o in self.run(self.world.engine.requests.offers(i))]
        if not offers:
            return
        offer = data.draw(st.sampled_from(offers))
        values = {
            "tool": "issue_refund",
            "model": "gpt-x-2026-01-01",
            "expires_in": "PT1H",
            "why": "it errs",
            "reason": "r",
        }
        self.clicks += 1
        press = (offer.id, by, f"click-{self.clicks}", values)
        self.pressed.append(press)
        self._press(*press)
        if dies:
            self._killed(op, after=after)

    @rule(data=st.data(), op=KILLS, after=st.booleans(), dies=st.booleans())
    def the_commander_presses_a_button(self, data: st.DataObject, op: str, after: bool, dies: bool) -> None:
        """Who may do everything, undo included."""
        self.somebody_presses_a_button(data, KIM, op, after, dies)

    @precondition(lambda self: self.pressed)
    @rule(data=st.data(), again=PEOPLE)
    def a_press_is_delivered_again(self, data: st.DataObject, again: ev.Actor) -> None:
        """The same interaction twice, or another person on a screen that is behind."""
        offer, by, key, values = data.draw(st.sampled_from(self.pressed))
        self._press(offer, by, key, values)
        self.clicks += 1
        self._press(offer, again, f"click-{self.clicks}", values)

    def _press(self, offer: str, by: ev.Actor, key: str, values: dict[str, Any]) -> None:
        self.run(self.world.engine.requests.submit(offer, by, values, key=key))

    @rule(
        data=st.data(), what=st.sampled_from([What.ACKNOWLEDGE, What.TAKE, What.ACKNOWLEDGE, What.RESOLVE]), by=PEOPLE
    )
    def somebody_acts_on_an_incident(self, data: st.DataObject, what: What, by: ev.Actor) -> None:
        """Acknowledge, take command, resolve."""
        incidents = self.run(self._incidents())
        if not incidents:
            return
        incident = data.draw(st.sampled_from(incidents))
        self.clicks += 1
        asked = self.world.engine.requests.lifecycle(
            incident.id, what.value, by, key=f"click-{self.clicks}", text="done with"
        )
        with suppress(Refused):  # who has no role is told at once
            self.run(asked)

    @rule(agent=st.sampled_from([AGENT, REMOTE_AGENT]))
    def an_agent_reads(self, agent: str) -> None:
        """Its own state."""
        self.run(self.world.agent_reads(agent))

    # ------------------------------------------------------------------ what always holds

    @invariant()
    def check(self) -> None:
        """All of it; what is still to be done is allowed to be not done yet, and nothing else."""
        self.run(self._check())

    async def _check(self) -> None:
        store = self.world.store
        incidents = await self._incidents()
        depth = await store.work.depth()
        idle = depth.waiting + depth.leased == 0
        holders = Counter(a.id for i in incidents for a in i.alerts)
        assert max(holders.values(), default=1) == 1, f"an alert in two incidents: {holders}"
        assert set(holders) <= set(self.accepted)
        assert depth.dead == 0
        writes: Counter[str] = Counter()
        for incident in incidents:
            assert (await store.incidents.verify(incident.id)).ok
            await self._at_most_once(incident)
            writes.update(e.change.target.subject for e in incident.executions if _applied(e.state) and e.change)
            if idle and incident.open and incident.acknowledged_by is None and incident.escalation_ended is None:
                due = [await store.work.due_at(f"page:{incident.id}:{step}") for step in range(PAGE_STEPS)]
                assert any(due), f"{incident.id} is open and nobody will be woken"
        assert self.world.remote.writes <= writes[REMOTE_AGENT] + _going(incidents)
        assert (await store.desired.state(AGENT)).revision <= writes[AGENT] + _going(incidents)
        if idle:
            missing = {i for i in self.accepted if i not in holders}
            assert not missing, f"accepted and in no incident: {missing}"

    async def _at_most_once(self, incident: Incident) -> None:
        found = [e.event for e in await self.world.store.incidents.entries(incident.id, 0, 1000)]
        refused = {e.execution for e in found if isinstance(e, ev.ActionRefused)}
        pressed = [e for e in found if isinstance(e, ev.ActionRequested) and e.offer and e.execution not in refused]
        asked = Counter(e.offer for e in pressed)  # what ends at its time has no offer
        started = Counter(e.execution for e in found if isinstance(e, ev.ActionStarted))
        ended = Counter(e.execution for e in found if isinstance(e, ev.ActionSucceeded))
        for counted in (asked, started, ended):
            assert max(counted.values(), default=1) == 1, counted
        paged = Counter((e.step, e.user, e.how) for e in found if isinstance(e, ev.PersonPaged) and e.delivered)
        assert max(paged.values(), default=1) == 1, paged

    async def _incidents(self) -> list[Incident]:
        rows = (await self.world.store.incidents.rows(limit=100)).rows
        return [await self.world.store.incidents.read(row.id) for row in rows]


def _applied(state: ExecutionState) -> bool:
    return state in {ExecutionState.SUCCEEDED, ExecutionState.UNKNOWN, ExecutionState.FAILED}


def _going(incidents: list[Incident]) -> int:
    """Executions under way: each may have written already."""
    return sum(e.state is ExecutionState.STARTED for i in incidents for e in i.executions)


@pytest.mark.timeout(120)  # twenty lives of up to thirty steps; a failing one is shown as found, not made smaller
def test_whatever_happens_in_whatever_order(valkey: str) -> None:
    """Each accepted alert is in one incident, each offer runs once, each change is written once, somebody is woken."""
    LifeOfIncidents.url, LifeOfIncidents.seen = valkey, Counter()
    run = settings(
        max_examples=20,
        stateful_step_count=30,
        deadline=None,
        phases=[Phase.generate, Phase.reuse],
        suppress_health_check=list(HealthCheck),
    )
    machine = LifeOfIncidents.TestCase
    machine.settings = run
    machine().runTest()
    seen = LifeOfIncidents.seen
    print(f"\n{dict(sorted(seen.items()))}")
    assert seen["incidents"] > 10
    assert seen["killed"] > 0
    assert sum(count for what, count in seen.items() if what.startswith("succeeded")) > 0
