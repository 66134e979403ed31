"""The tool catalogue as a control plane: classes that people gave tools, beside those of the configuration.

Kept in the desired state under a subject of its own that no agent reads. Every later reading of a run uses them; a rule
of the configuration comes first, since it is the durable one.
"""

from pydantic import BaseModel, ConfigDict

from bot.domain.action import Applied, Change, Target, Verification, Verified
from bot.domain.desired import TOOL_CLASS, catalogue_of
from bot.domain.effect import Reversibility
from bot.errors import Refused
from bot.plugin import control_plane
from bot.ports import Clock, DesiredState
from runbooks.controls.stored_settings import StoredSettings, shown

NAME = "catalogue"


class CatalogueSettings(BaseModel):
    """Nothing to set: it comes with the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CatalogueClasses(StoredSettings):
    """Meets ToolClassControl."""

    name = NAME

    def __init__(self, settings: CatalogueSettings, desired: DesiredState, clock: Clock) -> None:
        """``desired`` keeps the classes."""
        super().__init__(desired, clock)
        del settings  # it has none

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

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """In force when it reads back: whoever reads a run from now on reads this class."""
        del applied
        held, now = (await self.current(change.target)).value, self._clock.now()
        if held != change.desired:
            detail = f"{change.target} now holds {shown(held)}, not {shown(change.desired)}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        return Verification(verified=Verified.IN_FORCE, detail="every run is read with it from now on", at=now)


catalogue = control_plane(NAME, settings=CatalogueSettings)(CatalogueClasses)


def _words(reversibility: Reversibility) -> str:
    return reversibility.value.replace("_", " ")
