"""What the modals of several verbs offer: the agent's model snapshots and tools."""

from collections.abc import Sequence

from bot.domain.desired import TOOLS_DENIED
from bot.domain.incident import Incident
from bot.plugin import ActionContext, Choice


def models_offered(ctx: ActionContext) -> Sequence[Choice]:
    """The configured snapshots, the one that served the run marked, so that nobody pins the culprit unawares."""
    served = {run.summary.model_served for run in ctx.incident.runs} - {None}
    named = tuple(dict.fromkeys([*ctx.agent.models, *filter(None, [ctx.agent.fallback_model])]))
    return [Choice(m, f"{m} (served this run)" if m in served else m) for m in named]


def other_model(ctx: ActionContext) -> str | None:
    """The first configured snapshot that did not serve a run of this incident: the likely one to go back to."""
    served = {run.summary.model_served for run in ctx.incident.runs}
    return next((m for m in ctx.agent.models if m not in served), None)


def tools_of_agent(ctx: ActionContext) -> Sequence[Choice]:
    """Tools seen in the incident, those of the worst effects first, then the configured ones."""
    return [Choice(name, name) for name in ctx.tools_used]


def tools_revoked(ctx: ActionContext) -> Sequence[Choice]:
    """Tools that an execution of this incident took from the agent and nobody gave back."""
    return [Choice(name, name) for name in denied_here(ctx.incident)]


def denied_here(incident: Incident) -> tuple[str, ...]:
    """Names of tools that this incident's executions hold denied."""
    changes = [e.change for e in incident.executions if e.in_force_or_may_be and e.change is not None]
    held: dict[str, bool] = {}
    for change in changes:
        if change.target.setting == TOOLS_DENIED and change.target.element:
            held[change.target.element] = change.desired is True
    return tuple(name for name, denied in held.items() if denied)


def paused_here(incident: Incident) -> bool:
    """True while an execution of this incident keeps the agent paused."""
    state = False
    for execution in incident.executions:
        if execution.in_force_or_may_be and execution.action in {"pause_agent", "resume_agent"}:
            state = execution.action == "pause_agent"
    return state
