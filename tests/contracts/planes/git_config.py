"""A configuration file behind a git remote: its peer is a bare repository beside the test."""

import subprocess
from pathlib import Path

from tests.contracts.planes.case import PlaneCase
from tests.contracts.planes.code_hosts import BELOW, FILE, TEXT, file_deeds
from tests.contracts.planes.peer import Peer, Setup

_WHO = ("-c", "user.name=Tess", "-c", "user.email=tess@example.org")


class BareConfiguration(Peer):
    """A bare repository with the file on ``main``."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.remote = setup.folder / "config.git"
        self._work = setup.folder / "work"
        _git("init", "--quiet", "--bare", "--initial-branch", "main", str(self.remote))
        _git("clone", "--quiet", str(self.remote), str(self._work))
        self.by_hand(TEXT)

    async def mark(self) -> object:
        """Every branch with its commit."""
        return _git("--git-dir", str(self.remote), "for-each-ref")

    def text(self) -> str:
        """The file as it stands on main."""
        return _git("--git-dir", str(self.remote), "show", f"main:{FILE}")

    def by_hand(self, text: str) -> None:
        """Somebody commits the file."""
        if _git("--git-dir", str(self.remote), "for-each-ref"):
            _git("fetch", "--quiet", "origin", "main", cwd=self._work)
            _git("reset", "--quiet", "--hard", "FETCH_HEAD", cwd=self._work)
        (self._work / FILE).write_text(text, encoding="utf-8")
        _git("add", "--all", cwd=self._work)
        _git(*_WHO, "commit", "--quiet", "--allow-empty", "-m", "by hand", cwd=self._work)
        _git("push", "--quiet", "origin", "HEAD:refs/heads/main", cwd=self._work)


def _git(*arguments: str, cwd: Path = Path("/")) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True, cwd=cwd)
    return done.stdout


_LOCAL = "git's own credentials and connection: the remote is a path here"
CASE = PlaneCase(
    type="git_config",
    peer=BareConfiguration,
    options=lambda peer: {"remote": str(peer.remote), "file": FILE, "below": BELOW, "mode": "commit"},
    deeds=file_deeds(),
    lacks=dict.fromkeys(("drop", "hang", "fail_after", "nothing", "credentials", "base"), _LOCAL),
    real="tests/runbooks/controls/test_config_file.py",
    note="a value in a file, by the git program: a commit, or a branch; pending until it is deployed",
)
