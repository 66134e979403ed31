"""Before A1: does the verb itself say no to what a person typed? Its plan only reads, so it can be asked at once.

A refusal that names a field comes back at that field while the modal is open; anything else goes on and is told later.
"""

import asyncio
from typing import Final

from bot.domain.base import Json
from bot.engine import names
from bot.engine.asking import at_fields, why_stale
from bot.engine.parts import Parts
from bot.engine.planning import read_params
from bot.engine.words import plain
from bot.errors import PullcordError, Refused
from bot.plugin import Action, ActionContext, FieldErrors, OfferView, Say

TRY_SECONDS: Final = 0.2
"""A part of what a click may take; a control plane that is slower is asked by the worker."""


async def field_fault(
    parts: Parts, verb: Action, ctx: ActionContext, offer: OfferView, params: dict[str, Json]
) -> FieldErrors | Say | None:
    """What the verb's plan refuses about a field of its modal, at that field; None when the request goes on."""
    incident = ctx.incident
    used = incident.execution(names.execution_id(offer.id)) is not None
    if not offer.asks or offer.undo_of is not None or used or why_stale(incident, offer, ctx.now) is not None:
        return None
    try:
        async with asyncio.timeout(TRY_SECONDS):
            await parts.planes.plan(verb, ctx, read_params(verb, params))
    except Refused as refused:
        if refused.field in verb.params.model_fields and refused.field not in offer.params:
            return at_fields(offer, {refused.field: plain(parts.scrub(str(refused)), 300)})
    except (PullcordError, TimeoutError):
        pass  # it could not be asked in time: the worker asks again, and tells
    return None
