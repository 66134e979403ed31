"""The verb ``route_fallback``."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Choice, Choices, Hidden, Offered, Params, Prefill, action
from bot.ports import FallbackControl
from runbooks.choices import LIVE_MODELS, models_offered


def _configured(ctx: ActionContext) -> str | None:
    return ctx.agent.fallback_model


def _fallback_first(ctx: ActionContext) -> Sequence[Choice]:
    named = list(models_offered(ctx))
    return sorted(named, key=lambda choice: choice.value != ctx.agent.fallback_model)


class RouteFallback(Params):
    """Which model takes over, and until when."""

    model: Annotated[str, Choices(_fallback_first, live=LIVE_MODELS), Prefill(_configured)] = Field(
        min_length=1,
        max_length=200,
        title="Fallback model",
    )
    expires_in: timedelta | None = Field(
        default=timedelta(hours=24),
        gt=timedelta(0),
        le=timedelta(days=90),
        title="Until",
        description="At the end the agent goes back to what it used before.",
    )
    why: str = Field(default="", max_length=300, title="Why", description="Goes on the timeline and to the agent.")


def _offer(ctx: ActionContext) -> Offered | Hidden:
    fallback = ctx.agent.fallback_model
    if not fallback:
        return Hidden(f"no fallback model is configured for {ctx.agent.name} (agents.{ctx.agent.name}.fallback_model)")
    served = {run.summary.model_served for run in ctx.incident.runs} - {None}
    if served == {fallback}:
        return Hidden(f"{fallback} served these runs itself, so it is no way out")
    routed = any(e.action == "route_fallback" and e.in_force_or_may_be for e in ctx.incident.executions)
    if routed:
        return Hidden(f"{ctx.agent.name} is already routed to a fallback in this incident")
    consequence = (
        f"New runs of {ctx.agent.name[:50]} are served by {fallback[:60]} for 24 hours, from its next read of its "
        "settings on; a run that is going on keeps its model. Undo puts back what was there before."
    )
    label = f"Route to fallback {fallback}"
    return Offered(label=label, params={"model": fallback}, rank=32, consequence=consequence)


@action("route_fallback", title="Route to fallback", tightens=True, risk=Risk.MEDIUM, role="responder", offer=_offer)
async def route_fallback(ctx: ActionContext, params: RouteFallback, models: FallbackControl) -> Change:
    """Route every new run of this agent to its fallback model.

    Use it when the provider's model itself behaves badly, whichever snapshot serves. Undo puts back what was there.
    """
    change = await models.route_fallback(ctx.agent.name, params.model, params.expires_in)
    return change.model_copy(update={"why": params.why})
