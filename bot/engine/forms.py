"""A verb's parameters as a Slack modal, and the way back: one input per field, its block id is the field's name.

Limits of Slack (reference/block-kit): 100 options with texts of 75 and values of 150 characters, titles and buttons of
24, inputs of 3,000. All text stands in ``plain_text`` objects, so that nothing foreign becomes a mention or a link.
"""

import types
import typing
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic.fields import FieldInfo

from bot.domain.base import Json
from bot.engine.offers import MARK_DONE
from bot.plugin import Action, ActionContext, Choice, Choices, Multiline, OfferView, Params, Prefill

_NEVER = "never"
_LENGTHS = (
    Choice("PT1H", "1 hour"),
    Choice("PT4H", "4 hours"),
    Choice("P1D", "1 day"),
    Choice("P3D", "3 days"),
    Choice("P7D", "7 days"),
    Choice("P30D", "30 days"),
)
_YES_NO = (Choice("true", "Yes"), Choice("false", "No"))


def form_of(verb: Action, offer: OfferView, ctx: ActionContext, preview: str | None) -> Mapping[str, Json]:
    """The modal of an offer: choices and first values from the context, the verb's own words, and what it would do."""
    blocks: list[Json] = [_context(_paragraph(verb.doc))]
    if preview is not None:
        blocks.append(_context(preview))
    blocks += [_input(name, field, offer, ctx) for name, field in verb.params.model_fields.items()]
    if offer.consequence:
        blocks.append(_context(offer.consequence))
    return _view("pullcord_submit", verb.title, verb.title, offer.id, blocks)


def mark_form(offer: OfferView) -> Mapping[str, Json]:
    """Asks how the person knows that an unknown execution was done, or was not."""
    done = offer.action == MARK_DONE
    word = "done" if done else "not done"
    element: dict[str, Json] = {"type": "plain_text_input", "action_id": "value", "multiline": True, "max_length": 1000}
    block: dict[str, Json] = {
        "type": "input",
        "block_id": "reason",
        "label": _plain(f"How do you know that it was {word}?", 2000),
        "hint": _plain("It goes on the timeline under your name.", 2000),
        "element": element,
    }
    metadata = f"{offer.incident}|{offer.params.get('execution')}|{'done' if done else 'not_done'}"
    return _view("pullcord_mark_submit", f"Mark {word}", f"Mark {word}", metadata, [_context(offer.label), block])


def submitted(verb: Action, values: Mapping[str, Json]) -> dict[str, Json]:
    """What a person filled in, by field. Nothing is guessed: an empty field is left out, so that its default holds."""
    given: dict[str, Json] = {}
    for name, field in verb.params.model_fields.items():
        value = values.get(name)
        if value is None or value == "":
            continue
        given[name] = None if value == _NEVER and _holds(field, timedelta) and _optional(field) else value
    return given


def choice_errors(verb: Action, params: Params, ctx: ActionContext, names: set[str]) -> dict[str, str]:
    """A sentence at each select whose value is none of its choices now: what a client sends proves nothing."""
    faults: dict[str, str] = {}
    for name in names:
        choices = _marker(verb.params.model_fields[name], Choices)
        if choices is not None and getattr(params, name) not in {c.value for c in choices.of(ctx)}:
            faults[name] = "This is not one of the choices any more; choose again."
    return faults


def _input(name: str, field: FieldInfo, offer: OfferView, ctx: ActionContext) -> Json:
    block: dict[str, Json] = {
        "type": "input",
        "block_id": name,
        "optional": not field.is_required(),
        "label": _plain(field.title or name.replace("_", " "), 2000),
        "element": _element(field, _first(name, field, offer, ctx), ctx),
    }
    if field.description:
        block["hint"] = _plain(field.description, 2000)
    return block


def _first(name: str, field: FieldInfo, offer: OfferView, ctx: ActionContext) -> Json:
    """What stands in the field at first: the offer's parameter, the verb's own suggestion, or the default."""
    if name in offer.params:
        return offer.params[name]
    prefill = _marker(field, Prefill)
    if prefill is not None:
        return prefill.of(ctx)
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    if isinstance(default, timedelta):
        return _iso(default)
    return default if isinstance(default, str | int | float | bool) else None


def _element(field: FieldInfo, first: Json, ctx: ActionContext) -> dict[str, Json]:
    choices = _marker(field, Choices)
    if choices is not None and (options := _fitting(choices.of(ctx))):
        return _select(options, first)
    if _holds(field, timedelta):
        never = (Choice(_NEVER, "Until somebody takes it back"),) if _optional(field) else ()
        return _select([*_LENGTHS, *never], first if first is not None else _NEVER)
    if _holds(field, bool):
        return _select(_YES_NO, str(bool(first)).lower())
    most = min((m.max_length for m in field.metadata if getattr(m, "max_length", None)), default=3000)
    element: dict[str, Json] = {
        "type": "plain_text_input",
        "action_id": "value",
        "multiline": _marker(field, Multiline) is not None,
        "max_length": min(most, 3000),
    }
    text = "" if first is None else str(first)
    if 0 < len(text) <= min(most, 3000):
        element["initial_value"] = text
    return element


def _select(options: Sequence[Choice], first: Json) -> dict[str, Json]:
    shown: list[Json] = [_option(choice) for choice in options]
    element: dict[str, Json] = {"type": "static_select", "action_id": "value", "options": shown}
    chosen = next((choice for choice in options if choice.value == first), None)
    if chosen is not None:
        element["initial_option"] = _option(chosen)
    return element


def _option(choice: Choice) -> dict[str, Json]:
    return {"text": _plain(choice.label or choice.value, 75), "value": choice.value}


def _fitting(choices: Sequence[Choice]) -> list[Choice]:
    """Those that Slack can carry: 100 at most, each once, with values of 1 to 150 characters."""
    unique = {choice.value: choice for choice in choices if 0 < len(choice.value) <= 150}
    return list(unique.values())[:100]


def _view(callback: str, title: str, submit: str, metadata: str, blocks: list[Json]) -> Mapping[str, Json]:
    return {
        "type": "modal",
        "callback_id": callback,
        "title": _plain(title, 24),
        "submit": _plain(submit, 24),
        "close": _plain("Cancel", 24),
        "private_metadata": metadata,
        "blocks": blocks,
    }


def _context(text: str) -> Json:
    elements: list[Json] = [_plain(text, 2000)]
    return {"type": "context", "elements": elements}


def _plain(text: str, limit: int) -> dict[str, Json]:
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return {"type": "plain_text", "text": cut or "–", "emoji": False}


def _paragraph(doc: str) -> str:
    return " ".join(doc.split())


Marker = typing.TypeVar("Marker", Choices, Prefill, Multiline)


def _marker(field: FieldInfo, kind: type[Marker]) -> Marker | None:
    return next((m for m in field.metadata if isinstance(m, kind)), None)


def _members(field: FieldInfo) -> tuple[Any, ...]:
    origin = typing.get_origin(field.annotation)
    return typing.get_args(field.annotation) if origin in {typing.Union, types.UnionType} else (field.annotation,)


def _holds(field: FieldInfo, kind: type) -> bool:
    return kind in _members(field)


def _optional(field: FieldInfo) -> bool:
    return type(None) in _members(field)


def _iso(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    return f"P{seconds // 86400}D" if seconds % 86400 == 0 else f"PT{seconds // 3600}H"
