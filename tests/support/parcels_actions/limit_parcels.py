"""A made-up verb with a port of its own: how many parcels an agent may send in an hour."""

from datetime import timedelta
from typing import Protocol, runtime_checkable

from pydantic import Field

from bot.domain.action import Change, Risk
from bot.plugin import ActionContext, Offered, Params, action
from bot.ports import ControlPlane


@runtime_checkable
class ParcelControl(ControlPlane, Protocol):
    """Bounds the parcels of an agent."""

    async def limit_parcels(self, agent: str, most: int, expires_in: timedelta | None) -> Change:
        """Plan to let the agent send at most so many parcels in an hour. Only reads."""
        ...


class LimitParcels(Params):
    """How many."""

    most: int = Field(default=1, ge=0, le=1000, title="Parcels in an hour")


@action(
    "limit_parcels",
    title="Limit parcels",
    tightens=True,
    risk=Risk.LOW,
    role="responder",
    offer=lambda _ctx: Offered(label="Limit parcels…", rank=1, always_ask=True),
)
async def limit_parcels(ctx: ActionContext, params: LimitParcels, parcels: ParcelControl) -> Change:
    """Let the agent send fewer parcels.

    Use it when it sends more than it should.
    """
    return await parcels.limit_parcels(ctx.agent.name, params.most, timedelta(hours=1))
