"""Tool calls made by hand, and the shared published runs."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.domain.run import Executed, Run, RunError, ToolCall

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
RUNS = Path(__file__).resolve().parents[4] / "shared" / "data" / "runs"
UNSET: Any = object()


def call(name: str = "pay", arguments: Any = UNSET, result: Any = UNSET, **fields: Any) -> ToolCall:
    """A tool call; arguments and result are not recorded unless given."""
    held: dict[str, Any] = {"error": RunError(**error) if (error := fields.pop("error", None)) else None}
    if arguments is not UNSET:
        held |= {"arguments": arguments, "arguments_recorded": True}
    if result is not UNSET:
        held |= {"result": result, "result_recorded": True}
    return ToolCall(**{"order": 1, "name": name, "executed": Executed.YES, "ended_at": NOW, **held, **fields})


def run(*calls: ToolCall, **fields: Any) -> Run:
    """A run of these calls, numbered in their order."""
    numbered = tuple(held.model_copy(update={"order": order}) for order, held in enumerate(calls, 1))
    return Run(**{"trace_id": "a" * 32, "agent": "refund-bot", "tool_calls": numbered, **fields})


def manifest() -> list[dict[str, Any]]:
    """The published runs that have an OTLP file; skipped with the reason where they are missing."""
    path = RUNS / "manifest.json"
    if not path.exists():
        pytest.skip("../shared/data/runs is not beside this checkout")
    runs = json.loads(path.read_text())["runs"]
    return [held for held in runs if (RUNS / "otlp" / f"{held['id']}.json").exists()]
