"""One more rule in the ``tools:`` list of a YAML file, as text: comments, order and everything else stay as they are.

The result is read again and compared, event by event, with what was there: whatever the insertion would have changed
beside the one rule makes it fail. Nothing is ever constructed from the file, so that tags and aliases do no harm.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from bot.domain.catalogue import ToolRule
from bot.errors import ActionFailed

_PLAIN = re.compile(r"[A-Za-z][\w-]*")
_WORDS = frozenset("true false null yes no on off y n".split())  # noqa: SIM905
_UNWRITTEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_MOST = 1_000_000
Rule = dict[str, str | list[str]]


def rule_of(agent: str, tool: str, reversibility: str, reason: str) -> Rule:
    """The rule as the catalogue writes it: this tool of this agent only."""
    rule: Rule = {"name": tool, "agents": [agent], "reversibility": reversibility}
    if reason:
        rule["reason"] = reason
    ToolRule.model_validate(rule)
    return rule


def has_rule(text: str, rule: Rule) -> bool:
    """Whether the file's list holds this rule already, whatever its reason says."""
    node = _tools(_root(text))
    if not isinstance(node, yaml.SequenceNode):
        return False
    wanted = {name: rule[name] for name in ("name", "agents", "reversibility")}
    return any(_plain(item) == wanted for item in node.value)


def with_rule(text: str, rule: Rule) -> str:
    """The file with the rule at the end of ``tools:``. Raises ActionFailed, with the reason, where that cannot be."""
    if len(text) > _MOST:
        raise _cannot("it is larger than 1 MB")
    gap = "\r\n" if "\r\n" in text else "\n"
    root = _root(text)
    node = _tools(root)
    if node is None:
        if root is not None and (root.flow_style or root.start_mark.column):
            raise _cannot("it is not written as a block of settings")
        changed = _appended(text, gap, gap.join(["tools:", *_block(rule, "  ")]) + gap)
    elif isinstance(node, yaml.ScalarNode) and node.value in {"", "~", "null", "Null", "NULL"}:
        end = _end_of_line(text, node.end_mark.index)
        head = text[: node.start_mark.index].rstrip(" \t") + text[node.end_mark.index : end]
        changed = head + gap + gap.join(_block(rule, "  ")) + text[end:]
    elif not isinstance(node, yaml.SequenceNode):
        raise _cannot("its `tools:` is no list")
    elif node.flow_style:
        at = node.value[-1].end_mark.index if node.value else node.start_mark.index + 1
        changed = text[:at] + (", " if node.value else "") + _flow(rule) + text[at:]
    else:
        at = _end_of_list(text, node)
        indent = " " * node.start_mark.column
        changed = _appended(text[:at], gap, gap.join(_block(rule, indent)) + gap) + text[at:]
    _check(text, changed, rule)
    return changed


def written(rule: Rule) -> str:
    """The rule on one line, for people who have to write it themselves."""
    return f"- {_flow(rule)}"


def _root(text: str) -> yaml.MappingNode | None:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _cannot(f"it is no YAML{'' if mark is None else f' (line {mark.line + 1})'}") from error
    if node is not None and not isinstance(node, yaml.MappingNode):
        raise _cannot("it holds no settings by name")
    return node


def _tools(root: yaml.MappingNode | None) -> yaml.Node | None:
    found = [held for key, held in (root.value if root is not None else ()) if key.value == "tools"]
    if len(found) > 1:
        raise _cannot("it has `tools:` twice")
    return found[0] if found else None


def _plain(node: yaml.Node) -> Any:
    """The parts of a rule that are compared; anything deeper is ``None``."""
    if not isinstance(node, yaml.MappingNode):
        return None
    held: dict[str, Any] = {}
    for key, value in node.value:
        if key.value == "reason":
            continue
        if isinstance(value, yaml.SequenceNode):
            held[key.value] = [item.value for item in value.value if isinstance(item, yaml.ScalarNode)]
        else:
            held[key.value] = value.value if isinstance(value, yaml.ScalarNode) else None
    return held


def _end_of_list(text: str, node: yaml.SequenceNode) -> int:
    """Where the line of the last item ends: comments and blank lines after it belong to what follows."""
    end = node.end_mark.index
    lines = text[:end].splitlines(keepends=True)
    if end < len(text) and lines and not lines[-1].endswith(("\n", "\r")):
        end -= len(lines.pop())  # the indentation of what follows
    while lines:
        line = lines[-1]
        deep = len(line) - len(line.lstrip(" ")) > node.start_mark.column
        if line.strip() and (deep or not line.lstrip().startswith("#")):
            break
        end -= len(lines.pop())
    return end


def _end_of_line(text: str, at: int) -> int:
    ends = [found for sign in ("\r\n", "\n") if (found := text.find(sign, at)) >= 0]
    return min(ends, default=len(text))


def _appended(text: str, gap: str, more: str) -> str:
    return text + ("" if not text or text.endswith(("\n", "\r")) else gap) + more


def _block(rule: Rule, indent: str) -> list[str]:
    rows = [f"{name}: {_value(held)}" for name, held in rule.items()]
    return [f"{indent}{'- ' if place == 0 else '  '}{row}" for place, row in enumerate(rows)]


def _flow(rule: Rule) -> str:
    return "{" + ", ".join(f"{name}: {_value(held)}" for name, held in rule.items()) + "}"


def _value(held: str | list[str]) -> str:
    if isinstance(held, list):
        return f"[{', '.join(_value(one) for one in held)}]"
    if _PLAIN.fullmatch(held) and held.isascii() and held.lower() not in _WORDS:
        return held
    return _UNWRITTEN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(held, ensure_ascii=False))


def _check(before: str, after: str, rule: Rule) -> None:
    """Read the result again: it must be what was there, and the rule in one place."""
    try:
        old, new = list(_events(before)), list(_events(after))
    except yaml.YAMLError as error:
        raise _cannot("a rule could not be put in where its list ends") from error
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    lost = old[start : len(old) - end]
    only_nothing = all(one[0] in {"ScalarEvent", "StreamEndEvent"} and one[1] in {"", "~", "null"} for one in lost)
    if not only_nothing or not has_rule(after, rule):
        raise _cannot("a rule could not be put in without changing something else")


def _events(text: str) -> Iterator[tuple[Any, ...]]:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        tag, anchor = getattr(event, "tag", None), getattr(event, "anchor", None)
        yield type(event).__name__, getattr(event, "value", ""), tag, anchor


def _cannot(why: str) -> ActionFailed:
    message = f"The catalogue's file cannot be changed: {why}."
    return ActionFailed(message, next_step="Write the rule into it by hand.")
