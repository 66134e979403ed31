"""One running Pullcord for all of these tests: a stand-in Slack, the bot with its embedded store, each a process.

Every test has an incident of its own. ``pullcord`` is how the outside world sees it: what senders send, what people see
and press in Slack, what an agent reads, what stands on the page.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from sandbox.demo.processes import start
from sandbox.slack.client import SandboxClient
from tests.support.world import ROOT, World, prepare
from tests.support.world_pullcord import Pullcord


@dataclass(frozen=True)
class House:
    """What runs for the whole session."""

    folder: Path
    slack: str
    environment: dict[str, str]
    port: int


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start Slack and the bot; stop them in order."""
    folder = tmp_path_factory.mktemp("pullcord")
    prepare(folder)
    _more(folder)
    made = subprocess.run(
        [sys.executable, "-m", "bot", "manifest"], cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    (folder / "manifest.json").write_bytes(made.stdout)
    slack = start(
        "slack",
        [sys.executable, "-m", "sandbox.slack", "--port", "0", "--manifest", str(folder / "manifest.json")],
        {"PYTHONPATH": str(ROOT)},
        folder / "slack.log",
        ready=r"Slack sandbox: (http://\S+?)/\s",
    )
    try:
        world = asyncio.run(_bot(folder, slack.origin))
        try:
            yield House(folder, slack.origin, world.environment, world.port)
        finally:
            world.bot.stop()
    finally:
        slack.stop()


def _more(folder: Path) -> None:
    """Two agents whose flags lie in a file, one of them in ours too; and a mitigation short enough to see its end."""
    (folder / "flags.json").write_text('{"flags": {}}')
    config = folder / "pullcord.yaml"
    agents = """agents:
  fleet-bot: {on_call: [U0LEE], control: [embedded, flags]}
  flag-bot: {on_call: [U0LEE], control: flags}
"""
    text = config.read_text().replace("agents:\n", agents, 1)
    flags = f"controls:\n  flags: {{type: flagd, file: {folder / 'flags.json'}, poll: 1s}}\n"
    config.write_text(text + flags + "mitigations: {lengths: [12s, 1h, 4h, 24h, 7d]}\n")


async def _bot(folder: Path, slack: str) -> World:
    async with SandboxClient(slack) as client, httpx.AsyncClient() as http:
        world = World(folder, client, http)
        await world.start()
        await client.wait_connected()
        return world


@pytest_asyncio.fixture
async def pullcord(house: House, request: pytest.FixtureRequest) -> AsyncIterator[Pullcord]:
    """Pullcord as the outside world sees it."""
    async with SandboxClient(house.slack) as slack, httpx.AsyncClient(timeout=10, trust_env=False) as http:
        yield Pullcord(house.folder, slack, http, house.environment, house.port, str(request.node.name))
