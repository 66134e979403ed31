"""Arguments small enough for a timeline entry. What was cut says so; the whole is in the evidence."""

from pydantic_core import to_json

from bot.domain.base import Json

_STEPS = ((500, 50, 8), (120, 15, 5), (40, 5, 3))  # text length, items, depth; each a try
_MOST = 6_000


def shorten(value: Json) -> Json:
    """The value with long texts and lists cut, until its JSON is at most 6 kB; as text if nothing else helps."""
    for text, many, depth in _STEPS:
        cut = _cut(value, text, many, depth)
        if len(to_json(cut)) <= _MOST:
            return cut
    return f"{to_json(cut).decode()[: _MOST // 2]}… [cut; the whole is in the evidence]"


def _cut(value: Json, text: int, many: int, depth: int) -> Json:
    if isinstance(value, str):
        return value if len(value) <= text else f"{value[:text]}… [{len(value) - text:,} more characters]"
    if isinstance(value, (dict, list)) and depth <= 0:
        return "… [nested deeper]"
    if isinstance(value, dict):
        found: dict[str, Json] = {
            str(_cut(key, 80, many, depth)): _cut(held, text, many, depth - 1)
            for key, held in list(value.items())[:many]
        }
        if len(value) > many:
            found["…"] = f"[{len(value) - many:,} more]"
        return found
    if isinstance(value, list):
        items = [_cut(item, text, many, depth - 1) for item in value[:many]]
        return [*items, f"… [{len(value) - many:,} more]"] if len(value) > many else items
    return value
