"""Eval cases and their formats."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.domain.base import Json, Value
from bot.errors import Refused


class EvalCase(Value):
    """One failing behaviour as an eval case: what went in, what the run did, what should have happened instead."""

    incident: str
    name: str
    agent: str
    question: str
    recorded_calls: tuple[dict[str, Json], ...]
    """``{"tool", "arguments", "outcome"}`` in order."""
    must_call: tuple[dict[str, Json], ...] = ()
    must_not_call: tuple[dict[str, Json], ...] = ()
    expected: str
    provenance: dict[str, Json]
    truncated: tuple[str, ...] = ()
    """What of the run was cut or is missing, in words. A format refuses a case that has any."""
    part: str = ""
    """Tells the cases of one incident apart; empty for its first one."""

    @property
    def stem(self) -> str:
        """What the case's file is called, without its ending: ``inc-7``, ``inc-7-4f1c9e27``."""
        return "-".join(filter(None, (self.incident.lower(), self.part)))


class EvalProof(Value):
    """The case's own assertions, run on both behaviours. ``ok`` only when recorded fails and expected passes."""

    recorded_fails: bool
    expected_passes: bool
    detail: str

    @property
    def ok(self) -> bool:
        """True when the case discriminates."""
        return self.recorded_fails and self.expected_passes


class EvalFormat(Protocol):
    """One eval-case format."""

    def render(self, case: EvalCase) -> Mapping[str, str]:
        """Files (relative path -> text). One file per incident, beside shared ones that never differ."""
        ...

    def prove(self, case: EvalCase, files: Mapping[str, str]) -> EvalProof:
        """Parse the rendered files back and run their assertions on the recorded and the expected behaviour."""
        ...


@dataclass(frozen=True, slots=True)
class EvalFormats:
    """Every eval-case format that is installed; ``default`` is the one of the configuration (``evals.format``).

    A verb names it as the type of an argument, as it would a port.
    """

    default: str
    by_name: Mapping[str, EvalFormat]

    def named(self, name: str | None = None) -> EvalFormat:
        """The format of this name, else the default. Raises Refused when there is none."""
        found = self.by_name.get(name or self.default)
        if found is None:
            message = f"There is no eval format {name or self.default}."
            raise Refused(message, field="format", next_step="Choose another, or see evals.format.")
        return found


@dataclass(frozen=True, slots=True)
class EvalFormatPlugin:
    """A registered eval format."""

    name: str
    make: Callable[[], EvalFormat]
    module: str


def eval_format(name: str) -> Callable[[Callable[[], EvalFormat]], EvalFormatPlugin]:
    """Declare an eval-case format. Decorates a class without constructor arguments that meets EvalFormat."""

    def wrap(make: Callable[[], EvalFormat]) -> EvalFormatPlugin:
        return EvalFormatPlugin(name=name, make=make, module=make.__module__)

    return wrap
