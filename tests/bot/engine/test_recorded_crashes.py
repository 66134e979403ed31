"""A worker that dies, or two that do the same, while runs are compared, offered or added: each is written once."""

import asyncio
from collections import Counter

import pytest

from bot.domain.events import ChangesFound, RunsAdded, RunsOffered, SimilarRunsFound
from bot.domain.span import SpanRecord
from bot.domain.work import Work, WorkItem
from tests.support.engine import AGENT, DANA, LEE, TRACE, Killed, World
from tests.support.spans import root_span, tool_span

OTHERS = tuple(f"{number:032x}" for number in (1, 2, 3))


async def recorded(world: World, *traces: str) -> None:
    """Runs that refunded."""
    for trace_id in traces:
        now = world.clock.now()
        spans: list[SpanRecord] = [
            root_span(trace_id, now),
            tool_span(trace_id, 1, "issue_refund", {"amount": 20, "reason": "goodwill"}, now),
        ]
        await world.store.spans.upsert(trace_id, AGENT, {s.span_id: s.to_bytes() for s in spans})
        await world.later(seconds=90)


async def written(world: World) -> Counter[type]:
    """How often each kind of event is on the timeline."""
    return Counter(type(entry.event) for entry in await world.store.incidents.entries("INC-1"))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("op", ["compared:", "offered:", "add_runs:"])
async def test_a_kill_at_each_write_leaves_one_answer(world: World, op: str, after: bool) -> None:
    """The work is delivered again to who comes next."""
    await recorded(world, *OTHERS, TRACE)
    ask = world.engine.requests.lifecycle
    with world.kill_at(op, after=after), pytest.raises(Killed):  # noqa: PT012 - at whichever of them writes it
        await world.fire(trace_id=None if op == "offered:" else TRACE)
        await ask("INC-1", "add_runs", DANA, key="k", traces=list(OTHERS), why="similar", channel="C0ROOM")
        await world.work()
    world.restart()
    await world.work()
    if op != "add_runs:":
        await world.engine.requests.lifecycle("INC-1", "add_runs", DANA, key="k", traces=list(OTHERS), why="similar")
        await world.work()
    many = await written(world)
    assert many[RunsAdded] == 1
    assert many[RunsOffered] == (1 if op == "offered:" else 0)
    incident = await world.incident()
    wanted = {*OTHERS} if op == "offered:" else {*OTHERS, TRACE}
    assert {run.summary.trace_id for run in incident.runs} == wanted == {c.trace_id for c in incident.compared}
    assert many[ChangesFound] == len(wanted)
    assert many[SimilarRunsFound] <= 1


async def test_two_workers_with_the_same_work_write_it_once(world: World) -> None:
    """And two people who add the same runs at once add each once."""
    await recorded(world, *OTHERS, TRACE)
    await world.fire()
    before = await written(world)
    compare = WorkItem(kind=Work.COMPARE_RUN, incident="INC-1", payload={"trace_id": TRACE, "attempt": 0})
    handle = world.engine.handlers[Work.COMPARE_RUN]
    await asyncio.gather(*(handle(compare) for _ in range(6)))
    assert await written(world) == before
    for by, key in ((DANA, "a"), (LEE, "b"), (DANA, "c")):
        await world.engine.requests.lifecycle("INC-1", "add_runs", by, key=key, traces=list(OTHERS), why="similar")
    items = [leased.item for leased in await world.store.work.take("worker", 10, 5)]
    await asyncio.gather(*(world.engine.handlers[item.kind](item) for item in items))
    assert (await written(world))[RunsAdded] == 1
    assert (await world.incident()).added == OTHERS
