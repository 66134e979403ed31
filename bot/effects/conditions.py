"""Whether the conditions of a rule hold for a call. Three-valued: ``None`` where what was recorded cannot tell.

Used for ``when`` (does the rule fit?) and for ``succeeded_if`` (did the call have its effect?).
"""

import math
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from bot.domain.base import Json
from bot.domain.catalogue import Condition, path_of
from bot.domain.run import ToolCall
from bot.effects.template import look_up

_REDACTED = "[redacted"


def holds(conditions: Mapping[str, Condition], call: ToolCall, *, absent: bool | None = False) -> bool | None:
    """Whether all conditions hold; ``None`` when some cannot be told and none is plainly false.

    ``absent`` is the answer of a comparison with a field that is not there: false for a rule that asks for it, ``None``
    where a missing field says nothing either way.
    """
    answers = [_condition(condition, call, path_of(path), absent) for path, condition in conditions.items()]
    if any(answer is False for answer in answers):
        return False
    return None if any(answer is None for answer in answers) else True


def _condition(
    condition: Condition,
    call: ToolCall,
    path: tuple[str, ...],
    absent: bool | None,  # noqa: FBT001 - three-valued
) -> bool | None:
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
    answers += [test(value) if there else absent for asked, test in tests if asked is not None]
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
