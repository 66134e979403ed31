"""The guard: what an agent written in Python uses to obey Pullcord, and to go on obeying while Pullcord is away.

Copy this folder into your agent. It imports httpx, openfeature-sdk and pydantic, and nothing of Pullcord.
"""

from .errors import AgentPaused, AgentRestrained, ArgumentsRefused, ToolDenied
from .guard import Guard
from .provider import GuardProvider
from .restraints import Restraint, Restraints

__all__ = [
    "AgentPaused",
    "AgentRestrained",
    "ArgumentsRefused",
    "Guard",
    "GuardProvider",
    "Restraint",
    "Restraints",
    "ToolDenied",
]
