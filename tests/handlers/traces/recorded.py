"""The refund run as each store answers it, and what of a run every store must give back.

``data/refund_run.otlp.json`` is the run as it was exported; the others say the same in the shapes that the stores'
own API documentation and clients describe. Langfuse and LangSmith could not be run here: these are contract answers.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.domain.base import Json
from bot.domain.run import Part, Run, ToolCall
from bot.domain.trace_ref import TraceRef
from bot.plugin import Fetched
from bot.recorder.limits import Limits
from bot.recorder.normalise import normalise
from bot.recorder.otlp import parse_export

DATA = Path(__file__).parent / "data"
TRACE = "5cc2de60e211604aa0bc088c09152af4"
UUID = "5cc2de60-e211-604a-a0bc-088c09152af4"
REF = TraceRef(trace_id=TRACE)
Told = tuple[str, list[tuple[str, Json, Json]]]
"""A message: its role, and of each part its kind, its content and its call's id."""


def load(name: str) -> Any:
    """A recorded answer."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def exported() -> Run:
    """The run as our own receiver reads it from the export."""
    body = (DATA / "refund_run.otlp.json").read_bytes()
    return normalise(parse_export(body, "application/json", limits=Limits()).spans)


def run_of(fetched: Fetched) -> Run:
    """The run that a store's spans make."""
    return normalise(fetched.spans)


def calls(run: Run) -> list[tuple[int, str, str | None, Json, Json, str]]:
    """Each tool call with everything that its effect is told from."""
    return [_call(call) for call in run.tool_calls]


def _call(call: ToolCall) -> tuple[int, str, str | None, Json, Json, str]:
    return call.order, call.name, call.call_id, call.arguments, call.result, call.executed.value


def prompts(run: Run) -> list[list[Told]]:
    """The messages of each model call, system first, however the store keeps the system's part."""
    found: list[list[Told]] = []
    for model in run.model_calls:
        told: list[Told] = [("system", [("text", text, None)]) for text in model.system]
        told += [(message.role, [_part(part) for part in message.parts]) for message in (*model.input, *model.output)]
        found.append(told)
    return found


def _part(part: Part) -> tuple[str, Json, Json]:
    return part.kind, part.text or part.arguments or part.result, part.call_id


def facts(run: Run) -> dict[str, Any]:
    """What must be the same from wherever the run was read."""
    return {
        "status": run.status,
        "agent": run.agent,
        "environment": run.environment,
        "service_version": run.service_version,
        "conversation": run.conversation_id,
        "completeness": run.completeness,
        "started": run.started_at,
        "ended": run.ended_at,
        "steps": [(step.kind, step.started_at, step.ended_at) for step in run.steps],
        "calls": calls(run),
        "prompts": prompts(run),
        "tools offered": [model.tools_offered for model in run.model_calls],
        "model": run.model_requested,
        "parameters": run.parameters,
        "usage": [model.usage for model in run.model_calls],
        "documents": [
            [(document.id, document.score, document.content) for document in retrieval.documents or ()]
            for retrieval in run.retrievals
        ],
        "queries": [retrieval.query for retrieval in run.retrievals],
    }


def pages(items: Sequence[Any], size: int) -> list[list[Any]]:
    """The items in pages."""
    return [list(items[at : at + size]) for at in range(0, len(items), size)]
