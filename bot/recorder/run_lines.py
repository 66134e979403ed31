"""A run in small pieces: its own fields first, then each step, model call, tool call, retrieval and gap.

A run of ten thousand spans written or read in one go would hold up every click for a second.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from bot.domain.run import Gap, ModelCall, Retrieval, Run, Step, ToolCall

_KINDS: dict[str, type[Step | ModelCall | ToolCall | Retrieval | Gap]] = {
    "steps": Step,
    "model_calls": ModelCall,
    "tool_calls": ToolCall,
    "retrievals": Retrieval,
    "gaps": Gap,
}


def run_lines(run: Run) -> Iterator[dict[str, Any]]:
    """The pieces as JSON objects with one key, that says what it is. Each is let go of once it was told."""
    held = {name: list(reversed(getattr(run, name))) for name in _KINDS}
    own = run.model_dump(mode="json", exclude_defaults=True, exclude=set(_KINDS))
    del run
    yield {"run": own}
    for name, items in held.items():
        while items:
            yield {name: items.pop().model_dump(mode="json", exclude_defaults=True)}


def run_of(lines: Iterable[dict[str, Any]]) -> Run:
    """The run of these pieces; pieces of other kinds are passed over.

    Raises ``ValueError`` (pydantic's too) when they are not those of a run.
    """
    found: dict[str, list[Any]] = {name: [] for name in _KINDS}
    own: dict[str, Any] | None = None
    for line in lines:
        for kind, held in line.items():
            if kind == "run":
                own = held
            elif kind in _KINDS:
                found[kind].append(_KINDS[kind].model_validate(held))
    if own is None:
        raise ValueError("there is no run in it")
    return Run.model_validate({**own, **{name: tuple(items) for name, items in found.items()}})
