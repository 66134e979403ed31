"""A verb's parameters as a Slack modal, and the way back from what was submitted.

One input per field of the verb's ``Params`` model: its block id is the field's name, its action id is ``value``. All
text stands in plain_text objects, so that nothing foreign becomes a mention or a link. The modal carries the offer's
opaque id and nothing else.
"""

import types
import typing
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic.fields import FieldInfo

from bot.domain.base import Json
from bot.plugin import Action, ActionContext, Choice, Choices, Multiline, OfferView, Params, Prefill
from bot.views import blocks as b
from bot.views import limits
from bot.views.blocks import Block, plain_text

SUBMIT: Final = "pullcord_submit"
VALUE: Final = "value"
NEVER: Final = "never"
"""The value of "until it is lifted" in a select of durations."""
YES: Final = "true"

_DURATIONS = (
    Choice("PT1H", "in 1 hour"),
    Choice("PT4H", "in 4 hours"),
    Choice("P1D", "in 24 hours"),
    Choice("P7D", "in 7 days"),
)


def modal(verb: Action, offer: OfferView, ctx: ActionContext, preview: str | None) -> Block:
    """The modal of an offer that asks.

    ``preview`` says what would be done with what stands in it now; None where too little is known for one.
    """
    made: list[Block] = [b.plain_context(verb.doc)]
    made += [_input(name, field, offer, ctx) for name, field in verb.params.model_fields.items()]
    if preview:
        made += [b.section("*Preview, nothing written yet*"), b.plain_section(preview)]
    if offer.consequence:
        made.append(b.plain_context(offer.consequence))
    return b.modal_view(SUBMIT, verb.title, verb.title, offer.id, made)


def parse_values(model: type[Params], values: Mapping[str, Json]) -> dict[str, Json]:
    """Submitted fields (by block id, as ``Click.values`` has them) as parameters for the model; nothing is guessed.

    An empty field is left out, so that its default holds; a checkbox without a tick is ``False``. Values come from the
    client: the model still has to validate them.
    """
    given: dict[str, Json] = {}
    for name, field in model.model_fields.items():
        value = values.get(name)
        if _holds(field, bool) and _marker(field, Choices) is None:
            given[name] = value == [YES]
        elif value == NEVER and _holds(field, timedelta):
            given[name] = None
        elif value not in (None, "", []):
            given[name] = value
    return given


def _input(name: str, field: FieldInfo, offer: OfferView, ctx: ActionContext) -> Block:
    made: Block = {
        "type": "input",
        "block_id": name,
        "optional": not field.is_required(),
        "label": plain_text(field.title or name.replace("_", " ").capitalize(), limits.INPUT_LABEL),
        "element": _element(name, field, _first(name, field, offer, ctx), ctx),
    }
    if field.description:
        made["hint"] = plain_text(field.description, limits.INPUT_LABEL)
    return made


def _first(name: str, field: FieldInfo, offer: OfferView, ctx: ActionContext) -> Json:
    """What stands in the field at first: the offer's parameter, the verb's own suggestion, or the default."""
    if name in offer.params:
        return offer.params[name]
    prefill = _marker(field, Prefill)
    if prefill is not None and (suggested := prefill.of(ctx)) is not None:
        return suggested
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    if isinstance(default, timedelta):
        return _iso(default)
    if isinstance(default, Decimal):
        return str(default)
    return default if isinstance(default, str | int | float | bool) else None


def _element(name: str, field: FieldInfo, first: Json, ctx: ActionContext) -> Block:
    choices = _marker(field, Choices)
    if choices is not None and (options := _fitting(choices.of(ctx))):
        return _select(options, first)
    if _holds(field, timedelta):
        return _durations(field, first)
    if _holds(field, bool):
        return _checkbox(field.title or name.replace("_", " "), ticked=first is True)
    if _holds(field, int) or _holds(field, Decimal) or _holds(field, float):
        return _number(field, first)
    return _text(field, first)


def _text(field: FieldInfo, first: Json) -> Block:
    longest = min(_bounds(field, "max_length", limits.INPUT_TEXT), limits.INPUT_TEXT)
    element: Block = {
        "type": "plain_text_input",
        "action_id": VALUE,
        "multiline": _marker(field, Multiline) is not None,
        "max_length": longest,
    }
    text = "" if first is None else str(first)
    if 0 < len(text) <= longest:
        element["initial_value"] = text
    return element


def _number(field: FieldInfo, first: Json) -> Block:
    element: Block = {
        "type": "number_input",
        "action_id": VALUE,
        "is_decimal_allowed": not _holds(field, int),
    }
    for ours, slacks in (("ge", "min_value"), ("le", "max_value")):
        bound = next((getattr(m, ours) for m in field.metadata if getattr(m, ours, None) is not None), None)
        if bound is not None:
            element[slacks] = str(bound)
    if isinstance(first, int | float | str) and str(first):
        element["initial_value"] = str(first)
    return element


def _checkbox(label: str, *, ticked: bool) -> Block:
    choice = b.option(label, YES)
    element: Block = {"type": "checkboxes", "action_id": VALUE, "options": [choice]}
    return {**element, "initial_options": [choice]} if ticked else element


def _durations(field: FieldInfo, first: Json) -> Block:
    options = list(_DURATIONS)
    if isinstance(first, str) and first not in {choice.value for choice in options}:
        options.append(Choice(first, first))
    if type(None) in _members(field):
        options.append(Choice(NEVER, "until it is lifted"))
    return _select(options, first if first is not None else NEVER)


def _select(options: Sequence[Choice], first: Json) -> Block:
    shown = [b.option(choice.label or choice.value, choice.value) for choice in options]
    element: Block = {"type": "static_select", "action_id": VALUE, "options": shown}
    chosen = next((row for row in shown if row["value"] == first), None)
    return element if chosen is None else {**element, "initial_option": chosen}


def _fitting(choices: Sequence[Choice]) -> list[Choice]:
    """Those that Slack can carry: 100 at most, each value once and of 1 to 150 characters."""
    unique = {c.value: c for c in choices if 0 < len(c.value) <= limits.OPTION_VALUE}
    return list(unique.values())[: limits.SELECT_OPTIONS]


Marker = typing.TypeVar("Marker", Choices, Prefill, Multiline)


def _marker(field: FieldInfo, kind: type[Marker]) -> Marker | None:
    return next((m for m in field.metadata if isinstance(m, kind)), None)


def _bounds(field: FieldInfo, name: str, default: int) -> int:
    return next((int(getattr(m, name)) for m in field.metadata if getattr(m, name, None) is not None), default)


def _members(field: FieldInfo) -> tuple[Any, ...]:
    origin = typing.get_origin(field.annotation)
    return typing.get_args(field.annotation) if origin in {typing.Union, types.UnionType} else (field.annotation,)


def _holds(field: FieldInfo, kind: type) -> bool:
    return kind in _members(field)


def _iso(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    if seconds % 86400 == 0:
        return f"P{seconds // 86400}D"
    return f"PT{seconds // 3600}H" if seconds % 3600 == 0 else f"PT{seconds}S"
