"""The embedded control plane: desired state that agents read over OFREP with their own token.

It writes through the port ``DesiredState`` and verifies by the agent's own reads: a change is in force when the agent's
token has fetched the flag at this revision or a later one (PRODUCT.md, *Verified*).
"""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from bot.domain.action import Applied, Change, Target, Verification, Verified
from bot.domain.base import Json
from bot.domain.desired import MODEL, PAUSED, TOOLS_DENIED, AgentState
from bot.errors import Refused
from bot.plugin import control_plane
from bot.ports import Clock, DesiredState
from runbooks.controls.stored_settings import StoredSettings, shown

NAME = "embedded"


class EmbeddedSettings(BaseModel):
    """Nothing to set: it comes with the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Embedded(StoredSettings):
    """Meets ModelControl, ToolControl and AgentControl."""

    name = NAME

    def __init__(self, settings: EmbeddedSettings, desired: DesiredState, clock: Clock) -> None:
        """``desired`` keeps the state, ``clock`` dates what was read."""
        super().__init__(desired, clock)
        self._settings = settings

    # ------------------------------------------------------------------ plans

    async def pin_model(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``agent.model``."""
        before = (await self._desired.state(agent)).value(MODEL)
        if before == model:
            message = f"{agent} is already pinned to {model}."
            raise Refused(message, field="model", next_step="Choose another snapshot, or undo the pin.")
        target = self._target(agent, MODEL)
        summary = f"pinned {agent} to {model}"
        return Change(target=target, desired=model, before=before, summary=summary, expires_in=expires_in)

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to put one tool on the denied list."""
        before = _denied(await self._desired.state(agent), tool)
        if before:
            message = f"{tool} is already revoked from {agent}."
            raise Refused(message, field="tool", next_step="Choose another tool.")
        target = self._target(agent, TOOLS_DENIED, tool)
        summary = f"revoked {tool} from {agent}"
        return Change(target=target, desired=True, before=before, summary=summary, expires_in=expires_in)

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to take one tool off the denied list."""
        if not _denied(await self._desired.state(agent), tool):
            message = f"{tool} is not revoked from {agent}."
            raise Refused(message, field="tool", next_step="Nothing needs to be restored.")
        target = self._target(agent, TOOLS_DENIED, tool)
        return Change(target=target, desired=None, before=True, summary=f"restored {tool} to {agent}")

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to set ``agent.paused``."""
        if (await self._desired.state(agent)).value(PAUSED) is True:
            message = f"{agent} is already paused."
            raise Refused(message, next_step="Resume it first to pause it with another reason.")
        target = self._target(agent, PAUSED)
        summary = f"paused {agent}"
        return Change(target=target, desired=True, before=False, summary=summary, expires_in=expires_in)

    async def resume_agent(self, agent: str) -> Change:
        """Plan to clear ``agent.paused``."""
        if (await self._desired.state(agent)).value(PAUSED) is not True:
            message = f"{agent} is not paused."
            raise Refused(message, next_step="Nothing needs to be resumed.")
        return Change(target=self._target(agent, PAUSED), desired=None, before=True, summary=f"resumed {agent}")

    # ------------------------------------------------------------------ what the agent itself has seen

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """In force when the agent itself has read the flag since; mismatch when somebody set another value."""
        target, now = change.target, self._clock.now()
        setting = (await self._desired.state(target.subject)).setting(target.setting, target.element)
        held: Json = None if setting is None else setting.value
        if held != change.desired:
            detail = f"{target} now holds {shown(held)}, not {shown(change.desired)}"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        read = (await self._desired.reads(target.subject)).get(target.setting)
        if read is not None and applied.revision is not None and read.revision >= applied.revision:
            detail = f"{target.subject} itself read revision {read.revision} at {read.at:%H:%M:%S} UTC"
            return Verification(verified=Verified.IN_FORCE, detail=detail, at=now)
        last = "has never read its state" if read is None else f"last read its state at {read.at:%H:%M:%S} UTC"
        detail = f"written; {target.subject} {last}"
        return Verification(verified=Verified.PENDING, detail=detail, at=now)

    def _target(self, agent: str, flag: str, element: str | None = None) -> Target:
        return Target(control=NAME, subject=agent, setting=flag, element=element)


embedded = control_plane(NAME, settings=EmbeddedSettings)(Embedded)


def _denied(state: AgentState, tool: str) -> bool:
    setting = state.setting(TOOLS_DENIED, tool)
    return setting is not None and setting.value is True
