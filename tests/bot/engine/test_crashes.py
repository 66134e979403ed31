"""Killed at each numbered step of an action (A1 to A6), then taken up by a new engine on the same store."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from bot.domain.action import ExecutionState, OnceResult, Risk, Verified
from bot.domain.desired import TOOLS_DENIED
from bot.plugin import ActionContext, Offered, Once, Params, Quiet, Registry, Say, action
from tests.support.engine import AGENT, DANA, KIM, REMOTE_AGENT, Killed, World


class Nothing(Params):
    """No parameters."""


class Courier:
    """A thing that cannot be asked twice: each call sends a parcel. It may be able to say whether it was sent."""

    def __init__(self) -> None:
        self.sent = 0
        self.kill_before = self.kill_after = False
        self.tells = False

    async def run(self, key: str) -> OnceResult:
        """Send."""
        if self.kill_before:
            raise Killed("before")
        self.sent += 1
        if self.kill_after:
            raise Killed("after")
        return OnceResult(summary="sent a parcel", ref=key, verified=Verified.IN_FORCE, detail="it is on its way")

    async def probe(self) -> OnceResult | None:
        """What can be found out."""
        if not (self.tells and self.sent):
            return None
        return OnceResult(summary="sent a parcel", ref="1", verified=Verified.IN_FORCE, detail="it is on its way")


def with_courier(world: World) -> Courier:
    """Add a verb that is a Once."""
    courier = Courier()

    @action(
        "send_parcel",
        title="Send parcel",
        tightens=True,
        risk=Risk.LOW,
        role="responder",
        offer=lambda _ctx: Offered(label="Send parcel"),
    )
    def send_parcel(ctx: ActionContext, params: Nothing) -> Once:
        """Send a parcel."""
        return Once(summary="sent a parcel", run=courier.run, probe=courier.probe)

    old = world.registry
    world.registry = Registry(
        actions={**old.actions, "send_parcel": send_parcel},
        alert_sources={},
        trace_sources={},
        control_planes=old.control_planes,
        eval_formats=old.eval_formats,
        interactions={},
    )
    world.restart()
    return courier


async def _killed(work: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(Killed):
        await work()


@pytest.mark.parametrize(
    ("op", "after"),
    [
        pytest.param("start:", False, id="A3-before"),
        pytest.param("start:", True, id="A3-after-before-A4"),
        pytest.param("succeeded:", False, id="A4-done-before-A6"),
        pytest.param("succeeded:", True, id="A6-after"),
    ],
)
async def test_a_change_is_made_exactly_once_wherever_the_worker_is_killed(world: World, op: str, after: bool) -> None:
    """Desired state can be read and writes once per key, so that every kill ends in one write and a true success."""
    await world.fire(agent=REMOTE_AGENT)
    offer = await world.offer("Revoke a tool")
    assert isinstance(await world.engine.requests.submit(offer.id, DANA, {"tool": "send_email"}, key="a"), Quiet)
    with world.kill_at(op, after=after):
        await _killed(world.work)
    world.restart()
    await world.work()
    (execution,) = (await world.incident()).executions
    assert (execution.state, execution.verified) == (ExecutionState.SUCCEEDED, Verified.IN_FORCE)
    assert world.remote.writes == 1


@pytest.mark.parametrize(("op", "after"), [("start:", True), ("succeeded:", False)])
async def test_the_embedded_plane_is_written_once_too(world: World, op: str, after: bool) -> None:
    """And what it answers after the crash is exact enough for the undo."""
    await world.fire()
    offer = await world.offer("Revoke a tool")
    await world.engine.requests.submit(offer.id, DANA, {"tool": "issue_refund"}, key="a")
    with world.kill_at(op, after=after):
        await _killed(world.work)
    world.restart()
    await world.work()
    assert (await world.store.desired.state(AGENT)).revision == 1
    await world.click("Undo: revoked", KIM, key="b")
    assert (await world.store.desired.state(AGENT)).value(TOOLS_DENIED) == {"tools": []}


@pytest.mark.parametrize(("op", "after"), [("start:", True), ("succeeded:", False), ("succeeded:", True)])
async def test_an_undo_is_made_exactly_once_wherever_the_worker_is_killed(world: World, op: str, after: bool) -> None:
    """It is guarded and keyed like any action."""
    await world.fire()
    await world.click("Revoke a tool", tool="issue_refund")
    offer = await world.offer("Undo: revoked")
    await world.engine.requests.submit(offer.id, KIM, {}, key="b")
    with world.kill_at(op, after=after):
        await _killed(world.work)
    world.restart()
    await world.work()
    incident = await world.incident()
    assert [e.state for e in incident.executions] == [ExecutionState.SUCCEEDED] * 2
    assert incident.executions[0].undone_by == incident.executions[1].id
    state = await world.store.desired.state(AGENT)
    assert (state.revision, state.value(TOOLS_DENIED)) == (2, {"tools": []})


@pytest.mark.parametrize(
    ("before", "tells", "sent", "state"),
    [
        pytest.param(True, False, 0, ExecutionState.UNKNOWN, id="killed-before-cannot-tell"),
        pytest.param(False, False, 1, ExecutionState.UNKNOWN, id="killed-after-cannot-tell"),
        pytest.param(False, True, 1, ExecutionState.SUCCEEDED, id="killed-after-probe-tells"),
        pytest.param(True, True, 0, ExecutionState.UNKNOWN, id="killed-before-probe-finds-nothing"),
    ],
)
async def test_what_cannot_be_asked_twice_ends_as_unknown_unless_its_probe_tells(
    world: World, before: bool, tells: bool, sent: int, state: ExecutionState
) -> None:
    """Killed inside A4: never run again. A probe that finds nothing does not mean that it was not done."""
    courier = with_courier(world)
    courier.kill_before, courier.kill_after, courier.tells = before, not before, tells
    await world.fire()
    await _killed(lambda: world.click("Send parcel"))
    courier.kill_before = courier.kill_after = False
    world.restart()
    await world.work()
    await world.later(minutes=10)
    (execution,) = (await world.incident()).executions
    assert (execution.state, courier.sent) == (state, sent)


async def test_a_kill_at_the_request_leaves_the_button_as_it_was_or_the_work_done(world: World) -> None:
    """A1: before the write nothing happened and the press can be repeated; after it the work goes on by itself."""
    await world.fire(agent=REMOTE_AGENT)
    offer = await world.offer("Revoke a tool")
    for after, key in ((False, "a"), (True, "b")):
        with world.kill_at("submit:", after=after):
            press = world.engine.requests.submit
            await _killed(partial(press, offer.id, DANA, {"tool": "send_email"}, key=key))
        world.restart()
        await world.work()
        assert world.remote.writes == int(after)
    assert isinstance(await world.engine.requests.submit(offer.id, DANA, {"tool": "send_email"}, key="c"), Say)
    await world.work()
    assert world.remote.writes == 1


async def test_two_workers_at_once_write_once(world: World) -> None:
    """A lease that was taken over while its worker still runs must not double the change."""
    await world.fire(agent=REMOTE_AGENT)
    offer = await world.offer("Revoke a tool")
    await world.engine.requests.submit(offer.id, DANA, {"tool": "send_email"}, key="a")
    leased = await world.store.work.take("one", 10, 5)
    again = await world.store.work.takeover("two", 0)
    assert len(leased) == len(again) == 1
    for item in (leased[0].item, again[0].item, leased[0].item):
        await world.engine.handlers[item.kind](item)
    assert world.remote.writes == 1
    assert [e.state for e in (await world.incident()).executions] == [ExecutionState.SUCCEEDED]


async def test_a_crash_beside_another_change_does_not_overwrite_it(world: World) -> None:
    """What is neither what was there nor what was wanted is left alone, and said."""
    await world.fire(agent=REMOTE_AGENT)
    offer = await world.offer("Revoke a tool")
    await world.engine.requests.submit(offer.id, DANA, {"tool": "send_email"}, key="a")
    with world.kill_at("start:", after=True):
        await _killed(world.work)
    world.remote.held[REMOTE_AGENT, "send_email"] = ("only internal", None)
    world.restart()
    await world.work()
    (execution,) = (await world.incident()).executions
    assert execution.state is ExecutionState.UNKNOWN
    assert "neither" in (execution.reason or "")
    assert world.remote.held[REMOTE_AGENT, "send_email"][0] == "only internal"


async def test_an_expiry_that_was_killed_still_happens_once(world: World) -> None:
    """The due time became work; the work is taken up again."""
    await world.fire()
    await world.click("Pin model", model="gpt-x-2026-01-01", expires_in="PT1H")
    with world.kill_at("expire:", after=True):
        await _killed(lambda: world.later(hours=1, seconds=1))
    world.restart()
    await world.work()
    state = await world.store.desired.state(AGENT)
    assert (state.value("agent.model"), state.revision) == ("", 2)
    assert len((await world.incident()).executions) == 2
