import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from bot.domain.desired import PAUSED
from bot.domain.work import Work, WorkItem
from bot.errors import StoreUnavailable
from bot.timeline.connection import Connections
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.incidents import TRACE, an_alert, note, open_one
from tests.support.store import CHAIN_KEY


class Line:
    """A line to the store that can lose the answers to the scripts and SETs that are sent through it."""

    def __init__(self, target: str, path: Path) -> None:
        self.loses = False
        self.url = f"unix://{path}"
        self._target = target
        self._path = path

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        """The line, for the length of the block."""
        server = await asyncio.start_unix_server(self._serve, self._path)
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_unix_connection(self._target)

        writes = False

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool) -> None:
            nonlocal writes
            while data := await source.read(65536):
                if answers and self.loses and writes:
                    break
                writes = any(word in data for word in (b"EVALSHA", b"\r\nSET\r\n")) if not answers else writes
                sink.write(data)
                await sink.drain()

        pumps = [
            asyncio.create_task(pump(reader, forth, answers=False)),
            asyncio.create_task(pump(back, writer, answers=True)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for task in pumps:
            task.cancel()
        for end in (writer, forth):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()


Ask = Callable[[Store, ManualClock], Awaitable[object]]
PAGE = WorkItem(kind=Work.PAGE)

ASKS: dict[str, Ask] = {
    "a write": lambda store, _clock: store.incidents.write("INC-1", "op", lambda _i: note("x", work=(PAGE,))),
    "an opening": lambda store, _clock: open_one(store, "op", an_alert(), work=(PAGE,)),
    "intake": lambda store, _clock: store.intake.accept([an_alert()]),
    "work with an operation id": lambda store, _clock: store.work.add(PAGE, "op"),
    "desired state": lambda store, _clock: store.desired.put("a", PAUSED, None, value=True, key="k", restraint=None),
    "a read by an agent": lambda store, _clock: store.desired.record_read("a", [PAUSED], 1),
    "spans": lambda store, _clock: store.spans.upsert(TRACE, "a", {"s": b"x"}),
    "a period": lambda store, clock: store.work.claim_period("p", timedelta(hours=1), clock.now()),
}


def content(raw: Redis) -> dict[bytes, object]:
    """All that is stored, but for the numbers of incidents and how often an alert was sent."""
    found: dict[bytes, object] = {}
    for key in raw.scan_iter():
        if key.endswith((b":number", b":runs:a")) or b":alert:" in key:
            continue
        match raw.type(key):
            case b"stream":
                entries: object = raw.xlen(key)
                found[key] = entries
            case b"hash":
                found[key] = raw.hgetall(key)
            case b"zset":
                found[key] = raw.zrange(key, 0, -1)
            case b"set":
                found[key] = raw.smembers(key)
            case _:
                found[key] = raw.get(key)
    return found


@pytest.mark.parametrize("name", ASKS)
async def test_what_is_asked_again_after_a_lost_answer_is_not_done_twice(
    name: str, store: Store, raw: Redis, clock: ManualClock, valkey: str, tmp_path: Path
) -> None:
    """It happened, and nobody was told: the asker hears *not confirmed*, and asking again changes nothing."""
    await open_one(store, "before")
    await ASKS[name](store, clock)  # the server knows the script from here on
    raw.flushall()
    async with Line(valkey.removeprefix("unix://"), tmp_path / "line.sock").open() as line:
        far = Store(await Connections.open(line.url), CHAIN_KEY, clock)
        await far.start()
        if name == "a write":
            await open_one(far, "before")
        before = content(raw)
        line.loses = True
        with pytest.raises(StoreUnavailable):
            await ASKS[name](far, clock)
        once = content(raw)
        assert once != before, "it happened"
        line.loses = False
        await ASKS[name](far, clock)
        assert content(raw) == once
        await far.connections.aclose()
