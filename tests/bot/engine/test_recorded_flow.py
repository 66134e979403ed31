"""From received spans to what an incident says of other runs: index, changes, siblings, offers, and runs that join."""

import pytest

from bot.domain.base import Json
from bot.domain.events import RunsAdded
from bot.domain.profile import ChangeKind, Grade, SimilarKind
from bot.domain.span import SpanRecord
from bot.errors import Refused
from tests.support.engine import AGENT, DANA, GUEST, SAM, TRACE, World
from tests.support.spans import root_span, tool_span


def trace(number: int) -> str:
    """A trace id."""
    return f"{number:032x}"


def chat(trace_id: str, world: World, served: str) -> SpanRecord:
    """A model call."""
    start = int(world.clock.now().timestamp() * 1e9) + 1
    return SpanRecord(
        trace_id=trace_id,
        span_id=f"{0xC0:016x}",
        parent_id=f"{0xF00:016x}",
        name="chat gpt-x",
        kind=3,
        start_ns=start,
        end_ns=start + 10**9,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-x",
            "gen_ai.response.model": served,
            "gen_ai.request.temperature": 0.2,
        },
        resource={"service.name": AGENT},
    )


async def run(
    world: World, trace_id: str, amount: float, *, served: str = "gpt-x-05", reason: str = "late", error: bool = False
) -> None:
    """A whole run of the agent comes in, and its spans stop coming."""
    now = world.clock.now()
    root = root_span(trace_id, now)
    spans = [
        root.model_copy(update={"status": "error"}) if error else root,
        chat(trace_id, world, served),
        tool_span(trace_id, 1, "issue_refund", {"amount": amount, "reason": reason, "order": trace_id[-8:]}, now),
    ]
    await world.store.spans.upsert(trace_id, AGENT, {span.span_id: span.to_bytes() for span in spans})
    await world.later(seconds=90)


async def test_a_run_is_indexed_once_its_spans_stopped_coming(world: World) -> None:
    """With what it ran on and what it did."""
    await run(world, trace(1), 20)
    kept = await world.store.run_index.get(trace(1))
    assert kept is not None
    profile = kept.profile
    assert (profile.agent, profile.kind, profile.grade) == (AGENT, f"invoke_agent {AGENT}", Grade.GOOD)
    assert (profile.calls[0].requested, profile.calls[0].served) == ("gpt-x", "gpt-x-05")
    assert profile.counts.irreversible == 1
    assert kept.signatures


async def test_a_trace_of_no_agent_is_not_indexed(world: World) -> None:
    """An ordinary web request passes by."""
    span = root_span(trace(1), world.clock.now()).model_copy(
        update={"name": "GET /", "attributes": {"http.request.method": "GET"}}
    )
    await world.store.spans.upsert(trace(1), AGENT, {span.span_id: span.to_bytes()})
    await world.later(seconds=90)
    assert await world.store.run_index.get(trace(1)) is None


async def test_an_incident_says_what_changed_and_who_else_was_hit_and_a_person_lets_them_join(world: World) -> None:
    """End to end from spans; the runs that join are read like the alerted one, and are offered no more."""
    for number in range(1, 41):
        await run(world, trace(number), 20 + number % 7, reason=("late", "damaged")[number % 2])
    for number in (50, 51, 52):
        await run(world, trace(number), 20, served="gpt-x-08", reason="goodwill")
    await run(world, TRACE, 20, served="gpt-x-08", reason="goodwill")
    await world.fire()
    incident = await world.incident()
    compared = incident.compared_run(TRACE)
    assert compared is not None
    assert compared.compared == 43
    (change,) = compared.changes
    assert (change.kind, change.before, change.after) == (ChangeKind.MODEL_SERVED, "gpt-x-05", "gpt-x-08")
    assert (change.runs_before, change.runs_after) == (40, 4)
    similar = incident.similar_to(TRACE)
    assert similar is not None
    (group,) = similar.groups
    assert (group.kind, group.runs, similar.runs) == (SimilarKind.CALL, 3, 3)
    assert {line.trace_id for line in group.lines} == {trace(50), trace(51), trace(52)}
    kept = await world.store.run_index.get(TRACE)
    assert kept is not None
    assert (kept.named, kept.profile.grade) == (True, Grade.FAILED)

    chosen = [trace(50), trace(51)]
    ask = world.engine.requests.lifecycle
    for _ in range(2):  # pressed twice
        await ask("INC-1", "add_runs", DANA, key="k1", traces=list(chosen), why="similar", channel="C0ROOM")
        await world.work()
    incident = await world.incident()
    assert incident.added == tuple(chosen)
    assert {r.summary.trace_id for r in incident.runs} == {TRACE, *chosen}
    entries = await world.store.incidents.entries("INC-1")
    assert [e.event.trace_ids for e in entries if isinstance(e.event, RunsAdded)] == [tuple(chosen)]
    await ask("INC-1", "add_runs", DANA, key="k2", traces=list(chosen), why="similar", channel="C0ROOM")
    await world.work()
    assert world.told("U0DANA")[-1] == "INC-1 holds these runs already."
    await ask("INC-1", "add_runs", DANA, key="k3", groups=[group.id], why="similar")  # whole, as it is now
    await world.work()
    assert set((await world.incident()).added) == {trace(50), trace(51), trace(52)}
    again = await world.store.run_index.get(trace(50))
    assert again is not None
    assert again.named


async def test_only_responders_add_runs_and_only_runs_that_are_recorded(world: World) -> None:
    """Ids come from outside: neither a stranger nor a made-up run gets into an incident."""
    await run(world, TRACE, 20)
    await world.fire()
    ask = world.engine.requests.lifecycle
    for stranger in (SAM, GUEST):
        with pytest.raises(Refused, match="responder"):
            await ask("INC-1", "add_runs", stranger, key="a", traces=[trace(9)], why="similar")
    wrongs: tuple[Json, ...] = (["nothex"], [trace(n) for n in range(201)], "x", [1])
    for wrong in wrongs:
        with pytest.raises(Refused):
            await ask("INC-1", "add_runs", DANA, key="b", traces=wrong, why="similar")
    with pytest.raises(Refused):
        await ask("INC-1", "add_runs", DANA, key="c", traces=[trace(9)], why="because")
    await ask("INC-1", "add_runs", DANA, key="d", traces=[trace(9)], why="similar", channel="C0ROOM")
    await ask("INC-1", "add_runs", DANA, key="e", traces=[], why="similar", channel="C0ROOM")
    await world.work()
    assert "not recorded here" in world.told("U0DANA")[0]
    assert "No run was chosen" in world.told("U0DANA")[1]
    assert (await world.incident()).added == ()


async def test_an_alert_without_a_run_is_offered_those_of_its_window_errors_first(world: World) -> None:
    """Runs that still come in are offered too; what ended long before is not."""
    await run(world, trace(1), 10)
    await world.later(minutes=30)
    await run(world, trace(2), 10)
    await run(world, trace(3), 10, error=True)
    await world.fire(trace_id=None)
    offered = (await world.incident()).offered
    assert offered is not None
    assert [line.trace_id for line in offered.lines] == [trace(3), trace(2)]
    assert offered.lines[0].why == "ended with an error, 1 effect that cannot be undone"
    await run(world, trace(4), 10)
    offered = (await world.incident()).offered
    assert offered is not None
    assert offered.total == 3
    await world.engine.requests.lifecycle("INC-1", "add_runs", DANA, key="k", traces=[trace(3)], why="offered")
    await world.work()
    incident = await world.incident()
    assert [r.summary.trace_id for r in incident.runs] == [trace(3)]
    assert incident.missing == ()
    before = incident.seq
    await run(world, trace(5), 10)
    await world.later(minutes=10)
    offered = (await world.incident()).offered
    assert offered is not None
    assert offered.total == 3  # one is named now: nothing more is offered
    assert (await world.incident()).seq >= before


async def test_that_no_run_ended_in_the_window_is_said(world: World) -> None:
    """After a second look: spans may come seconds after their alert."""
    await world.fire(trace_id=None)
    assert (await world.incident()).offered is None
    await world.later(seconds=15)
    offered = (await world.incident()).offered
    assert offered is not None
    assert (offered.lines, offered.total) == ((), 0)


async def test_a_declared_incident_is_offered_runs_too(world: World) -> None:
    """A person names the agent, seldom the run."""
    await run(world, trace(1), 10)
    await world.engine.requests.declare(SAM, key="d", agent=AGENT, summary="it refunds everyone", channel=None)
    await world.work()
    offered = (await world.incident()).offered
    assert offered is not None
    assert [line.trace_id for line in offered.lines] == [trace(1)]
