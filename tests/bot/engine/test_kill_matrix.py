"""The worker killed before and after each step of an action's life, before three kinds of target.

One that takes a key, one that takes none but tells what it holds, and one that neither takes a key nor can be asked.
With the first two exactly one effect wherever it was; with the third one, or ``unknown``, and never two. Real
processes, killed by the kernel, are the matter of ``tests/faults``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.action import ExecutionState, OnceResult, Risk, Verified
from bot.plugin import ActionContext, Offered, Once, Params, action
from bot.timeline.store import Store
from tests.bot.engine.test_unknown_planes import Keyless
from tests.support.clock import ManualClock
from tests.support.engine import DANA, LEE, REMOTE_AGENT, Killed, Remote, World

POINTS = [f"{step}-{when}" for step in ("request", "start", "effect", "verify", "end") for when in ("before", "after")]
_WRITES = {"request": "submit:", "start": "start:", "end": "succeeded:"}


class Nothing(Params):
    """No parameters."""


class Blind:
    """Sends one more at each call; nobody can find out whether one was sent."""

    def __init__(self) -> None:
        self.writes = 0
        self.trouble: BaseException | None = None
        self.lost: BaseException | None = None

    def verb(self) -> Any:
        """The verb that sends."""

        async def run(key: str) -> OnceResult:
            if self.trouble is not None:
                raise self.trouble
            self.writes += 1
            if self.lost is not None:
                raise self.lost
            return OnceResult(summary="sent", ref=key, verified=Verified.IN_FORCE)

        async def probe() -> OnceResult | None:
            return None

        @action(
            "send",
            title="Send",
            tightens=True,
            risk=Risk.LOW,
            role="responder",
            offer=lambda _ctx: Offered(label="Send one"),
        )
        def send(ctx: ActionContext, params: Nothing) -> Once:
            """Send one."""
            return Once(summary="sent one", run=run, probe=probe)

        return send


@contextmanager
def _killed(world: World, target: Any, point: str) -> Iterator[None]:
    """Armed for one death at this point."""
    step, _, when = point.partition("-")
    if step in _WRITES:
        with world.kill_at(_WRITES[step], after=when == "after"):
            yield
        return
    if step == "effect":
        setattr(target, "trouble" if when == "before" else "lost", Killed(point))
        yield
        target.trouble = target.lost = None
        return
    whole = target.verify

    async def verify(*given: Any) -> Any:
        if when == "after":
            await whole(*given)
        raise Killed(point)

    target.verify = verify
    yield
    target.verify = whole


async def _run(world: World, target: Any, label: str, point: str) -> ExecutionState:
    """Press, die, come back; press again where nothing was written. The state in the end."""
    values = {"tool": "send_email"} if label.startswith("Revoke") else {}
    offer = await world.offer(label)

    async def press() -> None:
        await world.engine.requests.submit(offer.id, DANA, values, key="a")
        await world.work()

    with _killed(world, target, point), pytest.raises(Killed):
        await press()
    world.restart()
    if point == "request-before":
        await world.engine.requests.submit(offer.id, LEE, values, key="b")
    for _ in range(3):  # redelivered as often as one likes
        await world.work()
    (execution,) = (await world.incident()).executions
    print(f"\n{type(target).__name__} {point}: effects {target.writes}, {execution.state}")
    return execution.state


@pytest.mark.parametrize("kind", [Remote, Keyless])
@pytest.mark.parametrize("point", POINTS)
async def test_exactly_one_effect_where_a_key_is_taken_or_the_target_can_be_asked(
    store: Store, clock: ManualClock, kind: type[Remote], point: str
) -> None:
    """Wherever it died: one write at the target, and a true success."""
    world = World(store, clock)
    world.remote = kind(clock)
    world.restart()
    await world.fire(agent=REMOTE_AGENT)
    assert await _run(world, world.remote, "Revoke", point) is ExecutionState.SUCCEEDED
    assert world.remote.writes == 1
    assert (await world.incident()).executions[0].verified is Verified.IN_FORCE


BLIND = {
    "request-before": (ExecutionState.SUCCEEDED, 1),
    "request-after": (ExecutionState.SUCCEEDED, 1),
    "start-before": (ExecutionState.SUCCEEDED, 1),
    "start-after": (ExecutionState.UNKNOWN, 0),
    "effect-before": (ExecutionState.UNKNOWN, 0),
    "effect-after": (ExecutionState.UNKNOWN, 1),
    "end-before": (ExecutionState.UNKNOWN, 1),
    "end-after": (ExecutionState.SUCCEEDED, 1),
}
"""It has no read-back of its own, so that there is nothing between effect and end."""


@pytest.mark.parametrize("point", BLIND)
async def test_one_effect_or_unknown_where_nothing_can_be_found_out(world: World, point: str) -> None:
    """Never a second one, and what is not known is said, not guessed."""
    target = Blind()
    world.registry = replace(world.registry, actions={**world.registry.actions, "send": target.verb()})
    world.restart()
    await world.fire()
    state = await _run(world, target, "Send one", point)
    assert (state, target.writes) == BLIND[point]
