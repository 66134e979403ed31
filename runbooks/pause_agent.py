"""The verb ``pause_agent``."""

from datetime import timedelta

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Hidden, Offered, Params, action
from bot.ports import AgentControl
from runbooks.choices import paused_here


class PauseAgent(Params):
    """What its callers are told, and until when."""

    why: str = Field(
        min_length=3,
        max_length=300,
        title="Reason",
        description="The agent's callers see it in each refusal.",
    )
    expires_in: timedelta | None = Field(default=None, gt=timedelta(0), le=timedelta(days=90), title="Until")


def _offer(ctx: ActionContext) -> Offered | Hidden:
    if paused_here(ctx.incident):
        return Hidden(f"{ctx.agent.name} is already paused")
    return Offered(label="Pause agent…", rank=20, danger=True, always_ask=True)


@action("pause_agent", title="Pause agent", tightens=True, risk=Risk.MEDIUM, role="responder", offer=_offer)
async def pause_agent(ctx: ActionContext, params: PauseAgent, agents: AgentControl) -> Change:
    """Stop new runs of this agent, with a reason that its callers see.

    Use it when it is not clear which tool or model does the damage. Resuming needs a commander.
    """
    change = await agents.pause_agent(ctx.agent.name, params.expires_in)
    return change.model_copy(update={"why": params.why})
