"""Lasting fixes behind a git remote: a branch, pushed by the git program."""

from typing import Any

from runbooks.controls import pull_text
from tests.contracts.planes.case import PlaneCase
from tests.contracts.planes.code_hosts import FILE
from tests.contracts.planes.git_config import BareConfiguration
from tests.contracts.planes.peer import Setup


class Fixes(BareConfiguration):
    """Where ``fixes.<agent>.remote`` points: the plane is told it with each request."""

    last = ""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        Fixes.last = str(self.remote)


def _host(plane: Any) -> Any:
    return plane.at(Fixes.last, "the repository of refund-bot", "fixes.refund-bot.remote")


_LOCAL = "git's own credentials and connection: the remote is a path here"
_WORDS = pull_text.marked("A fix\n\nFor refund-bot.", "ex_1")
CASE = PlaneCase(
    type="git_branches",
    peer=Fixes,
    options=lambda _peer: {},
    once=lambda plane: _host(plane).propose("pullcord/inc-1-fix", "main", {FILE: "a: 1\n"}, "A fix", _WORDS, _WORDS),
    look=lambda plane: _host(plane).proposed("pullcord/inc-1-fix"),
    lacks={"hang": _LOCAL, "credentials": _LOCAL},
    real="tests/runbooks/test_open_fix.py",
    note="a lasting fix as a branch of a git remote",
)
