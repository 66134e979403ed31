"""The tool catalogue as a control plane: classes that people gave tools, beside those of the configuration.

Kept in the desired state under a subject of its own that no agent reads. Every later reading of a run uses them; a rule
of the configuration comes first, since it is the durable one. So that it becomes one, the change is also pushed as a
branch of ``catalogue_repository``, after it took effect: a push that fails leaves the class in force, and says so.
"""

import asyncio

import structlog
from pydantic import BaseModel, ConfigDict

from bot.domain.action import Applied, Change, Restraint, Target, Verification, Verified
from bot.domain.base import Json
from bot.domain.desired import TOOL_CLASS, catalogue_of
from bot.domain.effect import Reversibility
from bot.errors import PullcordError, Refused
from bot.plugin import control_plane
from bot.ports import CatalogueTarget, Clock, DesiredState
from runbooks.controls.catalogue_branch import CatalogueBranch, ToolClass
from runbooks.controls.catalogue_file import rule_of, written
from runbooks.controls.stored_settings import StoredSettings, shown

NAME = "catalogue"
_PUSH_SECONDS = 14.0
_LOOK_SECONDS = 6.0
_MOST_REASONS = 100

log = structlog.get_logger(__name__)


class CatalogueSettings(BaseModel):
    """Nothing to set: it comes with the store, and ``catalogue_repository:`` says where the durable one is."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_NOWHERE = CatalogueTarget()


class CatalogueClasses(StoredSettings):
    """Meets ToolClassControl."""

    name = NAME

    def __init__(
        self, settings: CatalogueSettings, desired: DesiredState, clock: Clock, target: CatalogueTarget = _NOWHERE
    ) -> None:
        """``desired`` keeps the classes, ``target`` says where they are kept for good."""
        super().__init__(desired, clock)
        del settings  # it has none
        self._target = target
        self._branches = CatalogueBranch(target) if target.remote is not None else None
        self._refusals: dict[str, str] = {}

    def subject_of(self, target: Target) -> str:
        """Under which name the classes of the agent's tools are kept."""
        return catalogue_of(target.subject)

    async def classify_tool(self, agent: str, tool: str, reversibility: Reversibility) -> Change:
        """Plan to class one tool of the agent. Refused when it has that class already."""
        target = Target(control=NAME, subject=agent, setting=TOOL_CLASS, element=tool)
        before = (await self.current(target)).value
        if before == reversibility.value:
            message = f"{tool} of {agent} is already classified as {_words(reversibility)}."
            raise Refused(message, field="reversibility", next_step="Choose another class.")
        summary = f"classified {tool} of {agent} as {_words(reversibility)}"
        return Change(target=target, desired=reversibility.value, before=before, summary=summary, reread=True)

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Write the class, once per key; then push its branch. A failed push is told by ``verify``."""
        applied = await super().apply(change, key, restraint)
        said = _said(change, change.desired, restraint)
        if self._branches is not None and said is not None:
            why = await self._pushed(self._branches, said)
            self._refusals.pop(said.branch, None)
            if why is not None:
                while len(self._refusals) >= _MOST_REASONS:
                    self._refusals.pop(next(iter(self._refusals)))
                self._refusals[said.branch] = why
        return applied

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """In force when it reads back: whoever reads a run from now on reads this class. The branch is told beside."""
        del applied
        held, now = (await self.current(change.target)).value, self._clock.now()
        if held != change.desired:
            detail = f"{change.target} now holds {shown(held)}, not {shown(change.desired)}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        if change.desired is None:
            detail = f"every run is read without it from now on{self._left(change)}"
        else:
            detail = f"every run is read with it from now on{await self._kept(change)}"
        return Verification(verified=Verified.IN_FORCE, detail=detail, at=now)

    # ------------------------------------------------------------------ the durable catalogue

    async def _pushed(self, branches: CatalogueBranch, said: ToolClass) -> str | None:
        """Why the branch could not be pushed; None when it was, or needs no push."""
        try:
            async with asyncio.timeout(_PUSH_SECONDS):
                await branches.push(said)
        except (PullcordError, TimeoutError, OSError, ValueError) as error:
            why = _why(error)
            log.warning("catalogue_branch_not_pushed", branch=said.branch, reason=why)
            return why
        return None

    async def _kept(self, change: Change) -> str:
        """Where the rule stands for good, in words; else why not, and what to do."""
        said = _said(change, change.desired, None)
        if self._branches is None or said is None:
            return ""
        place = f"{self._target.file} of the catalogue's repository"
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                branch = await self._branches.where(said)
        except (PullcordError, TimeoutError, OSError, ValueError) as error:
            if said.branch not in self._refusals:
                return f"; whether a branch writes it into {place} could not be read: {_why(error)}"
            branch = None
        if branch == self._target.branch:
            return f"; {place} has the rule already"
        if branch is not None:
            return f"; the branch {branch} writes it into {place}: merge it to keep it for good"
        why = self._refusals.get(said.branch, "no branch with it is there.")
        rule = written(rule_of(said.agent, said.tool, said.reversibility, ""))
        return f"; NOT written into {place}: {why} Add to its tools: {rule[:300]}"

    def _left(self, change: Change) -> str:
        said = _said(change, change.before, None)
        if self._branches is None or said is None:
            return ""
        return f"; where the branch {said.branch} was pushed, close it, or take its rule out again"


catalogue = control_plane(NAME, settings=CatalogueSettings)(CatalogueClasses)


def _said(change: Change, value: Json, restraint: Restraint | None) -> ToolClass | None:
    tool = change.target.element
    if tool is None or not isinstance(value, str):
        return None
    reason = ""
    if restraint is not None:
        reason = f"Classified in {restraint.incident}{f': {restraint.why}' if restraint.why else ''}"
    return ToolClass(change.target.subject, tool, value, " ".join(reason.split())[:300])


def _why(error: Exception) -> str:
    if isinstance(error, PullcordError):
        return str(error)[:400]
    return "it did not answer in time." if isinstance(error, TimeoutError) else f"{type(error).__name__}."


def _words(reversibility: Reversibility) -> str:
    return reversibility.value.replace("_", " ")
