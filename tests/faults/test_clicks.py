"""A whole room presses at once: one effect, and everybody else is told who was first. Real store, real engine.

A press that was not confirmed in its 0.4 s is pressed again, as people do; it must not run twice by that.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.domain import events as ev
from bot.domain.desired import TOOLS_DENIED
from bot.domain.events import Actor
from bot.plugin import Quiet, Reply, Say
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.engine import AGENT, DANA, World, settings_of, someone
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["clock", "connections", "raw", "store", "valkey"]

CROWD = tuple(someone(f"U0P{number:03}") for number in range(100))
OPS, LEADS = "S0OPS", "S0LEADS"


@pytest.fixture
async def room(store: Store, clock: ManualClock) -> World:
    """A hundred people, responders and commanders by their user group; Dana, a responder by name; one incident."""
    made = World(store, clock, settings_of(roles={"responder": [OPS, "U0DANA"], "commander": [LEADS]}))
    made.slack.groups = {OPS: tuple(p.id for p in CROWD), LEADS: tuple(p.id for p in CROWD)}
    made.slack.members |= {p.id: True for p in CROWD}
    await made.fire()
    return made


async def everybody_twice(press: Callable[[Actor, str], Awaitable[Reply]]) -> tuple[list[str], list[str]]:
    """200 presses at once: who was answered quietly, and what all others were told in the end."""

    async def one(by: Actor, time: int) -> Reply:
        for again in range(20):
            # the same press keeps its key: what was written is not written again
            reply = await press(by, f"{by.id}:{time}")
            if not (isinstance(reply, Say) and reply.text.startswith("Not confirmed")):
                return reply
            await asyncio.sleep(0.01 * again)
        raise AssertionError("never confirmed")

    presses = [(by, time) for by in CROWD for time in (1, 2)]
    replies = await asyncio.gather(*(one(by, time) for by, time in presses))
    quiet = [by.id for (by, _), reply in zip(presses, replies, strict=True) if isinstance(reply, Quiet)]
    return quiet, [reply.text for reply in replies if isinstance(reply, Say)]


async def of_type(room: World, kind: type[Any]) -> list[Any]:
    """Events of one type on the timeline."""
    return [e.event for e in await room.store.incidents.entries("INC-1", 0, 1000) if isinstance(e.event, kind)]


async def test_200_clicks_by_100_people_have_one_effect_and_199_are_told_who(room: World) -> None:
    """One request, one start, one write at the target; whoever was second is told who was first."""
    offer = await room.offer("Revoke a tool")
    values = {"tool": "issue_refund", "why": "refunds too much"}
    quiet, told = await everybody_twice(lambda by, key: room.engine.requests.submit(offer.id, by, values, key=key))
    await room.work()
    (asked,) = await of_type(room, ev.ActionRequested)
    state = await room.store.desired.state(AGENT)
    print(f"\n200 clicks: quiet {len(quiet)}, told who {len(told)}, writes {state.revision}")
    assert quiet == [asked.by.id]
    assert len(told) == 199
    assert all(f"by <@{asked.by.id}> " in text for text in told)
    assert len(await of_type(room, ev.ActionStarted)) == 1
    assert (state.revision, state.value(TOOLS_DENIED)) == (1, {"tools": ["issue_refund"]})
    assert (await room.store.incidents.verify("INC-1")).ok


async def test_200_approvals_by_100_commanders_approve_once(room: World) -> None:
    """All of them press Approve in the same moment: one yes, one undo, the others are told who said it."""
    await room.click("Revoke a tool", DANA, tool="issue_refund")
    await room.click("Undo", DANA, key="undo")
    no = (await room.incident()).executions[-1]
    assert isinstance(await room.engine.requests.ask("INC-1", no.id, DANA, key="ask"), Quiet)
    await room.work()
    waits = (await room.incident()).executions[-1]
    quiet, told = await everybody_twice(lambda by, key: room.engine.requests.approve("INC-1", waits.id, by, key=key))
    await room.work()
    (given,) = await of_type(room, ev.ApprovalGiven)
    state = await room.store.desired.state(AGENT)
    print(f"\n200 approvals: quiet {len(quiet)}, told who {len(told)}, writes in all {state.revision}")
    assert quiet == [given.by.id]
    assert len(told) == 199
    assert all(text.startswith(f"Already approved by <@{given.by.id}>") for text in told)
    assert len(await of_type(room, ev.ActionStarted)) == 2
    assert (state.revision, state.value(TOOLS_DENIED)) == (2, {"tools": []})


async def test_of_100_who_may_not_each_is_told_and_the_offer_stays_good(room: World) -> None:
    """Refused once each on the timeline, however often they press; whoever may still can, and does it once."""
    room.settings = settings_of()
    room.restart()
    offer = await room.offer("Revoke a tool")
    values = {"tool": "issue_refund"}
    quiet, told = await everybody_twice(lambda by, key: room.engine.requests.submit(offer.id, by, values, key=key))
    assert quiet == []
    assert len(told) == 200
    assert all("it needs the role responder. Ask <@U0DANA>" in text for text in told)
    refused = await of_type(room, ev.ActionRefused)
    assert Counter(event.by.id for event in refused) == {person.id: 1 for person in CROWD}
    assert isinstance(await room.engine.requests.submit(offer.id, DANA, values, key="dana"), Quiet)
    await room.work()
    assert (await room.store.desired.state(AGENT)).revision == 1
