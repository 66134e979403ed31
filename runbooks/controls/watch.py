"""That Pullcord looks at an incident again, kept as a target that can be read back and taken back like any other.

It restrains nothing. The engine's own due time does the looking (``Change.look_at``); what is kept here says that it is
wanted, until when and by whom, so that cancelling it is an undo and a worker that died finds out where it was.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bot.domain.action import Applied, Change, Target, Verification, Verified
from bot.domain.desired import WATCH, watches_of
from bot.plugin import control_plane
from bot.ports import Clock, DesiredState
from runbooks.controls.stored_settings import StoredSettings

NAME = "watch"


class WatchSettings(BaseModel):
    """Nothing to set: it comes with the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Watch(StoredSettings):
    """Meets WatchControl."""

    name = NAME

    def __init__(self, settings: WatchSettings, desired: DesiredState, clock: Clock) -> None:
        """``desired`` keeps what is watched, ``clock`` dates what was read."""
        super().__init__(desired, clock)
        del settings  # it has none

    def subject_of(self, target: Target) -> str:
        """Under which name the watches of an incident are kept."""
        return watches_of(target.subject)

    async def watch(self, incident: str, execution: str, at: datetime) -> Change:
        """Plan to look at the incident again at a time."""
        target = Target(control=NAME, subject=incident, setting=WATCH, element=execution or "preview")
        until = f"{at:%Y-%m-%d %H:%M} UTC"
        summary = f"waits, and looks at {incident} again at {until}"
        return Change(target=target, desired={"until": at.isoformat()}, summary=summary, look_at=at)

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """In force while it is kept: Pullcord itself is what looks."""
        del applied  # the value says it all
        held, now = await self.current(change.target), self._clock.now()
        if held.value != change.desired:
            detail = "nobody waits any more: it was taken back or its time has come"
            return Verification(verified=Verified.MISMATCH, detail=detail, at=now)
        when = f"at {change.look_at:%H:%M} UTC" if change.look_at is not None else "at its time"
        detail = f"Pullcord looks again {when}: does an alert still fire, did new runs do the same"
        if change.desired is None:
            detail = "nobody waits any more"
        return Verification(verified=Verified.IN_FORCE, detail=detail, at=now)


watch = control_plane(NAME, settings=WatchSettings)(Watch)
