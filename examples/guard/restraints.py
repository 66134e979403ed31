"""What restrains the agent right now, as one frozen value that a run can hold on to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from .state import (
    DENIED_TOOLS,
    FALLBACK_MODEL,
    MODEL,
    PAUSED,
    PROMPT_SUFFIX,
    VALIDATION,
    ControlState,
    DeniedTools,
    Scalar,
)

_LONGEST = 200


class Restraint(BaseModel):
    """Who restrained, in which incident, why, and until when. Each is ``""`` where Pullcord did not say.

    ``until`` is ISO 8601 as it came, or ``""`` for "until somebody lifts it". A time that has passed lifts nothing
    here: only Pullcord loosens, and until it answers the restraint stands.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    incident: str = ""
    by: str = ""
    why: str = ""
    until: str = ""

    @classmethod
    def of(cls, metadata: Mapping[str, Scalar], *, tool: str | None = None) -> Self:
        """Read it from flag metadata; with ``tool``, from the keys ``tool.<name>.…`` where there are any for that tool.

        The words were typed by people and will be read by a model: control characters go, and each is cut at 200
        characters.
        """
        prefix = f"tool.{tool}."
        if tool is None or not any(key.startswith(prefix) for key in metadata):
            prefix = ""
        return cls(**{name: _clean(metadata.get(prefix + name, "")) for name in ("incident", "by", "why", "until")})

    def sentence(self) -> str:
        """Such as ``by @dana in INC-42, until 2026-06-10 03:09 UTC. Reason: refunds are too high``."""
        who = " ".join(part for part in (self.by and f"by {self.by}", self.incident and f"in {self.incident}") if part)
        reason = self.why.rstrip(".") or "not given"
        return f"{who + ', ' if who else ''}{_until(self.until)}. Reason: {reason}."


class Restraints(BaseModel):
    """The agent's restraints at one moment. Empty strings and ``None`` mean that nothing is restrained there.

    ``stale_since`` is ``None`` while Pullcord answers; otherwise the time of its last usable answer (or of the first
    try, if it never answered). ``problem`` is a sentence about what is wrong with reading or keeping the state.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    fallback_model: str
    paused: Restraint | None
    denied: dict[str, Restraint]
    validation: dict[str, JsonValue]
    bounds: dict[str, Restraint] = Field(default_factory=dict)
    """Who bounded what: by ``tool#argument`` where Pullcord says it for each, else under ``""``."""
    prompt_suffix: str
    revision: int | None
    stale_since: datetime | None
    problem: str | None

    @classmethod
    def of(cls, state: ControlState, *, stale_since: datetime | None, problem: str | None) -> Self:
        """Read them from a checked state."""
        flags = state.flags
        denied = DeniedTools.model_validate(flags[DENIED_TOOLS].value).tools
        validation = flags[VALIDATION].value
        return cls(
            model=str(flags[MODEL].value),
            fallback_model=str(flags[FALLBACK_MODEL].value),
            paused=Restraint.of(flags[PAUSED].metadata) if flags[PAUSED].value else None,
            denied={tool: Restraint.of(flags[DENIED_TOOLS].metadata, tool=tool) for tool in denied},
            validation=validation if isinstance(validation, dict) else {},
            bounds=_bounds(flags[VALIDATION].metadata),
            prompt_suffix=str(flags[PROMPT_SUFFIX].value),
            revision=state.revision,
            stale_since=stale_since,
            problem=problem,
        )

    def bound(self, tool: str, argument: str = "") -> Restraint:
        """Who bounded this argument of the tool, else any argument of it, else whatever the flag says."""
        named = f"{tool.replace('%', '%25').replace('#', '%23')}#"
        mine = [name for name in self.bounds if name.startswith(named)]
        exact = [name for name in mine if f"{argument}.".startswith(f"{name.removeprefix(named)}.")]
        return self.bounds.get(next(iter([*exact, *mine]), ""), Restraint())


def _bounds(metadata: Mapping[str, Scalar]) -> dict[str, Restraint]:
    """``tool.<tool>#<argument>.by`` and so on; a name may hold dots, so what is cut off is the end."""
    named = {key[5:].rpartition(".")[0] for key in metadata if key.startswith("tool.")}
    return {"": Restraint.of(metadata)} | {name: Restraint.of(metadata, tool=name) for name in sorted(named)}


def _clean(value: Scalar) -> str:
    text = "".join(char if char.isprintable() else " " for char in str(value)).strip()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _until(text: str) -> str:
    if not text:
        return "until somebody lifts it"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return f"until {text}"
    return f"until {moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".rstrip()
