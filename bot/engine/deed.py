"""What an execution does to the world: apply a change, put one back, or do a thing once; each with a way to find out.

``do`` is A4. ``find_out`` only reads: it is asked when a worker died between A3 and A6, and when a person checks.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from bot.domain.action import Applied, Change, Execution, OnceResult, Restraint, Snapshot
from bot.engine.planning import shown
from bot.plugin import Once
from bot.ports import ControlPlane

READ_SECONDS = 8.0
"""How long a control plane may take to say what a target holds."""
DO_SECONDS = 20.0
"""How long a control plane may take to write; then the outcome is unknown. Its own timeout is shorter."""
ONCE_SECONDS = 45.0
"""How long a one-off (a push to a git remote, a proof) may take."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Done:
    """It is done: what the target answered, or what the one-off produced."""

    applied: Applied | None = None
    result: OnceResult | None = None


class Found(StrEnum):
    """What reading showed when nobody knows whether a deed was done."""

    DONE = "done"
    NOT_DONE = "not_done"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """What reading showed, in words; ``done`` holds as much of the answer as reading gives."""

    found: Found
    why: str
    done: Done = Done()


class Deed(Protocol):
    """One of the three things that an execution can do."""

    @property
    def again(self) -> bool:
        """True when ``do`` with the same key, after DONE, answers what the first ``do`` answered (writes once)."""
        ...

    async def do(self) -> Done:
        """Do it. Refused and ActionFailed mean that nothing changed; every other error that nobody knows."""
        ...

    async def find_out(self) -> Finding:
        """Only reads."""
        ...


async def bounded(call: Awaitable[_T], seconds: float) -> _T:
    """Await an outside call no longer than this. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        return await call


@dataclass(frozen=True, slots=True)
class ApplyChange:
    """Bring a target to a desired value."""

    plane: ControlPlane
    change: Change
    before: Snapshot
    key: str
    restraint: Restraint | None
    again: bool = True

    async def do(self) -> Done:
        """Write it under this execution's key."""
        applied = await bounded(self.plane.apply(self.change, self.key, self.restraint), DO_SECONDS)
        return Done(applied=applied)

    async def find_out(self) -> Finding:
        """Compare what the target holds with what was wanted and with what was there before."""
        now = await bounded(self.plane.current(self.change.target), READ_SECONDS)
        held, target = shown(now.value), self.change.target
        if now.value == self.change.desired:
            ours = now.owner == self.key or (not now.anonymous and _same(now.restraint, self.restraint))
            if ours or (now.anonymous and self.before.value != self.change.desired):
                return Finding(Found.DONE, f"{target} holds {held}", Done(applied=_read(now, self.key)))
            return Finding(Found.CANNOT_TELL, f"{target} holds {held}, but somebody else set it")
        if now.value == self.before.value and (now.anonymous or now.restraint == self.before.restraint):
            return Finding(Found.NOT_DONE, f"{target} still holds {held}, as before")
        return Finding(Found.CANNOT_TELL, f"{target} holds {held}, which is neither what was there nor what was wanted")


@dataclass(frozen=True, slots=True)
class RestoreChange:
    """Take an earlier change back, only while the target is still what that change set."""

    plane: ControlPlane
    of: Execution
    change: Change
    """The way back: its ``desired`` is what was there before."""
    key: str
    again: bool = False

    async def do(self) -> Done:
        """Put it back under this execution's key."""
        of = self.of
        if of.change is None or of.snapshot is None:  # never offered without them
            return Done()
        applied = of.applied or Applied(key=of.id)  # its outcome is unknown: ours only if it stands there as ours
        return Done(applied=await bounded(self.plane.restore(of.change, applied, of.snapshot, self.key), DO_SECONDS))

    async def find_out(self) -> Finding:
        """Back already, still as the change set it, or something else."""
        now = await bounded(self.plane.current(self.change.target), READ_SECONDS)
        held, target = shown(now.value), self.change.target
        before = self.of.snapshot.restraint if self.of.snapshot is not None else None
        if now.value == self.change.desired and (now.anonymous or now.restraint == before):
            return Finding(Found.DONE, f"{target} holds {held} again", Done(applied=_read(now, self.key)))
        if now.value == self.change.before:
            return Finding(Found.NOT_DONE, f"{target} still holds {held}, which is to be taken back")
        return Finding(
            Found.CANNOT_TELL, f"{target} holds {held}, which is neither what was set nor what was there before"
        )


@dataclass(frozen=True, slots=True)
class RunOnce:
    """Do a thing that has no target state, and find out by its own probe."""

    once: Once
    key: str
    again: bool = False
    bound: Callable[[Awaitable[OnceResult]], Awaitable[OnceResult]] | None = None
    """What holds a long one to its time instead: it may go on as long as it says how far it is."""

    async def do(self) -> Done:
        """Do it under this execution's key."""
        running = self.once.run(self.key)
        return Done(result=await (bounded(running, ONCE_SECONDS) if self.bound is None else self.bound(running)))

    async def find_out(self) -> Finding:
        """Ask the probe. No answer never means that it was not done."""
        result = await bounded(self.once.probe(), READ_SECONDS * 3)
        if result is None:
            return Finding(Found.CANNOT_TELL, "looking for it did not show whether it happened")
        return Finding(Found.DONE, result.detail or result.summary, Done(result=result))


def way_back(of: Execution, *, expired: bool) -> Change:
    """The change that an undo of ``of`` makes: what was there before, on the same target. ``of`` must have a change."""
    if of.change is None or of.snapshot is None:
        message = f"execution {of.id} has no change that could be taken back"
        raise ValueError(message)
    words = "ended at its time" if expired else "took back"
    return Change(
        target=of.change.target,
        desired=of.snapshot.value,
        before=of.change.desired,
        summary=f"{words}: {of.change.summary}",
        why="expired" if expired else "undone",
        reread=of.change.reread,
    )


def _same(held: Restraint | None, ours: Restraint | None) -> bool:
    """Whether a restraint is ours, whatever the person was called when it was written (names are learnt later)."""
    if held is None or ours is None:
        return held is None
    return held.model_copy(update={"by": ours.by}) == ours


def _read(now: Snapshot, key: str) -> Applied:
    return Applied(revision=now.revision, value=now.value, already=True, key=key)
