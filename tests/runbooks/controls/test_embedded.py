"""The embedded control plane beyond the contract suite: what extends, what two people set, what agents read."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.action import Restraint
from bot.domain.desired import PAUSED, PROMPT_SUFFIX, VALIDATION
from bot.errors import Refused
from bot.timeline.store import Store
from bot.web.ofrep import evaluation
from runbooks.controls.embedded import Embedded, EmbeddedSettings
from tests.support.clock import ManualClock
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["clock", "connections", "raw", "store", "valkey"]

WHO = Restraint(incident="INC-1", by="@dana", why="too much")


@pytest.fixture
def plane(store: Store, clock: ManualClock) -> Embedded:
    """On an empty store."""
    return Embedded(EmbeddedSettings(), store.desired, clock)


async def test_an_extension_shows_agents_the_new_end_and_stays_ours(plane: Embedded, store: Store) -> None:
    """Once per key; afterwards the undo still finds what it set."""
    change = await plane.pause_agent("refund-bot", timedelta(hours=1))
    before = await plane.current(change.target)
    applied = await plane.apply(change, "ex_1", WHO)
    later = WHO.model_copy(update={"until": before.at + timedelta(hours=5)})
    extended = await plane.extend(change, applied, later, "ex_1:extend:1")
    again = await plane.extend(change, extended, later, "ex_1:extend:1")
    assert (extended.already, again.already, extended.key) == (False, True, "ex_1")
    state = await store.desired.state("refund-bot")
    assert evaluation(state, PAUSED)["metadata"] == {
        "revision": 2,
        "incident": "INC-1",
        "by": "@dana",
        "why": "too much",
        "until": (before.at + timedelta(hours=5)).isoformat(),
    }
    await plane.restore(change, extended, before, "ex_2")
    assert (await store.desired.state("refund-bot")).value(PAUSED) is False


async def test_what_somebody_else_set_is_not_extended(plane: Embedded, store: Store) -> None:
    """It says what is there now."""
    change = await plane.pin_model("refund-bot", "a", None)
    applied = await plane.apply(change, "ex_1", WHO)
    await plane.apply(await plane.pin_model("refund-bot", "b", None), "ex_2", WHO)
    with pytest.raises(Refused, match="no longer what this action set"):
        await plane.extend(change, applied, WHO, "ex_1:extend")


async def test_an_undo_of_the_first_sentence_under_a_second_is_a_conflict(plane: Embedded, store: Store) -> None:
    """Or it would take away what somebody else added."""
    first = await plane.patch_prompt("refund-bot", "One.", None)
    before = await plane.current(first.target)
    applied = await plane.apply(first, "ex_1", WHO)
    second = await plane.patch_prompt("refund-bot", "Two.", None)
    await plane.apply(second, "ex_2", WHO)
    assert (await store.desired.state("refund-bot")).value(PROMPT_SUFFIX) == "One.\n\nTwo."
    with pytest.raises(Refused, match="no longer what this action set"):
        await plane.restore(first, applied, before, "ex_3")


async def test_what_cannot_be_carried_is_refused_before_anything_is_written(plane: Embedded) -> None:
    """Agents read all of it with each request."""
    with pytest.raises(Refused) as refused:
        await plane.patch_prompt("refund-bot", "x" * 4001, None)
    assert refused.value.field == "text"
    for number in range(100):
        change = await plane.tighten_validation("refund-bot", "pay", f"a{number}", {"maximum": 1}, None)
        await plane.apply(change, f"ex_{number}", WHO)
    with pytest.raises(Refused, match="100 bounds already"):
        await plane.tighten_validation("refund-bot", "pay", "another", {"maximum": 1}, None)


NAMES = st.text(min_size=1, max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, NAMES, NAMES)
async def test_hostile_names_reach_the_agent_as_they_are(
    plane: Embedded, store: Store, agent: str, tool: str, argument: str
) -> None:
    """Stored, read back and merged, whatever a model called its tools and arguments; or refused as no path."""
    names = [agent, tool, argument]
    try:
        "".join(names).encode()
        change = await plane.tighten_validation(agent, tool, argument, {"maximum": 1}, None)
    except (Refused, UnicodeEncodeError):
        return
    before = await plane.current(change.target)
    applied = await plane.apply(change, f"ex_{hash(tuple(names))}", WHO)
    value = (await store.desired.state(agent)).value(VALIDATION)
    assert isinstance(value, dict)
    assert tool in value
    evaluation(await store.desired.state(agent), VALIDATION)
    await plane.restore(change, applied, before, f"back_{hash(tuple(names))}")
    assert (await store.desired.state(agent)).value(VALIDATION) == {}
