"""The verb ``resume_agent``."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Choices, Hidden, Offered, Params, action
from bot.ports import AgentControl
from runbooks.choices import paused_here
from runbooks.fleet import AGENT, TEAM, of_team, scopes


class ResumeAgent(Params):
    """Why it may run again, and how far that reaches."""

    why: str = Field(min_length=3, max_length=300, title="Why it is safe again")
    scope: Annotated[str, Choices(scopes)] = Field(
        default=AGENT,
        pattern=f"^({AGENT}|{TEAM})$",
        title="Which agents",
        description="Of a team: those that were paused in this incident.",
    )


def _agents(ctx: ActionContext, params: ResumeAgent) -> Sequence[str]:
    return of_team(ctx, params, paused=True)


def _offer(ctx: ActionContext) -> Offered | Hidden:
    others = any(paused_here(ctx, agent) for agent in ctx.agent.team_agents)
    if not paused_here(ctx) and not others:
        return Hidden(f"{ctx.agent.name} was not paused in this incident")
    consequence = (
        f"{ctx.agent.name[:60]} starts new runs again from its next read of its settings on. It loosens: a commander "
        "alone, or a responder with a commander's approval. Pause it again to take it back."
    )
    scope = AGENT if paused_here(ctx) else TEAM
    return Offered(label="Resume agent…", params={"scope": scope}, rank=65, always_ask=True, consequence=consequence)


@action(
    "resume_agent",
    title="Resume agent",
    tightens=False,
    risk=Risk.MEDIUM,
    role="commander",
    offer=_offer,
    agents=_agents,
)
async def resume_agent(ctx: ActionContext, params: ResumeAgent, agents: AgentControl) -> Change:
    """Let this agent, or every paused agent of its team, start new runs again. Needs a commander."""
    change = await agents.resume_agent(ctx.agent.name)
    return change.model_copy(update={"why": params.why})
