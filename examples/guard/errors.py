"""What the guard raises. All are refusals, not faults: the agent must not do the thing, and can say so.

AgentRestrained
├── AgentPaused   no new run may start
├── ToolDenied    this tool may not be called
└── ArgumentsRefused   this tool may be called, but not with these arguments
"""

from .restraints import Restraint


class AgentRestrained(Exception):
    """Base: people took something from this agent. ``restraint`` says who, why and until when."""

    def __init__(self, message: str, *, agent: str, restraint: Restraint) -> None:
        """``message`` is what ``str()`` gives, written for a model or a caller to read."""
        super().__init__(message)
        self.agent = agent
        self.restraint = restraint

    @property
    def by(self) -> str:
        """Who did it, ``""`` if not said."""
        return self.restraint.by

    @property
    def why(self) -> str:
        """The reason, ``""`` if not given."""
        return self.restraint.why

    @property
    def until(self) -> str:
        """Until when, ISO 8601; ``""`` for until somebody lifts it."""
        return self.restraint.until

    @property
    def incident(self) -> str:
        """The incident, ``""`` if not said."""
        return self.restraint.incident

    def as_tool_result(self) -> str:
        """The text to hand back to the model in place of the tool's result."""
        return str(self)


class AgentPaused(AgentRestrained):
    """The agent is paused: start no new run, and tell the caller."""

    def __init__(self, agent: str, restraint: Restraint) -> None:
        """See the class."""
        super().__init__(f"{agent} is paused {restraint.sentence()}", agent=agent, restraint=restraint)


class ToolDenied(AgentRestrained):
    """The tool was taken from the agent; the call did not happen."""

    def __init__(self, agent: str, tool: str, restraint: Restraint) -> None:
        """See the class."""
        super().__init__(
            f"The tool {tool} is denied to {agent} {restraint.sentence()} The call was not made. "
            "Do not try it again and do not reach the same end by another tool; say that a person has to do it.",
            agent=agent,
            restraint=restraint,
        )
        self.tool = tool


class ArgumentsRefused(AgentRestrained):
    """The arguments break a bound that people put on the tool; the call did not happen. ``fault`` says how."""

    def __init__(self, agent: str, tool: str, fault: str, restraint: Restraint) -> None:
        """See the class."""
        super().__init__(
            f"The call of {tool} by {agent} was not made: {fault}. Bounded {restraint.sentence()} "
            "Call it within the bound, or say that a person has to do it; do not get there by another tool.",
            agent=agent,
            restraint=restraint,
        )
        self.tool = tool
        self.fault = fault
