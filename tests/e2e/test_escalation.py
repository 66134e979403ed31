"""Escalation on real processes with a short ``repage_after``: it survives kill -9, and any acknowledge stops it."""

import asyncio
from pathlib import Path

import pytest

from tests.support.world import DANA, LEE, World, a_world, alert

pytestmark = pytest.mark.e2e
SHORT = "2s"


async def test_it_goes_on_after_a_kill_and_says_when_nobody_is_left(tmp_path: Path) -> None:
    """Killed between the first page and the second: mentioned again, then the fallback, then the end; each once."""
    async with a_world(tmp_path, repage=SHORT) as world:
        await world.start()
        await world.deliver(alert("a"))
        await world.until("the first page", lambda: _paged(world, 0))
        await world.kill()
        await world.start()
        await world.until("nobody is left", lambda: _ended(world))
        await world.quiet()
        direct = {
            (step, who): len(await world.posted(f"INC-1:page:{step}:{who}"))
            for step, who in ((0, LEE), (1, LEE), (2, DANA))
        }
        print(f"\npages by step and person: {direct}")
        assert set(direct.values()) == {1}
        assert "obody is left" in str(await world.card())
        await world.verified()


async def test_an_acknowledge_stops_it_also_after_a_kill(tmp_path: Path) -> None:
    """Acknowledged from the direct message; the bot is killed at once; nobody else is woken by the next one.

    A new process takes some seconds to start and to take over what the killed one held: the next page is due later.
    """
    async with a_world(tmp_path, repage="8s") as world:
        await world.start()
        await world.deliver(alert("a"))
        await world.until("the first page", lambda: _paged(world, 0))
        (direct,) = await world.posted(f"INC-1:page:0:{LEE}")
        await world.slack.click(LEE, LEE, direct["ts"], "pullcord_ack")
        await world.kill()
        await world.start()
        await world.until("acknowledged", lambda: _acknowledged(world))
        await world.quiet()
        async with world.store() as store:
            assert [await store.work.due_at(f"page:INC-1:{step}") for step in range(4)] == [None] * 4
        await asyncio.sleep(9)  # longer than repage_after: this is about what does not happen
        assert {p["step"] for p in (await world.incident())["pages"]} == {0}
        assert await world.posted(f"page:1:{LEE}") == []


async def _paged(world: World, step: int) -> bool:
    return any(p["step"] == step and p["how"] == "direct_message" for p in (await world.incident())["pages"])


async def _ended(world: World) -> bool:
    entries = (await world.api("/api/incidents/INC-1/timeline?limit=200"))["entries"]
    return any(e["event"]["type"] == "escalation_ended" for e in entries)


async def _acknowledged(world: World) -> bool:
    return bool((await world.incident())["acknowledged_by"] == LEE)
