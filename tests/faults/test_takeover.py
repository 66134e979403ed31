"""The real waits, nothing shortened: what a killed bot held is taken up again within ten seconds."""

import asyncio
import time

import pytest

from tests.support.world import World, alert

PROMISED = 10.0
"""Seconds; issue A, section 2. Two more for the restart itself on a loaded machine."""


@pytest.mark.parametrize("point", ["I4-before", "P2-called", "P2-paged"])
async def test_what_a_killed_bot_held_goes_on_within_ten_seconds(world: World, point: str) -> None:
    """An alert that was being opened, a card that was being posted, a page that was being sent."""
    await world.start(point, quick=False)
    sending = asyncio.create_task(world.deliver(alert("a")))
    await world.died()
    died = time.monotonic()
    await world.start(quick=False)
    await sending
    await world.until("card and page", lambda: _complete(world), seconds=20)
    took = time.monotonic() - died
    print(f"\n{point}: card and page {took:.1f} s after the kill, restart included")
    assert took < PROMISED + 2


async def _complete(world: World) -> bool:
    whole = await world.incident()
    return bool(whole["root_ts"]) and len(whole["pages"]) == 2
