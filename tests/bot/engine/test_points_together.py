"""One press on several agents or enforcement points: asked for, approved, rejected and undone together."""

from typing import Any

import pytest

from bot.domain.action import Execution, ExecutionState
from bot.domain.desired import PAUSED, TOOLS_DENIED
from bot.plugin import Quiet, Say
from tests.support.engine import AGENT, DANA, KIM, LEE, World, settings_of, someone

CART = "cart-bot"
ZOE = someone("U0ZOE")
BOTH: dict[str, Any] = {
    "roles": {"responder": ["U0DANA", "U0LEE"], "commander": ["U0KIM", "U0ZOE"]},
    "agents": {
        AGENT: {"on_call": ["U0DANA"], "team": "pay", "tools": ["issue_refund"], "control": ["embedded", "remote"]},
        CART: {"on_call": ["U0LEE"], "team": "pay"},
    },
}


@pytest.fixture
async def team(world: World) -> World:
    """Two agents of one team; one of them is enforced at two places."""
    world.settings = settings_of(**BOTH)
    world.slack.members |= {"U0ZOE": True}
    world.restart()
    await world.fire()
    return world


async def group(world: World) -> list[Execution]:
    """The executions of the newest press."""
    executions = [e for e in (await world.incident()).executions if e.offer is not None]
    return [e for e in executions if e.lead == executions[-1].lead]


async def paused(world: World) -> list[bool]:
    """Whether each agent of the team is paused."""
    return [bool((await world.store.desired.state(agent)).value(PAUSED)) for agent in (AGENT, CART)]


async def test_a_whole_team_is_paused_only_with_a_second_person(team: World) -> None:
    """Another responder is enough to restrain; the one who asks is not. Everything goes on with one yes."""
    team.settings = settings_of(**{**BOTH, "agents": {n: {"team": "pay"} for n in (AGENT, CART)}})
    team.restart()
    assert isinstance(await team.click("Pause agent", why="wrong refunds", scope="team"), Quiet)
    waits = await group(team)
    assert [(e.agent, e.state) for e in waits] == [
        (AGENT, ExecutionState.AWAITING_APPROVAL),
        (CART, ExecutionState.AWAITING_APPROVAL),
    ]
    assert waits[0].approval is not None
    assert waits[0].approval.why == "it touches 2 agents (refund-bot, cart-bot)"
    assert "refund-bot" in waits[0].approval.preview
    assert "cart-bot" in waits[0].approval.preview
    assert await paused(team) == [False, False]
    own = await team.engine.requests.approve("INC-1", waits[0].id, DANA, key="me")
    assert isinstance(own, Say)
    # also by the name of one that only follows
    assert isinstance(await team.engine.requests.approve("INC-1", waits[1].id, LEE, key="yes"), Quiet)
    await team.work()
    assert await paused(team) == [True, True]
    assert {e.state for e in await group(team)} == {ExecutionState.SUCCEEDED}

    # loosening all of them: a commander and another one
    assert isinstance(await team.click("Undo: paused cart-bot", KIM, key="undo"), Quiet)
    undo = await group(team)
    assert {e.state for e in undo} == {ExecutionState.AWAITING_APPROVAL}
    responder = await team.engine.requests.approve("INC-1", undo[0].id, LEE, key="no")
    assert isinstance(responder, Say)
    assert "needs the role commander" in responder.text
    assert isinstance(await team.engine.requests.approve("INC-1", undo[0].id, ZOE, key="yes"), Quiet)
    await team.work()
    assert await paused(team) == [False, False]


async def test_a_rejected_group_ends_together(team: World) -> None:
    """Nothing of it is done."""
    team.settings = settings_of(**{**BOTH, "agents": {n: {"team": "pay"} for n in (AGENT, CART)}})
    team.restart()
    await team.click("Pause agent", why="wrong refunds", scope="team")
    waits = await group(team)
    reply = await team.engine.requests.reject("INC-1", waits[0].id, LEE, reason="one is enough", key="no")
    assert isinstance(reply, Quiet)
    await team.work()
    assert {e.state for e in await group(team)} == {ExecutionState.REJECTED}
    assert await paused(team) == [False, False]


async def test_one_press_is_done_at_every_enforcement_point_and_undone_at_each(team: World) -> None:
    """A responder restrains alone, at both; an undo of it takes both back."""
    assert isinstance(await team.click("Revoke a tool", tool="issue_refund"), Quiet)
    done = await group(team)
    assert [(e.control, e.state) for e in done] == [
        ("embedded", ExecutionState.SUCCEEDED),
        ("remote", ExecutionState.SUCCEEDED),
    ]
    assert done[1].leads == done[0].id
    assert team.remote.held
    labels = [label for label in await team.labels() if label.startswith("Undo")]
    offers = await team.engine.requests.offers(await team.incident())
    undo = next(o for o in offers if o.undo_of == done[0].id)
    assert labels
    assert isinstance(await team.engine.requests.submit(undo.id, KIM, {}, key="undo"), Quiet)
    await team.work()
    assert {e.state for e in await group(team)} == {ExecutionState.SUCCEEDED}
    assert not team.remote.held
    assert (await team.store.desired.state(AGENT)).value(TOOLS_DENIED) == {"tools": []}
