"""Waiting: Pullcord looks by itself, also after a restart, and says from facts what it found."""

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.action import ExecutionState, Verified
from bot.domain.alert import AlertStatus
from bot.domain.events import Actor, WatchLooked
from tests.runbooks.conftest import Opened
from tests.support.engine import AGENT, DANA, KIM, LEE, World
from tests.support.spans import root_span, tool_span


async def looked(world: World) -> WatchLooked:
    """What was found, from the timeline."""
    entries = await world.store.incidents.entries("INC-1")
    return next(e.event for e in reversed(entries) if isinstance(e.event, WatchLooked))


async def test_it_says_what_it_looks_for_and_restrains_nothing(opened: Opened) -> None:
    """Green because Pullcord itself is what looks; no agent reads anything of it."""
    world = await opened()
    await world.click("Wait and watch", minutes="30")
    waits = (await world.incident()).executions[-1]
    assert waits.verified is Verified.IN_FORCE
    assert "does an alert still fire, did new runs do the same" in (waits.verified_detail or "")
    assert (await world.store.desired.state(AGENT)).revision == 0
    assert waits.expires_at is None
    assert "Wait and watch…" not in await world.labels()


async def test_after_a_restart_it_still_looks_and_the_wait_ends(opened: Opened) -> None:
    """The alert still fires: whoever waited is told, and the thread holds it."""
    world = await opened()
    await world.click("Wait and watch", minutes="15")
    world.restart()
    await world.later(minutes=16)
    found = await looked(world)
    assert (found.firing, found.alike, found.quiet) == (True, 0, False)
    assert "an alert is still firing; no new run did the same since" in found.words
    waits, end = (await world.incident()).executions
    assert waits.undone_by == end.id
    assert end.state is ExecutionState.SUCCEEDED
    assert any("still firing" in text for text in world.told("U0DANA"))
    assert "Wait and watch…" in await world.labels()
    before = len(await world.store.incidents.entries("INC-1"))
    await world.later(hours=9)
    assert len(await world.store.incidents.entries("INC-1")) == before


async def test_new_runs_that_did_the_same_are_counted(opened: Opened) -> None:
    """By the index of runs, from those that ended since the wait began."""
    world = await opened(("issue_refund", {"amount_cents": 42000, "iban": "DE89370400440532013000"}))
    await world.later(minutes=1)
    await world.click("Wait and watch", minutes="15")
    now = world.clock.forward(minutes=5)
    for trace, amount in (("d" * 32, 42000), ("e" * 32, 17)):
        given: Any = {"amount_cents": amount, "iban": "DE89370400440532013000" if amount > 17 else "FR14"}
        failed = root_span(trace, now).model_copy(
            update={"status": "error"}
        )  # with few good runs only failed ones count
        spans = [failed, tool_span(trace, 1, "issue_refund", given, now)]
        await world.store.spans.upsert(trace, AGENT, {s.span_id: s.to_bytes() for s in spans})
    await world.later(minutes=2)
    await world.later(minutes=10)
    found = await looked(world)
    assert found.alike == 1
    assert "1 new run did the same" in found.words


async def test_when_all_is_quiet_nobody_is_told_apart(opened: Opened) -> None:
    """It stands in the thread and on the card."""
    world = await opened()
    await world.click("Wait and watch", minutes="15")
    await world.fire(status=AlertStatus.RESOLVED, ends_at=world.clock.now() + timedelta(minutes=1))
    told = len(world.told("U0DANA"))
    await world.later(minutes=16)
    assert (await looked(world)).quiet
    assert len(world.told("U0DANA")) == told
    incident = await world.incident()
    assert incident.executions[0].verified_detail is not None
    assert incident.executions[0].verified_detail.startswith("looked again: ")


@pytest.mark.parametrize("by", [DANA, LEE, KIM])
async def test_a_wait_that_was_taken_back_looks_at_nothing(opened: Opened, by: Actor) -> None:
    """Cancel is an undo; a wait restrains nothing, so whoever asked for it, or any responder, may end it."""
    world = await opened()
    await world.click("Wait and watch", minutes="15")
    await world.click("Undo: waits", by, key="undo")
    assert (await world.incident()).executions[-1].state is ExecutionState.SUCCEEDED
    await world.later(minutes=20)
    entries = await world.store.incidents.entries("INC-1")
    assert not [e for e in entries if isinstance(e.event, WatchLooked)]
