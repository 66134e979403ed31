"""What stands in a modal's field at first and only a control plane knows: the text that is to be changed."""

import asyncio
from typing import Any, Final

import structlog

from bot.domain.base import Json
from bot.engine.parts import Parts
from bot.errors import PullcordError, StoreUnavailable
from bot.plugin import Action, ActionContext, LiveText, OfferView, Prefill

log = structlog.get_logger(__name__)

PREFILL_SECONDS: Final = 0.8
"""A modal must open within Slack's three seconds (trigger_id): with an empty field rather than not at all."""


async def prefilled(parts: Parts, verb: Action, ctx: ActionContext, offer: OfferView) -> OfferView:
    """The offer with what its control plane tells beside its parameters, to be shown; its id stays the same."""
    wanted = {
        name: marker.live
        for name, field in verb.params.model_fields.items()
        for marker in field.metadata
        if isinstance(marker, Prefill) and marker.live is not None and name not in offer.params
    }
    if not wanted or offer.undo_of is not None:
        return offer
    texts = await asyncio.gather(*(_asked(parts, live, ctx, offer) for live in wanted.values()))
    found: dict[str, Json] = {name: text for name, text in zip(wanted, texts, strict=True) if text}
    return offer.model_copy(update={"params": {**found, **offer.params}})


async def _asked(parts: Parts, live: LiveText, ctx: ActionContext, offer: OfferView) -> str | None:
    plane: Any = parts.planes.offering(live.port, ctx.agent)
    if plane is None:
        return None
    try:
        async with asyncio.timeout(PREFILL_SECONDS):
            told = await live.of(ctx, offer.params, plane)
            return None if told is None else parts.scrub(told)
    except StoreUnavailable:
        raise
    except (PullcordError, TimeoutError):
        return None
    except Exception:
        log.exception("live_prefill_broke", port=live.port.__name__)
        return None
