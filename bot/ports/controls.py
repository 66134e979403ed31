"""Control planes: what enforces, one port per thing that may be set on an agent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from bot.domain.action import Applied, Change, Restraint, Snapshot, Target, Verification
from bot.domain.base import Json, Utc, Value
from bot.domain.effect import Reversibility


@runtime_checkable
class ControlPlane(Protocol):
    """One enforcing system. All four calls are bounded by the adapter's own timeout.

    Raises ActionFailed when the target says no, OutcomeUnknown when it may or may not have happened.
    """

    @property
    def name(self) -> str:
        """The adapter's name, as in ``Target.control``."""
        ...

    async def current(self, target: Target) -> Snapshot:
        """What the target holds now. Only reads."""
        ...

    async def apply(self, change: Change, key: str, restraint: Restraint | None) -> Applied:
        """Write the desired value. The same ``key`` twice writes once. ``restraint`` None = this loosens."""
        ...

    async def verify(self, change: Change, applied: Applied) -> Verification:
        """Read back from the side that enforces, not from the one that was written to."""
        ...

    async def restore(self, change: Change, applied: Applied, before: Snapshot, key: str) -> Applied:
        """Put ``before`` back, only while the target is still what ``change`` set; else raises Refused."""
        ...


@runtime_checkable
class ModelControl(ControlPlane, Protocol):
    """Chooses which model an agent's new runs use."""

    async def pin_model(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to route every new run of the agent to one model. Only reads."""
        ...


@runtime_checkable
class FallbackControl(ControlPlane, Protocol):
    """Routes an agent's new runs to its fallback model."""

    async def route_fallback(self, agent: str, model: str, expires_in: timedelta | None) -> Change:
        """Plan to route every new run of the agent to a fallback model. Only reads."""
        ...


@runtime_checkable
class ToolControl(ControlPlane, Protocol):
    """Takes tools from an agent and gives them back."""

    async def revoke_tool(self, agent: str, tool: str, expires_in: timedelta | None) -> Change:
        """Plan to deny one tool to the agent. Only reads."""
        ...

    async def restore_tool(self, agent: str, tool: str) -> Change:
        """Plan to allow one denied tool again. Only reads. Raises Refused when it is not denied."""
        ...


@runtime_checkable
class AgentControl(ControlPlane, Protocol):
    """Stops and resumes an agent's new runs."""

    async def pause_agent(self, agent: str, expires_in: timedelta | None) -> Change:
        """Plan to stop new runs of the agent. Only reads."""
        ...

    async def resume_agent(self, agent: str) -> Change:
        """Plan to let new runs start again. Only reads. Raises Refused when it is not paused."""
        ...


@runtime_checkable
class ValidationControl(ControlPlane, Protocol):
    """Bounds the arguments of an agent's tools."""

    async def tighten_validation(
        self, agent: str, tool: str, argument: str, schema: dict[str, Json], expires_in: timedelta | None
    ) -> Change:
        """Plan to hold one argument of a tool to a JSON Schema (2020-12). ``argument`` is a dotted path. Only reads.

        Bounds on other arguments of the tool stay; the same argument's bound is replaced.
        """
        ...


@runtime_checkable
class PromptControl(ControlPlane, Protocol):
    """Adds a guarding text to what an agent is told."""

    async def patch_prompt(self, agent: str, text: str, expires_in: timedelta | None) -> Change:
        """Plan to add ``text`` to the agent's prompt from now on. Only reads."""
        ...


class PromptVersion(Value):
    """One version of a prompt: its ``id`` as the control plane takes it, when it was made, and its beginning."""

    id: str
    current: bool = False
    at: Utc | None = None
    beginning: str = ""


@runtime_checkable
class PromptVersionControl(ControlPlane, Protocol):
    """Moves the label by which an agent reads its prompt."""

    async def rollback_prompt(self, agent: str, version: str, expires_in: timedelta | None) -> Change:
        """Plan to let the agent's prompt label point at an earlier version. Only reads."""
        ...

    async def prompt_versions(self, agent: str) -> Sequence[PromptVersion]:
        """Versions of the agent's prompt, newest first, the one that the label points at marked. Only reads."""
        ...


@runtime_checkable
class ToolDescriptionControl(ControlPlane, Protocol):
    """Changes what a tool says of itself."""

    async def patch_tool_description(self, agent: str, tool: str, text: str, expires_in: timedelta | None) -> Change:
        """Plan to replace the description of a tool that the agent reads. Only reads."""
        ...

    async def tool_description(self, agent: str, tool: str) -> str | None:
        """What the tool says of itself now; None when there is no such tool."""
        ...


@runtime_checkable
class ToolClassControl(Protocol):
    """Says how reversible an agent's tool is. Meets ControlPlane too, but is no choice of the agent's configuration."""

    async def classify_tool(self, agent: str, tool: str, reversibility: Reversibility) -> Change:
        """Plan to class one tool from now on. Only reads."""
        ...


@runtime_checkable
class WatchControl(Protocol):
    """Keeps that an incident is looked at again. Meets ControlPlane too, but is no choice of the configuration."""

    async def watch(self, incident: str, execution: str, at: datetime) -> Change:
        """Plan to look at the incident again at a time; ``execution`` is whose wait it is. Only reads."""
        ...


@runtime_checkable
class OffersModels(Protocol):
    """A control plane that can tell which models an agent may be routed to."""

    async def models(self, agent: str) -> Sequence[str]:
        """Names that ``pin_model`` takes, as the gateway offers them now. Only reads."""
        ...


@runtime_checkable
class OffersTools(Protocol):
    """A control plane that can tell which tools an agent sees."""

    async def tools(self, agent: str) -> Sequence[str]:
        """Tools as the agent sees them now, those revoked left out. Only reads."""
        ...


@runtime_checkable
class CarriesRestraint(Protocol):
    """A control plane that shows the restraint's end to agents, so that an extension has to be written there too."""

    async def extend(self, change: Change, applied: Applied, restraint: Restraint, key: str) -> Applied:
        """Write the restraint with its new end, only while the target is still what ``change`` set (else Refused)."""
        ...


CAPABILITIES: dict[type, str] = {
    ModelControl: "models",
    FallbackControl: "models",
    ToolControl: "tools",
    AgentControl: "agent",
    ValidationControl: "validation",
    PromptControl: "prompt",
    PromptVersionControl: "prompt",
    ToolDescriptionControl: "tool_descriptions",
}
"""Which setting of ``agents.<a>.control`` names the control planes that enforce through a port."""
