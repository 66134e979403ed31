"""The verb ``pause_agent``."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Choices, Hidden, Offered, Params, action
from bot.ports import AgentControl
from runbooks.choices import paused_here
from runbooks.fleet import AGENT, TEAM, named, of_team, scopes


class PauseAgent(Params):
    """What its callers are told, how far it reaches, and until when."""

    why: str = Field(
        min_length=3,
        max_length=300,
        title="Reason",
        description="The agent's callers see it in each refusal.",
    )
    scope: Annotated[str, Choices(scopes)] = Field(
        default=AGENT,
        pattern=f"^({AGENT}|{TEAM})$",
        title="Which agents",
        description="A whole team needs a second person.",
    )
    expires_in: timedelta | None = Field(default=None, gt=timedelta(0), le=timedelta(days=90), title="Until")


def _agents(ctx: ActionContext, params: PauseAgent) -> Sequence[str]:
    return of_team(ctx, params, paused=False)


def _offer(ctx: ActionContext) -> Offered | Hidden:
    left = [a for a in ctx.agent.team_agents if not paused_here(ctx, a)]
    if paused_here(ctx):
        if not left:
            return Hidden(f"{ctx.agent.name} is already paused")
        return Offered(
            label=f"Pause the rest of {ctx.agent.team}…",
            params={"scope": TEAM},
            rank=58,
            danger=True,
            always_ask=True,
            consequence=_consequence(ctx),
        )
    return Offered(label="Pause agent…", rank=20, danger=True, always_ask=True, consequence=_consequence(ctx))


def _consequence(ctx: ActionContext) -> str:
    team = named(ctx)
    more = f" All agents of {team[:110]} only with a second person." if team else ""
    return (
        f"No new run of {ctx.agent.name[:50]} starts, and its callers read the reason; a run that is going on may "
        f"still finish.{more} Resuming needs a commander."
    )


@action(
    "pause_agent",
    title="Pause agent",
    tightens=True,
    risk=Risk.MEDIUM,
    role="responder",
    offer=_offer,
    agents=_agents,
)
async def pause_agent(ctx: ActionContext, params: PauseAgent, agents: AgentControl) -> Change:
    """Stop new runs of this agent, or of every agent of its team, with a reason that its callers see.

    Use it when it is not clear which tool or model does the damage. Resuming needs a commander.
    """
    change = await agents.pause_agent(ctx.agent.name, params.expires_in)
    return change.model_copy(update={"why": params.why})
