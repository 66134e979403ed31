"""Who is woken a second time, and for what: only for what the agent did since, never for what people did themselves."""

from tests.support.engine import AGENT, DANA, TRACE, World
from tests.support.spans import root_span, tool_span

OTHER = "b" * 32


async def arrive(world: World, trace_id: str, *tools: str, first: int = 1) -> None:
    """A run that called these tools, or did so next."""
    now = world.clock.now()
    spans = [root_span(trace_id, now), *(tool_span(trace_id, n, t, {"n": n}, now) for n, t in enumerate(tools, first))]
    await world.store.spans.upsert(trace_id, AGENT, {s.span_id: s.to_bytes() for s in spans})
    await world.later(seconds=40)


async def acknowledged(world: World, *tools: str) -> None:
    """An incident with a run, which Dana has."""
    await arrive(world, TRACE, *tools)
    await world.fire()
    await world.engine.requests.lifecycle("INC-1", "acknowledge", DANA, key="a")
    await world.work()
    assert len(world.paged) == 1


async def test_a_tool_that_a_person_calls_irreversible_wakes_nobody(world: World) -> None:
    """The call was on the card before; who classified it is awake."""
    await acknowledged(world, "get_quota")
    offers = await world.engine.offers(await world.incident())
    label = next(offer.label for offer in offers if offer.action == "classify_tool" and offer.asks)
    await world.click(label, tool="get_quota", reversibility="irreversible")
    await world.later(minutes=10)
    (effect,) = (await world.incident()).effects
    assert effect.irreversible
    assert len(world.paged) == 1


async def test_a_run_that_a_person_adds_wakes_nobody_until_it_goes_on(world: World) -> None:
    """Its refund is on the card that this person looks at; a further one is news to all."""
    await acknowledged(world, "get_order")
    await arrive(world, OTHER, "issue_refund")
    await world.engine.requests.lifecycle("INC-1", "add_runs", DANA, key="k", traces=[OTHER], why="similar")
    await world.work()
    await world.later(minutes=10)
    assert (await world.incident()).severity == "SEV2"
    assert len(world.paged) == 1
    await arrive(world, OTHER, "issue_refund", first=2)
    await world.later(minutes=10)
    assert [page.payload.get("reason") for page in world.paged[1:]] == ["the agent did more that cannot be undone"]


async def test_a_rejected_call_that_then_happens_is_new(world: World) -> None:
    """It was listed, and had not happened."""
    await acknowledged(world, "get_order")
    now = world.clock.now()
    refused = tool_span(TRACE, 2, "issue_refund", {"n": 2}, now, result={"error": "no"})
    for span in (refused, tool_span(TRACE, 2, "issue_refund", {"n": 2}, now)):
        await world.store.spans.upsert(TRACE, AGENT, {span.span_id: span.to_bytes()})
        await world.later(minutes=10)
        assert len(world.paged) == 1
    await world.later(minutes=10)
    assert len(world.paged) == 2
