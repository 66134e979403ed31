"""A git remote as eval repository: its peer is a bare repository beside the test."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from bot.ports import EvalTarget
from tests.contracts.planes.case import PlaneCase
from tests.contracts.planes.peer import Peer, Setup


class BareRepository(Peer):
    """A bare repository with one commit on ``main``."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.remote = setup.folder / "evals.git"
        _git("init", "--quiet", "--bare", "--initial-branch", "main", str(self.remote))

    async def mark(self) -> object:
        """Every branch with its commit."""
        return _git("--git-dir", str(self.remote), "for-each-ref")

    def services(self) -> Mapping[type, object]:
        """``evals:`` of the configuration."""
        return {EvalTarget: EvalTarget(remote=str(self.remote), branch="main", directory="evals")}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True, cwd=Path("/"))
    return done.stdout


_LOCAL = "git's own credentials and connection: the remote is a path here"
CASE = PlaneCase(
    type="git",
    name="git",
    peer=BareRepository,
    options=lambda _peer: {},
    once=lambda plane: plane.push("pullcord/INC-1-case", {"case.yaml": "a: 1\n"}, "A case\n\nexecution ex_1"),
    look=lambda plane: plane.find("pullcord/INC-1-case"),
    lacks={"hang": _LOCAL, "credentials": _LOCAL},
    real="tests/peers/test_promptfoo.py",
    note="a branch in a git repository",
)
