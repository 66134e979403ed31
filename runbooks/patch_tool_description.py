"""The verb ``patch_tool_description``."""

from collections.abc import Mapping
from datetime import timedelta
from difflib import SequenceMatcher
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.domain.base import Json
from bot.errors import Refused
from bot.plugin import ActionContext, Choices, Hidden, LiveText, Multiline, Offered, Params, Prefill, action
from bot.ports import ToolDescriptionControl
from runbooks.choices import LIVE_TOOLS, tools_of_agent, worst_tool

_SHOWN = 36
_OTHERS = 8


def _nothing(_ctx: ActionContext) -> str | None:
    return None


async def _present(ctx: ActionContext, params: Mapping[str, Json], plane: ToolDescriptionControl) -> str | None:
    tool = params.get("tool") or worst_tool(ctx)
    return await plane.tool_description(ctx.agent.name, tool) if isinstance(tool, str) else None


class PatchToolDescription(Params):
    """Which tool, and what it says of itself from now on."""

    tool: Annotated[str, Choices(tools_of_agent, live=LIVE_TOOLS), Prefill(worst_tool)] = Field(
        min_length=1, max_length=200, title="Tool"
    )
    text: Annotated[str, Multiline(), Prefill(_nothing, live=LiveText(ToolDescriptionControl, _present))] = Field(
        min_length=10,
        max_length=3000,
        title="What the tool says of itself",
        description="What it says now stands here, where its control plane tells. Say when it must not be called.",
    )
    expires_in: timedelta | None = Field(
        default=None,
        gt=timedelta(0),
        le=timedelta(days=90),
        title="Until",
        description="At the end the tool says again what it said before.",
    )
    why: str = Field(default="", max_length=300, title="Why", description="Goes on the timeline.")


def _offer(ctx: ActionContext) -> Offered | Hidden:
    tool = worst_tool(ctx)
    if tool is None:
        return Hidden("no tool of this agent is known yet")
    consequence = (
        f"{ctx.agent.name[:50]} reads the new description of {tool[:60]} with its next list of tools; so does every "
        "agent that shares the tool there. A model may still not obey it. Undo puts the present text back."
    )
    shown = tool if len(tool) <= _SHOWN else tool[: _SHOWN - 1] + "…"
    return Offered(
        label=f"Describe {shown} tighter…",
        params={"tool": tool},
        rank=46,
        always_ask=True,
        consequence=consequence,
    )


@action(
    "patch_tool_description",
    title="Patch tool description",
    tightens=True,
    risk=Risk.MEDIUM,
    role="responder",
    offer=_offer,
)
async def patch_tool_description(
    ctx: ActionContext, params: PatchToolDescription, tools: ToolDescriptionControl
) -> Change:
    """Change what one tool says of itself, so that the model calls it for less.

    Use it when the model took the tool for something else. Revoke or bound the tool where that must not happen again.
    """
    agent, text = ctx.agent.name, params.text.strip()
    present = await tools.tool_description(agent, params.tool)
    if present is None:
        message = f"There is no tool {params.tool} where {agent} gets its tools from."
        raise Refused(message, field="tool", next_step="Choose another tool.")
    if present.strip() == text:
        message = f"{params.tool} says exactly this already."
        raise Refused(message, field="text", next_step="Change the text.")
    await _not_of_another(ctx, params.tool, text, present, tools)
    change = await tools.patch_tool_description(agent, params.tool, text, params.expires_in)
    return change.model_copy(update={"why": params.why})


async def _not_of_another(
    ctx: ActionContext, tool: str, text: str, present: str, tools: ToolDescriptionControl
) -> None:
    """The field holds the text of the tool that the modal opened with: another tool that is chosen must not get it."""
    mine = _alike(text, present)
    for other in [name for name in ctx.tools_used if name != tool][:_OTHERS]:
        theirs = await tools.tool_description(ctx.agent.name, other)
        if theirs and _alike(text, theirs) > max(mine, 0.6):
            message = f"This text is nearer to what {other} says of itself than to what {tool} says."
            raise Refused(message, field="text", next_step=f"Write the description of {tool}, or choose {other}.")


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:600], other[:600], autojunk=False).ratio()
