"""Choices: what a control plane offers now when a modal opens, and whether what was chosen is one of them.

Values come from the client and prove nothing. What was offered is remembered on the server beside the offer, so that a
click never waits for a control plane to say it again.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from bot.engine.parts import Parts
from bot.errors import PullcordError, StoreUnavailable
from bot.plugin import Action, ActionContext, Choice, Choices, Live, Params
from bot.views.modal import choices_of
from bot.views.modal_inputs import MOST_OPTIONS, Shown, fitting, marker

log = structlog.get_logger(__name__)

LIVE_SECONDS: Final = 0.8
"""A modal must open within Slack's three seconds (trigger_id): with the configured choices rather than not at all."""


async def shown_choices(parts: Parts, verb: Action, ctx: ActionContext) -> dict[str, Shown]:
    """The choices of each select, with what the agent's control plane offers now, all asked at once."""
    known = choices_of(verb, ctx)
    fields = {name: marker(field, Choices) for name, field in verb.params.model_fields.items()}
    lively = {
        name: choices.live for name, choices in fields.items() if choices is not None and choices.live is not None
    }
    found = await asyncio.gather(*(_asked(parts, live, ctx, known[name]) for name, live in lively.items()))
    return {**known, **dict(zip(lively, found, strict=True))}


async def _asked(parts: Parts, live: Live, ctx: ActionContext, known: Shown) -> Shown:
    plane = parts.planes.offering(live.port, ctx.agent)
    if plane is None:
        return known
    try:
        async with asyncio.timeout(LIVE_SECONDS):
            offered = await live.of(ctx, plane)
    except StoreUnavailable:
        raise
    except TimeoutError:
        return Shown(known.options, _without(known, f"did not answer within {LIVE_SECONDS:g} s"))
    except PullcordError:
        return Shown(known.options, _without(known, "did not say what it offers now"))
    except Exception as error:
        log.exception("live_choices_broke", port=live.port.__name__)
        return Shown(known.options, _without(known, f"could not be asked ({type(error).__name__})"))
    now = {choice.value: choice for choice in offered}
    # a label of ours says more than a name ("served this run"); what is configured and not offered now may still be it
    labels = {choice.value: choice for choice in known.options}
    together = [labels.get(value, choice) for value, choice in now.items()]
    together += [Choice(c.value, f"{c.label} (not offered now)") for c in known.options if c.value not in now]
    return Shown(fitting(together))


def _without(known: Shown, why: str) -> str:
    listed = "these are the configured ones" if known.options else "write it as it is called there"
    return f"The control plane {why}: {listed}."


async def remember(parts: Parts, offer_id: str, shown: Mapping[str, Shown]) -> None:
    """Keep what a modal shows, for the click that answers it. What others were shown of the same offer stays good."""
    for name, one in shown.items():
        await parts.store.offers.show(offer_id, name, {c.value: c.label for c in one.options[:MOST_OPTIONS]})


async def remembered(parts: Parts, offer_id: str) -> dict[str, Shown]:
    """What modals of this offer showed."""
    kept = await parts.store.offers.shown(offer_id)
    return {name: Shown(tuple(Choice(v, label) for v, label in rows.items())) for name, rows in kept.items()}


def choice_errors(
    verb: Action, params: Params, ctx: ActionContext, names: set[str], shown: Mapping[str, Shown] | None = None
) -> dict[str, str]:
    """A sentence at each of these fields that is a select and whose value is none of its choices, now or as shown."""
    faults: dict[str, str] = {}
    for name in names:
        choices = marker(verb.params.model_fields[name], Choices)
        if choices is None or choices.open:
            continue
        offered = {choice.value for choice in choices.of(ctx)}
        offered |= {choice.value for choice in shown[name].options} if shown and name in shown else set()
        value = getattr(params, name)
        chosen = value if isinstance(value, list | tuple | set | frozenset) else () if value is None else (value,)
        if any(str(one) not in offered for one in chosen):
            faults[name] = "This is not one of the choices any more; choose again."
    return faults
