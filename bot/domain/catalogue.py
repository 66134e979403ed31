"""The tool catalogue as written in the config (``tools:``): how reversible each tool is. Values only, no evaluation.

A rule names tools by ``name``, ``names`` or ``pattern`` (a shell-style glob), may be limited to ``agents`` and to
argument conditions (``when``), and says what the call is. The first rule that fits wins, in the order written.

```yaml
tools:
  - name: issue_refund
    when: {"arguments.amount_cents": {gt: 0}}
    reversibility: compensable
    undo_window: 1h
    after_window: irreversible
    target: "{arguments.customer_id}"
    summary: "{arguments.amount_cents|money:arguments.currency} → {arguments.customer_id}"
```
"""

import hashlib
import json
import re
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)

from bot.domain.base import Json, Value
from bot.domain.effect import Reversibility

_PATH = r"[A-Za-z_][\w-]*(?:\.(?:[A-Za-z_][\w-]*|\d+))*"
_PLACE = re.compile(rf"^({_PATH})(?:\|money:({_PATH}))?$")
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(s|m|h|d)\s*$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ROOTS = ("arguments", "result")
_MAX_PATTERN = 200


def _duration(value: Any) -> Any:
    """Read ``90s``, ``60m``, ``24h``, ``7d``; anything else is left to pydantic (ISO 8601, seconds, timedelta)."""
    if isinstance(value, str) and (match := _DURATION.match(value)):
        try:
            return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
        except OverflowError:  # longer than Python's longest; pydantic refuses the text
            return value
    return value


def _written(value: timedelta) -> str:
    """In seconds, as ``_duration`` reads them: never with an exponent."""
    seconds = value.total_seconds()
    return f"{int(seconds)}s" if seconds == int(seconds) else f"{seconds:.6f}".rstrip("0") + "s"


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(_written, return_type=str, when_used="json"),
]


def path_of(text: str) -> tuple[str, ...]:
    """Split a dotted path (``arguments.items.0.price``). Raises ``ValueError`` for anything but names and indices."""
    if not re.fullmatch(_PATH, text) or text.split(".", maxsplit=1)[0] not in _ROOTS:
        message = f"{text!r} is not a dotted path that starts with 'arguments' or 'result'"
        raise ValueError(message)
    return tuple(text.split("."))


class Place(Value):
    """One ``{...}`` of a template: a path and, for money, the path of the currency or its code."""

    path: tuple[str, ...]
    currency: tuple[str, ...] | None = None


def template_parts(template: str) -> tuple[str | Place, ...]:
    """Split a template into literal text and places. Never ``str.format``: only dotted paths and ``|money:``.

    ``{arguments.amount_cents|money:arguments.currency}`` reads minor units with the currency from the arguments;
    ``|money:USD`` names it. Raises ``ValueError`` naming the piece that cannot be read.
    """
    parts: list[str | Place] = []
    for index, piece in enumerate(re.split(r"\{([^{}]*)\}", template)):
        if index % 2 == 0:
            if "{" in piece or "}" in piece:
                message = f"a brace in {template!r} has no partner; places are written like {{arguments.customer_id}}"
                raise ValueError(message)
            if piece:
                parts.append(piece)
            continue
        match = _PLACE.match(piece)
        if match is None:
            message = f"{{{piece}}} is not a dotted path, with or without |money:CURRENCY"
            raise ValueError(message)
        currency = match[2]
        if currency is not None and not re.fullmatch(r"[A-Z]{3}", currency):
            path_of(currency)
        parts.append(Place(path=path_of(match[1]), currency=tuple(currency.split(".")) if currency else None))
    return tuple(parts)


class Condition(Value):
    """What one argument must be like; every given test must hold (``None`` asks nothing).

    ``matches`` is a shell-style glob on the text, ``in`` a list of allowed values.
    """

    model_config = ConfigDict(populate_by_name=True)

    eq: Json = None
    ne: Json = None
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None
    in_: tuple[Json, ...] | None = Field(default=None, alias="in")
    matches: str | None = Field(default=None, max_length=_MAX_PATTERN)
    exists: bool | None = None
    absent: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            message = "a condition needs one of eq, ne, gt, gte, lt, lte, in, matches, exists, absent"
            raise ValueError(message)
        return self


class ToolRule(Value):
    """One entry of the catalogue.

    ``undo_window`` counts from the end of the call; after it the class is ``after_window``. ``succeeded_if`` says what
    the recorded result is like when the call had its effect. ``reason`` is shown to people.
    """

    name: str | None = None
    names: tuple[str, ...] = ()
    pattern: str | None = Field(default=None, max_length=_MAX_PATTERN)
    agents: tuple[str, ...] = ()
    when: dict[str, Condition] = Field(default_factory=dict)
    succeeded_if: dict[str, Condition] = Field(default_factory=dict)
    reversibility: Reversibility
    undo_window: Duration | None = None
    after_window: Reversibility = Reversibility.IRREVERSIBLE
    target: str | None = None
    summary: str | None = None
    reason: str | None = None

    @field_validator("when")
    @classmethod
    def _paths(cls, value: dict[str, Condition]) -> dict[str, Condition]:
        for path in value:
            path_of(path)
        return value

    @field_validator("succeeded_if")
    @classmethod
    def _results(cls, value: dict[str, Condition]) -> dict[str, Condition]:
        for path in value:
            if path_of(path)[0] != "result":
                message = f"{path!r} does not start with 'result': success is told by what the tool answered"
                raise ValueError(message)
        return value

    @field_validator("target", "summary")
    @classmethod
    def _template(cls, value: str | None) -> str | None:
        if value is not None:
            template_parts(value)
        return value

    @model_validator(mode="after")
    def _names_a_tool(self) -> Self:
        if sum((self.name is not None, bool(self.names), self.pattern is not None)) != 1:
            message = "give exactly one of name, names, pattern"
            raise ValueError(message)
        if self.undo_window is not None and self.undo_window <= timedelta(0):
            message = "undo_window must be longer than zero"
            raise ValueError(message)
        return self


class Catalogue(Value):
    """All rules, in the order in which they are tried."""

    rules: tuple[ToolRule, ...] = ()

    @property
    def version(self) -> str:
        """A short hash of the rules, so that evidence can say by which catalogue it was read."""
        canonical = json.dumps(self.model_dump(mode="json", by_alias=True, exclude_defaults=True), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]
