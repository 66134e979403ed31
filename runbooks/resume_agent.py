"""The verb ``resume_agent``."""

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Hidden, Offered, Params, action
from bot.ports import AgentControl
from runbooks.choices import paused_here


class ResumeAgent(Params):
    """Why it may run again."""

    why: str = Field(min_length=3, max_length=300, title="Why it is safe again")


def _offer(ctx: ActionContext) -> Offered | Hidden:
    if not paused_here(ctx.incident):
        return Hidden(f"{ctx.agent.name} was not paused in this incident")
    return Offered(label="Resume agent…", rank=65, always_ask=True)


@action("resume_agent", title="Resume agent", tightens=False, risk=Risk.MEDIUM, role="commander", offer=_offer)
async def resume_agent(ctx: ActionContext, params: ResumeAgent, agents: AgentControl) -> Change:
    """Let this agent start new runs again. Needs a commander."""
    change = await agents.resume_agent(ctx.agent.name)
    return change.model_copy(update={"why": params.why})
