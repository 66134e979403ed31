"""What a hostile or endless run may do to an incident that it is part of: nothing that grows without bound."""

from bot.domain.span import SpanRecord
from tests.support.engine import AGENT, World
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
