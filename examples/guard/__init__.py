"""The guard: what an agent written in Python uses to obey Pullcord, and to go on obeying while Pullcord is away.

Copy this folder into your agent. It imports httpx, openfeature-sdk and pydantic, and nothing of Pullcord.
"""

from .errors import AgentPaused, AgentRestrained, ToolDenied
from .guard import Guard
from .provider import GuardProvider
from .restraints import Restraint, Restraints

__all__ = ["AgentPaused", "AgentRestrained", "Guard", "GuardProvider", "Restraint", "Restraints", "ToolDenied"]
