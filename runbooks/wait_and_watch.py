"""The verb ``wait_and_watch``."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Choice, Choices, Hidden, Offered, Params, Prefill, action
from bot.ports import WatchControl

_TIMES = (
    Choice("15", "in 15 minutes"),
    Choice("30", "in 30 minutes"),
    Choice("60", "in 1 hour"),
    Choice("240", "in 4 hours"),
    Choice("1440", "in 24 hours"),
)


class WaitAndWatch(Params):
    """When it is looked again."""

    minutes: Annotated[int, Choices(lambda _ctx: _TIMES), Prefill(lambda _ctx: "30")] = Field(
        default=30,
        ge=1,
        le=7 * 24 * 60,
        title="Look again",
        description="Then it is said whether an alert still fires, and whether new runs did the same since.",
    )
    why: str = Field(default="", max_length=300, title="What you wait for", description="Goes on the timeline.")


def _offer(ctx: ActionContext) -> Offered | Hidden:
    if any(e.action == "wait_and_watch" and e.in_force_or_may_be for e in ctx.incident.executions):
        return Hidden("somebody waits already; undo that to wait for another time")
    consequence = (
        "Nothing is restrained meanwhile: the agent goes on. At the time Pullcord looks by itself, also after a "
        "restart, and says in the thread what it found. Undo stops waiting."
    )
    return Offered(label="Wait and watch…", rank=80, always_ask=True, consequence=consequence)


@action("wait_and_watch", title="Wait and watch", tightens=True, risk=Risk.LOW, role="responder", offer=_offer)
async def wait_and_watch(ctx: ActionContext, params: WaitAndWatch, watch: WatchControl) -> Change:
    """Wait, and let Pullcord look again at a time: does an alert still fire, did new runs do the same since?

    Use it when what was done should be enough, or when the provider mends it. It restrains nothing.
    """
    change = await watch.watch(ctx.incident.id, ctx.execution_id, ctx.now + timedelta(minutes=params.minutes))
    return change.model_copy(update={"why": params.why})
