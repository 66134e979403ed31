"""The verb ``pin_model``."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Choices, Hidden, Offered, Params, Prefill, action
from bot.ports import ModelControl
from runbooks.choices import LIVE_MODELS, models_offered, other_model


class PinModel(Params):
    """Which snapshot, and until when."""

    model: Annotated[str, Choices(models_offered, live=LIVE_MODELS), Prefill(other_model)] = Field(
        min_length=1,
        max_length=200,
        title="Model snapshot",
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
    if not ctx.agent.models:
        return Hidden(f"no models are configured for {ctx.agent.name} (agents.{ctx.agent.name}.models)")
    changed = any(
        r.summary.model_served and r.summary.model_requested and r.summary.model_served != r.summary.model_requested
        for r in ctx.incident.runs
    )
    consequence = (
        f"Every new run of {ctx.agent.name[:60]} asks for this one model from its next read of its settings on; "
        "a run that is going on keeps its own. Undo, or the end of its time, puts back what was there before."
    )
    return Offered(label="Pin model…", rank=15 if changed else 30, always_ask=True, consequence=consequence)


@action("pin_model", title="Pin model", tightens=True, risk=Risk.MEDIUM, role="responder", offer=_offer)
async def pin_model(ctx: ActionContext, params: PinModel, models: ModelControl) -> Change:
    """Route every new run of this agent to one model snapshot.

    Use it when behaviour changed behind a stable model name. Undo puts back what was there.
    """
    change = await models.pin_model(ctx.agent.name, params.model, params.expires_in)
    return change.model_copy(update={"why": params.why})
