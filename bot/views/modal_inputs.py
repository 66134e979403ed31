"""One field of a verb's ``Params`` as a Block Kit input, by its type; and what its select may hold.

bool: a checkbox. int, float, Decimal: a number. timedelta, Literal, enum, ``Choices``: a select. datetime, date, time:
a picker. A list of choices: a select of several; a list of free texts: a box, one a line. ``Multiline``: a box. All
else: a line of text.
"""

import types
import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from pydantic.fields import FieldInfo

from bot.domain.base import Json
from bot.plugin import Choice, Choices, Multiline, Prefill
from bot.views import blocks as b
from bot.views import limits
from bot.views.blocks import Block

VALUE: Final = "value"
NEVER: Final = "never"
"""The value of "until it is lifted" in a select of durations."""
YES: Final = "true"
MOST_OPTIONS: Final = 1000
"""So many choices at most, in groups of 100 (Slack's limit for one list); a modal may have 250 kB in all."""

_MANY = (list, tuple, set, frozenset, Sequence, Collection)
_NUMBERS = (int, float, Decimal)


@dataclass(frozen=True, slots=True)
class Shown:
    """The choices of one field as a modal shows them, and what must be said of them (a gateway that did not answer)."""

    options: tuple[Choice, ...]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a field holds: ``base`` type of one value, whether it is a list of them, and whether it may be None.

    ``fixed`` are the values of a Literal or an enum, by the text that stands for each.
    """

    base: Any
    many: bool
    optional: bool
    fixed: Mapping[str, Any]

    def holds(self, *kinds: type) -> bool:
        """Whether one value is of one of these types. A bool is no number."""
        return self.base in kinds


def shape_of(field: FieldInfo) -> Shape:
    """The shape of a field, from its annotation."""
    members = _members(field.annotation)
    optional = type(None) in members
    held = [m for m in members if m is not type(None)]
    one = held[0] if held else str
    many = typing.get_origin(one) in _MANY or one in _MANY
    if many:
        inner = [a for a in typing.get_args(one) if a is not ...]
        one = _members(inner[0])[0] if inner else str
    return Shape(_base(one), many, optional, _fixed(one))


def _members(annotation: Any) -> tuple[Any, ...]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    return typing.get_args(annotation) if origin in {typing.Union, types.UnionType} else (annotation,)


def _base(one: Any) -> Any:
    return typing.get_args(one)[0] if typing.get_origin(one) is typing.Annotated else one


def _fixed(one: Any) -> dict[str, Any]:
    kept = _base(one)
    if typing.get_origin(kept) is typing.Literal:
        return {str(value): value for value in typing.get_args(kept)}
    if isinstance(kept, type) and issubclass(kept, Enum):
        return {str(member.value): member.value for member in kept}
    return {}


Marker = typing.TypeVar("Marker", Choices, Prefill, Multiline)


def marker(field: FieldInfo, kind: type[Marker]) -> Marker | None:
    """The marker of this kind in the field's annotation, or None."""
    return next((m for m in field.metadata if isinstance(m, kind)), None)


def fitting(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """Those that Slack can carry: each value once and of 1 to 150 characters."""
    unique = {c.value: c for c in choices if 0 < len(c.value) <= limits.OPTION_VALUE}
    return tuple(unique.values())


def element(  # noqa: PLR0911 - one per kind of input
    field: FieldInfo, first: Json, shown: Shown | None, lengths: Sequence[timedelta]
) -> Block:
    """The input element. ``shown``: its choices where it is a select; ``lengths``: those of a duration."""
    shape = shape_of(field)
    options = shown.options if shown is not None else ()
    if not options and shape.fixed:
        options = tuple(Choice(value, value.replace("_", " ")) for value in shape.fixed)
    if options:
        return _several(field, options, first) if shape.many else _select(options, first)
    if shape.many:
        lines = "\n".join(map(str, first)) if isinstance(first, list) else first
        return _text(field, lines, multiline=True)
    if shape.holds(timedelta):
        return _durations(lengths, first, never=shape.optional)
    if shape.holds(bool):
        return _checkbox(field.title or "Yes", ticked=first is True)
    if shape.holds(*_NUMBERS):
        return _number(field, first, decimals=not shape.holds(int))
    if shape.holds(datetime, date, time):
        return _picker(shape.base, first)
    return _text(field, first, multiline=marker(field, Multiline) is not None)


def left_out(shown: Shown | None) -> int:
    """How many choices are more than a modal holds."""
    return 0 if shown is None else max(0, len(shown.options) - MOST_OPTIONS)


def _text(field: FieldInfo, first: Json, *, multiline: bool) -> Block:
    longest = min(_bounds(field, "max_length", limits.INPUT_TEXT), limits.INPUT_TEXT)
    if shape_of(field).many:  # there it counts values, not characters
        longest = limits.INPUT_TEXT
    made: Block = {"type": "plain_text_input", "action_id": VALUE, "multiline": multiline, "max_length": longest}
    text = "" if first is None else str(first)
    if 0 < len(text) <= longest:
        made["initial_value"] = text
    return made


def _number(field: FieldInfo, first: Json, *, decimals: bool) -> Block:
    made: Block = {"type": "number_input", "action_id": VALUE, "is_decimal_allowed": decimals}
    for ours, slacks in (("ge", "min_value"), ("le", "max_value")):
        bound = next((getattr(m, ours) for m in field.metadata if getattr(m, ours, None) is not None), None)
        if bound is not None:
            made[slacks] = str(bound)
    if isinstance(first, int | float | str) and str(first):
        made["initial_value"] = str(first)
    return made


def _picker(base: Any, first: Json) -> Block:
    if base is datetime:
        made: Block = {"type": "datetimepicker", "action_id": VALUE}
        return {**made, "initial_date_time": first} if isinstance(first, int) and 10**9 <= first < 10**10 else made
    kind, slacks = ("datepicker", "initial_date") if base is date else ("timepicker", "initial_time")
    made = {"type": kind, "action_id": VALUE}
    return {**made, slacks: first} if isinstance(first, str) and first else made


def _checkbox(label: str, *, ticked: bool) -> Block:
    choice = b.option(label, YES)
    made: Block = {"type": "checkboxes", "action_id": VALUE, "options": [choice]}
    return {**made, "initial_options": [choice]} if ticked else made


def _durations(lengths: Sequence[timedelta], first: Json, *, never: bool) -> Block:
    options = [Choice(_iso(length), f"in {_span(length)}") for length in lengths]
    if isinstance(first, str) and first not in {choice.value for choice in options} | {NEVER}:
        options.append(Choice(first, first))
    if never:
        options.append(Choice(NEVER, "until it is lifted"))
    return _select(options, first if first is not None else NEVER)


def _span(length: timedelta) -> str:
    """For people: ``24 hours``, ``7 days``, ``90 seconds``."""
    seconds = int(length.total_seconds())
    # one day is said as 24 hours: at 3 a.m. nobody should have to think which day is meant
    sizes = ((86400, "day", 2), (3600, "hour", 1), (60, "minute", 1), (1, "second", 1))
    size, word = next((size, word) for size, word, least in sizes if seconds % size == 0 and seconds >= size * least)
    count = seconds // size
    return f"{count} {word}" + ("" if count == 1 else "s")


def _select(options: Sequence[Choice], first: Json) -> Block:
    rows = _rows(options)
    made: Block = {"type": "static_select", "action_id": VALUE, **_listed(rows)}
    chosen = next((row for row in rows if row["value"] == first), None)
    return made if chosen is None else {**made, "initial_option": chosen}


def _several(field: FieldInfo, options: Sequence[Choice], first: Json) -> Block:
    rows = _rows(options)
    made: Block = {"type": "multi_static_select", "action_id": VALUE, **_listed(rows)}
    most = _bounds(field, "max_length", 0)
    if most:
        made["max_selected_items"] = most
    wanted = {str(value) for value in first} if isinstance(first, list) else set()
    chosen = [row for row in rows if row["value"] in wanted]
    return {**made, "initial_options": chosen} if chosen else made


def _rows(options: Sequence[Choice]) -> list[Block]:
    return [b.option(choice.label or choice.value, choice.value) for choice in options[:MOST_OPTIONS]]


def _listed(rows: list[Block]) -> Block:
    """One list up to 100 rows; more in groups that say which they hold, in the order given."""
    size = limits.SELECT_OPTIONS
    if len(rows) <= size:
        return {"options": rows}
    starts = range(0, len(rows), size)
    return {
        "option_groups": [
            {
                "label": b.plain_text(f"{start + 1} to {min(start + size, len(rows))} of {len(rows)}", 75),
                "options": rows[start : start + size],
            }
            for start in starts
        ]
    }


def _bounds(field: FieldInfo, name: str, default: int) -> int:
    return next((int(getattr(m, name)) for m in field.metadata if getattr(m, name, None) is not None), default)


def first_value(field: FieldInfo) -> Json:
    """A field's default as its input takes it; None where it has none."""
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return as_shown(default)


def as_shown(value: Any) -> Json:  # noqa: PLR0911 - one per type
    """A parameter's value as an input takes it."""
    if isinstance(value, Enum):
        return as_shown(value.value)
    if isinstance(value, timedelta):
        return _iso(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, list | tuple | set | frozenset):
        return [as_shown(one) for one in value]
    return value if isinstance(value, str | int | float | bool) else None


def _iso(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    if seconds % 86400 == 0:
        return f"P{seconds // 86400}D"
    return f"PT{seconds // 3600}H" if seconds % 3600 == 0 else f"PT{seconds}S"
