"""A git remote as eval repository: pushes one branch per case with the ``git`` program.

The same branch with the same content is one push: author, date and message are fixed by the case, so the commit's hash
is too. A branch that holds something else is left alone.
"""

import asyncio
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict

from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import control_plane
from bot.ports import EvalTarget, PushedCase

_SECONDS = 60.0
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}")
_DATE = "2000-01-01T00:00:00+0000"
"""A fixed date: the commit's hash must depend on nothing but its content and the branch that it stands on."""


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

    async def push(self, branch: str, files: Mapping[str, str], message: str) -> PushedCase:
        """Commit the files on top of the base branch and push them as ``branch``.

        Raises ActionFailed when git says no (nothing was pushed), OutcomeUnknown when the push did not come back.
        """
        _checked_branch(branch)
        with tempfile.TemporaryDirectory(prefix="pullcord-git-") as folder:
            root = Path(folder)
            await self._checkout(root)
            for name, text in files.items():
                path = root / _inside(self._target.directory, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            await _git(root, "add", "--all")
            await _git(root, "commit", "--quiet", "--allow-empty", "--message", message)
            commit = (await _git(root, "rev-parse", "HEAD")).strip()
            there = await self._head(branch)
            if there is None:
                await self._push(root, branch, commit)
            elif there != commit:
                told = f"The branch {branch} already holds another commit ({there[:10]})."
                raise ActionFailed(told, next_step="Look at it; delete or merge it, then press again.")
        main = next((name for name in files if name.endswith((".yaml", ".jsonl", ".json"))), next(iter(files)))
        return PushedCase(branch=branch, commit=commit, path=str(_inside(self._target.directory, main)))

    async def find(self, branch: str) -> PushedCase | None:
        """The branch on the remote, or None. Raises OutcomeUnknown when the remote does not answer."""
        _checked_branch(branch)
        commit = await self._head(branch)
        if commit is None:
            return None
        with tempfile.TemporaryDirectory(prefix="pullcord-git-") as folder:
            root = Path(folder)
            try:
                await _git(root, "init", "--quiet")
                await _git(root, "fetch", "--quiet", "--depth", "1", "--", self._target.remote, f"refs/heads/{branch}")
                commit, _, message = (await _git(root, "log", "-1", "--format=%H%n%B", "FETCH_HEAD")).partition("\n")
            except ActionFailed as error:
                raise OutcomeUnknown(f"The branch {branch} cannot be read: {error.message}") from error
        return PushedCase(branch=branch, commit=commit, path=self._target.directory, message=message)

    async def _head(self, branch: str) -> str | None:
        """The hash of the branch's commit on the remote, or None. Raises OutcomeUnknown."""
        try:
            lines = await _git(None, "ls-remote", "--heads", "--", self._target.remote, f"refs/heads/{branch}")
        except ActionFailed as error:
            raise OutcomeUnknown(f"The eval repository cannot be read: {error.message}") from error
        return lines.split("\t", 1)[0].strip() or None

    async def _checkout(self, root: Path) -> None:
        """The base branch with one commit, or an empty repository where the remote has none yet."""
        await _git(root, "init", "--quiet", "--initial-branch", self._target.branch)
        base = await _git(None, "ls-remote", "--heads", "--", self._target.remote, f"refs/heads/{self._target.branch}")
        if base.strip():
            await _git(root, "fetch", "--quiet", "--depth", "1", "--", self._target.remote, self._target.branch)
            await _git(root, "checkout", "--quiet", "-B", self._target.branch, "FETCH_HEAD")

    async def _push(self, root: Path, branch: str, commit: str) -> None:
        """Push and read back: only the remote's own answer says that the branch is there."""
        refused: ActionFailed | None = None
        try:
            await _git(root, "push", "--quiet", "--", self._target.remote, f"HEAD:refs/heads/{branch}")
        except ActionFailed as error:
            refused = error  # a connection that broke after the push looks the same as one that broke before
        if await self._head(branch) == commit:
            return
        if refused is not None:
            raise refused
        message = f"git pushed {branch}, but the remote does not show it."
        raise OutcomeUnknown(message, next_step="Check looks for the branch again.")


git = control_plane("git", settings=GitSettings)(GitRemote)


def _checked_branch(branch: str) -> None:
    if not _BRANCH.fullmatch(branch) or ".." in branch or branch.endswith((".lock", "/", ".")):
        message = f"{branch!r} is not a name for a branch."
        raise Refused(message, field="branch")


def _inside(directory: str, name: str) -> PurePosixPath:
    path = PurePosixPath(directory) / name
    if path.is_absolute() or ".." in path.parts or ".git" in path.parts:
        message = f"{name!r} does not lie in the directory of the eval cases."
        raise Refused(message, field="path")
    return path


async def _git(folder: Path | None, *arguments: str) -> str:
    """Run git without a prompt, hooks or other people's aliases. Raises ActionFailed with git's own words."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("PULLCORD_", "SLACK_", "GIT_"))},
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_AUTHOR_NAME": "Pullcord",
        "GIT_AUTHOR_EMAIL": "pullcord@localhost",
        "GIT_COMMITTER_NAME": "Pullcord",
        "GIT_COMMITTER_EMAIL": "pullcord@localhost",
        "GIT_AUTHOR_DATE": _DATE,
        "GIT_COMMITTER_DATE": _DATE,
    }
    safe = ("-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", "-c", "commit.gpgSign=false")
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *safe,
            *arguments,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as error:
        message = "git is not installed where Pullcord runs."
        raise ActionFailed(message, next_step="Install git, or use the container image.") from error
    try:
        async with asyncio.timeout(_SECONDS):
            out, told = await process.communicate()
    except (TimeoutError, asyncio.CancelledError) as error:
        process.kill()
        await process.wait()
        if isinstance(error, asyncio.CancelledError):
            raise
        message = f"git {arguments[0]} did not answer within {_SECONDS:.0f} s."
        raise ActionFailed(message, next_step="See whether the eval repository can be reached.") from error
    if process.returncode:
        words = re.sub(r"//[^/@\s]+@", "//[redacted]@", told.decode(errors="replace")).strip().splitlines()
        message = f"git {arguments[0]} failed: {(words[-1] if words else 'no reason given')[:200]}"
        raise ActionFailed(message, next_step="See evals.remote in the configuration and git's credentials.")
    return out.decode(errors="replace")
