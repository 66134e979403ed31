"""What it takes to do something: which roles, and whether a second person. Pure, from the configuration and the verb.

The rules (PRODUCT.md, "Tightening is easy, loosening is not"): to restrain one agent the verb's role alone is enough,
never a second person. Loosening, taking a restraint back, money and messages take a commander (ending a mere wait does
not: it restrains nothing). What is fleet-wide, what
a verb says of its own parameters, high risk that loosens, and what the configuration says take a second person too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from bot.domain.action import Risk
from bot.domain.incident import Incident
from bot.engine.membership import COMMANDER, Place, contains
from bot.plugin import Action
from bot.ports import WatchControl
from bot.settings import PermissionSettings, Settings
from bot.settings_actions import Bound

_OUTSIDE = frozenset({"money", "messages"})
"""What leaves the house by an action; taking it back is another matter than a restraint."""
_OF_OUR_OWN: frozenset[type] = frozenset({WatchControl})
"""Ports by which no agent is reached: what is done by these alone restrains nothing, and ending it loosens nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, as far as who may depends on it.

    ``params`` as the verb's model holds them (of an undo: those of what it takes back); ``agents`` are all that it
    touches; ``second`` is why the verb itself asks for a second person with these parameters, or None.
    """

    verb: Action
    params: Mapping[str, Any]
    agents: tuple[str, ...]
    undo: bool = False
    second: str | None = None

    @property
    def loosens(self) -> bool:
        """True for everything that is not only a further restraint: lifting, undoing one, money, messages."""
        if self.undo and restrains_nothing(self.verb):
            return False
        return self.undo or not self.verb.tightens or bool(self.verb.touches & _OUTSIDE)

    @property
    def fleet(self) -> bool:
        """True when it touches more than one agent."""
        return len(self.agents) > 1

    @property
    def words(self) -> str:
        """``run Revoke tool``, ``undo Revoke tool``."""
        return f"{'undo' if self.undo else 'run'} {self.verb.title}"


@dataclass(frozen=True, slots=True)
class Need:
    """What it takes: all of ``roles``, and a second person who holds them when ``second`` says why.

    ``strict``: what cannot be read is taken for a no (loosening, high risk).
    """

    roles: tuple[str, ...]
    second: str | None
    strict: bool

    @property
    def role(self) -> str:
        """The roles in words."""
        return " and ".join(self.roles)


def place_of(settings: Settings, incident: Incident, agents: tuple[str, ...] = ()) -> Place:
    """Who has command, and who is on call for every one of these agents (none: the incident's)."""
    duties = [settings.agent(name).on_call for name in agents] or [settings.agent(incident.agent).on_call]
    on_call = tuple(user for user in duties[0] if all(user in duty for duty in duties[1:]))
    return Place(commander=incident.commander, on_call=on_call)


def restrains_nothing(verb: Action) -> bool:
    """Whether a verb only has Pullcord look again. Told by its ports, so that no pack can say it of a restraint."""
    ports = set(verb.ports.values())
    return verb.tightens and not verb.touches & _OUTSIDE and bool(ports) and ports <= _OF_OUR_OWN


def roles_needed(verb: Action, *, undo: bool) -> tuple[str, ...]:
    """The roles that the verb alone asks for, all of them, where no permission of the configuration fits."""
    if undo and not restrains_nothing(verb):
        return tuple(dict.fromkeys([COMMANDER, verb.undo_role] if verb.tightens else [verb.undo_role]))
    tightens = verb.tightens and not verb.touches & _OUTSIDE
    return tuple(dict.fromkeys([verb.role] if tightens else [COMMANDER, verb.role]))


def need_of(settings: Settings, asked: Asked) -> Need:
    """What it takes to do this. The first permission that fits decides, else the verb's own role."""
    place, rule = next(
        ((n, rule) for n, rule in enumerate(settings.permissions) if fits(rule, asked)),
        (0, None),
    )
    roles = (rule.role,) if rule is not None else _apart(roles_needed(asked.verb, undo=asked.undo))
    high = asked.verb.risk is Risk.HIGH
    return Need(roles=roles, second=_second(asked, rule, place, high=high), strict=asked.loosens or high)


def _apart(roles: tuple[str, ...]) -> tuple[str, ...]:
    """Without those that another of them contains: a commander is a responder."""
    return tuple(r for r in roles if not any(r != other and contains(other, r) for other in roles))


def fits(rule: PermissionSettings, asked: Asked) -> bool:
    """Whether a permission is about this. An agent that is not known fits no list of agents."""
    if rule.undo is not None and rule.undo is not asked.undo:
        return False
    if rule.verbs and asked.verb.id not in rule.verbs:
        return False
    if rule.risks and asked.verb.risk.value not in rule.risks:
        return False
    if rule.agents and not (asked.agents and set(asked.agents) <= set(rule.agents)):
        return False
    return all(name in asked.params and within(bound, asked.params[name]) for name, bound in rule.where.items())


def within(bound: Bound, value: object) -> bool:
    """Whether an argument satisfies a bound. A list does when each of its members does; nothing is converted.

    Numbers are compared as numbers, a duration by its seconds. What is no number is in no range.
    """
    if isinstance(value, list | tuple | set | frozenset):
        return bool(value) and all(within(bound, one) for one in value)
    if bound.one_of is not None and not any(_same(value, one) for one in bound.one_of):
        return False
    if bound.max is None and bound.min is None:
        return bound.one_of is not None
    number = _number(value)
    if number is None:
        return False
    return (bound.max is None or number <= bound.max) and (bound.min is None or number >= bound.min)


def _same(value: object, wanted: object) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, int | float | Decimal) and isinstance(wanted, int | float):
        return value == wanted
    return isinstance(value, str) and isinstance(wanted, str) and str(value) == wanted


def _number(value: object) -> float | Decimal | None:
    """The number as exact as it came: one that is rounded first may slip below a bound."""
    if isinstance(value, bool):
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond any float is in no range that anybody wrote
        return None
    return number if isfinite(number) else None


def _second(asked: Asked, rule: PermissionSettings | None, place: int, *, high: bool) -> str | None:
    """Why nobody may do this alone, or None."""
    if asked.fleet:
        return f"it touches {len(asked.agents)} agents ({_some(asked.agents)})"
    if asked.second is not None:
        return asked.second
    wanted = rule.second_person if rule is not None else None
    if wanted is True and asked.loosens:
        return f"the configuration asks for a second person (permissions, rule {place + 1})"
    if wanted is None and high and asked.loosens:
        return "it is of high risk, and it does more than restrain"
    return None


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
