"""A git remote without pages as a code host: a change becomes a branch, and nobody opens a pull request.

``fixes.<agent>.remote`` names one. The commit names the execution; a branch that was deleted is one that may be pushed
again, since a remote does not tell who deleted it.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from bot.errors import ActionFailed, Refused
from bot.plugin import ControlSettings, control_plane
from bot.ports import CodeHost, PullRequest
from runbooks.controls import pull_text
from runbooks.controls.eval_files import inside
from runbooks.controls.git_remote import GitRepository, checked_branch, place_in

_MOST_BYTES = 1_000_000


class GitBranchesSettings(ControlSettings):
    """Nothing of its own: ``fixes:`` says where."""


class GitBranches:
    """Meets RemoteHosts."""

    name = "git_branches"

    def __init__(self, settings: GitBranchesSettings) -> None:
        """Credentials are git's own business (helper, key or token in its config)."""
        del settings  # it has none

    def at(self, remote: str, named: str, setting: str) -> CodeHost:
        """The repository at this remote."""
        return GitHost(remote, named, setting)


git_branches = control_plane("git_branches", settings=GitBranchesSettings)(GitBranches)


class GitHost:
    """Meets CodeHost: ``PullRequest.number`` is 0, and ``state`` always ``open``."""

    def __init__(self, remote: str, named: str, setting: str) -> None:
        """See ``RemoteHosts.at``."""
        self._remote, self._named, self._setting = remote, named, setting

    def _on(self, branch: str) -> GitRepository:
        return GitRepository(self._remote, checked_branch(branch), self._named, self._setting, 7.0)

    async def read_file(self, path: str, ref: str) -> str | None:
        """The text of a file on a branch; None when the branch or the file is not there."""
        if await self._on(ref).head(ref) is None:
            return None
        return (await self.read_at(path, ref))[0]

    async def read_at(self, path: str, branch: str) -> tuple[str | None, str]:
        """The text of a file on a branch, and the commit that it was read at. ActionFailed where there is no branch."""
        repository = self._on(branch)
        await self._there(repository, branch)
        with tempfile.TemporaryDirectory(prefix="pullcord-git-") as folder:
            root = Path(folder)
            await repository.checkout(root)
            head = (await repository.git(root, "rev-parse", "HEAD")).strip()
            at = place_in(root, inside("", path))
            if not at.is_file():
                return None, head
            with at.open("rb") as file:
                raw = file.read(_MOST_BYTES + 1)
        try:
            if len(raw) > _MOST_BYTES:
                raise ValueError
            return raw.decode("utf-8", "strict"), head
        except ValueError:
            message = f"{path} of {self._named} is no text file of up to 1 MB."
            raise ActionFailed(message, next_step="Correct the path in the configuration.") from None

    async def propose(
        self, branch: str, base: str, files: Mapping[str, str], title: str, body: str, message: str
    ) -> PullRequest:
        """Push the branch with one commit on ``base``. Raises Refused where it is there already, by another press."""
        del title, body  # there is nothing but the commit to read
        execution = pull_text.execution_in(message)
        repository = self._on(base)
        there = await self.proposed(branch)
        if there is not None:
            if execution is None or pull_text.execution_in(there.body) != execution:
                told = f"The branch {branch} of {self._named} is there already."
                raise Refused(told, next_step="Review that one; delete or merge it, then press again.")
            return there
        await self._there(repository, base)
        with tempfile.TemporaryDirectory(prefix="pullcord-git-") as folder:
            root = Path(folder)
            await repository.checkout(root)
            _write(root, files)
            words = pull_text.message(message, execution)
            commit = await repository.commit(root, words)
            await repository.push(root, branch, commit)
        return PullRequest(number=0, url="", state="open", branch=branch, commit=commit, body=words)

    async def proposed(self, branch: str) -> PullRequest | None:
        """The branch, if it is there."""
        repository = self._on(branch)
        if await repository.head(branch) is None:
            return None
        with tempfile.TemporaryDirectory(prefix="pullcord-git-") as folder:
            commit, message = await repository.fetched(Path(folder), branch)
        return PullRequest(number=0, url="", state="open", branch=branch, commit=commit, body=message)

    async def commit_file(self, path: str, text: str, branch: str, on: str, message: str) -> str:
        """One commit on the branch, only while its head is still ``on``. Raises Refused where it has moved."""
        repository = self._on(branch)
        with tempfile.TemporaryDirectory(prefix="pullcord-git-") as folder:
            root = Path(folder)
            await repository.checkout(root)
            if (await repository.git(root, "rev-parse", "HEAD")).strip() != on:
                raise Refused(f"The branch {branch} of {self._named} moved meanwhile.", next_step="Press again.")
            _write(root, {path: text})
            commit = await repository.commit(root, message)
            try:
                await repository.push(root, branch, commit)
            except ActionFailed:
                if await repository.head(branch) == on:
                    raise
                told = f"The branch {branch} of {self._named} moved meanwhile."
                raise Refused(told, next_step="Press again.") from None
        return commit

    async def close(self, branch: str) -> PullRequest | None:
        """Delete the branch. None where there is none."""
        there = await self.proposed(branch)
        if there is not None:
            await self._on(branch).git(None, "push", "--quiet", "--", self._remote, f":refs/heads/{branch}")
        return there

    async def _there(self, repository: GitRepository, branch: str) -> None:
        if await repository.head(branch) is None:
            told = f"{self._named.capitalize()} has no branch {branch}."
            raise ActionFailed(told, next_step=f"See the branch beside {self._setting}.")


def _write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = place_in(root, PurePosixPath(inside("", name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
