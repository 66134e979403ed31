"""Where a mitigation's value stands in a configuration file: the one rule for ``fixes.<agent>.config``.

``agent.model`` stands at ``model``, ``agent.prompt.suffix`` at ``prompt.suffix``, a denied tool in the list
``tools.denied``, a bound of an argument at ``validation.<tool>.<argument>``. Another control plane's setting keeps its
own name.
"""

import json
from collections.abc import Sequence
from typing import Any

from bot.domain.action import Change
from bot.domain.base import Json
from bot.domain.desired import TOOLS_DENIED
from bot.errors import Refused
from runbooks.controls.value_file import MISSING, value_at, with_value


def place_of(change: Change, below: Sequence[str] = ()) -> tuple[str, ...]:
    """The path in the file, where an agent's values stand ``below`` a path of their own."""
    target = change.target
    path = (*below, *(part for part in target.setting.removeprefix("agent.").split(".") if part))
    if target.element is None or target.setting == TOOLS_DENIED:
        return path
    return (*path, *(part for part in target.element.split("#") if part))


def held_by(text: str, name: str, change: Change, below: Sequence[str] = ()) -> Json:
    """What the file holds for the change's target; None for nothing."""
    held = value_at(text, name, place_of(change, below))
    element = change.target.element
    if change.target.setting == TOOLS_DENIED and element is not None:
        return True if isinstance(held, list) and element in held else None
    if held is not MISSING and not _is_json(held):
        message = f"What stands at {'.'.join(place_of(change, below))} of {name} is a {type(held).__name__}, no JSON."
        raise Refused(message, next_step="Write it in quotation marks there: it could not be put back as it is.")
    return None if held is MISSING else held


def _is_json(held: Any) -> bool:
    """YAML has dates, sets and bytes too."""
    try:
        json.dumps(held, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def with_change(text: str, name: str, change: Change, below: Sequence[str] = ()) -> str:
    """The file's text with what the change sets. Raises Refused where it cannot be edited."""
    path, element = place_of(change, below), change.target.element
    if change.target.setting == TOOLS_DENIED and element is not None:
        held = value_at(text, name, path)
        names: Sequence[Any] = held if isinstance(held, list) else []
        if held is not MISSING and held is not None and not isinstance(held, list):
            message = f"What stands at {'.'.join(path)} of {name} is no list of tools."
            raise Refused(message, field="tool", next_step="Correct it there, or name another path.")
        others = [one for one in names if one != element]
        return with_value(text, name, path, [*others, element] if change.desired is True else others)
    return with_value(text, name, path, MISSING if change.desired is None else change.desired)
