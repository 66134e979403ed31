"""Indexing waits when the recorder is busy or reads the run already, instead of using up its tries."""

from datetime import timedelta

from bot.domain.work import Work, WorkItem
from bot.engine.indexing import Indexing
from bot.errors import Busy
from bot.recorder.run_reading import RunReading
from tests.support.engine import TRACE as NAMED
from tests.support.engine import World
from tests.support.spans import root_span, tool_span

TRACE = "ab" * 16


class TooMuch:
    """A reader with a long queue."""

    async def received(self, trace_id: str, agent: str | None) -> RunReading | None:
        """Always too busy."""
        raise Busy("8 large exports are already waiting to be read.")


async def test_a_run_that_finds_the_recorder_busy_is_indexed_later(world: World) -> None:
    """A flood of large runs lasts longer than five tries; its runs are late in the index, and none is missing."""
    await world.store.spans.upsert(TRACE, "refund-bot", {"a": b"A"})
    item = WorkItem(kind=Work.INDEX_RUN, payload={"trace_id": TRACE})
    await Indexing(world.engine._parts, TooMuch()).handle(item)
    assert await world.store.background.due_at(f"index:{TRACE}") == world.clock.now() + timedelta(seconds=30)


class Counting:
    """A reader that is asked how often."""

    def __init__(self) -> None:
        self.asked = 0

    async def received(self, trace_id: str, agent: str | None) -> RunReading | None:
        """Nothing, each time."""
        self.asked += 1
        return None


async def test_a_run_that_its_incident_read_is_not_read_again_for_the_index(world: World) -> None:
    """A large one takes seconds and a hundred megabytes; whoever attaches it puts it into the index."""
    now = world.clock.now()
    spans = (root_span(NAMED, now), tool_span(NAMED, 1, "issue_refund", {"amount_cents": 42000}, now))
    await world.store.spans.upsert(NAMED, "refund-bot", {s.span_id: s.to_bytes() for s in spans})
    await world.fire()
    known = await world.store.run_index.get(NAMED)
    assert known is not None
    assert known.named
    reader = Counting()
    await Indexing(world.engine._parts, reader).handle(WorkItem(kind=Work.INDEX_RUN, payload={"trace_id": NAMED}))
    assert reader.asked == 0


async def test_a_run_that_its_incident_has_not_read_yet_is_waited_for_once(world: World) -> None:
    """Its turn comes all the same when nobody has read it by then."""
    await world.fire()
    await world.store.spans.upsert(NAMED, "refund-bot", {"a": b"A"})
    item = WorkItem(kind=Work.INDEX_RUN, payload={"trace_id": NAMED})
    reader = Counting()
    indexing = Indexing(world.engine._parts, reader)
    await indexing.handle(item)
    assert reader.asked == 0
    assert await world.store.background.due_at(f"index:{NAMED}") == world.clock.now() + timedelta(seconds=30)
    await indexing.handle(item.model_copy(update={"payload": {**item.payload, "waited": True}}))
    assert reader.asked == 1
