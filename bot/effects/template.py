"""Targets and summaries from a rule's template: dotted paths and money, never ``str.format`` on foreign text."""

from pydantic import ValidationError
from pydantic_core import to_json

from bot.domain.base import Json, Value
from bot.domain.catalogue import Place, template_parts
from bot.domain.money import Money
from bot.domain.run import ToolCall

_MAX_PLACE = 120
_MAX_TEXT = 300


class Rendered(Value):
    """A rendered template, with the first amount of money in it."""

    text: str
    money: Money | None = None


def render(template: str, call: ToolCall) -> Rendered:
    """The template with the values of the call; what was not recorded is said so."""
    pieces: list[str] = []
    money: Money | None = None
    for part in template_parts(template):
        if isinstance(part, str):
            pieces.append(part)
            continue
        found, value = look_up(call, part.path)
        amount = _money(call, part, value) if part.currency else None
        money = money or amount
        if amount is not None:
            pieces.append(str(amount))
        else:
            pieces.append(_text(value) if found and value is not None else f"({part.path[-1]} not recorded)")
    return Rendered(text=_cut("".join(pieces), _MAX_TEXT), money=money)


def look_up(call: ToolCall, path: tuple[str, ...]) -> tuple[bool, Json]:
    """The value at a dotted path of the call (``arguments`` or ``result`` first), and whether it is there at all."""
    at: Json = call.arguments if path[0] == "arguments" else call.result
    for name in path[1:]:
        if isinstance(at, dict) and name in at:
            at = at[name]
        elif isinstance(at, list) and name.isdecimal() and int(name) < len(at):
            at = at[int(name)]
        else:
            return False, None
    return True, at


def _money(call: ToolCall, part: Place, value: Json) -> Money | None:
    """Minor units with their currency, or ``None`` when either is not what it should be: no amount is ever guessed."""
    currency: Json = part.currency[0] if part.currency and len(part.currency) == 1 else None
    if part.currency and len(part.currency) > 1:
        currency = look_up(call, part.currency)[1]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not isinstance(currency, str):
        return None
    try:
        return Money(amount=value, currency=currency.strip().upper())
    except ValidationError:
        return None


def _text(value: Json) -> str:
    text = value if isinstance(value, str) else to_json(value).decode()
    return _cut(" ".join(text.split()), _MAX_PLACE)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
