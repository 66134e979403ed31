"""Long work says how far it is, goes on as long as it says so, stops when asked, and ends honestly."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.action import ExecutionState, OnceResult, Risk, Verified
from bot.domain.work import Work, WorkItem
from bot.engine import progress
from bot.engine.execute import MOST_LONG
from bot.plugin import ActionContext, Hidden, Offered, Once, Params, Quiet, Say, action
from bot.ports import Progress
from bot.views.thread_lines import thread_line
from tests.support.engine import DANA, GUEST, LEE, Killed, World
from tests.support.waiting import wait_until

Body = Callable[[Progress], Awaitable[None]]


class Nothing(Params):
    """No parameters."""


def _verb(body: Body, found: OnceResult | None = None) -> Any:
    async def probe() -> OnceResult | None:
        return found

    def offer(ctx: ActionContext) -> Offered | Hidden:
        return Offered(label="Sweep", rank=1)

    @action("sweep", title="Sweep", tightens=True, risk=Risk.LOW, role="responder", offer=offer)
    def sweep(ctx: ActionContext, params: Nothing, far: Progress) -> Once:
        """Sweep many things, one after the other."""

        async def run(key: str) -> OnceResult:
            await body(far)
            return OnceResult(summary="swept", ref=key, verified=Verified.IN_FORCE)

        return Once(summary="swept 12 things", run=run, probe=probe)

    return sweep


@pytest.fixture
def sweeping(world: World) -> Callable[[Any], None]:
    """Gives the world a verb that takes long."""

    def use(verb: Any) -> None:
        actions = {**world.registry.actions, "sweep": verb}
        world.registry = replace(world.registry, actions=actions)
        world.restart()

    return use


async def test_the_last_word_is_kept_while_it_runs_and_the_end_is_on_the_timeline(
    world: World, sweeping: Callable[[Any], None]
) -> None:
    """What it says is beside the timeline, with a time to live: no entry for each step."""

    async def body(far: Progress) -> None:
        for number in range(12):
            await far.step(number, 12, f"thing {number}")
        await far.step(12, 12, "done")

    sweeping(_verb(body))
    await world.fire()
    before = (await world.incident()).seq
    assert await world.click("Sweep") == Quiet()
    (execution,) = (await world.incident()).executions
    assert (execution.state, execution.verified) == (ExecutionState.SUCCEEDED, Verified.IN_FORCE)
    (said,) = await world.store.progress.of("INC-1")
    assert (said.done, said.total, said.words) == (12, 12, "done")
    assert (await world.incident()).seq - before == 3  # asked, started, succeeded


async def test_a_stop_is_heard_at_the_next_step_and_the_end_says_how_far_it_came(
    world: World, sweeping: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked by a responder, once; not by a guest. Nothing is undone, and it is not called done."""
    monkeypatch.setattr(progress, "LOOK_SECONDS", 0.0)
    at_seven, go_on, swept = asyncio.Event(), asyncio.Event(), list[int]()

    async def body(far: Progress) -> None:
        for number in range(12):
            if number == 7:
                at_seven.set()
                await go_on.wait()
            await far.step(number, 12)
            swept.append(number)

    sweeping(_verb(body))
    await world.fire()
    offer = await world.offer("Sweep")
    await world.engine.requests.submit(offer.id, DANA, {}, key="a")
    working = asyncio.create_task(world.work())
    await at_seven.wait()
    (execution,) = (await world.incident()).executions
    refused = await world.engine.requests.stop("INC-1", execution.id, GUEST, key="s0")
    assert isinstance(refused, Say)
    assert await world.engine.requests.stop("INC-1", execution.id, LEE, key="s1") == Quiet()
    again = await world.engine.requests.stop("INC-1", execution.id, DANA, key="s2")
    assert again == Say("<@U0LEE> has already asked it to stop; it ends at its next step.")
    go_on.set()
    await working
    (ended,) = (await world.incident()).executions
    assert ended.state is ExecutionState.FAILED
    assert ended.reason == "Stopped after 7 of 12 steps, as a person asked. What was done until then stays as it is."
    assert swept == list(range(7))
    late = await world.engine.requests.stop("INC-1", execution.id, LEE, key="s3")
    assert late == Say("swept 12 things does not run any more: failed.")
    incident = await world.incident()
    lines = [thread_line(e, incident) or "" for e in await world.store.incidents.entries("INC-1", 0, 50)]
    assert any("<@U0LEE> asked to stop" in line for line in lines)
    assert not any("nothing changed there" in line for line in lines)


async def test_silence_ends_it_as_unknown_and_words_keep_it_going(
    world: World, sweeping: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded by the pause between two steps, and in all."""
    monkeypatch.setattr(progress, "ONCE_SECONDS", 0.2)

    async def talks(far: Progress) -> None:
        for number in range(8):
            await far.step(number, 8)
            await asyncio.sleep(0.05)

    sweeping(_verb(talks))
    await world.fire()
    await world.click("Sweep")
    assert (await world.incident()).executions[0].state is ExecutionState.SUCCEEDED

    async def silent(far: Progress) -> None:
        await far.step(1, 8)
        await asyncio.sleep(5)

    sweeping(_verb(silent))
    await world.click("Sweep", key="b")
    assert (await world.incident()).executions[1].state is ExecutionState.UNKNOWN
    monkeypatch.setattr(progress, "LONG_SECONDS", 0.3)

    async def endless(far: Progress) -> None:
        while True:
            await far.step(1, 0)
            await asyncio.sleep(0.02)

    sweeping(_verb(endless))
    await world.fire(name="Another", fingerprint="z")
    await world.click("Sweep", key="c", number=2)
    assert (await world.incident(2)).executions[0].state is ExecutionState.UNKNOWN


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, ExecutionState.UNKNOWN),
        (OnceResult(summary="swept", ref="r", verified=Verified.IN_FORCE), ExecutionState.SUCCEEDED),
    ],
)
async def test_a_worker_that_dies_in_between_is_followed_by_one_that_looks_and_never_begins_again(
    world: World, sweeping: Callable[[Any], None], found: OnceResult | None, state: ExecutionState
) -> None:
    """Done when the probe finds it, else unknown, whatever it had said of itself."""
    begun: list[int] = []

    async def dies(far: Progress) -> None:
        begun.append(1)
        await far.step(3, 12)
        raise Killed

    sweeping(_verb(dies, found))
    await world.fire()
    with pytest.raises(Killed):
        await world.click("Sweep")
    world.restart()
    await world.work()
    assert ((await world.incident()).executions[0].state, begun) == (state, [1])


async def test_only_a_few_run_at_once_and_the_next_one_waits_for_its_turn(
    world: World, sweeping: Callable[[Any], None]
) -> None:
    """Pages and other people's buttons need places too; nothing is lost."""
    go_on, running = asyncio.Event(), list[int]()

    async def body(far: Progress) -> None:
        await far.step(0, 1)
        running.append(1)
        await go_on.wait()

    sweeping(_verb(body))
    for number in range(MOST_LONG + 1):
        await world.fire(name=f"Alert {number}", fingerprint=str(number))
    handle = world.engine.handlers[Work.EXECUTE]
    items = []
    for number in range(1, MOST_LONG + 2):
        offer = await world.offer("Sweep", number)
        await world.engine.requests.submit(offer.id, DANA, {}, key=f"k{number}")
        execution = (await world.incident(number)).executions[0].id
        items.append(WorkItem(kind=Work.EXECUTE, incident=f"INC-{number}", payload={"execution": execution}))
    tasks = [asyncio.ensure_future(handle(item)) for item in items[:MOST_LONG]]
    await wait_until(lambda: len(running) == MOST_LONG)
    await handle(items[-1])
    assert (await world.incident(MOST_LONG + 1)).executions[0].state is ExecutionState.REQUESTED
    go_on.set()
    await asyncio.gather(*tasks)
    await world.later(seconds=6)
    states = {(await world.incident(n)).executions[0].state for n in range(1, MOST_LONG + 2)}
    assert states == {ExecutionState.SUCCEEDED}
    assert len(running) == MOST_LONG + 1
