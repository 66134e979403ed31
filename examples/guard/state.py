"""The state of an agent's controls as values: six flags, their neutral values, and how one is checked.

Source of the keys and their neutral values: Pullcord's public contract ("control plane for agents"). Source of a flag's
shape: the OpenFeature Remote Evaluation Protocol (OFREP), "serverEvaluationSuccess".
"""

from collections.abc import Mapping
from typing import Final, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictStr,
    TypeAdapter,
    ValidationError,
)

MODEL: Final = "agent.model"
FALLBACK_MODEL: Final = "agent.fallback_model"
PAUSED: Final = "agent.paused"
DENIED_TOOLS: Final = "agent.tools.denied"
VALIDATION: Final = "agent.validation"
PROMPT_SUFFIX: Final = "agent.prompt.suffix"

NEUTRAL: Final[Mapping[str, JsonValue]] = {
    MODEL: "",
    FALLBACK_MODEL: "",
    PAUSED: False,
    DENIED_TOOLS: {"tools": []},
    VALIDATION: {},
    PROMPT_SUFFIX: "",
}
"""The value of each flag when nothing restrains the agent."""

Scalar = bool | int | float | str


class DeniedTools(BaseModel):
    """The value of ``agent.tools.denied``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    tools: tuple[StrictStr, ...]


_VALUE: Final[Mapping[str, TypeAdapter[object]]] = {
    MODEL: TypeAdapter(StrictStr),
    FALLBACK_MODEL: TypeAdapter(StrictStr),
    PAUSED: TypeAdapter(StrictBool),
    DENIED_TOOLS: TypeAdapter(DeniedTools),
    VALIDATION: TypeAdapter(dict[str, JsonValue]),
    PROMPT_SUFFIX: TypeAdapter(StrictStr),
}


class Flag(BaseModel):
    """One evaluated flag. ``metadata`` is flat: OpenFeature allows scalars only, anything else is dropped."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    value: JsonValue
    reason: StrictStr
    variant: StrictStr
    metadata: dict[str, Scalar] = Field(default_factory=dict)


def parse_flag(key: str, entry: Mapping[str, object]) -> Flag:
    """Check one flag of an answer or of the state file.

    Raises ``ValueError`` with the key and the reason when the flag is an error entry, incomplete, or its value is of a
    wrong type: a flag that cannot be read must never turn into its neutral value by accident.
    """
    if "errorCode" in entry:
        msg = f"{key} was answered with the error {str(entry['errorCode'])[:80]!r}"
        raise ValueError(msg)
    metadata = entry.get("metadata")
    scalars = (
        {name: v for name, v in metadata.items() if isinstance(v, Scalar)} if isinstance(metadata, Mapping) else {}
    )
    try:
        flag = Flag.model_validate({**entry, "metadata": scalars})
        _VALUE[key].validate_python(flag.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "value"
        msg = f"{key} cannot be read: {where}: {first['msg']}"
        raise ValueError(msg) from None
    return flag


class ControlState(BaseModel):
    """All six flags of one agent, as last read. ``read_at`` is ``None`` where no answer was ever read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    agent: str
    read_at: AwareDatetime | None
    flags: dict[str, Flag]

    @classmethod
    def neutral(cls, agent: str) -> Self:
        """An agent that nobody ever restrained: it proceeds."""
        return cls(
            agent=agent,
            read_at=None,
            flags={key: Flag(value=value, reason="DEFAULT", variant="neutral") for key, value in NEUTRAL.items()},
        )

    @classmethod
    def held(cls, agent: str, why: str) -> Self:
        """An agent whose state is unknown and whose owner chose to stop it then: paused, and the guard says why."""
        paused = Flag(value=True, reason="ERROR", variant="unknown", metadata={"by": "the guard", "why": why})
        neutral = cls.neutral(agent)
        return neutral.model_copy(update={"flags": {**neutral.flags, PAUSED: paused}})

    @property
    def revision(self) -> int | None:
        """The newest revision that the flags' metadata name; ``None`` when none does."""
        named = [flag.metadata.get("revision") for flag in self.flags.values()]
        return max((r for r in named if isinstance(r, int) and not isinstance(r, bool)), default=None)
