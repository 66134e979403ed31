"""Verbs are tried through an engine on a real store."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.engine import AGENT, TRACE, World, settings_of
from tests.support.spans import root_span, tool_span
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["clock", "connections", "raw", "store", "valkey"]

TEAM = "support"
Opened = Callable[..., Awaitable[World]]


@pytest.fixture
def world(store: Store, clock: ManualClock) -> World:
    """An engine whose agent has a fallback model and a team of three."""
    settings = settings_of()
    named: dict[str, Any] = settings.model_dump(mode="json", include={"agents"})["agents"]
    mine = {**named[AGENT], "fallback_model": "mini-y", "team": TEAM}
    other = {"on_call": ["U0DANA"], "team": TEAM}
    agents = {**named, AGENT: mine, "ticket-bot": other, "mail-helper": other}
    return World(store, clock, settings_of(agents=agents))


@pytest.fixture
def opened(world: World) -> Opened:
    """Opens INC-1 about a run with these calls (tool, arguments), each a second after the other."""

    async def made(*calls: tuple[str, Any]) -> World:
        now = world.clock.now()
        wanted = calls or (("issue_refund", {"amount_cents": 42000, "customer": "cus_81"}),)
        spans = [root_span(TRACE, now)]
        spans += [tool_span(TRACE, number, tool, given, now) for number, (tool, given) in enumerate(wanted, 1)]
        await world.store.spans.upsert(TRACE, AGENT, {s.span_id: s.to_bytes() for s in spans})
        await world.fire()
        return world

    return made
