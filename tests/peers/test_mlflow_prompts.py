"""A real MLflow with its authentication: an alias is moved, a real client goes on with what it cached, then follows."""

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import Restraint, Verified
from bot.engine.planning import ControlPlanes
from bot.errors import ActionFailed, Refused
from bot.ports import Clock
from bot.registry import discover
from bot.settings import load_settings
from tests.peers.place import free_port, told, until
from tests.peers.programs import Program, installed, running
from tests.support.clock import WallClock

pytestmark = [pytest.mark.peers, pytest.mark.timeout(1500)]

CLIENT = Path(__file__).parent / "data" / "mlflow_client.py"
PROMPT, TTL = "refund-agent", 3.0
WHY = Restraint(incident="INC-7", by="@dana", why="version 2 refunds too much")


@dataclass
class Registry:
    """The server, its user's password, and where its commands are."""

    program: Program
    commands: Path
    password: str

    @contextlib.contextmanager
    def client(self, *texts: str) -> Iterator["Client"]:
        """An agent of its own, which registers these texts first."""
        environment = {
            "PATH": os.environ["PATH"],
            "MLFLOW_TRACKING_URI": self.program.url,
            "MLFLOW_TRACKING_USERNAME": "admin",
            "MLFLOW_TRACKING_PASSWORD": self.password,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        command = [str(self.commands / "python"), str(CLIENT), PROMPT, "production", str(TTL), *texts]
        child = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            client = Client(child)
            assert client.line() == "ready"
            yield client
        finally:
            child.kill()
            child.communicate()

    def plane(self, folder: Path, password: str | None = None) -> Any:
        """Pullcord's control plane for it, as the configuration makes it."""
        path = folder / "pullcord.yaml"
        path.write_text(
            f"controls: {{prompts: {{type: mlflow_prompts, url: '{self.program.url}', username: admin, timeout: 15s, "
            f"password: '${{MLFLOW_PASSWORD}}', prompts: {{refund-bot: {PROMPT}}}, client_ttl: {TTL:g}s}}}}\n",
            encoding="utf-8",
        )
        settings = load_settings({"MLFLOW_PASSWORD": password or self.password}, path)
        return ControlPlanes(discover(["runbooks"]), settings, {Clock: WallClock()}).plane("prompts")


@dataclass
class Client:
    """An agent that loads its prompt when it is asked to."""

    child: "subprocess.Popen[str]"

    def load(self) -> str:
        """The text that it has now: cached or loaded."""
        assert self.child.stdin is not None
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        return self.line()

    def line(self) -> str:
        """What it says next."""
        assert self.child.stdout is not None
        return self.child.stdout.readline().rstrip("\n")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """MLflow with its basic authentication."""
    commands = installed("mlflow")
    port, password = free_port(), secrets.token_urlsafe(24)
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
    }
    command = [
        *(str(commands / "mlflow"), "server", "--app-name", "basic-auth", "--workers", "1"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "./artifacts"),
    ]
    folder = tmp_path_factory.mktemp("mlflow-prompts")
    with running("mlflow", command, environment, folder, f"http://127.0.0.1:{port}", "/health") as program:
        yield Registry(program, commands, password)


async def test_an_agents_prompt_is_moved_back_and_forth_again(registry: Registry, tmp_path: Path) -> None:
    """The preview writes nothing; after the write the client's cache ends before it is green; the undo likewise."""
    plane = registry.plane(tmp_path)
    with registry.client("Refund what is right.", "Refund whatever is asked for.") as agent:
        assert agent.load() == "Refund whatever is asked for."
        versions = await plane.prompt_versions("refund-bot")
        assert [(v.id, v.current) for v in versions] == [("2", True), ("1", False)]
        assert versions[1].beginning.startswith("Refund what is right")
        change = await plane.rollback_prompt("refund-bot", "1", None)
        before = await plane.current(change.target)
        assert (before.value, before.anonymous) == ("2", True)

        applied = await plane.apply(change, "ex_1", WHY)
        assert (await plane.apply(change, "ex_1", WHY)).already
        first = await plane.verify(change, applied)
        assert first.verified is Verified.PENDING
        assert first.known_at is not None
        told("right after the write", f"{first.verified}: {first.detail}; the client has {agent.load()!r}")
        assert until(lambda: agent.load() == "Refund what is right.", "the client follows")
        held = await plane.current(change.target)
        assert (held.value, held.owner, held.restraint) == ("1", "ex_1", WHY)
        seen = await _settled(plane, change, applied)
        told("after client_ttl", f"{seen.verified}: {seen.detail}")
        assert seen.verified is Verified.IN_FORCE

        await plane.restore(change, applied, before, "ex_2")
        assert (await plane.current(change.target)).value == "2"
        assert until(lambda: agent.load() == "Refund whatever is asked for.", "the client follows back")
        assert (await plane.verify(change, applied)).verified is Verified.MISMATCH


async def test_what_somebody_else_moved_stays(registry: Registry, tmp_path: Path) -> None:
    """A real client moves the alias in between: the undo is refused, and the alias is where they put it."""
    plane = registry.plane(tmp_path)
    with registry.client("A first one.", "A second one."):
        newest = (await plane.prompt_versions("refund-bot"))[0].id
        change = await plane.rollback_prompt("refund-bot", str(int(newest) - 1), None)
        before = await plane.current(change.target)
        applied = await plane.apply(change, "ex_3", WHY)
    with registry.client("A third one."):
        with pytest.raises(Refused, match="no longer what this action set"):
            await plane.restore(change, applied, before, "ex_4")
        assert (await plane.current(change.target)).value == str(int(newest) + 1)
    with pytest.raises(Refused, match="has no version 99"):
        await plane.rollback_prompt("refund-bot", "99", None)


async def test_a_wrong_password_is_said_without_it(registry: Registry, tmp_path: Path) -> None:
    """MLflow answers 401; the person learns which setting to look at."""
    wrong = f"wrong-{secrets.token_hex(12)}"
    plane = registry.plane(tmp_path, wrong)
    with pytest.raises(ActionFailed, match=r"refused our credentials \(401\)") as raised:
        await plane.rollback_prompt("refund-bot", "1", None)
    assert "controls.prompts" in str(raised.value)
    assert wrong not in repr(raised.value)


async def _settled(plane: Any, change: Any, applied: Any) -> Any:
    """Look until it is no longer pending: at most ``client_ttl``, which is over soon."""
    found = await plane.verify(change, applied)
    while found.verified is Verified.PENDING:
        found = await plane.verify(change, applied)
    return found
