"""Settings kept in the desired state: what the adapters that write there have in common."""

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target
from bot.domain.base import Json
from bot.errors import Refused
from bot.ports import Clock, DesiredState


class StoredSettings:
    """Current value, write once per key, and restore only while it is still what we set."""

    def __init__(self, desired: DesiredState, clock: Clock) -> None:
        """``desired`` keeps the settings, ``clock`` dates what was read."""
        self._desired = desired
        self._clock = clock

    def subject_of(self, target: Target) -> str:
        """Under which name the target's settings are kept."""
        return target.subject

    async def current(self, target: Target) -> Snapshot:
        """What is set now, with the restraint behind it."""
        state = await self._desired.state(self.subject_of(target))
        setting = state.setting(target.setting, target.element)
        return Snapshot(
            value=None if setting is None else setting.value,
            revision=state.revision,
            restraint=None if setting is None else setting.restraint,
            owner=None if setting is None else setting.key,
            at=self._clock.now(),
        )

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Write the desired value, once per key."""
        target = change.target
        return await self._desired.put(
            self.subject_of(target), target.setting, target.element, change.desired, key=key, restraint=restraint
        )

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Put back what was there, only while the setting is still the one that ``applied`` wrote."""
        target = change.target
        return await self._desired.put(
            self.subject_of(target),
            target.setting,
            target.element,
            before.value,
            key=key,
            restraint=before.restraint,
            only_if_key="" if change.desired is None else await self._ours(target, applied),
            owner=before.owner,
        )

    async def _ours(self, target: Target, applied: Applied) -> str:
        """The key of the write that ``applied`` answers. Refused where that is not known and cannot be told."""
        if applied.key is not None:
            return applied.key
        setting = (await self._desired.state(self.subject_of(target))).setting(target.setting, target.element)
        if setting is not None and setting.revision == applied.revision:
            return setting.key
        message = (
            f"{target} is no longer what this action set; it holds {shown(None if setting is None else setting.value)}."
        )
        raise Refused(message, next_step="Look at who changed it before you change it again.")


def shown(value: Json) -> str:
    """A value for people."""
    return "nothing" if value is None or value == "" else repr(value)
