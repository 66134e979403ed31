"""The class of a tool call: the first rule of the catalogue that fits, else the guess, else unclassified.

Where a condition looks at an argument that was not recorded, or that cannot be compared, nobody knows whether the rule
fits. Then the most severe class wins among that rule and whatever comes after it: never the milder one.
"""

import math
from collections.abc import Callable
from fnmatch import fnmatchcase

from bot.domain.base import Json, Value
from bot.domain.catalogue import Catalogue, Condition, ToolRule, path_of
from bot.domain.effect import Reversibility
from bot.domain.run import ToolCall
from bot.effects.reading import guess
from bot.effects.template import look_up

_REDACTED = "[redacted"


class Verdict(Value):
    """A class, the rule that decided it (``None``: no rule did), and why in words."""

    reversibility: Reversibility
    rule: ToolRule | None = None
    guessed: bool = False
    reason: str


def classify(call: ToolCall, catalogue: Catalogue, agents: tuple[str, ...] = ()) -> Verdict:
    """Classify one call. ``agents`` are the names under which its agent is known (agent, service)."""
    possible: list[Verdict] = []
    for number, rule in enumerate(catalogue.rules, 1):
        if not _names(rule, call.name) or (rule.agents and not set(rule.agents) & set(agents)):
            continue
        fits = _holds(rule, call)
        if fits is False:
            continue
        why = rule.reason or f"rule {number} of the catalogue ({_label(rule)})"
        verdict = Verdict(reversibility=rule.reversibility, rule=rule, reason=why)
        if fits is True:
            possible.append(verdict)
            break
        possible.append(
            verdict.model_copy(
                update={"reason": f"{why}; whether its condition holds is not recorded, so the worst counts"}
            )
        )
    else:
        possible.append(_without_rule(call))
    return min(possible, key=lambda verdict: verdict.reversibility.rank)


def _without_rule(call: ToolCall) -> Verdict:
    why = guess(call)
    if why is not None:
        return Verdict(reversibility=Reversibility.READ_ONLY, guessed=True, reason=why)
    return Verdict(reversibility=Reversibility.UNCLASSIFIED, reason="the catalogue does not name this tool")


def _names(rule: ToolRule, tool: str) -> bool:
    if rule.name is not None:
        return rule.name == tool
    return tool in rule.names if rule.names else fnmatchcase(tool, rule.pattern or "")


def _label(rule: ToolRule) -> str:
    return rule.name or rule.pattern or ", ".join(rule.names[:3])


def _holds(rule: ToolRule, call: ToolCall) -> bool | None:
    """Whether all conditions hold; ``None`` when some cannot be told and none is plainly false."""
    answers = [_condition(condition, call, path_of(path)) for path, condition in rule.when.items()]
    if any(answer is False for answer in answers):
        return False
    return None if any(answer is None for answer in answers) else True


def _condition(condition: Condition, call: ToolCall, path: tuple[str, ...]) -> bool | None:
    recorded = call.arguments_recorded if path[0] == "arguments" else call.result_recorded
    root = call.arguments if path[0] == "arguments" else call.result
    if not recorded or (len(path) > 1 and isinstance(root, str)):  # a raw text that could not be read has no fields
        return None
    found, value = look_up(call, path)
    there = found and value is not None
    answers: list[bool | None] = []
    if condition.exists is not None:
        answers.append(there is condition.exists)
    if condition.absent is not None:
        answers.append(there is not condition.absent)
    tests: list[tuple[object, Callable[[Json], bool | None]]] = [
        (condition.eq, lambda held: _equal(held, condition.eq)),
        (condition.ne, lambda held: _not(_equal(held, condition.ne))),
        (condition.gt, lambda held: _number(held, lambda n: n > _bound(condition.gt))),
        (condition.gte, lambda held: _number(held, lambda n: n >= _bound(condition.gte))),
        (condition.lt, lambda held: _number(held, lambda n: n < _bound(condition.lt))),
        (condition.lte, lambda held: _number(held, lambda n: n <= _bound(condition.lte))),
        (condition.in_, lambda held: _among(held, condition.in_ or ())),
        (condition.matches, lambda held: _glob(held, condition.matches or "")),
    ]
    answers += [test(value) if there else False for asked, test in tests if asked is not None]
    if any(answer is False for answer in answers):
        return False
    return None if any(answer is None for answer in answers) else True


def _equal(held: Json, wanted: Json) -> bool | None:
    if isinstance(held, str) and held.startswith(_REDACTED):
        return None
    if isinstance(held, bool) is not isinstance(wanted, bool):
        return False
    return held == wanted


def _among(held: Json, wanted: tuple[Json, ...]) -> bool | None:
    answers = [_equal(held, one) for one in wanted]
    return None if None in answers else True in answers


def _glob(held: Json, pattern: str) -> bool | None:
    if isinstance(held, str):
        return None if held.startswith(_REDACTED) else fnmatchcase(held[:10_000], pattern)
    return fnmatchcase(str(held), pattern) if isinstance(held, (int, float)) else None


def _number(held: Json, test: Callable[[float], bool]) -> bool | None:
    """The test on a number, also one that was written as text; ``None`` when it is no number."""
    if isinstance(held, str):
        try:
            held = float(held) if len(held) < 40 else None
        except ValueError:
            return None
    if isinstance(held, bool) or not isinstance(held, (int, float)) or not _finite(held):
        return None
    return test(held)


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _not(answer: bool | None) -> bool | None:  # noqa: FBT001 - three-valued
    return None if answer is None else not answer


def _bound(value: float | None) -> float:
    return 0.0 if value is None else value
