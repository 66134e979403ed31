"""The class of a tool call: the first rule of the catalogue that fits, else the guess, else unclassified.

Where a condition looks at an argument that was not recorded, or that cannot be compared, nobody knows whether the rule
fits. Then the most severe class wins among that rule and whatever comes after it: never the milder one.
"""

from fnmatch import fnmatchcase

from bot.domain.base import Value
from bot.domain.catalogue import Catalogue, ToolRule
from bot.domain.effect import Reversibility
from bot.domain.run import ToolCall
from bot.effects.conditions import holds
from bot.effects.reading import guess


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
        fits = holds(rule.when, call)
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
