"""A git remote with the ``git`` program: what the adapters that push a branch have in common.

The same branch with the same content is one push: author, date and message are fixed by the caller, so the commit's
hash is too. Credentials are git's own business (helper, key or token in its config).
"""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bot.errors import ActionFailed, OutcomeUnknown, Refused

_SECONDS = 60.0
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}")
_DATE = "2000-01-01T00:00:00+0000"
"""A fixed date: the commit's hash must depend on nothing but its content and the branch that it stands on."""


@dataclass(frozen=True, slots=True)
class GitRepository:
    """A remote and its base branch. ``named`` is what people call it, ``setting`` where the configuration says it."""

    remote: str
    branch: str
    named: str
    setting: str
    seconds: float = _SECONDS

    def __post_init__(self) -> None:
        """A relative path is one from where Pullcord runs: git itself runs in folders of its own."""
        if not self.remote.startswith("-") and ":" not in self.remote and Path(self.remote).is_dir():
            object.__setattr__(self, "remote", str(Path(self.remote).resolve()))

    async def head(self, branch: str) -> str | None:
        """The hash of the branch's commit on the remote, or None. Raises OutcomeUnknown."""
        try:
            lines = await self.git(None, "ls-remote", "--heads", "--", self.remote, f"refs/heads/{branch}")
        except ActionFailed as error:
            told = f"{self.named.capitalize()} cannot be read: {error.message}"
            raise OutcomeUnknown(told, next_step=error.next_step) from error
        return lines.split("\t", 1)[0].strip() or None

    async def checkout(self, root: Path) -> None:
        """The base branch with one commit, or an empty repository where the remote has none yet."""
        await self.git(root, "init", "--quiet", "--initial-branch", self.branch)
        base = await self.git(None, "ls-remote", "--heads", "--", self.remote, f"refs/heads/{self.branch}")
        if base.strip():
            await self.git(root, "fetch", "--quiet", "--depth", "1", "--", self.remote, self.branch)
            await self.git(root, "checkout", "--quiet", "-B", self.branch, "FETCH_HEAD")

    async def fetched(self, root: Path, branch: str) -> tuple[str, str]:
        """Fetch a branch into an empty folder as ``FETCH_HEAD``; its commit's hash and message. OutcomeUnknown."""
        try:
            await self.git(root, "init", "--quiet")
            await self.git(root, "fetch", "--quiet", "--depth", "1", "--", self.remote, f"refs/heads/{branch}")
            commit, _, told = (await self.git(root, "log", "-1", "--format=%H%n%B", "FETCH_HEAD")).partition("\n")
        except ActionFailed as error:
            raise OutcomeUnknown(f"The branch {branch} cannot be read: {error.message}") from error
        return commit, told

    async def commit(self, root: Path, message: str) -> str:
        """Commit all that was written; the commit's hash."""
        await self.git(root, "add", "--all")
        await self.git(root, "commit", "--quiet", "--allow-empty", "--message", message)
        return (await self.git(root, "rev-parse", "HEAD")).strip()

    async def push(self, root: Path, branch: str, commit: str) -> None:
        """Push and read back: only the remote's own answer says that the branch is there."""
        refused: ActionFailed | None = None
        try:
            await self.git(root, "push", "--quiet", "--", self.remote, f"HEAD:refs/heads/{branch}")
        except ActionFailed as error:
            refused = error  # a connection that broke after the push looks the same as one that broke before
        if await self.head(branch) == commit:
            return
        if refused is not None:
            raise refused
        message = f"git pushed {branch}, but the remote does not show it."
        raise OutcomeUnknown(message, next_step="Check looks for the branch again.")

    async def git(self, folder: Path | None, *arguments: str) -> str:
        """Run git without a prompt, hooks or other people's aliases. Raises ActionFailed with git's own words."""
        safe = ("-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", "-c", "commit.gpgSign=false")
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *safe,
                *arguments,
                cwd=folder,
                env=_environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except FileNotFoundError as error:
            message = "git is not installed where Pullcord runs."
            raise ActionFailed(message, next_step="Install git, or use the container image.") from error
        try:
            async with asyncio.timeout(self.seconds):
                out, told = await process.communicate()
        except (TimeoutError, asyncio.CancelledError) as error:
            process.kill()
            await process.wait()
            if isinstance(error, asyncio.CancelledError):
                raise
            message = f"git {arguments[0]} did not answer within {self.seconds:.0f} s."
            raise ActionFailed(message, next_step=f"See whether {self.named} can be reached.") from error
        if process.returncode:
            words = re.sub(r"//[^/\s]+@", "//[redacted]@", told.decode(errors="replace")).strip().splitlines()
            last = words[-1] if words else "no reason given"
            reason = next((line for line in words if line.startswith(("fatal:", "error:", " ! "))), last)
            message = f"git {arguments[0]} failed: {reason[:200]}"
            raise ActionFailed(message, next_step=f"See {self.setting} in the configuration and git's credentials.")
        return out.decode(errors="replace")


def checked_branch(branch: str) -> str:
    """The branch. Raises Refused for what git would not take as a branch's name, or would take for something else."""
    if not _BRANCH.fullmatch(branch) or ".." in branch or branch.endswith((".lock", "/", ".")):
        message = f"{branch!r} is not a name for a branch."
        raise Refused(message, field="branch")
    return branch


def place_in(root: Path, path: PurePosixPath) -> Path:
    """The file of the checkout, never one that a link of the repository points at. Raises ActionFailed."""
    at = root
    for part in path.parts:
        at = at / part
        if at.is_symlink():
            message = f"{path} leads through a symbolic link, and nothing is written through one."
            raise ActionFailed(message, next_step="Name the file itself in the configuration.")
    return at


def _environment() -> dict[str, str]:
    return {
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
