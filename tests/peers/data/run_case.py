"""What a team's own CI does with a case that Pullcord pushed: pydantic-evals, the files of the branch, nothing of ours.

    python run_case.py FOLDER CASE.yaml < answers.json

``answers.json``: {"bad": [calls], "good": [calls]}, a call being {"tool", "arguments"}. Each is given to the case as
the output of the task, and again as OpenTelemetry tool spans that the task records. Prints {"bad": {"output":
[passed, reason], "spans": …}, "good": …} as JSON.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from pydantic_evals import Dataset


def main(folder: Path, case: str) -> None:
    """Load and evaluate."""
    trace.set_tracer_provider(TracerProvider())
    spec = importlib.util.spec_from_file_location("pullcord_evaluators", folder / "pullcord_evaluators.py")
    assert spec is not None
    assert spec.loader is not None
    evaluators = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = evaluators
    spec.loader.exec_module(evaluators)
    dataset = Dataset[Any, Any, Any].from_file(folder / case, custom_evaluator_types=[evaluators.PullcordToolCalls])
    answers = json.load(sys.stdin)
    found = {
        name: {how: verdict(dataset, how, calls) for how in ("output", "spans")} for name, calls in answers.items()
    }
    print(json.dumps({"cases": [c.name for c in dataset.cases], "asked": dataset.cases[0].inputs, **found}))


def verdict(dataset: Dataset[Any, Any, Any], how: str, calls: list[dict[str, Any]]) -> list[object]:
    """Whether the case passes for an agent that makes these calls, and the evaluator's reason."""

    def as_output(_: object) -> object:
        return {"tool_calls": calls}

    def as_spans(_: object) -> object:
        for call in calls:
            with trace.get_tracer("agent").start_as_current_span("execute_tool") as span:
                span.set_attribute("gen_ai.tool.name", call["tool"])
                span.set_attribute("gen_ai.tool.call.arguments", json.dumps(call["arguments"]))
        return "done"

    report = dataset.evaluate_sync(as_output if how == "output" else as_spans, progress=False)
    (case,) = report.cases
    (result,) = case.assertions.values()
    return [result.value, result.reason]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
