"""The branch that writes a class into the catalogue for good: one commit with one rule, pushed once."""

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bot.errors import ActionFailed
from bot.ports import CatalogueTarget
from runbooks.controls.catalogue_file import has_rule, rule_of, with_rule
from runbooks.controls.git_remote import GitRepository, checked_branch, place_in

_NAMED, _SETTING = "the catalogue's repository", "catalogue_repository.remote"
_PUSH_SECONDS = 12.0
_READ_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class ToolClass:
    """What a person said: a tool of an agent, its class, and where they said so (``reason``)."""

    agent: str
    tool: str
    reversibility: str
    reason: str = ""

    @property
    def branch(self) -> str:
        """The branch's name: the same class of the same tool is the same branch."""
        identity = f"{self.agent}\0{self.tool}\0{self.reversibility}"
        digest = hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:8]
        return f"pullcord/classify-{_slug(self.agent)}-{_slug(self.tool)}-{_slug(self.reversibility)}-{digest}"

    @property
    def message(self) -> str:
        """The commit's message."""
        words = self.reversibility.replace("_", " ")
        title = " ".join(f"Classify {self.tool} of {self.agent} as {words}".split())[:120]
        return f"{title}\n\n{self.reason}\n"


class CatalogueBranch:
    """Pushes such branches, and looks for them."""

    def __init__(self, target: CatalogueTarget) -> None:
        """``target.remote`` must be given."""
        remote = target.remote or ""
        self._file = PurePosixPath(target.file)
        self._base = target.branch
        self._writes = GitRepository(remote, target.branch, _NAMED, _SETTING, _PUSH_SECONDS)
        self._reads = GitRepository(remote, target.branch, _NAMED, _SETTING, _READ_SECONDS)

    async def push(self, said: ToolClass) -> None:
        """Push the branch unless it, or the base, has the rule already. ActionFailed or OutcomeUnknown with the reason.

        A branch of this name that holds anything else is left alone.
        """
        checked_branch(said.branch)
        rule = rule_of(said.agent, said.tool, said.reversibility, said.reason)
        if await self._writes.head(said.branch) is not None:
            if not await self._holds(self._writes, said.branch, said):
                message = f"The branch {said.branch} is there already and does not hold this rule."
                raise ActionFailed(message, next_step="Look at it; delete or merge it, then classify the tool again.")
            return
        with tempfile.TemporaryDirectory(prefix="pullcord-git-") as folder:
            root = Path(folder)
            await self._writes.checkout(root)
            path = place_in(root, self._file)
            if not path.is_file():
                message = f"{_NAMED.capitalize()} has no {self._file} on {self._base}."
                raise ActionFailed(message, next_step="Set catalogue_repository.file and .branch to where it is.")
            text = path.read_bytes().decode("utf-8", "strict")
            if has_rule(text, rule):
                return
            path.write_bytes(with_rule(text, rule).encode())
            commit = await self._writes.commit(root, said.message)
            await self._writes.push(root, said.branch, commit)

    async def where(self, said: ToolClass) -> str | None:
        """Which branch of the remote holds the rule now: its own, else the base; None when neither does."""
        for branch in (said.branch, self._base):
            if await self._reads.head(branch) is not None and await self._holds(self._reads, branch, said):
                return branch
        return None

    async def _holds(self, repository: GitRepository, branch: str, said: ToolClass) -> bool:
        with tempfile.TemporaryDirectory(prefix="pullcord-git-") as folder:
            await repository.fetched(Path(folder), branch)
            try:
                text = await repository.git(Path(folder), "show", f"FETCH_HEAD:{self._file}")
                return has_rule(text, rule_of(said.agent, said.tool, said.reversibility, ""))
            except ActionFailed:
                return False  # no such file there, or none that can be read


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()[:40] or "x"
