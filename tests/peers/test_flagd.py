"""OpenFeature's own flagd provider reads the file that Pullcord writes, beside flags of other people."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import Restraint, Verified
from bot.engine.planning import ControlPlanes
from bot.ports import Clock
from bot.registry import discover
from bot.settings import load_settings
from tests.peers.place import told, until
from tests.peers.programs import installed
from tests.support.clock import WallClock

pytestmark = [pytest.mark.peers, pytest.mark.timeout(900)]

CLIENT = Path(__file__).parent / "data" / "flagd_client.py"
WHY = Restraint(incident="INC-7", by="@dana", why="refunds go to the wrong people")
CHECKOUT: dict[str, Any] = {
    "state": "ENABLED",
    "variants": {"on": True, "off": False},
    "defaultVariant": "off",
    "targeting": {"if": [{"==": [{"var": "tier"}, "gold"]}, "on"]},
}
MODEL = {"state": "ENABLED", "variants": {"stable": "gpt-x", "next": "gpt-y"}, "defaultVariant": "stable"}


@dataclass
class Agent:
    """A process with OpenFeature in it."""

    child: "subprocess.Popen[str]"

    def flag(self, key: str, kind: str, default: object) -> dict[str, Any]:
        """What the provider says of a flag now."""
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps({"key": key, "kind": kind, "default": default}) + "\n")
        self.child.stdin.flush()
        return dict(json.loads(self.line()))

    def line(self) -> str:
        """What it says next."""
        assert self.child.stdout is not None
        return self.child.stdout.readline()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of flags that other people wrote."""
    path = tmp_path / "flags.json"
    flags = {"new-checkout": CHECKOUT, "refund-bot.model": MODEL}
    path.write_text(json.dumps({"flags": flags}), encoding="utf-8")
    return path


@pytest.fixture
def agent(file: Path) -> Iterator[Agent]:
    """The provider, looking at the file twice in a second."""
    python = installed("flagd") / "python"
    environment = {"FLAGD_OFFLINE_POLL_MS": "500"}
    child = subprocess.Popen(
        [str(python), str(CLIENT), str(file)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        made = Agent(child)
        assert made.line() == "ready\n"
        yield made
    finally:
        child.kill()
        child.communicate()


@pytest.fixture
def plane(file: Path, tmp_path: Path) -> Any:
    """Pullcord's control plane for the file."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(f"controls: {{flags: {{type: flagd, file: '{file}', poll: 1s}}}}\n", encoding="utf-8")
    settings = load_settings({}, path)
    return ControlPlanes(discover(["runbooks"]), settings, {Clock: WallClock()}).plane("flags")


async def test_an_agent_is_pinned_and_gets_its_model_back(file: Path, agent: Agent, plane: Any) -> None:
    """The provider serves the pin with its reason within a second, and then what was usual."""
    assert agent.flag("refund-bot.model", "string", "")["value"] == "gpt-x"
    change = await plane.pin_model("refund-bot", "gpt-x-2026-03-12", None)
    before = await plane.current(change.target)
    assert before.value == "gpt-x"
    applied = await plane.apply(change, "ex_1", WHY)
    assert (await plane.verify(change, applied)).verified is Verified.PENDING
    seen = until(lambda: _with(agent, "refund-bot.model", "string", "", "gpt-x-2026-03-12"), "the pin")
    told("the provider after the pin", seen)
    assert seen["metadata"]["pullcord.incident"] == "INC-7"
    assert seen["metadata"]["pullcord.why"] == WHY.why
    found = await plane.verify(change, applied)
    while found.verified is Verified.PENDING:
        found = await plane.verify(change, applied)
    assert found.verified is Verified.IN_FORCE
    await plane.restore(change, applied, before, "ex_2")
    seen = until(lambda: _with(agent, "refund-bot.model", "string", "", "gpt-x"), "the usual model")
    assert "pullcord.incident" not in seen["metadata"]
    assert json.loads(file.read_text(encoding="utf-8"))["flags"]["new-checkout"] == CHECKOUT


async def test_tools_are_denied_one_by_one(agent: Agent, plane: Any) -> None:
    """Two people deny two tools of one agent; one is given back, the other stays."""
    none: dict[str, Any] = {"tools": []}
    one = await plane.revoke_tool("refund-bot", "issue_refund", None)
    other = await plane.revoke_tool("refund-bot", "mcp/send_email", None)
    await plane.apply(one, "ex_1", WHY)
    await plane.apply(other, "ex_2", WHY)
    both = {"tools": ["issue_refund", "mcp/send_email"]}
    assert until(lambda: _with(agent, "refund-bot.tools.denied", "object", none, both), "both are denied")
    back = await plane.restore_tool("refund-bot", "issue_refund")
    await plane.apply(back, "ex_3", None)
    left = {"tools": ["mcp/send_email"]}
    assert until(lambda: _with(agent, "refund-bot.tools.denied", "object", none, left), "one is given back")


async def test_an_agent_is_paused_and_resumed(agent: Agent, plane: Any) -> None:
    """A flag that was in no file is made; lifted, it serves its neutral value."""
    assert agent.flag("refund-bot.paused", "boolean", False)["value"] is False
    change = await plane.pause_agent("refund-bot", None)
    await plane.apply(change, "ex_1", WHY)
    assert until(lambda: _with(agent, "refund-bot.paused", "boolean", False, True), "it is paused")
    await plane.apply(await plane.resume_agent("refund-bot"), "ex_2", None)
    assert until(lambda: _with(agent, "refund-bot.paused", "boolean", True, False), "it is resumed")


def _with(agent: Agent, key: str, kind: str, default: object, value: object) -> dict[str, Any] | None:
    found = agent.flag(key, kind, default)
    return found if found["value"] == value else None
