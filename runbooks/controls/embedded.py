"""The embedded control plane: desired state that agents read over OFREP with their own token.

It writes through the port ``DesiredState`` and verifies by the agent's own reads: a change is in force when the agent's
token has fetched the flag at this revision or a later one (PRODUCT.md, *Verified*).
"""

from pydantic import BaseModel, ConfigDict

from bot.domain.action import Applied, Change, Restraint, Verification, Verified
from bot.domain.base import Json
from bot.plugin import control_plane
from bot.ports import Clock, DesiredState
from runbooks.controls.embedded_plans import Plans
from runbooks.controls.stored_settings import shown

NAME = "embedded"


class EmbeddedSettings(BaseModel):
    """Nothing to set: it comes with the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Embedded(Plans):
    """Meets every port that an agent's flags can meet: models, tools, pause, bounds of arguments, the prompt's end."""

    name = NAME

    def __init__(self, settings: EmbeddedSettings, desired: DesiredState, clock: Clock) -> None:
        """``desired`` keeps the state, ``clock`` dates what was read."""
        super().__init__(desired, clock)
        self._settings = settings

    async def extend(self, change: Change, applied: Applied, restraint: Restraint, key: str) -> Applied:
        """Write the same value with the restraint's new end, which agents are shown; still ours afterwards."""
        target = change.target
        ours = await self._ours(target, applied)
        written = await self._desired.put(
            target.subject,
            target.setting,
            target.element,
            change.desired,
            key=key,
            restraint=restraint,
            only_if_key=ours,
            owner=ours,
        )
        return written.model_copy(update={"key": ours})

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


embedded = control_plane(NAME, settings=EmbeddedSettings)(Embedded)
