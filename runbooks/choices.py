"""What the modals of several verbs offer: the agent's models and tools, of the incident and of its control plane."""

from collections.abc import Sequence

from bot.domain.action import Execution
from bot.plugin import ActionContext, Choice, Live
from bot.ports import OffersModels, OffersTools


def models_offered(ctx: ActionContext) -> Sequence[Choice]:
    """The configured snapshots, the one that served the run marked, so that nobody pins the culprit unawares."""
    named = tuple(dict.fromkeys([*ctx.agent.models, *filter(None, [ctx.agent.fallback_model])]))
    return _models(ctx, named)


async def _models_now(ctx: ActionContext, plane: OffersModels) -> Sequence[Choice]:
    return _models(ctx, await plane.models(ctx.agent.name))


LIVE_MODELS = Live(OffersModels, _models_now)
"""The models that the agent's gateway offers now, beside the configured ones."""


def _models(ctx: ActionContext, names: Sequence[str]) -> list[Choice]:
    served = {run.summary.model_served for run in ctx.incident.runs} - {None}
    return [Choice(m, f"{m} (served this run)" if m in served else m) for m in names if m]


def other_model(ctx: ActionContext) -> str | None:
    """The first configured snapshot that did not serve a run of this incident: the likely one to go back to."""
    served = {run.summary.model_served for run in ctx.incident.runs}
    return next((m for m in ctx.agent.models if m not in served), None)


def tools_of_agent(ctx: ActionContext) -> Sequence[Choice]:
    """Tools seen in the incident, those of the worst effects first, then the configured ones."""
    return [Choice(name, name) for name in ctx.tools_used]


async def _tools_now(ctx: ActionContext, plane: OffersTools) -> Sequence[Choice]:
    return [Choice(name, name) for name in await plane.tools(ctx.agent.name)]


LIVE_TOOLS = Live(OffersTools, _tools_now)
"""The tools that the agent sees now, where its control plane can tell."""


def worst_tool(ctx: ActionContext) -> str | None:
    """The tool of the worst effect, else the first one known."""
    return ctx.worst.tool if ctx.worst is not None else next(iter(ctx.tools_used), None)


def tools_revoked(ctx: ActionContext) -> Sequence[Choice]:
    """Tools that an execution of this incident took from the agent and nobody gave back."""
    return [Choice(name, name) for name in denied_here(ctx)]


def denied_here(ctx: ActionContext) -> tuple[str, ...]:
    """Names of tools that this incident's executions hold denied to the agent."""
    held = [e.params.get("tool") for e in _holding(ctx, ctx.agent.name) if e.action == "revoke_tool"]
    return tuple(dict.fromkeys(tool for tool in held if isinstance(tool, str)))


def paused_here(ctx: ActionContext, agent: str | None = None) -> bool:
    """True while an execution of this incident keeps the agent (or another one of its team) paused."""
    return any(e.action == "pause_agent" for e in _holding(ctx, agent or ctx.agent.name))


def _holding(ctx: ActionContext, agent: str) -> list[Execution]:
    mine = {agent, None} if agent == ctx.agent.name else {agent}
    return [e for e in ctx.incident.executions if e.in_force_or_may_be and e.agent in mine]
