import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from bot.errors import Misconfigured, StoreUnavailable
from bot.timeline.connection import Connections
from bot.timeline.embedded import EmbeddedStore, start_embedded
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.incidents import an_alert, note, open_one
from tests.support.store import CHAIN_KEY
from tests.support.waiting import wait_until


async def a_store(embedded: EmbeddedStore) -> Store:
    """A started store on it."""
    store = Store(await Connections.open(embedded.url), CHAIN_KEY, ManualClock())
    await store.start()
    return store


async def refused_within(store: Store) -> float:
    """Seconds until a write was given up."""
    began = time.perf_counter()
    with pytest.raises(StoreUnavailable, match="did not confirm"):
        await store.intake.accept([an_alert()])
    return time.perf_counter() - began


async def test_a_hung_store_is_given_up_within_500_ms_and_used_again_when_it_answers(tmp_path: Path) -> None:
    """SIGSTOP: the connection stands and nothing answers. No restart is needed; the write is not doubled."""
    embedded = await start_embedded(tmp_path)
    store = await a_store(embedded)
    assert embedded.pid is not None
    os.kill(embedded.pid, signal.SIGSTOP)
    try:
        assert await refused_within(store) < 0.5
        assert await refused_within(store) < 0.5
    finally:
        os.kill(embedded.pid, signal.SIGCONT)
    await wait_until(lambda: _answers(store))
    await store.intake.accept([an_alert()])
    assert (await store.work.depth()).waiting == 1
    await store.connections.aclose()
    await embedded.aclose()


async def test_a_store_that_is_gone_is_given_up_within_500_ms_and_used_again_when_it_is_back(tmp_path: Path) -> None:
    """Nobody listens on the address for a while."""
    embedded = await start_embedded(tmp_path)
    store = await a_store(embedded)
    await embedded.aclose()
    assert await refused_within(store) < 0.5
    again = await start_embedded(tmp_path)
    await store.intake.accept([an_alert()])
    await store.connections.aclose()
    await again.aclose()


async def test_fifty_people_who_click_while_the_store_hangs_are_all_answered_within_500_ms(tmp_path: Path) -> None:
    """Writers of one incident take turns; one that was not answered answers for those behind it."""
    embedded = await start_embedded(tmp_path)
    store = await a_store(embedded)
    await open_one(store)
    assert embedded.pid is not None
    os.kill(embedded.pid, signal.SIGSTOP)
    began = time.perf_counter()
    try:
        writes = (store.incidents.write("INC-1", f"click {n}", lambda _i: note("x")) for n in range(50))
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert time.perf_counter() - began < 0.5
        assert {type(answer) for answer in answers} == {StoreUnavailable}
    finally:
        os.kill(embedded.pid, signal.SIGCONT)
    await wait_until(lambda: _answers(store))
    again = await asyncio.gather(
        *(store.incidents.write("INC-1", f"click {n}", lambda _i: note("x")) for n in range(50))
    )
    assert {a.status for a in again} <= {"written", "seen"}
    assert (await store.incidents.read("INC-1")).notes == 50, "pressing again cannot do it twice"
    await store.connections.aclose()
    await embedded.aclose()


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", "redis://localhost:notaport", ""])
async def test_an_address_that_cannot_be_used_is_named_as_a_setting(url: str) -> None:
    """The operator is told what PULLCORD_REDIS_URL must look like; a password in it is not repeated."""
    with pytest.raises(Misconfigured, match="PULLCORD_REDIS_URL"):
        await Connections.open(url)


async def _answers(store: Store) -> bool:
    try:
        await store.ping()
    except StoreUnavailable:
        return False
    return True
