"""Indexing waits when the recorder is busy, instead of using up its tries."""

from datetime import timedelta

from bot.domain.work import Work, WorkItem
from bot.engine.indexing import Indexing
from bot.errors import Busy
from bot.recorder.run_reading import RunReading
from tests.support.engine import World

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
