"""Desired state of agents: the flags that an agent reads over OFREP, with the restraint behind each value.

Flag names, neutral values and metadata: PRODUCT.md, "control plane for agents".
"""

from typing import Final

from bot.domain.action import Restraint
from bot.domain.argument_path import around, merged, path_of
from bot.domain.base import Json, Utc, Value

MODEL: Final = "agent.model"
FALLBACK_MODEL: Final = "agent.fallback_model"
PAUSED: Final = "agent.paused"
TOOLS_DENIED: Final = "agent.tools.denied"
VALIDATION: Final = "agent.validation"
PROMPT_SUFFIX: Final = "agent.prompt.suffix"

TOOL_CLASS: Final = "tool.class"
"""Not a flag of agents: how people classified a tool of an agent, kept under ``catalogue_of(agent)``."""

WATCH: Final = "incident.watch"
"""Not a flag of agents: that an incident is looked at again at a time, kept under ``watches_of(incident)``."""


def watches_of(incident: str) -> str:
    """The subject under which it is kept that an incident is looked at again. No agent can read it."""
    return f"watch/{incident}"


def catalogue_of(agent: str) -> str:
    """The subject under which the classes that people gave the agent's tools are kept. No agent can read it."""
    return f"catalogue/{agent}"


NEUTRAL: Final[dict[str, Json]] = {
    MODEL: "",
    FALLBACK_MODEL: "",
    PAUSED: False,
    TOOLS_DENIED: {"tools": []},
    VALIDATION: {},
    PROMPT_SUFFIX: "",
}
"""Each known flag with the value that restrains nothing."""


class Setting(Value):
    """One stored setting: a flag, or one ``element`` of a set-valued flag (a denied tool: value True)."""

    flag: str
    element: str | None = None
    value: Json
    revision: int
    restraint: Restraint | None = None
    key: str
    """Whose it is: the key of the write that set it (the execution id), also after an undo put it back."""


class FlagRead(Value):
    """The newest read of one flag by the agent's own token: which revision it saw, and when."""

    revision: int
    at: Utc


class AgentState(Value):
    """All that is set for one agent. ``revision`` grows by one with each write; 0 = never written."""

    agent: str
    revision: int = 0
    settings: tuple[Setting, ...] = ()

    def setting(self, flag: str, element: str | None = None) -> Setting | None:
        """The stored setting, or None while it is neutral."""
        return next((s for s in self.settings if s.flag == flag and s.element == element), None)

    def value(self, flag: str) -> Json:
        """The flag's value as the agent reads it, the neutral one when nothing is set."""
        if flag == TOOLS_DENIED:
            denied = sorted(s.element for s in self.settings if s.flag == flag and s.element and s.value is True)
            return {"tools": list(denied)}
        if flag == VALIDATION:
            return _bounds({s.element: s.value for s in self.settings if s.flag == flag and s.element})
        found = self.setting(flag)
        return NEUTRAL[flag] if found is None else found.value


def bound_of(tool: str, argument: str) -> str:
    """The element of ``agent.validation`` that bounds one argument (a path, see ``argument_path``) of a tool."""
    return f"{tool.replace('%', '%25').replace('#', '%23')}#{argument}"


def tool_and_argument(element: str) -> tuple[str, str]:
    """What ``bound_of`` was made from. Raises ``ValueError`` for what it did not make."""
    tool, mark, argument = element.partition("#")
    if not (tool and mark and argument):
        message = f"{element[:100]!r} names no argument of a tool"
        raise ValueError(message)
    return tool.replace("%23", "#").replace("%25", "%"), argument


def _bounds(elements: dict[str, Json]) -> Json:
    """One JSON Schema of the whole argument object for each bounded tool; one element for each bounded argument."""
    made: dict[str, Json] = {}
    for element, schema in sorted(elements.items()):
        try:
            tool, argument = tool_and_argument(element)
            steps = path_of(argument)
        except ValueError:
            continue  # no plan makes such an element; an agent must get all the others
        if isinstance(schema, dict):
            whole = around(steps, schema)
            made[tool] = merged(made[tool], whole) if tool in made else whole
    return made
