"""Ladders: which verbs to offer first in which situation, as data. The situation is read from facts, never guessed."""

import re
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from bot.domain.base import Json, Value

_Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
_Sentence = Annotated[str, StringConstraints(min_length=3, max_length=300)]

PLACE: Final = re.compile(r"\{([^{}]*)\}")
"""Where ``because`` names a fact; its evidence stands there."""
HOLD_OF_ANY: Final = "any"
"""In ``because``: the evidence of those facts of ``any`` that hold, since the others speak of something else."""


class When(Value):
    """The facts that make a ladder fit: ``all`` hold, of ``any`` at least one, of ``none`` not one (known to hold)."""

    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """Every fact that is asked for."""
        return (*self.all, *self.any, *self.none)


class Step(Value):
    """One rung: a verb, why it stands here, and parameters that its modal starts with."""

    verb: _Id
    why: _Sentence
    params: dict[str, Json] = Field(default_factory=dict)


class Ladder(Value):
    """One situation and what helps there, the most useful first.

    ``order`` decides where several fit: the smallest is taken. ``because`` says the situation; ``{fact}`` in it stands
    for the evidence of that fact.
    """

    id: _Id
    title: Annotated[str, StringConstraints(min_length=3, max_length=120)]
    order: int = Field(default=50, ge=0, le=1000)
    when: When
    because: _Sentence
    steps: tuple[Step, ...] = Field(min_length=1, max_length=12)
