"""What a hostile or endless run may do to an incident that it is part of: nothing that grows without bound."""

from bot.domain.events import ChangesFound, EffectsListed, Entry, SimilarRunsFound
from bot.domain.span import SpanRecord
from bot.views.thread_lines import thread_line
from tests.support.engine import AGENT, DANA, TRACE, World
from tests.support.spans import root_span, tool_span

LONG = "Ω<b>" * 100_000
"""400,000 characters of foreign text."""


def trace(number: int) -> str:
    """A trace id."""
    return f"{number:032x}"


def hostile(world: World, trace_id: str) -> list[SpanRecord]:
    """A run whose every name is long."""
    now = world.clock.now()
    root = root_span(trace_id, now, AGENT)
    start = int(now.timestamp() * 1e9)
    chat = SpanRecord(
        trace_id=trace_id,
        span_id=f"{0xC0:016x}",
        parent_id=f"{0xF00:016x}",
        name="chat " + LONG,
        kind=3,
        start_ns=start,
        end_ns=start + 10**9,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": LONG,
            "gen_ai.response.model": LONG,
            "gen_ai.provider.name": LONG,
            "gen_ai.response.system_fingerprint": LONG,
            "error.type": LONG,
        },
        resource={"service.name": LONG, "service.version": LONG},
        scope=LONG,
    )
    return [root, chat, tool_span(trace_id, 1, LONG, {LONG[:5000]: LONG, "to": LONG}, now, result={"error": LONG})]


async def test_no_entry_of_a_hostile_run_comes_near_256_kb(world: World) -> None:
    """Names, models, versions, scopes and error types of any length; its likes, its changes and its offers too."""
    for number in range(1, 8):
        spans = hostile(world, trace(number))
        await world.store.spans.upsert(trace(number), AGENT, {s.span_id: s.to_bytes() for s in spans})
        await world.later(seconds=90)
    await world.fire(trace_id=None)
    await world.fire(fingerprint="other", trace_id=trace(7))
    await world.later(minutes=2)
    entries = await world.store.incidents.entries("INC-1")
    sizes = {(entry.event.type, len(entry.model_dump_json())) for entry in entries}
    assert {size for size in sizes if size[1] >= 256_000} == set()
    assert {"run_attached", "changes_found", "similar_runs_found", "runs_offered"} <= {kind for kind, _ in sizes}


async def test_a_run_that_is_read_again_and_again_says_what_changed_and_who_else_was_hit_once(
    world: World,
) -> None:
    """Each time one more run of the other model ended meanwhile, so that every count moves."""
    for number in range(1, 25):
        await recorded(world, trace(number), "gpt-x-05", "late")
    for number in range(31, 36):
        await recorded(world, trace(number), "gpt-x-08", "goodwill")
    await recorded(world, TRACE, "gpt-x-08", "goodwill")
    await world.fire()
    for number in range(14):
        await recorded(world, trace(100 + number), "gpt-x-08", "goodwill")
        more = tool_span(TRACE, 10 + number, "get_order", {"id": number}, world.clock.now())
        await world.store.spans.upsert(TRACE, AGENT, {more.span_id: more.to_bytes()})
        await world.later(seconds=40)
    incident = await world.incident()
    events = [entry.event for entry in await world.store.incidents.entries("INC-1")]
    lines = [(type(e).__name__, thread_line(Entry(seq=1, mac="m", key_id="k", event=e), incident)) for e in events]
    for kind, most in ((ChangesFound, 3), (SimilarRunsFound, 20)):
        assert 1 <= sum(isinstance(event, kind) for event in events) <= most
        said = [line for name, line in lines if name == kind.__name__ and line]
        assert len(said) == 1, said
    similar = incident.similar_to(TRACE)
    assert similar is not None
    assert similar.runs > 10


async def test_runs_that_a_person_adds_tell_the_thread_no_change_twice(world: World) -> None:
    """They look like the one that is there, so the same changed in each."""
    for number in range(1, 25):
        await recorded(world, trace(number), "gpt-x-05", "late")
    added = [trace(number) for number in range(31, 51)]
    for each in (*added, TRACE):
        await recorded(world, each, "gpt-x-08", "goodwill")
    await world.fire()
    await world.engine.requests.lifecycle("INC-1", "add_runs", DANA, key="k", traces=list(added), why="similar")
    await world.work()
    incident = await world.incident()
    assert len(incident.compared) == 21
    entries = await world.store.incidents.entries("INC-1")
    told = [thread_line(entry, incident) for entry in entries if isinstance(entry.event, ChangesFound)]
    assert [line for line in told[1:] if line] == []
    assert told[0] is not None


async def test_a_run_that_is_read_again_tells_the_thread_its_new_effects_only(world: World) -> None:
    """Its seven refunds stand there; the eighth is one row, and a read none."""
    now = world.clock.now()
    seven = [tool_span(TRACE, n, "issue_refund", {"n": n}, now) for n in range(1, 8)]
    eighth = tool_span(TRACE, 8, "issue_refund", {"n": 8}, now)
    for spans in ([root_span(TRACE, now), *seven], [eighth], [tool_span(TRACE, 9, "get_order", {"n": 9}, now)]):
        await world.store.spans.upsert(TRACE, AGENT, {span.span_id: span.to_bytes() for span in spans})
        await world.later(seconds=40)
        await world.fire()
    incident = await world.incident()
    entries = await world.store.incidents.entries("INC-1")
    told = [thread_line(entry, incident) for entry in entries if isinstance(entry.event, EffectsListed)]
    assert [0 if line is None else line.count("issue_refund") for line in told] == [7, 1, 0]
    assert (told[1] or "").startswith("*More effects of run")


async def recorded(world: World, trace_id: str, served: str, reason: str) -> None:
    """A run that was good, on this model."""
    now = world.clock.now()
    start = int(now.timestamp() * 1e9)
    chat = SpanRecord(
        trace_id=trace_id,
        span_id=f"{0xC0:016x}",
        parent_id=f"{0xF00:016x}",
        name="chat gpt-x",
        kind=3,
        start_ns=start,
        end_ns=start + 10**9,
        attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-x", "gen_ai.response.model": served},
        resource={"service.name": AGENT},
    )
    refund = tool_span(trace_id, 1, "issue_refund", {"amount": 20, "reason": reason, "order": trace_id[-8:]}, now)
    spans = (root_span(trace_id, now), chat, refund)
    await world.store.spans.upsert(trace_id, AGENT, {span.span_id: span.to_bytes() for span in spans})
    await world.later(seconds=90)
