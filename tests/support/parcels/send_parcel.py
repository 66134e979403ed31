"""Sends a parcel: each call sends one more, and nobody can find out whether one was sent.

The parcels lie in the file that ``PARCELS`` names, one line each, so that a test counts what really happened.
"""

import os
from pathlib import Path

from bot.domain.action import OnceResult, Risk, Verified
from bot.plugin import ActionContext, Offered, Once, Params, action


class Nothing(Params):
    """No parameters."""


async def send(key: str) -> OnceResult:
    """One more parcel, whatever the key."""
    _append(key)
    return OnceResult(summary="sent a parcel", ref=key, verified=Verified.IN_FORCE, detail="the courier took it")


def _append(key: str) -> None:
    with Path(os.environ["PARCELS"]).open("a", encoding="utf-8") as parcels:
        parcels.write(f"{key}\n")


async def _probe() -> OnceResult | None:
    return None


async def _run(key: str) -> OnceResult:
    return await send(key)


@action(
    "send_parcel",
    title="Send parcel",
    tightens=True,
    risk=Risk.LOW,
    role="responder",
    offer=lambda _ctx: Offered(label="Send parcel", rank=1),
)
def send_parcel(ctx: ActionContext, params: Nothing) -> Once:
    """Send the customer a parcel."""
    del ctx, params
    return Once(summary="sent a parcel", run=_run, probe=_probe)
