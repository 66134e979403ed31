"""The examples of docs/permissions.md decide as the tables below them say."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.domain.action import Execution, ExecutionState
from bot.engine.authorise import Allowed, Decision, NeedsSecond, No, asked_of, decide
from bot.permission_faults import permission_faults
from bot.plugin_faults import registry_of
from tests.support.engine import World, settings_of, someone

_PAGE = (Path(__file__).parents[3] / "docs" / "permissions.md").read_text(encoding="utf-8")
_EXAMPLE = re.compile(r"### Example: (?P<name>[^\n]+)\n.*?```yaml\n(?P<yaml>.*?)```\n\n(?P<table>\|.*?)\n\n", re.DOTALL)
_GROUPS = {"S0OPS": ("U0UMA",), "S0REFUNDS": ("U0VIC",)}


@dataclass(frozen=True)
class Example:
    """One row of an example's table."""

    name: str
    settings: dict[str, Any]
    who: str
    verb: str
    params: dict[str, Any]
    answer: str


def examples() -> list[Example]:
    """Every row of every example."""
    found = []
    for match in _EXAMPLE.finditer(_PAGE):
        settings = yaml.safe_load(match["yaml"])
        for line in match["table"].splitlines()[2:]:
            who, verb, params, answer = (cell.strip() for cell in line.strip("|").split("|"))
            found.append(Example(match["name"], settings, who, verb, json.loads(params), answer))
    return found


def words(decision: Decision) -> str:
    """The answer as the tables say it."""
    match decision:
        case Allowed():
            return "alone"
        case NeedsSecond(role=role):
            return f"second {role}"
        case No(askable=askable):
            return f"asks {askable}" if askable else "no"


def test_the_page_has_its_examples() -> None:
    """Or the tests below would test nothing."""
    assert len({example.name for example in examples()}) == 3
    assert len(examples()) == 17


@pytest.mark.parametrize("example", examples(), ids=lambda e: f"{e.name}: {e.who} {e.verb} {e.answer}")
async def test_an_example_decides_as_its_table_says(world: World, example: Example) -> None:
    """Through the very place that decides, with the verbs as they are shipped."""
    world.settings = settings_of(**example.settings)
    world.slack.groups = dict(_GROUPS)
    world.slack.members |= {"U0UMA": True, "U0VIC": True}
    world.restart()
    assert permission_faults(world.settings, registry_of(world.settings)) == []
    await world.fire()
    incident = await world.incident()
    parts = world.engine.requests._parts
    undo, _, verb = example.verb.rpartition(" ")
    by = someone(example.who)
    undo_of = None
    if undo:
        done = Execution(
            id="ex_done",
            action=verb,
            title=verb,
            params=example.params,
            state=ExecutionState.SUCCEEDED,
            by="U0DANA",
            at=world.clock.now(),
        )
        incident, undo_of = incident.model_copy(update={"executions": (done,)}), done.id
    asked = asked_of(parts, incident, parts.registry.action(verb), by, example.params, undo_of)
    assert words(await decide(parts, incident, asked, by)) == example.answer
