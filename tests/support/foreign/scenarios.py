"""Labelled agent runs in a neutral form, read from YAML; the writers beside this file give them their shapes."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parents[2] / "bot" / "recorder" / "data"
LABEL = {"ro": "read_only", "rev": "reversible", "com": "compensable", "irr": "irreversible"}
OUTCOME = {"app": "applied", "fail": "failed", "unk": "unknown"}


@dataclass(frozen=True)
class Tool:
    """A tool as offered, with its label and the labels that are acceptable too."""

    name: str
    label: str
    also: tuple[str, ...]
    text: str
    keys: tuple[str, ...]

    @property
    def schema(self) -> dict[str, Any]:
        """Its parameters as JSON schema."""
        return {"type": "object", "properties": {key: {"type": "string"} for key in self.keys}}


@dataclass(frozen=True)
class Call:
    """A tool call with what was recorded of it, and its labels."""

    id: str
    tool: Tool
    arguments: dict[str, Any]
    recorded: bool
    result: Any
    error: str | None
    outcome: str
    label: str
    agent: str | None
    origins: dict[str, str]
    outbound: bool
    is_error: bool
    blocked: bool

    @property
    def text(self) -> str:
        """The result as the next prompt has it."""
        if self.error:
            return f"Error: {self.error}"
        return self.result if isinstance(self.result, str) else json.dumps(self.result, ensure_ascii=False)

    @property
    def said(self) -> bool:
        """Whether the next prompt tells of it."""
        return self.recorded or self.error is not None


@dataclass(frozen=True)
class Turn:
    """One answer of the model with the calls it asked for."""

    calls: tuple[Call, ...]
    agent: str | None = None
    handoff: str | None = None
    plan: str | None = None


@dataclass(frozen=True)
class Scenario:
    """One run."""

    id: str
    dialect: str
    system: str
    user: str
    agent: str | None
    tools: tuple[Tool, ...]
    turns: tuple[Turn, ...]
    quirks: dict[str, Any] = field(default_factory=dict)

    @property
    def calls(self) -> list[Call]:
        """All calls in their order."""
        return [call for turn in self.turns for call in turn.calls]


def scenarios(half: str) -> list[Scenario]:
    """The runs of one half, ``a`` or ``b``."""
    held = yaml.safe_load((DATA / f"foreign_runs_{half}.yaml").read_text(encoding="utf-8"))
    return [_scenario(one) for one in held]


def _scenario(raw: dict[str, Any]) -> Scenario:
    tools = {name: _tool(name, *held) for name, held in raw["tools"].items()}
    padding = [
        Tool(f"service_{n}_action", "irreversible", (), f"Action {n} of a service.", ("a", "b"))
        for n in range(raw.get("padding", 0))
    ]
    number = 0
    turns: list[Turn] = []
    for turn in raw["turns"]:
        calls: list[Call] = []
        for held in turn["calls"]:
            number += 1
            name = f"call_{len(calls)}" if raw.get("reuse_ids") else f"call_{raw['id'][:4]}{number}"
            calls.append(_call(held, tools, name))
        turns.append(Turn(tuple(calls), turn.get("by"), turn.get("handoff"), turn.get("plan")))
    quirks: dict[str, Any] = {key: raw[key] for key in ("cut", "no_root", "reuse_ids") if key in raw}
    return Scenario(
        raw["id"],
        raw["dialect"],
        raw["system"],
        raw["user"],
        raw.get("agent"),
        (*tools.values(), *padding),
        tuple(turns),
        quirks,
    )


def _tool(name: str, label: str, also: str, text: str, keys: str) -> Tool:
    return Tool(str(name), LABEL[label], tuple(LABEL[word] for word in also.split()), text, tuple(str(keys).split()))


def _call(held: dict[str, Any], tools: dict[str, Tool], name: str) -> Call:
    tool = tools[held["t"]]
    return Call(
        id=name,
        tool=tool,
        arguments=json.loads(json.dumps(held["a"], default=str)),
        recorded="r" in held or bool(held.get("blocked")),
        result=held.get("r", "Tool call blocked by guardrail: not allowed" if held.get("blocked") else None),
        error=held.get("e"),
        outcome=OUTCOME[held["o"]],
        label=LABEL[held["l"]] if "l" in held else tool.label,
        agent=held.get("by"),
        origins=held.get("from", {}),
        outbound=bool(held.get("outbound")),
        is_error=bool(held.get("iserror")),
        blocked=bool(held.get("blocked")),
    )
