import pytest

from bot.domain.effect import Reversibility
from bot.domain.events import EffectsListed
from bot.domain.span import SpanRecord
from bot.engine.attaching import MOST_BYTES, in_parts
from bot.engine.evidence import FrozenRuns
from bot.errors import Refused
from tests.support.engine import DANA, TRACE, Killed, World
from tests.support.spans import root_span, tool_span

SECOND = "b" * 32


async def arrive(world: World, *spans: SpanRecord) -> None:
    """Spans come to the receiver; a second later the worker hears of them."""
    await world.store.spans.upsert(spans[0].trace_id, "refund-bot", {s.span_id: s.to_bytes() for s in spans})
    await world.later(seconds=1)


def refund(world: World, number: int = 1, trace_id: str = TRACE) -> SpanRecord:
    """An irreversible effect."""
    return tool_span(trace_id, number, "issue_refund", {"amount_cents": 42000 + number}, world.clock.now())


def read(world: World, number: int = 9, trace_id: str = TRACE) -> SpanRecord:
    """No effect."""
    return tool_span(trace_id, number, "get_order", {"id": number}, world.clock.now())


async def test_a_run_that_is_there_is_frozen_and_read_at_once(world: World) -> None:
    """Effects by reversibility, severity from them, evidence by its hash."""
    await arrive(world, root_span(TRACE, world.clock.now()), refund(world), read(world))
    await world.fire()
    incident = await world.incident()
    assert [(e.tool, e.reversibility) for e in incident.effects] == [
        ("issue_refund", Reversibility.IRREVERSIBLE),
        ("get_order", Reversibility.READ_ONLY),
    ]
    assert (incident.severity, incident.severity_why) == ("SEV2", "1 effect that cannot be undone")
    (run,) = incident.runs
    assert (run.alerted, run.source, run.parts, run.parts_seen) == (True, "otlp", 1, 1)
    assert incident.missing == ()
    frozen = await FrozenRuns(world.store.evidence).run(incident, TRACE)
    assert [c.name for c in frozen.tool_calls] == ["issue_refund", "get_order"]
    with pytest.raises(Refused):
        await FrozenRuns(world.store.evidence).run(incident, SECOND)


async def test_a_run_that_comes_later_completes_the_incident_by_itself(world: World) -> None:
    """First it is said that it is missing; nobody has to ask again."""
    await world.fire()
    assert (await world.incident()).missing[0].until is not None
    await arrive(world, root_span(TRACE, world.clock.now()), refund(world))
    incident = await world.incident()
    assert (incident.missing, len(incident.runs), incident.severity) == ((), 1, "SEV2")
    assert await world.store.work.due_at(f"run:INC-1:{TRACE}") is None


async def test_after_the_wait_it_is_said_that_it_did_not_come_and_later_it_still_counts(world: World) -> None:
    """Looking ends, listening does not."""
    await world.fire()
    for _ in range(20):
        await world.later(minutes=2)
    (missing,) = (await world.incident()).missing
    assert missing.reason.startswith("it did not arrive within 30 minutes")
    assert await world.store.work.due_at(f"run:INC-1:{TRACE}") is None
    await arrive(world, root_span(TRACE, world.clock.now()), refund(world))
    assert (await world.incident()).missing == ()


async def test_looking_again_says_nothing_new(world: World) -> None:
    """The timeline must not fill with that it is still not there."""
    await world.fire()
    before = (await world.incident()).seq
    for _ in range(5):
        await world.later(minutes=1)
    assert (await world.incident()).seq == before


async def test_more_spans_replace_the_run_and_the_same_again_write_nothing(world: World) -> None:
    """A resend changes nothing; one more tool call does."""
    await arrive(world, root_span(TRACE, world.clock.now()), refund(world))
    await world.fire()
    before = await world.incident()
    stored = await world.store.spans.load(TRACE)
    await world.store.spans.upsert(TRACE, "refund-bot", {SpanRecord.from_bytes(s).span_id: s for s in stored})
    await world.later(seconds=1)
    assert (await world.incident()).seq == before.seq
    await arrive(world, refund(world, 2))
    after = await world.incident()
    assert (len(after.runs), len(after.effects)) == (1, 2)
    assert after.runs[0].evidence != before.runs[0].evidence
    assert after.severity_why == "2 effects that cannot be undone"


async def test_a_new_irreversible_effect_pages_again_but_a_storm_is_one_page(world: World) -> None:
    """Also when it was acknowledged: the one who has it may think that it is over."""
    await arrive(world, root_span(TRACE, world.clock.now()), refund(world))
    await world.fire()
    assert len(world.paged) == 1
    await world.engine.requests.lifecycle("INC-1", "acknowledge", DANA, key="a")
    await world.work()
    for number in range(3):
        trace = f"{number}" * 32
        await arrive(world, root_span(trace, world.clock.now()), refund(world, 1, trace))
        await world.fire(fingerprint=trace, trace_id=trace)
    await world.later(minutes=6)
    assert [w.payload for w in world.paged[1:]] == [{"step": 0, "reason": "the agent did more that cannot be undone"}]


async def test_many_runs_with_irreversible_effects_are_the_highest_severity(world: World) -> None:
    """By severity.many_runs of the configuration."""
    world.settings = world.settings.model_copy(
        update={"severity": world.settings.severity.model_copy(update={"many_runs": 2})}
    )
    world.restart()
    for trace in (TRACE, SECOND):
        await arrive(world, root_span(trace, world.clock.now()), refund(world, 1, trace))
        await world.fire(fingerprint=trace, trace_id=trace)
    incident = await world.incident()
    assert (incident.severity, incident.severity_why) == ("SEV1", "2 effects that cannot be undone, in 2 runs")


async def test_a_run_that_changed_nothing_is_the_lowest_severity(world: World) -> None:
    """And says so in words."""
    await arrive(world, root_span(TRACE, world.clock.now()), read(world))
    await world.fire()
    assert (await world.incident()).severity == "SEV4"
    assert (await world.incident()).severity_why == "nothing was changed outside the run"


async def test_a_kill_while_attaching_leaves_one_run(world: World) -> None:
    """The work is delivered again; the same reading is written once."""
    await arrive(world, root_span(TRACE, world.clock.now()), refund(world))
    with world.kill_at("run:", after=True), pytest.raises(Killed):
        await world.fire()
    world.restart()
    await world.work()
    incident = await world.incident()
    assert (len(incident.runs), len(incident.effects)) == (1, 1)


async def test_a_run_of_many_large_calls_is_listed_in_small_parts(world: World) -> None:
    """No entry comes near 256 kB, and every call is listed."""
    calls = [
        tool_span(TRACE, n, "issue_refund", {"note": "x" * 20_000, "n": n}, world.clock.now()) for n in range(1, 251)
    ]
    await arrive(world, root_span(TRACE, world.clock.now()), *calls)
    await world.fire()
    incident = await world.incident()
    assert (len(incident.effects), incident.runs[0].parts) == (250, incident.runs[0].parts_seen)
    entries = await world.store.incidents.entries("INC-1")
    assert max(len(e.event.model_dump_json()) for e in entries) < 256_000
    listed = [e.event for e in entries if isinstance(e.event, EffectsListed)]
    assert all(len(part.effects) <= 100 for part in listed)
    assert sum(len(part) for part in in_parts(incident.effects)) == 250
    assert MOST_BYTES < 256_000


async def test_what_comes_after_a_resolve_is_still_on_record_and_wakes_nobody(world: World) -> None:
    """A false alarm whose run then shows a refund must not look like one the next morning."""
    await world.fire()
    await world.engine.requests.lifecycle("INC-1", "resolve", DANA, key="r", text="false alarm")
    await world.work()
    world.clock.forward(minutes=1)
    await arrive(world, root_span(TRACE, world.clock.now()), refund(world))
    incident = await world.incident()
    assert (incident.open, incident.severity, len(incident.effects)) == (False, "SEV2", 1)
    assert len(world.paged) == 1
