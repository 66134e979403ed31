"""A git remote as eval repository: pushes one branch per case.

A branch that holds something else is left alone.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bot.errors import ActionFailed
from bot.plugin import control_plane
from bot.ports import EvalTarget, PushedCase
from runbooks.controls import pull_text
from runbooks.controls.eval_files import case_path, inside
from runbooks.controls.git_remote import GitRepository, checked_branch, place_in


class GitSettings(BaseModel):
    """Nothing of its own: ``evals:`` says where."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class GitRemote:
    """Meets EvalRepository."""

    name = "git"

    def __init__(self, settings: GitSettings, target: EvalTarget) -> None:
        """``target`` names the remote; credentials are git's own business (helper, key or token in its config)."""
        del settings  # it has none
        self._target = target
        self._repository = GitRepository(target.remote or "", target.branch, "the eval repository", "evals.remote")

    async def push(self, branch: str, files: Mapping[str, str], message: str) -> PushedCase:
        """Commit the files on top of the base branch and push them as ``branch``.

        Raises ActionFailed when git says no (nothing was pushed), OutcomeUnknown when the push did not come back.
        """
        checked_branch(branch)
        with tempfile.TemporaryDirectory(prefix="pullcord-git-") as folder:
            root = Path(folder)
            await self._repository.checkout(root)
            for name, text in files.items():
                path = place_in(root, inside(self._target.directory, name))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            commit = await self._repository.commit(root, pull_text.message(message, pull_text.execution_in(message)))
            there = await self._repository.head(branch)
            if there is None:
                await self._repository.push(root, branch, commit)
            elif there != commit:
                told = f"The branch {branch} already holds another commit ({there[:10]})."
                raise ActionFailed(told, next_step="Look at it; delete or merge it, then press again.")
        return PushedCase(branch=branch, commit=commit, path=str(inside(self._target.directory, case_path(files))))

    async def find(self, branch: str) -> PushedCase | None:
        """The branch on the remote, or None. Raises OutcomeUnknown when the remote does not answer."""
        checked_branch(branch)
        if await self._repository.head(branch) is None:
            return None
        with tempfile.TemporaryDirectory(prefix="pullcord-git-") as folder:
            commit, message = await self._repository.fetched(Path(folder), branch)
        return PushedCase(branch=branch, commit=commit, path=self._target.directory, message=message)


git = control_plane("git", settings=GitSettings)(GitRemote)
