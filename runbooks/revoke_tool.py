"""The verb ``revoke_tool``."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Choices, Hidden, Offered, Params, Prefill, action
from bot.ports import ToolControl
from runbooks.choices import LIVE_TOOLS, denied_here, tools_of_agent, worst_tool


class RevokeTool(Params):
    """Which tool, and until when."""

    tool: Annotated[str, Choices(tools_of_agent, live=LIVE_TOOLS), Prefill(worst_tool)] = Field(
        min_length=1, max_length=200, title="Tool"
    )
    expires_in: timedelta | None = Field(default=None, gt=timedelta(0), le=timedelta(days=90), title="Until")
    why: str = Field(default="", max_length=300, title="Why", description="Goes on the timeline and to the agent.")


def _offer(ctx: ActionContext) -> Offered | Hidden:
    if not ctx.tools_used:
        return Hidden("no tool of this agent is known yet")
    denied = denied_here(ctx)
    worst = ctx.worst
    if worst is None or worst.tool in denied:
        left = [t for t in ctx.tools_used if t not in denied]
        if not left:
            return Hidden("every known tool is already revoked")
        consequence = _consequence(ctx, "the tool")
        return Offered(label="Revoke a tool…", rank=40, always_ask=True, consequence=consequence)
    return Offered(
        label=f"Revoke {worst.tool}",
        params={"tool": worst.tool},
        rank=10,
        danger=True,
        consequence=_consequence(ctx, worst.tool[:80]),
    )


def _consequence(ctx: ActionContext, tool: str) -> str:
    return (
        f"New calls of {tool} by {ctx.agent.name[:60]} are refused from its next read of its settings on; "
        "a call that is running may still finish. Giving it back needs a commander."
    )


@action("revoke_tool", title="Revoke tool", tightens=True, risk=Risk.LOW, role="responder", offer=_offer)
async def revoke_tool(ctx: ActionContext, params: RevokeTool, tools: ToolControl) -> Change:
    """Take one tool from this agent.

    Use it when one tool does the damage and the rest of the agent may go on. Restoring needs a commander.
    """
    change = await tools.revoke_tool(ctx.agent.name, params.tool, params.expires_in)
    return change.model_copy(update={"why": params.why})
