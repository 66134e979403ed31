"""Pausing and resuming: one agent by one person, a team only by two, each agent named."""

from bot.domain.action import ExecutionState
from bot.domain.desired import PAUSED
from bot.domain.events import PULLCORD
from bot.plugin import ActionContext
from runbooks.pause_agent import PauseAgent, pause_agent
from runbooks.resume_agent import ResumeAgent, resume_agent
from tests.runbooks.conftest import Opened
from tests.support.engine import AGENT, DANA, KIM, World

FLEET = ("refund-bot", "ticket-bot", "mail-helper")


async def paused(world: World) -> list[str]:
    """Agents that read that they are paused."""
    return [name for name in FLEET if (await world.store.desired.state(name)).value(PAUSED) is True]


async def context(world: World) -> ActionContext:
    """What a verb looks at now."""
    incident = await world.incident()
    profile = world.engine._parts.planes.profile(incident)
    return ActionContext(incident=incident, agent=profile, by=PULLCORD, now=world.clock.now())


async def test_one_agent_is_paused_by_one_person(opened: Opened) -> None:
    """Tightening one agent never needs a second."""
    world = await opened()
    await world.click("Pause agent", why="it pays too much")
    assert await paused(world) == [AGENT]
    assert (await world.incident()).executions[0].state is ExecutionState.SUCCEEDED


async def test_a_team_waits_for_a_second_person(opened: Opened) -> None:
    """Nothing is written before; the modal names each agent."""
    world = await opened()
    modal = await world.engine.requests.modal(await world.offer("Pause agent"), DANA)
    assert "All 3 agents of support: refund-bot, ticket-bot, mail-helper" in str(modal)
    await world.click("Pause agent", KIM, why="nobody knows which", scope="team")
    assert await paused(world) == []
    executions = (await world.incident()).executions
    assert {e.agent for e in executions} == set(FLEET)
    assert {e.state for e in executions} == {ExecutionState.AWAITING_APPROVAL}


async def test_an_agent_that_is_paused_already_is_not_paused_with_its_team(opened: Opened) -> None:
    """Nor is one resumed that was not paused: a group is what is left to do."""
    world = await opened()
    await world.click("Pause agent", why="it pays too much")
    ctx = await context(world)
    assert pause_agent.agents is not None
    assert resume_agent.agents is not None
    assert pause_agent.agents(ctx, PauseAgent(why="all of them", scope="team")) == ("ticket-bot", "mail-helper")
    assert resume_agent.agents(ctx, ResumeAgent(why="all of them", scope="team")) == (AGENT,)
    assert any(label.startswith("Pause the rest of support") for label in await world.labels())


async def test_with_the_second_person_each_agent_of_the_team_is_paused(opened: Opened) -> None:
    """One press, one approval, an execution for each agent with its own read-back."""
    world = await opened()
    await world.click("Pause agent", why="nobody knows which", scope="team")
    lead = (await world.incident()).executions[0]
    assert await paused(world) == []
    await world.engine.requests.approve("INC-1", lead.id, KIM, key="yes")
    await world.work()
    assert await paused(world) == list(FLEET)
    executions = (await world.incident()).executions
    assert {(e.agent, e.state) for e in executions} == {(name, ExecutionState.SUCCEEDED) for name in FLEET}
