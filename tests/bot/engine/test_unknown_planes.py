"""What nobody knows, before control planes that take a key and such that take none: one effect, one, or unknown.

Never a second run by itself, never green for what did nothing, and Check finds what is there.
"""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.action import Applied, Change, ExecutionState, Restraint, Snapshot, Target, Verification, Verified
from bot.domain.work import Work, WorkItem
from bot.engine import deed
from bot.errors import OutcomeUnknown
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.engine import DANA, KIM, REMOTE_AGENT, Killed, Remote, World


class Keyless(Remote):
    """Takes no key and does not tell who set what: each call writes."""

    async def current(self, target: Target) -> Snapshot:
        """The value alone."""
        held = await super().current(target)
        return held.model_copy(update={"restraint": None, "anonymous": True})

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """As adapters of such planes do it: read first, then one write."""
        if (await self.current(change.target)).value == change.desired:
            return Applied(already=True, value=change.desired, key=key)
        self.keys.clear()
        return self._write(change.target, change.desired, key, None)


class Idle(Remote):
    """Answers 200 and does nothing."""

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Taken, and forgotten."""
        return Applied(value=change.desired, key=key)


KINDS = [pytest.param(Remote, id="takes-a-key"), pytest.param(Keyless, id="takes-none")]


@pytest.fixture
async def plane(request: pytest.FixtureRequest, store: Store, clock: ManualClock) -> World:
    """An incident of the agent that this control plane restrains."""
    made = World(store, clock)
    made.remote = request.param(clock)
    made.restart()
    await made.fire(agent=REMOTE_AGENT)
    return made


async def _check(world: World, key: str) -> ExecutionState:
    (execution,) = (await world.incident()).executions
    await world.engine.requests.check("INC-1", execution.id, DANA, key=key)
    await world.work()
    return (await world.incident()).executions[0].state


@pytest.mark.parametrize("plane", KINDS, indirect=True)
async def test_done_and_answered_500_is_unknown_until_check_finds_it_done(plane: World) -> None:
    """One write; a redelivery of the work changes nothing; Check lands the success, and it can be undone."""
    plane.remote.lost = OutcomeUnknown("remote answered 500 after it was sent the change.")
    await plane.click("Revoke a tool", tool="send_email")
    (execution,) = (await plane.incident()).executions
    assert execution.state is ExecutionState.UNKNOWN
    item = WorkItem(kind=Work.EXECUTE, incident="INC-1", payload={"execution": execution.id})
    await plane.engine.handlers[Work.EXECUTE](item)
    assert (await plane.incident()).executions[0].state is ExecutionState.UNKNOWN
    assert await _check(plane, "a") is ExecutionState.SUCCEEDED
    assert plane.remote.writes == 1
    await plane.click("Undo: ", by=KIM, key="u")
    assert (await plane.incident()).executions[1].state is ExecutionState.SUCCEEDED
    assert plane.remote.held == {}


@pytest.mark.parametrize("plane", KINDS, indirect=True)
async def test_a_plane_that_hangs_is_unknown_and_check_finds_that_nothing_was_done(
    plane: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded; not run again by itself, also when hours pass; after a minute what is not there was not done."""
    monkeypatch.setattr(deed, "DO_SECONDS", 0.05)

    async def hangs(change: Change, key: str, restraint: Restraint | None) -> Applied:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(plane.remote, "apply", hangs)
    await plane.click("Revoke a tool", tool="send_email")
    (execution,) = (await plane.incident()).executions
    assert (execution.state, execution.reason) == (ExecutionState.UNKNOWN, "no answer came in time")
    await plane.later(hours=2)
    assert (await plane.incident()).executions[0].state is ExecutionState.UNKNOWN
    assert plane.remote.writes == 0
    assert await _check(plane, "a") is ExecutionState.FAILED


@pytest.mark.parametrize("plane", [pytest.param(Idle, id="idle")], indirect=True)
async def test_a_plane_that_answers_200_and_does_nothing_is_a_mismatch(plane: World) -> None:
    """Red, and it stays so: what was answered is no proof."""
    await plane.click("Revoke a tool", tool="send_email")
    (execution,) = (await plane.incident()).executions
    assert (execution.state, execution.verified) == (ExecutionState.SUCCEEDED, Verified.MISMATCH)
    await plane.later(minutes=10)
    assert (await plane.incident()).executions[0].verified is Verified.MISMATCH


@pytest.mark.parametrize("plane", KINDS, indirect=True)
@pytest.mark.parametrize("point", ["start:", "effect-before", "effect-after", "succeeded:"])
async def test_a_crash_between_start_and_end_writes_once(plane: World, point: str) -> None:
    """The next worker reads first: what is there is not written again, what is not there is written once."""
    await plane.click("Revoke a tool", tool="never-sent")  # so that ids differ; done
    plane.remote.held.clear()
    plane.remote.writes = 0
    offer = await plane.offer("Revoke a tool")
    await plane.engine.requests.submit(offer.id, DANA, {"tool": "send_email"}, key="x")
    if point == "effect-before":
        plane.remote.trouble = Killed("apply")
    elif point == "effect-after":
        plane.remote.lost = Killed("apply")
    if point.startswith("effect"):
        with pytest.raises(Killed):
            await plane.work()
    else:
        with plane.kill_at(point, after=point == "start:"), pytest.raises(Killed):
            await plane.work()
    plane.restart()
    await plane.work()
    ended = (await plane.incident()).executions[-1]
    assert (ended.state, plane.remote.writes) == (ExecutionState.SUCCEEDED, 1)


@pytest.mark.parametrize("plane", KINDS, indirect=True)
async def test_an_undo_meets_what_somebody_else_set_and_says_what_is_there(plane: World) -> None:
    """Before the press the preview says it, after it the end does; nothing is overwritten."""
    await plane.click("Revoke a tool", tool="send_email")
    plane.remote.held[REMOTE_AGENT, "send_email"] = ("only drafts", None)
    undo = await plane.offer("Undo: ")
    told = await plane.engine.requests.preview_text(undo, KIM)
    assert told == (
        "tools[send_email] of mail-bot: now only drafts, which is not what this action set (yes). "
        "It would be refused, and stay as it is."
    )
    await plane.engine.requests.submit(undo.id, KIM, {}, key="u")
    await plane.work()
    ended = (await plane.incident()).executions[-1]
    assert ended.state is ExecutionState.FAILED
    assert "somebody else set only drafts" in (ended.reason or "")
    assert plane.remote.held == {(REMOTE_AGENT, "send_email"): ("only drafts", None)}


class Cached(Remote):
    """Its enforcing side reads again after four minutes, and says so."""

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """Pending until then."""
        now = self._clock.now()
        if self.reads is Verified.IN_FORCE:
            return Verification(verified=Verified.IN_FORCE, detail="read", at=now)
        return Verification(verified=Verified.PENDING, detail="cached", at=now, known_at=now + timedelta(minutes=4))


@pytest.mark.parametrize("plane", [pytest.param(Cached, id="cached")], indirect=True)
async def test_pending_says_when_it_will_be_known_and_is_read_back_then(plane: World) -> None:
    """Not before, not much later; and when it is still not known, the new time is said."""
    plane.remote.reads = Verified.PENDING
    at = plane.clock.now()
    await plane.click("Revoke a tool", tool="send_email")
    (execution,) = (await plane.incident()).executions
    assert (execution.verified, execution.known_at) == (Verified.PENDING, at + timedelta(minutes=4))
    await plane.later(minutes=4, seconds=1)
    (execution,) = (await plane.incident()).executions
    assert (execution.verified, execution.known_at) == (Verified.PENDING, plane.clock.now() + timedelta(minutes=4))
    plane.remote.reads = Verified.IN_FORCE
    await plane.later(minutes=3)
    assert (await plane.incident()).executions[0].verified is Verified.PENDING
    await plane.later(minutes=1, seconds=2)
    (execution,) = (await plane.incident()).executions
    assert (execution.verified, execution.known_at) == (Verified.IN_FORCE, None)
