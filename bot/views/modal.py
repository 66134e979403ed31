"""A verb's parameters as a Slack modal, and the way back from what was submitted.

One input per field of the verb's ``Params`` model: its block id is the field's name, its action id is ``value``. All
text stands in plain_text objects, so that nothing foreign becomes a mention or a link. The modal carries the offer's
opaque id and nothing else. "Preview" shows, in the same modal, what would be done with what stands in it now.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from pydantic.fields import FieldInfo

from bot.domain.base import Json
from bot.plugin import Action, ActionContext, Choices, OfferView, Params, Prefill
from bot.views import blocks as b
from bot.views import limits
from bot.views.blocks import Block, plain_text
from bot.views.modal_inputs import (
    NEVER,
    VALUE,
    YES,
    Shown,
    as_shown,
    element,
    first_value,
    fitting,
    left_out,
    marker,
    shape_of,
)

__all__ = ["NEVER", "PREVIEW", "SUBMIT", "VALUE", "YES", "Shown", "modal", "parse_values"]

SUBMIT: Final = "pullcord_submit"
PREVIEW: Final = "pullcord_preview"
_LINES: Final = 20
"""Of a preview: one for each enforcement point. A modal may have 100 blocks in all."""
_DRILL: Final = "Drill: nothing is written. It ends with what it would have done."


def modal(
    verb: Action,
    offer: OfferView,
    ctx: ActionContext,
    preview: str | None,
    shown: Mapping[str, Shown] | None = None,
    first: Mapping[str, Json] | None = None,
) -> Block:
    """The modal of an offer that asks. Its blocks keep their ids, so that an update in place keeps what was typed.

    ``preview`` says what would be done with what stands in it now; None where too little is known for one. ``shown``
    are the choices of its selects; those that are not given come from the incident alone. ``first`` is what stands in
    fields at first, before the verb's own suggestions: what a control plane told, or what was typed before an update.
    """
    listed = {**choices_of(verb, ctx), **(shown or {})}
    made: list[Block] = [b.plain_section(_DRILL)] if ctx.incident.drill else []
    made.append(b.plain_context(verb.doc))
    if offer.why:
        made.append(b.plain_context(f"Why here: {offer.why}"))
    for name, field in verb.params.model_fields.items():
        stands = first[name] if first and name in first else _first(name, field, offer, ctx)
        made.append(_input(name, field, stands, listed.get(name), ctx.agent.lengths))
    made.append(b.actions("preview", [b.button(PREVIEW, "Preview", offer.id)]))
    if preview:
        made += preview_blocks(preview)
    if offer.consequence:
        made.append(b.plain_context(offer.consequence))
    title = f"Drill: {verb.title}" if ctx.incident.drill else verb.title
    return b.modal_view(SUBMIT, title, verb.title, offer.id, made)


def preview_blocks(preview: str) -> list[Block]:
    """What would be done, a line for each enforcement point, as plain text: values may be foreign."""
    lines = [b.plain_section(line) for line in preview.splitlines()[:_LINES]]
    return [b.section("*Preview, nothing written yet*"), *lines]


def choices_of(verb: Action, ctx: ActionContext) -> dict[str, Shown]:
    """The choices that each select has from the incident and the configuration. Nothing is asked."""
    found: dict[str, Shown] = {}
    for name, field in verb.params.model_fields.items():
        choices = marker(field, Choices)
        if choices is not None:
            found[name] = Shown(fitting(choices.of(ctx)))
    return found


def parse_values(model: type[Params], values: Mapping[str, Json]) -> dict[str, Json]:
    """Submitted fields (by block id, as ``Click.values`` has them) as parameters for the model; nothing is guessed.

    An empty field is left out, so that its default holds; a checkbox without a tick is ``False``. Values come from the
    client: the model still has to validate them.
    """
    given: dict[str, Json] = {}
    for name, field in model.model_fields.items():
        value, shape = values.get(name), shape_of(field)
        if shape.many:
            if isinstance(value, str):  # a box with one a line
                value = [line.strip() for line in value.splitlines() if line.strip()]
            if isinstance(value, list):
                given[name] = [shape.fixed.get(one, one) if isinstance(one, str) else one for one in value]
        elif shape.holds(bool) and marker(field, Choices) is None:
            given[name] = value == [YES]
        elif value == NEVER and shape.holds(timedelta):
            given[name] = None
        elif value not in (None, "", []):
            given[name] = shape.fixed.get(value, value) if isinstance(value, str) else value
    return given


def _input(name: str, field: FieldInfo, stands: Json, shown: Shown | None, lengths: Sequence[timedelta]) -> Block:
    made: Block = {
        "type": "input",
        "block_id": name,
        "optional": not field.is_required(),
        "label": plain_text(field.title or name.replace("_", " ").capitalize(), limits.INPUT_LABEL),
        "element": element(field, stands, shown, lengths),
    }
    hint = " ".join(filter(None, (field.description, _lines(field, shown), _more(shown), shown.hint if shown else "")))
    if hint:
        made["hint"] = plain_text(hint, limits.INPUT_LABEL)
    return made


def _lines(field: FieldInfo, shown: Shown | None) -> str:
    shape = shape_of(field)
    return "One a line." if shape.many and not shape.fixed and not (shown and shown.options) else ""


def _more(shown: Shown | None) -> str:
    left = left_out(shown)
    return f"{left:,} more are not shown: a modal holds no more." if left else ""


def _first(name: str, field: FieldInfo, offer: OfferView, ctx: ActionContext) -> Json:
    """What stands in the field at first: the offer's parameter, the verb's own suggestion, or the default."""
    if name in offer.params:
        return offer.params[name]
    prefill = marker(field, Prefill)
    if prefill is not None and (suggested := prefill.of(ctx)) is not None:
        return as_shown(suggested)
    return first_value(field)
