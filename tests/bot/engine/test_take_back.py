"""Undoing what a one-off did: only where the result says how, once, and found out by looking."""

from bot.domain.action import ExecutionState, OnceResult, Risk, Verified
from bot.errors import Refused
from bot.plugin import ActionContext, Offered, Once, Params, Registry, action
from tests.support.engine import KIM, World


class Nothing(Params):
    """No parameters."""


class Desk:
    """Where proposals lie."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.merged = False
        self.closings = 0

    async def propose(self, key: str) -> OnceResult:
        """Lay one down."""
        self.open.append(key)
        undo = "closes the proposal"
        return OnceResult(summary="proposed it", ref=key, verified=Verified.IN_FORCE, detail="it lies there", undo=undo)

    async def close(self, _key: str) -> OnceResult:
        """Take it away."""
        self.closings += 1
        self.open.clear()
        return OnceResult(summary="closed it", ref="1", verified=Verified.IN_FORCE, detail="it is closed")

    async def look(self) -> OnceResult | None:
        """What is there."""
        return None


def with_desk(world: World) -> Desk:
    """Add a verb whose result can be taken back."""
    desk = Desk()

    async def back(ctx: ActionContext, params: Nothing, result: OnceResult) -> Once:
        del ctx, params
        if desk.merged:
            raise Refused("It was merged already.", next_step="Revert it there.")
        assert result.ref in desk.open
        return Once(summary="closed the proposal", run=desk.close, probe=desk.look, preview="Closes it.")

    @action(
        "propose_it",
        title="Propose it",
        tightens=True,
        risk=Risk.LOW,
        role="responder",
        offer=lambda _ctx: Offered(label="Propose it"),
        take_back=back,
    )
    def propose_it(ctx: ActionContext, params: Nothing) -> Once:
        """Propose something."""
        return Once(summary="proposed it", run=desk.propose, probe=desk.look)

    old = world.registry
    world.registry = Registry(
        actions={**old.actions, "propose_it": propose_it},
        alert_sources={},
        trace_sources={},
        control_planes=old.control_planes,
        eval_formats=old.eval_formats,
        interactions={},
    )
    world.restart()
    return desk


async def test_what_was_proposed_is_taken_back_once(world: World) -> None:
    """The undo has its own life; the proposal is marked undone and is not offered for undo again."""
    desk = with_desk(world)
    await world.fire()
    await world.click("Propose it", KIM, key="a")
    assert desk.open
    offer = await world.offer("Undo: proposed it")
    assert "closes the proposal" in offer.consequence
    await world.click("Undo: proposed it", KIM, key="b")
    first, undo = (await world.incident()).executions
    assert (undo.state, undo.verified, undo.undo_of) == (ExecutionState.SUCCEEDED, Verified.IN_FORCE, first.id)
    assert first.undone_by == undo.id
    assert (desk.open, desk.closings) == ([], 1)
    assert "Undo: proposed it" not in await world.labels()


async def test_what_was_merged_meanwhile_is_refused_in_words(world: World) -> None:
    """Nothing is closed, the words say what to do, and the proposal stands as it was."""
    desk = with_desk(world)
    await world.fire()
    await world.click("Propose it", KIM, key="a")
    desk.merged = True
    await world.click("Undo: proposed it", KIM, key="b")
    first, undo = (await world.incident()).executions
    assert undo.state is ExecutionState.REFUSED
    assert "merged already" in (undo.reason or "")
    assert (first.undone_by, desk.closings) == (None, 0)


async def test_a_result_that_does_not_say_how_is_not_offered_for_undo(world: World) -> None:
    """A pushed branch, a data set: people are told where it is instead."""
    desk = with_desk(world)

    async def propose(key: str) -> OnceResult:
        return OnceResult(summary="proposed it", ref=key, verified=Verified.IN_FORCE, detail="there")

    desk.propose = propose  # type: ignore[method-assign]
    await world.fire()
    await world.click("Propose it", KIM, key="a")
    assert "Undo: proposed it" not in await world.labels()
    hidden = world.engine.menu(await world.incident()).hidden
    assert any("cannot be taken back from here" in one.reason for one in hidden)
