"""Faults of ``permissions`` and ``roles`` that only plug-ins can judge: verbs, agents, roles and parameters by name.

A rule that names something which does not exist never fits, so that another one decides; that is never what was meant.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, get_args

from bot.errors import Fault
from bot.plugin import Action, Registry
from bot.settings import PermissionSettings, Settings
from bot.settings_actions import Bound

_NUMBERS = (int, float, Decimal, timedelta)


def permission_faults(settings: Settings, registry: Registry) -> list[Fault]:
    """Every fault of every rule, each with its line."""
    return [fault for number in range(len(settings.permissions)) for fault in _of_rule(settings, registry, number)]


def unused_roles(settings: Settings, registry: Registry) -> Iterator[tuple[str, str]]:
    """Own roles that no rule and no verb asks for, each with what may have been meant instead (empty: nothing near)."""
    used = {rule.role for rule in settings.permissions}
    used |= {role for verb in registry.actions.values() for role in (verb.role, verb.undo_role)}
    own = type(settings.roles).model_fields
    for role in settings.roles.names:
        if role not in own and role not in used:
            yield role, _near(role, own)


def _of_rule(settings: Settings, registry: Registry, number: int) -> Iterator[Fault]:
    rule = settings.permissions[number]

    def fault(reason: str, hint: str, *place: str | int) -> Fault:
        return Fault(settings.where("permissions", number, *place), reason, hint)

    for n, verb in enumerate(rule.verbs):
        if verb not in registry.actions:
            yield fault(f"there is no verb {verb}", _known(verb, registry.actions), "verbs", n)
    for n, agent in enumerate(rule.agents):
        if agent not in settings.agents:
            yield fault(f"{agent} is not in agents", _known(agent, settings.agents), "agents", n)
    if rule.role not in settings.roles.names:
        yield fault(f"there is no role {rule.role}", _known(rule.role, settings.roles.names), "role")
    named = [registry.actions[verb] for verb in rule.verbs if verb in registry.actions]
    meant = named if rule.verbs else list(registry.actions.values())
    for parameter, bound in rule.where.items():
        yield from _of_bound(rule, meant, parameter, bound, fault)
    if rule.second_person is True and rule.undo is False and named and all(_only_restrains(v) for v in named):
        titles = ", ".join(verb.id for verb in named)
        yield fault(
            f"{titles} restrains one agent, for which nobody is ever asked to approve",
            "leave out second_person, or name another role",
            "second_person",
        )


def _of_bound(
    rule: PermissionSettings, meant: list[Action], parameter: str, bound: Bound, fault: Any
) -> Iterator[Fault]:
    place = ("where", parameter)
    holding = [verb for verb in meant if parameter in verb.params.model_fields]
    lacking = [verb for verb in meant if verb not in holding]
    if not holding or (rule.verbs and lacking):
        who = ", ".join(verb.id for verb in lacking[:5]) if rule.verbs else "no verb"
        has = "has no parameter" if rule.verbs else "has a parameter"
        names = {name for verb in meant for name in verb.params.model_fields}
        yield fault(f"{who} {has} {parameter}", _known(parameter, names), *place)
    if bound.one_of is None and bound.max is None and bound.min is None:
        yield fault(f"{parameter} has no bound, so the rule never fits", "write one_of, max or min", *place)
    if bound.max is not None and bound.min is not None and bound.min > bound.max:
        yield fault(f"{parameter} cannot be at least {bound.min:g} and at most {bound.max:g}", "swap them", *place)
    if bound.max is not None or bound.min is not None:
        for verb in holding:
            if not _is_number(verb.params.model_fields[parameter].annotation):
                yield fault(
                    f"{parameter} of {verb.id} is no number, so it is in no range", "write one_of instead", *place
                )
                break


def _only_restrains(verb: Action) -> bool:
    """Whether it can only ever restrain one agent."""
    return verb.tightens and not verb.touches and verb.agents is None and verb.second is None


def _is_number(annotation: Any) -> bool:
    """Whether a parameter can hold a number or a duration (a duration is compared by its seconds)."""
    if isinstance(annotation, type):
        return issubclass(annotation, _NUMBERS) and not issubclass(annotation, bool)
    return any(_is_number(inner) for inner in get_args(annotation))


def _known(wanted: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = _near(wanted, names)
    listed = ", ".join(names[:12]) + (" and others" if len(names) > 12 else "")
    return f"did you mean {near}?" if near else f"known: {listed or 'none'}"


def _near(wanted: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(wanted, list(known), 1)), "")
