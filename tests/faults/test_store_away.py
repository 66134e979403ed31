"""Redis away, with a real one outside the bot: killed, or hanging with its connections open."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.world import AGENT, LEE, World, a_world, alert, free_port
from tests.support.world_store import Valkey, a_valkey

MARGIN = 1.0
"""Seconds until a clicker sees an answer: 0.5 is promised, this machine may be loaded."""


@pytest_asyncio.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[Valkey]:
    """A Valkey of the test's own."""
    async with a_valkey(tmp_path / "valkey", free_port()) as server:
        yield server


@pytest_asyncio.fixture
async def world(tmp_path: Path, valkey: Valkey) -> AsyncIterator[World]:
    """A world on that store."""
    async with a_world(tmp_path, redis_url=valkey.url) as made:
        yield made


@pytest.mark.parametrize("away", ["killed", "hanging"])
async def test_the_store_away_is_said_at_once_and_ends_without_a_restart(
    world: World, valkey: Valkey, away: str
) -> None:
    """Senders get 503 with Retry-After, a clicker a visible answer; when it is back everything goes on by itself."""
    await world.start()
    await world.deliver(alert("a"))
    await world.button("Acknowledge")
    await world.quiet()

    if away == "killed":
        valkey.kill()
    else:
        valkey.freeze()
    began = time.monotonic()
    answers = [await world.send(alert("b")) for _ in range(3)]
    sender = (time.monotonic() - began) / 3
    spans = await world.http.post(
        f"{world.origin}/v1/traces",
        content=b'{"resourceSpans": []}',
        headers={"authorization": f"Bearer {world.environment['OTLP_TOKEN']}", "content-type": "application/json"},
    )
    ready, alive = [await world.http.get(f"{world.origin}/{path}") for path in ("readyz", "healthz")]
    told, seen = await _click(world)
    print(
        f"\nstore {away}: senders {[a.status_code for a in answers]} in {sender * 1000:.0f} ms each, "
        f"a clicker was told {told[:60]!r} after {seen * 1000:.0f} ms"
    )
    assert [a.status_code for a in answers] == [503] * 3
    assert all(int(a.headers["retry-after"]) >= 1 for a in answers)
    assert (ready.status_code, alive.status_code) == (503, 200)
    assert spans.status_code in {200, 503}
    assert "Not confirmed" in told
    assert seen < MARGIN

    if away == "killed":
        await valkey.start()
    else:
        valkey.thaw()
    await world.deliver(alert("b"))
    await world.deliver(alert("b"))
    await _press_again(world)
    await world.until("acknowledged", lambda: _acknowledged(world))
    await world.quiet()
    (incident,) = await world.incidents()
    assert len(incident["alerts"]) == 2
    assert incident["agent"] == AGENT
    assert (await world.http.get(f"{world.origin}/readyz")).status_code == 200
    assert world.bot.child.poll() is None
    assert len(await world.posted("INC-1:card")) == 1
    await world.verified()


async def _click(world: World) -> tuple[str, float]:
    """Press Acknowledge while the store is away: what Lee is told, and how soon it stands in Slack."""
    (root,) = await world.posted("INC-1:card")
    channel = next(c["id"] for c in await world.slack.channels() if c.get("name", "").startswith("inc-1"))
    before = len(await world.slack.ephemerals(LEE, channel))
    began = time.monotonic()
    clicked = await world.slack.click(LEE, channel, root["ts"], "pullcord_ack")
    assert not clicked["timed_out"], clicked

    async def look() -> str | None:
        said = await world.slack.ephemerals(LEE, channel)
        return str(said[-1]["text"]) if len(said) > before else None

    told = await world.until("an answer for the clicker", look)
    return told, time.monotonic() - began


async def _press_again(world: World) -> None:
    """As the clicker was told to; unless the first click has landed after all, which a store that only hung may do."""
    await world.quiet()
    if not await _acknowledged(world):
        await world.press(LEE, "Acknowledge")


async def _acknowledged(world: World) -> bool:
    return bool((await world.incident())["acknowledged_by"] == LEE)
