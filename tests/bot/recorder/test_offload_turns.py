"""Whose turn it is in the parsing process: what an incident waits for goes before exports and before indexing."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from bot.domain.catalogue import Catalogue
from bot.errors import Busy
from bot.recorder.limits import Limits
from bot.recorder.offload import Parser, ParserSettings
from bot.recorder.otlp import JSON
from bot.recorder.redact import Redactor
from tests.support.waiting import wait_until

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LARGE = b"x" * 10_000


@asynccontextmanager
async def held_up(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Parser, list[str], threading.Semaphore]]:
    """A parser whose process does one piece of work for each permit, and what it was asked for, in order."""
    done, permits = list[str](), threading.Semaphore(0)
    parser = Parser(Redactor(), Limits(), ParserSettings(large=5_000, waiting_large=4))

    def exchange(talk: object) -> None:
        permits.acquire(timeout=20)
        done.append(getattr(talk, "__qualname__", str(talk)).partition("_talk")[0])

    monkeypatch.setattr(parser._child, "exchange", exchange)
    async with parser:
        try:
            yield parser, done, permits
        finally:
            permits.release(100)


async def test_an_incidents_run_goes_before_the_exports_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of large exports fills the queue to its bound; the run that a person waits for is the next one read."""
    async with held_up(monkeypatch) as (parser, done, permits):
        exports = [asyncio.create_task(parser.parse(LARGE, JSON)) for _ in range(4)]
        await wait_until(lambda: parser._counts["large"] == 4)
        with pytest.raises(Busy):
            await parser.parse(LARGE, JSON)
        index = asyncio.create_task(parser.read((LARGE,), Catalogue(), NOW, frozen=False))
        with pytest.raises(Busy):
            await index
        read = asyncio.create_task(parser.read((LARGE,), Catalogue(), NOW))
        await wait_until(lambda: parser._counts["urgent"] == 1)
        permits.release(2)
        await read
        assert done == ["parse", "read"]
        permits.release(3)
        await asyncio.gather(*exports)
        assert parser._counts["large"] == 0


async def test_an_export_whose_sender_leaves_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it waits for its turn nothing of it is being read."""
    async with held_up(monkeypatch) as (parser, done, permits):
        exports = [asyncio.create_task(parser.parse(LARGE, JSON)) for _ in range(4)]
        await wait_until(lambda: parser._counts["large"] == 4)
        for export in exports[1:]:
            export.cancel()
        await asyncio.gather(*exports[1:], return_exceptions=True)
        assert parser._counts["large"] == 1
        permits.release(1)
        await exports[0]
        assert done == ["parse"]
        assert parser._counts["large"] == 0


async def test_what_waits_for_its_turn_is_refused_as_busy_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sender then sends it again, to whoever is there."""
    async with held_up(monkeypatch) as (parser, done, permits):
        exports = [asyncio.create_task(parser.parse(LARGE, JSON)) for _ in range(3)]
        await wait_until(lambda: parser._counts["large"] == 3)
        closing = asyncio.create_task(parser.close())
        await wait_until(lambda: parser._closed)
        permits.release(1)
        await closing
        outcomes = await asyncio.gather(*exports, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[1:]] == [Busy, Busy]
        assert done == ["parse"]
