r"""Where an argument of a tool stands: a dotted path, as a key of the desired state and as a JSON Schema around it.

``amount`` is the argument itself, ``order.lines.*.price`` the price of each line. A dot, a star or a backslash that
belongs to a name is written with a backslash before it (``a\.b``): names are the model's, and may hold anything.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from bot.domain.base import Json

EACH: Final = "*"
"""Each element of a list."""
MOST: Final = 8
"""So many steps a path may have."""


def path_of(text: str) -> tuple[str | None, ...]:
    r"""The steps of a path; ``None`` stands for each element of a list. Raises ``ValueError`` for what is none."""
    steps: list[str | None] = []
    name, bare, escaped = "", True, False
    for character in f"{text}.":
        if escaped:
            name, bare, escaped = name + character, False, False
        elif character == "\\":
            escaped = True
        elif character == ".":
            if not name:
                message = f"{text[:100]!r} is no path: a name is missing"
                raise ValueError(message)
            steps.append(None if name == EACH and bare else name)
            name, bare = "", True
        else:
            name += character
    if escaped or name or len(steps) > MOST or steps[0] is None:
        message = f"{text[:100]!r} is no path of at most {MOST} names with dots between them"
        raise ValueError(message)
    return tuple(steps)


def written(steps: Sequence[str | None]) -> str:
    """The path as text; ``path_of`` reads it back."""
    return ".".join(EACH if step is None else _escaped(step) for step in steps)


def _escaped(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace(".", "\\.")
    return f"\\{escaped}" if escaped == EACH else escaped


def around(steps: Sequence[str | None], schema: dict[str, Json]) -> dict[str, Json]:
    """The schema of a whole argument object that holds what stands at the path to ``schema``.

    What stands on the way must be an object, or a list, where it is there: else the bound could be gone round.
    """
    inner: Json = schema
    for step in reversed(steps):
        inner = {"type": "array", "items": inner} if step is None else {"type": "object", "properties": {step: inner}}
    return inner if isinstance(inner, dict) else {}


def merged(one: Json, other: Json) -> Json:
    """Two schemas that ``around`` made, as one that holds to both. What only ``allOf`` can join is joined by it."""
    if one == other or not isinstance(one, dict) or not isinstance(other, dict):
        return one
    if _shell(one) and _shell(other) and one["type"] == other["type"]:
        key = "properties" if "properties" in one else "items"
        if key in other and key == "items":
            return {**one, "items": merged(one["items"], other["items"])}
        mine, theirs = one.get("properties"), other.get("properties")
        if isinstance(mine, dict) and isinstance(theirs, dict):
            both = {name: merged(held, theirs[name]) if name in theirs else held for name, held in mine.items()}
            return {**one, "properties": {**both, **{n: s for n, s in theirs.items() if n not in both}}}
    return {"allOf": [one, other]}


def _shell(schema: dict[str, Json]) -> bool:
    return set(schema) in ({"type", "properties"}, {"type", "items"})


def at(arguments: Json, steps: Sequence[str | None]) -> Iterator[Json]:
    """The values that stand at a path, none where there is none."""
    if not steps:
        yield arguments
        return
    step, rest = steps[0], steps[1:]
    if step is None:
        if isinstance(arguments, list):
            for one in arguments:
                yield from at(one, rest)
    elif isinstance(arguments, dict) and step in arguments:
        yield from at(arguments[step], rest)


def paths(arguments: Json, most: int = 100) -> list[tuple[tuple[str | None, ...], Json]]:
    """The paths of all leaves of an argument object with a value of each, in order; each path once."""
    found: dict[tuple[str | None, ...], Json] = {}

    def walk(value: Json, steps: tuple[str | None, ...]) -> None:
        if len(found) >= most:
            return
        if len(steps) < MOST and isinstance(value, dict) and value:
            for name, held in value.items():
                if name:
                    walk(held, (*steps, name))
        elif len(steps) < MOST and isinstance(value, list) and value and steps:
            for held in value[:most]:
                walk(held, (*steps, None))
        elif steps:
            found.setdefault(steps, value)

    walk(arguments, ())
    return list(found.items())
