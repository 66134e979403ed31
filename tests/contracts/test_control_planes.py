"""One suite for every control plane that keeps a target state: plan, write once, read back, restore, conflict."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from bot.domain.action import Change, Restraint, Verified
from bot.domain.desired import NEUTRAL
from bot.domain.effect import Reversibility
from bot.errors import Refused
from bot.ports import ControlPlane
from bot.timeline.store import Store
from runbooks.controls.catalogue import CatalogueClasses, CatalogueSettings
from runbooks.controls.embedded import Embedded, EmbeddedSettings
from tests.support.clock import ManualClock
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["clock", "connections", "raw", "store", "valkey"]

AGENT = "refund-bot"
WHY = Restraint(incident="INC-1", by="U0DANA", why="a test")


@dataclass(frozen=True)
class Case:
    """One kind of change: how it is planned, how another one on the same target is, and how the enforcer reads it."""

    plane: ControlPlane
    plan: Callable[[], Awaitable[Change]]
    other: Callable[[], Awaitable[Change]]
    enforcer_reads: Callable[[], Awaitable[None]]
    read_at_once: bool = False


def _cases(store: Store, clock: ManualClock) -> dict[str, Case]:
    agents = Embedded(EmbeddedSettings(), store.desired, clock)
    classes = CatalogueClasses(CatalogueSettings(), store.desired, clock)

    async def agent_reads() -> None:
        state = await store.desired.state(AGENT)
        await store.desired.record_read(AGENT, list(NEUTRAL), state.revision)

    async def nobody() -> None:
        return None

    async def unpause() -> Change:
        return (await agents.resume_agent(AGENT)).model_copy(update={"desired": False})

    return {
        "model": Case(
            agents,
            lambda: agents.pin_model(AGENT, "gpt-x-1", None),
            lambda: agents.pin_model(AGENT, "gpt-x-2", None),
            agent_reads,
        ),
        "tool": Case(
            agents,
            lambda: agents.revoke_tool(AGENT, "issue_refund", None),
            lambda: agents.restore_tool(AGENT, "issue_refund"),
            agent_reads,
        ),
        "pause": Case(agents, lambda: agents.pause_agent(AGENT, None), unpause, agent_reads),
        "class": Case(
            classes,
            lambda: classes.classify_tool(AGENT, "frob", Reversibility.READ_ONLY),
            lambda: classes.classify_tool(AGENT, "frob", Reversibility.IRREVERSIBLE),
            nobody,
            read_at_once=True,
        ),
    }


@pytest.fixture(params=["model", "tool", "pause", "class"])
def case(request: pytest.FixtureRequest, store: Store, clock: ManualClock) -> Case:
    """Each kind of change of each adapter."""
    return _cases(store, clock)[request.param]


async def test_planning_writes_nothing(case: Case) -> None:
    """A preview only reads: the target holds what it held."""
    change = await case.plan()
    held = await case.plane.current(change.target)
    assert held.value is None
    assert held.revision == 0


async def test_the_same_key_twice_writes_once(case: Case) -> None:
    """A redelivery finds that it was done."""
    change = await case.plan()
    first = await case.plane.apply(change, "ex_1", WHY)
    again = await case.plane.apply(change, "ex_1", WHY)
    assert (first.already, again.already) == (False, True)
    assert first.revision == again.revision
    held = await case.plane.current(change.target)
    assert (held.value, held.restraint) == (change.desired, WHY)


async def test_green_only_after_the_enforcing_side_showed_it(case: Case) -> None:
    """Written is not in force: the reader must have read it."""
    change = await case.plan()
    applied = await case.plane.apply(change, "ex_1", WHY)
    if not case.read_at_once:
        assert (await case.plane.verify(change, applied)).verified is Verified.PENDING
    await case.enforcer_reads()
    assert (await case.plane.verify(change, applied)).verified is Verified.IN_FORCE


async def test_something_else_on_the_target_is_a_mismatch(case: Case) -> None:
    """Somebody changed it since: never green."""
    change = await case.plan()
    applied = await case.plane.apply(change, "ex_1", WHY)
    await case.plane.apply(await case.other(), "ex_2", None)
    await case.enforcer_reads()
    assert (await case.plane.verify(change, applied)).verified is Verified.MISMATCH


async def test_restoring_puts_back_what_was_there(case: Case) -> None:
    """Nothing was set before, so nothing is set after."""
    change = await case.plan()
    before = await case.plane.current(change.target)
    applied = await case.plane.apply(change, "ex_1", WHY)
    await case.plane.restore(change, applied, before, "ex_2")
    assert (await case.plane.current(change.target)).value is None


async def test_restoring_over_somebody_elses_change_is_refused(case: Case) -> None:
    """Still what we set, or hands off: the refusal says what is there now."""
    change = await case.plan()
    before = await case.plane.current(change.target)
    applied = await case.plane.apply(change, "ex_1", WHY)
    other = await case.other()
    await case.plane.apply(other, "ex_2", None)
    with pytest.raises(Refused, match="no longer what this action set"):
        await case.plane.restore(change, applied, before, "ex_3")
    assert (await case.plane.current(change.target)).value == other.desired
