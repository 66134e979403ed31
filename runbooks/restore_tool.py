"""The verb ``restore_tool``."""

from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Choices, Hidden, Offered, Params, action
from bot.ports import ToolControl
from runbooks.choices import denied_here, tools_revoked


class RestoreTool(Params):
    """Which tool to give back."""

    tool: Annotated[str, Choices(tools_revoked)] = Field(min_length=1, max_length=200, title="Tool")
    why: str = Field(default="", max_length=300, title="Why it is safe again")


def _offer(ctx: ActionContext) -> Offered | Hidden:
    denied = denied_here(ctx)
    if not denied:
        return Hidden("no tool was revoked in this incident")
    consequence = (
        f"{ctx.agent.name} may call the tool again from its next read of its settings on. "
        "It loosens: a commander alone, or a responder with a commander's approval. Revoke it again to take it back."
    )
    return Offered(label="Restore tool…", rank=70, always_ask=True, consequence=consequence)


@action("restore_tool", title="Restore tool", tightens=False, risk=Risk.MEDIUM, role="commander", offer=_offer)
async def restore_tool(ctx: ActionContext, params: RestoreTool, tools: ToolControl) -> Change:
    """Give a revoked tool back to this agent.

    Riskier than taking it: the agent may do it again. Needs a commander.
    """
    change = await tools.restore_tool(ctx.agent.name, params.tool)
    return change.model_copy(update={"why": params.why})
