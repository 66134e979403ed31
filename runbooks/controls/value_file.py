"""One value in a YAML or JSON file of somebody else: read by its path, and changed without touching anything beside it.

A YAML file is changed in its text, at the marks that PyYAML's composer gives for the value, so that comments, order
and quoting of everything else stay. What was written is read back: a file whose meaning would change elsewhere, by an
anchor or a merge key, is refused and left to a person.
"""

import json
from collections.abc import Sequence
from typing import Any

import yaml

from bot.domain.base import Json
from bot.errors import Refused

_BY_HAND = "Change it by hand, or name another file."
MISSING: Any = object()
"""What is not in the file; ``None`` is a value."""


def value_at(text: str, name: str, path: Sequence[str]) -> Any:
    """The value at this path; ``MISSING`` where there is none. Raises Refused for a file that cannot be read."""
    held = _read(text, name)
    for step in path:
        if not isinstance(held, dict) or step not in held:
            return MISSING
        held = held[step]
    return held


def with_value(text: str, name: str, path: Sequence[str], value: Any) -> str:
    """The file's text with this value at the path; ``MISSING`` removes it. Raises Refused where that cannot be done."""
    before = _read(text, name)
    wanted = _set(before, path, value)
    if _is_json(name):
        made = json.dumps(wanted, indent=_indent(text), ensure_ascii=False) + ("\n" if text.endswith("\n") else "")
    else:
        made = _edited(text, name, path, value)
    if _read(made, name) != wanted:
        message = f"{name} cannot be changed at {'.'.join(path)} without changing something else in it."
        raise Refused(message, field="path", next_step=_BY_HAND)
    return made


def _is_json(name: str) -> bool:
    return name.lower().endswith(".json")


def _read(text: str, name: str) -> Any:
    try:
        held = json.loads(text) if _is_json(name) else yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Refused(f"{name} is no {'JSON' if _is_json(name) else 'YAML'} that can be read.") from None
    held = {} if held is None else held
    if not isinstance(held, dict):
        raise Refused(f"{name} holds no mapping at its top.", next_step=_BY_HAND)
    return held


def _set(held: Any, path: Sequence[str], value: Any) -> dict[str, Any]:
    first, rest = path[0], path[1:]
    here = dict(held) if isinstance(held, dict) else {}
    if rest:
        inner = here.get(first)
        if inner is not None and not isinstance(inner, dict):
            message = f"What stands at {first} is no mapping, so nothing can be set below it."
            raise Refused(message, field="path", next_step=_BY_HAND)
        if value is not MISSING or inner is not None:
            here[first] = _set(inner, rest, value)
    elif value is MISSING:
        here.pop(first, None)
    else:
        here[first] = value
    return here


def _indent(text: str) -> int | str | None:
    line = next((line for line in text.splitlines()[1:] if line.strip()), "")
    if "\n" not in text.strip():
        return None
    return "\t" if line.startswith("\t") else max(1, len(line) - len(line.lstrip(" ")))


# ---------------------------------------------------------------------- YAML, in its text


def _edited(text: str, name: str, path: Sequence[str], value: Any) -> str:
    text = text if not text or text.endswith("\n") else f"{text}\n"
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        raise Refused(f"{name} is no YAML that can be read.") from None
    if node is None:
        return text if value is MISSING else text + _lines(path, value, 0)
    for depth, step in enumerate(path):
        found = _entry(node, step)
        if found is None:
            return text if value is MISSING else _added(text, name, node, path[depth:], value)
        key, held = found
        if depth == len(path) - 1:
            return _removed(text, name, node, key, held) if value is MISSING else _replaced(text, key, held, value)
        if isinstance(held, yaml.ScalarNode) and held.tag == "tag:yaml.org,2002:null":
            return text if value is MISSING else _replaced(text, key, held, _nested(path[depth + 1 :], value))
        node = held
    return text


def _entry(node: yaml.Node, step: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((key, held) for key, held in node.value if getattr(key, "value", None) == step), None)


def _replaced(text: str, key: yaml.Node, held: yaml.Node, value: Any) -> str:
    """The value's own characters are replaced by one in flow style, on the line of its key."""
    start, end = held.start_mark.index, held.end_mark.index
    while end > start and text[end - 1] in " \n":  # a block's end is where the next key begins
        end -= 1
    end = _before_comments(text, start, end) if not isinstance(held, yaml.ScalarNode) else end
    at = text.index(":", key.end_mark.index) + 1
    between = text[at:start]
    gap = between if between.strip() or "\n" not in between else " "
    return text[:at] + (gap if gap.strip() or gap == " " else " ") + _flow(value) + text[end:]


def _before_comments(text: str, start: int, end: int) -> int:
    lines = text[start:end].split("\n")
    while len(lines) > 1 and lines[-1].lstrip().startswith("#"):
        end -= len(lines.pop()) + 1
    return end


def _removed(text: str, name: str, node: yaml.Node, key: yaml.Node, held: yaml.Node) -> str:
    if getattr(node, "flow_style", False):
        inner = {str(k.value): yaml.safe_load(text[v.start_mark.index : v.end_mark.index]) for k, v in _entries(node)}
        inner.pop(str(getattr(key, "value", "")), None)
        return text[: node.start_mark.index] + _flow(inner) + text[node.end_mark.index :]
    start = text.rindex("\n", 0, key.start_mark.index) + 1 if "\n" in text[: key.start_mark.index] else 0
    if len(_entries(node)) == 1:  # an empty block would be read as null
        return text[:start] + " " * key.start_mark.column + "{}\n" + text[_line_end(text, held) :]
    return text[:start] + text[_line_end(text, held) :]


def _entries(node: yaml.Node) -> list[tuple[Any, Any]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _line_end(text: str, held: yaml.Node) -> int:
    end = held.end_mark.index
    if end and text[end - 1] == "\n":
        return int(end)
    found = text.find("\n", end)
    return len(text) if found < 0 else found + 1


def _added(text: str, name: str, node: yaml.Node, path: Sequence[str], value: Any) -> str:
    entries = _entries(node)
    if not isinstance(node, yaml.MappingNode):
        raise Refused(f"What stands in {name} at that place is no mapping.", field="path", next_step=_BY_HAND)
    if node.flow_style or not entries:
        end = node.end_mark.index - 1
        more = f"{_flow(path[0])}: {_flow(_nested(path[1:], value))}"
        return text[:end].rstrip() + (", " if entries else "") + more + text[end:]
    start = text.rfind("\n", 0, entries[-1][0].start_mark.index) + 1
    # in front of the last entry: its end is the one thing that a block does not mark
    return text[:start] + _lines(path, value, node.start_mark.column) + text[start:]


def _lines(path: Sequence[str], value: Any, column: int) -> str:
    return f"{' ' * column}{_flow(path[0])}: {_flow(_nested(path[1:], value))}\n"


def _nested(path: Sequence[str], value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value


def _flow(value: Json) -> str:
    """In flow style on one line; a text that could be read as something else is quoted."""
    dumped = yaml.safe_dump(value, default_flow_style=True, width=1_000_000, allow_unicode=True, sort_keys=False)
    line = dumped.removesuffix("\n").removesuffix("\n...")
    return line if "\n" not in line and not line.startswith(("|", ">")) else json.dumps(value)
