"""The recorder chain: ours first, then the stores; the more complete wins, and what each store did is said."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pydantic import SecretStr

from bot.domain.run import Completeness
from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.engine.chain import SECONDS, Chain
from bot.engine.evidence import FrozenRuns
from bot.engine.stores import TraceStores
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.engine import AGENT, TRACE, World, settings_of
from tests.support.spans import root_span, tool_span
from tests.support.trace_stores import (
    NATIVE_TRACE,
    Asked,
    LoopbackStore,
    Talk,
    Told,
    answer_of,
    hanging,
    loopback_store,
    peer,
    plain,
    told,
    trickling,
)

SECRET = "store-key-never-shown-0123456789"
SECRET_SETTING = SecretStr(SECRET)


@pytest.fixture
async def stack() -> Any:
    """Ends the stores of a test."""
    async with AsyncExitStack() as held:
        yield held


class Stores:
    """A world with the trace stores that a test adds."""

    def __init__(self, stack: AsyncExitStack, store: Store, clock: ManualClock) -> None:
        self._stack = stack
        self._store = store
        self._clock = clock
        self.configured: dict[str, Any] = {}

    async def add(self, name: str, answer: Callable[[Asked], Told], **options: Any) -> LoopbackStore:
        """A store that answers so."""
        made = await self._stack.enter_async_context(loopback_store(answer))
        self._configure(name, made.url, options)
        return made

    async def add_peer(self, name: str, talk: Talk, **options: Any) -> None:
        """A hostile one."""
        self._configure(name, await self._stack.enter_async_context(peer(talk)), options)

    def _configure(self, name: str, url: str, options: dict[str, Any]) -> None:
        self.configured[name] = {"type": "plain", "url": url, "deadline": "PT1S", **options}

    def world(self, **agents: Any) -> World:
        """An engine with them. ``agents`` is what each agent names under ``traces``."""
        settings = settings_of(trace_stores=self.configured)
        known = {name: agent.model_dump() for name, agent in settings.agents.items()}
        for name, traces in agents.items():
            known[name.replace("_", "-")]["traces"] = traces
        changed = settings_of(trace_stores=self.configured, agents=known)
        return World(self._store, self._clock, changed, {"plain": plain})


@pytest.fixture
def stores(stack: AsyncExitStack, store: Store, clock: ManualClock) -> Stores:
    """None yet."""
    return Stores(stack, store, clock)


def run(clock: ManualClock, tools: int = 2, trace_id: str = TRACE) -> list[SpanRecord]:
    """A root and so many refunds."""
    refunds = [
        tool_span(trace_id, n, "issue_refund", {"amount_cents": 100 + n}, clock.now()) for n in range(1, tools + 1)
    ]
    return [root_span(trace_id, clock.now()), *refunds]


async def receive(world: World, *spans: SpanRecord) -> None:
    """Spans come to our own receiver."""
    await world.store.spans.upsert(spans[0].trace_id, AGENT, {s.span_id: s.to_bytes() for s in spans})
    await world.later(seconds=1)


def gone(_: Asked) -> Told:
    """A store that does not have it."""
    return told({}, 404)


async def test_a_run_that_only_a_store_has_is_read_from_there(stores: Stores, clock: ManualClock) -> None:
    """Its effects, its evidence, and who told them."""
    peer_ = await stores.add("phoenix", lambda _: answer_of(run(clock)))
    world = stores.world()
    await world.fire()
    incident = await world.incident()
    (attached,) = incident.runs
    assert (attached.source, attached.source_note) == ("phoenix", "phoenix has 3 spans, we received none")
    assert len(incident.effects) == 2
    assert incident.missing == ()
    assert len((await FrozenRuns(world.store.evidence).run(incident, TRACE)).tool_calls) == 2
    assert [asked.path for asked in peer_.asked] == [f"/runs/{TRACE}"]
    assert await world.store.work.due_at(f"run:INC-1:{TRACE}") is None


async def test_no_store_is_asked_where_our_own_record_is_whole(stores: Stores, clock: ManualClock) -> None:
    """It is the fuller one: stores rename and drop attributes."""
    peer_ = await stores.add("phoenix", lambda _: answer_of(run(clock)))
    world = stores.world()
    await receive(world, *run(clock))
    await world.fire()
    (attached,) = (await world.incident()).runs
    assert (attached.source, attached.source_note, peer_.asked) == ("otlp", "", [])


async def test_spans_of_both_make_one_run_and_a_step_is_never_there_twice(stores: Stores, clock: ManualClock) -> None:
    """Ours lacks the root and a refund; theirs lacks another: together they are whole, and ours is taken of both."""
    spans = run(clock, tools=4)
    mine = spans[2].model_copy(update={"attributes": {**spans[2].attributes, "only.ours": True}})
    await stores.add("phoenix", lambda _: answer_of([spans[0], *spans[2:]]))
    world = stores.world()
    await receive(world, spans[1], mine)
    await world.fire()
    incident = await world.incident()
    (attached,) = incident.runs
    assert attached.source == "phoenix"
    assert attached.source_note == "phoenix has 4 spans, we received 2, together they are 5"
    assert attached.summary.completeness is Completeness.COMPLETE
    assert [e.arguments["amount_cents"] for e in incident.effects] == [101, 102, 103, 104]  # type: ignore[index,call-overload]
    frozen = await FrozenRuns(world.store.evidence).run(incident, TRACE)
    assert len(frozen.steps) == 5


async def test_a_store_with_ids_of_its_own_is_not_mixed_with_ours(stores: Stores, clock: ManualClock) -> None:
    """The same refund under two ids would be two refunds."""
    spans = run(clock)
    other = [
        s.model_copy(update={"span_id": "a" + s.span_id[1:], "parent_id": s.parent_id and "a" + s.parent_id[1:]})
        for s in spans
    ]
    await stores.add("langsmith", lambda _: answer_of(other))
    world = stores.world()
    await receive(world, spans[1])
    await world.fire()
    incident = await world.incident()
    assert incident.runs[0].source == "langsmith"
    assert len(incident.effects) == 2


async def test_a_root_elsewhere_does_not_hide_effects_that_we_recorded(stores: Stores, clock: ManualClock) -> None:
    """Ids differ and the store has a whole run with one refund of our three: three stay listed."""
    spans = run(clock, tools=3)
    other = [
        s.model_copy(update={"span_id": "a" + s.span_id[1:], "parent_id": s.parent_id and "a" + s.parent_id[1:]})
        for s in spans[:2]
    ]
    await stores.add("langsmith", lambda _: answer_of(other))
    world = stores.world()
    await receive(world, *spans[1:])
    await world.fire()
    incident = await world.incident()
    assert incident.runs[0].source == "otlp"
    assert len(incident.effects) == 3


async def test_a_store_that_has_less_changes_nothing_and_that_is_said(stores: Stores, clock: ManualClock) -> None:
    """Ours stays, and the store is asked again later: it may still be writing."""
    spans = run(clock, tools=3)
    await stores.add("phoenix", lambda _: answer_of(spans[1:2]))
    world = stores.world()
    await receive(world, *spans[1:])
    await world.fire()
    (attached,) = (await world.incident()).runs
    assert (attached.source, attached.source_note) == ("otlp", "phoenix has 1 span, and nothing that we lack")
    assert await world.store.work.due_at(f"run:INC-1:{TRACE}") is not None


async def test_the_next_store_is_asked_until_the_run_is_whole(stores: Stores, clock: ManualClock) -> None:
    """In the order in which the agent names them; after a whole run nobody else is asked."""
    spans = run(clock)
    first = await stores.add("first", gone)
    second = await stores.add("second", lambda _: answer_of(spans[1:]))
    third = await stores.add("third", lambda _: answer_of(spans))
    fourth = await stores.add("fourth", lambda _: answer_of(spans))
    world = stores.world(refund_bot=["first", "second", "third", "fourth"])
    await world.fire()
    (attached,) = (await world.incident()).runs
    assert attached.source == "third"
    assert "first does not have it" in attached.source_note
    assert [len(s.asked) for s in (first, second, third, fourth)] == [1, 1, 1, 0]


async def test_a_store_that_another_agent_names_is_not_asked(stores: Stores, clock: ManualClock) -> None:
    """One that nobody names is."""
    theirs = await stores.add("theirs", lambda _: answer_of(run(clock)))
    anybodys = await stores.add("anybodys", gone)
    world = stores.world(mail_bot=["theirs"])
    await world.fire()
    assert ([len(s.asked) for s in (theirs, anybodys)]) == [0, 1]
    assert (await world.incident()).runs == ()


async def test_what_nobody_has_yet_is_looked_for_again_and_found(stores: Stores, clock: ManualClock) -> None:
    """Stores write late: it is said what they answered, and the incident completes itself."""
    peer_ = await stores.add("phoenix", gone)
    world = stores.world()
    await world.fire()
    (missing,) = (await world.incident()).missing
    assert missing.reason == "it has not arrived yet (phoenix does not have it)"
    spans = run(clock)
    peer_.answer = lambda _: answer_of(spans)
    await world.later(seconds=6)
    incident = await world.incident()
    assert (incident.missing, len(incident.effects)) == ((), 2)


async def test_an_incomplete_run_is_completed_when_its_store_has_more(stores: Stores, clock: ManualClock) -> None:
    """Within the wait; then no more, and the note is as it was."""
    spans = run(clock)
    peer_ = await stores.add("phoenix", lambda _: answer_of(spans[1:2]))
    world = stores.world()
    await world.fire()
    assert (await world.incident()).runs[0].summary.completeness is not Completeness.COMPLETE
    peer_.answer = lambda _: answer_of(spans)
    await world.later(seconds=6)
    (attached,) = (await world.incident()).runs
    assert attached.summary.completeness is Completeness.COMPLETE
    assert await world.store.work.due_at(f"run:INC-1:{TRACE}") is None


async def test_looking_again_ends_with_the_wait_and_writes_nothing_new(stores: Stores, clock: ManualClock) -> None:
    """A run without a root is asked for a few times in growing pauses, not for ever."""
    spans = run(clock)
    peer_ = await stores.add("phoenix", lambda _: answer_of(spans[1:]))
    world = stores.world()
    await world.fire()
    before = (await world.incident()).seq
    for _ in range(25):
        await world.later(minutes=2)
    assert (await world.incident()).seq == before
    assert await world.store.work.due_at(f"run:INC-1:{TRACE}") is None
    assert 10 < len(peer_.asked) < 30


ANSWERS = {
    "redirect": Told(302, b"", {"location": "https://elsewhere.example/x"}),
    "server error": Told(500),
    "too large": Told(200, b" " * 60_000_000),
    "not json": Told(200, b"<html>"),
    "not spans": told({"spans": [{"trace_id": "x"}]}),
    "no credentials": Told(401, SECRET.encode()),
    "no spans": told({"spans": []}),
}
SAYS = {
    "redirect": "phoenix answered with a redirect to elsewhere.example (302), and none is followed",
    "server error": "phoenix answered 500",
    "too large": "phoenix has more than 1 MB of that run",
    "not json": "phoenix: The answer is not JSON",
    "not spans": "phoenix: The store's answer could not be read (ValidationError)",
    "no credentials": "phoenix refused our credentials (401)",
    "no spans": "phoenix does not have it",
}


@pytest.mark.parametrize("fault", ANSWERS)
async def test_whatever_a_store_answers_the_rest_is_read_and_its_fault_is_said(
    stores: Stores, clock: ManualClock, fault: str
) -> None:
    """Ours stays, an other store is still asked, and no credential is anywhere."""
    await stores.add("phoenix", lambda _: ANSWERS[fault], max_bytes=1_000_000, key=SECRET_SETTING)
    spans = run(clock)
    await stores.add("other", lambda _: answer_of(spans))
    world = stores.world(refund_bot=["phoenix", "other"])
    await receive(world, spans[1])
    await world.fire()
    incident = await world.incident()
    (attached,) = incident.runs
    assert attached.source == "other"
    assert SAYS[fault] in attached.source_note
    assert len(incident.effects) == 2
    assert SECRET not in incident.model_dump_json()


@pytest.mark.parametrize("talk", [hanging, trickling])
async def test_a_store_that_hangs_costs_its_deadline_and_is_asked_again(
    stores: Stores, clock: ManualClock, talk: Talk
) -> None:
    """The incident shows what we have meanwhile."""
    await stores.add_peer("phoenix", talk, deadline="PT0.3S")
    world = stores.world()
    await receive(world, run(clock)[1])
    await world.fire()
    (attached,) = (await world.incident()).runs
    assert attached.source_note == "phoenix did not answer within 0.3 s"
    assert await world.store.work.due_at(f"run:INC-1:{TRACE}") is not None


async def test_a_store_that_stops_answering_takes_nothing_back(stores: Stores, clock: ManualClock) -> None:
    """It completed our run; then it is down while one more span of ours comes: what is known stays known."""
    spans = run(clock, tools=3)
    peer_ = await stores.add("phoenix", lambda _: answer_of(spans[:3]))
    world = stores.world()
    await receive(world, spans[1])
    await world.fire()
    assert len((await world.incident()).effects) == 2
    peer_.answer = lambda _: Told(503)
    await receive(world, spans[2])
    incident = await world.incident()
    assert len(incident.effects) == 2
    assert incident.runs[0].summary.completeness is Completeness.COMPLETE


async def test_a_partial_answer_is_said_to_be_partial(stores: Stores, clock: ManualClock) -> None:
    """On the card and in the run itself."""
    spans = run(clock)
    await stores.add("tempo", lambda _: answer_of(spans, "Tempo answered PARTIAL"))
    world = stores.world()
    await world.fire()
    (attached,) = (await world.incident()).runs
    assert "tempo's answer is partial: Tempo answered PARTIAL" in attached.source_note
    assert attached.summary.notes == ("tempo's answer is partial: Tempo answered PARTIAL",)


async def test_what_a_store_tells_is_redacted_before_anything_else(stores: Stores, clock: ManualClock) -> None:
    """Arguments, texts of errors, and what it says of being partial."""
    secret = "sk-proj-" + "a1B2c3D4" * 6
    spans = run(clock, tools=1)
    leak = tool_span(TRACE, 7, "issue_refund", {"token": secret}, clock.now(), result={"echo": f"key {secret}"})
    leak = leak.model_copy(update={"status_message": f"bad key {secret}"})
    await stores.add("phoenix", lambda _: answer_of([*spans, leak], f"could not use {secret}"))
    world = stores.world()
    await world.fire()
    incident = await world.incident()
    frozen = await FrozenRuns(world.store.evidence).run(incident, TRACE)
    assert len(incident.effects) == 2
    assert secret not in incident.model_dump_json()
    assert secret not in frozen.model_dump_json()


async def test_an_alert_that_only_has_a_link_names_its_run_by_it(stores: Stores, clock: ManualClock) -> None:
    """The run is the incident's as if the alert had named it; a second delivery changes nothing."""
    peer_ = await stores.add("phoenix", lambda _: answer_of(run(clock)))
    world = stores.world()
    await world.fire(trace_id=None, link=f"{peer_.url}/open/{TRACE}?tab=1")
    await world.fire(trace_id=None, link=f"{peer_.url}/open/{TRACE}?tab=1")
    incident = await world.incident()
    assert [r.summary.trace_id for r in incident.runs] == [TRACE]
    assert incident.runs[0].alerted
    assert incident.alerted_traces == {TRACE}
    assert incident.missing == ()


async def test_a_links_own_id_reaches_its_store_and_no_other(stores: Stores, clock: ManualClock) -> None:
    """Another store knows the run by its trace id only."""
    spans = run(clock, trace_id=NATIVE_TRACE)
    first = await stores.add("first", lambda _: answer_of(spans[1:]))
    second = await stores.add("second", lambda _: answer_of(spans))
    world = stores.world(refund_bot=["first", "second"])
    await world.fire(trace_id=None, links=("https://elsewhere.example/native/x", f"{first.url}/native/own-77"))
    assert [asked.path for asked in first.asked] == ["/runs/own-77"]
    assert [asked.path for asked in second.asked] == [f"/runs/{NATIVE_TRACE}"]
    assert (await world.incident()).runs[0].source == "second"


@pytest.mark.parametrize("base", ["https://elsewhere.example", "http://user@{host}", "ftp://{host}", "{url}.evil.test"])
async def test_a_link_to_anywhere_else_names_nothing_and_is_not_asked(
    stores: Stores, clock: ManualClock, base: str
) -> None:
    """Whoever sends alerts chooses links."""
    peer_ = await stores.add("phoenix", lambda _: answer_of(run(clock)))
    world = stores.world()
    link = base.format(url=peer_.url, host=peer_.url.removeprefix("http://")) + f"/open/{TRACE}"
    await world.fire(trace_id=None, link=link)
    incident = await world.incident()
    assert (incident.runs, peer_.asked) == ((), [])
    assert incident.missing[0].trace_id is None


async def test_stores_are_asked_in_the_time_that_our_own_record_left(stores: Stores) -> None:
    """One piece of work may take 60 s: a large run of ours that took most of it leaves the stores the rest."""
    await stores.add_peer("phoenix", hanging, deadline="PT45S")
    world = stores.world()
    asked = TraceStores(world.registry, world.settings)
    began = asyncio.get_running_loop().time() - SECONDS + 0.5
    chain = Chain(asked, never, never)
    async with asyncio.timeout(5):
        chosen = await chain.best(TraceRef(trace_id=TRACE), AGENT, None, began)
    assert (chosen.found, chosen.failed) == (None, True)
    assert chosen.note == "phoenix was not asked to the end: reading this run took over 45 s"


async def never(*_: object) -> Any:
    """Nothing was answered, so there is nothing to read."""
    raise AssertionError
