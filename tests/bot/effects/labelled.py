"""The labelled tools of ``data/tools.txt`` and how suggestions compare with them."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from bot.domain.run import ModelCall, Run, ToolDefinition
from bot.effects.suggest import suggest
from bot.effects.toolbox import toolbox

_LINE = re.compile(r"(?P<name>[\w-]+)\((?P<keys>[^)]*)\) \| (?P<label>[\w-]+) \|(?P<also>[^|]*)\|(?P<text>.*)")


@dataclass(frozen=True)
class Labelled:
    """A tool with its label, and the labels that are acceptable too."""

    server: str
    definition: ToolDefinition
    label: str
    also: tuple[str, ...]


def labelled() -> list[Labelled]:
    """All labelled tools, in the order of the file."""
    found: list[Labelled] = []
    server = ""
    for line in (Path(__file__).with_name("data") / "tools.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            server = line[3:].strip()
        match = _LINE.match(line)
        if match is None:
            continue
        keys = [key.strip() for key in match["keys"].split(",") if key.strip()]
        schema = {"type": "object", "properties": {key: {} for key in keys}}
        definition = ToolDefinition(name=match["name"], description=match["text"].strip(), parameters=schema)
        also = tuple(word.replace("-", "_") for word in match["also"].split())
        found.append(Labelled(server, definition, match["label"].replace("-", "_"), also))
    return found


def set_aside(tool: Labelled) -> bool:
    """Whether its server is in the half that was set aside before any rule was written: by the hash of its name."""
    return tool.server.startswith("further-") or int(hashlib.sha256(tool.server.encode()).hexdigest(), 16) % 2 == 1


def suggestions(tools: list[Labelled]) -> list[tuple[Labelled, str, str]]:
    """Each tool with the suggested class and its reason, seen beside all tools of its server."""
    found: list[tuple[Labelled, str, str]] = []
    for server in dict.fromkeys(tool.server for tool in tools):
        of_it = [tool for tool in tools if tool.server == server]
        call = ModelCall(order=1, span_id="a" * 16, tools_offered=tuple(tool.definition for tool in of_it))
        box = toolbox(Run(trace_id="a" * 32, model_calls=(call,)))
        for tool in of_it:
            said = suggest(box.tools[tool.definition.name], box)
            found.append((tool, said.reversibility.value, said.reason))
    return found
