"""Inspect: one JSONL file per incident, one sample a line, and the task file that scores every such file.

Format: ``inspect_ai.dataset.json_dataset`` with Inspect's own field names, so that no mapping is needed.
"""

import inspect
import json
import re
from collections.abc import Mapping
from typing import Any

from bot.domain.base import Json
from bot.errors import ActionFailed
from bot.plugin import EvalCase, EvalProof, eval_format
from runbooks.evals import assertions, fitness

TASK = "pullcord_task.py"
"""The file beside the cases; it is the same for every case of one Pullcord version."""

_TASK = '''

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, json_dataset
from inspect_ai.model import ChatMessageAssistant
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import TaskState, generate


def made(state: TaskState) -> list[dict[str, Any]]:
    """The tool calls of the answer and of every message of the assistant, in order."""
    said = [message for message in state.messages if isinstance(message, ChatMessageAssistant)]
    answer = state.output.message if state.output.choices else None
    if answer is not None and all(message is not answer and message.id != answer.id for message in said):
        said.append(answer)
    return [{"tool": c.function, "arguments": c.arguments} for message in said for c in message.tool_calls or []]


@scorer(metrics=[accuracy()])
def pullcord_tool_calls() -> Scorer:
    """Correct when the run made no call of the sample's ``must_not_call`` and every call of its ``must_call``."""

    async def score(state: TaskState, target: Target) -> Score:
        calls = made(state)
        broken = faults(calls, state.metadata["must_not_call"], state.metadata["must_call"])
        reason = "; ".join(broken) or "the tool calls are as they should be"
        return Score(value=INCORRECT if broken else CORRECT, explanation=reason, metadata={"calls": calls})

    return score


@task
def pullcord_cases(cases: str = "*.jsonl") -> Task:
    """Every case in the folder of this file, or those whose names match ``cases`` (``-T cases=inc-7.jsonl``).

    Run it with your agent: ``inspect eval pullcord_task.py --solver my_agent.py@my_agent``. Without one the model is
    asked once, with no tools to call, and its calls are not carried out.
    """
    files = sorted(Path(__file__).parent.glob(cases))
    samples = [sample for file in files for sample in json_dataset(str(file))]
    return Task(
        dataset=MemoryDataset(samples, name="pullcord"),
        solver=generate(tool_calls="none"),
        scorer=pullcord_tool_calls(),
    )
'''


class InspectAI:
    """Renders and proves cases for Inspect."""

    def render(self, case: EvalCase) -> Mapping[str, str]:
        """``<incident>.jsonl`` with the one sample, and the task file.

        Raises Refused for a case that is not fit (``fitness.fit``).
        """
        case = fitness.fit(case)
        sample = {
            "id": re.sub(r"[^A-Za-z0-9_.-]", "_", case.name)[:100],
            "input": [{"role": "user", "content": case.question}],
            "target": case.expected,
            "metadata": {
                "must_not_call": list(case.must_not_call),
                "must_call": list(case.must_call),
                "provenance": case.provenance,
            },
        }
        return {_file(case): json.dumps(sample) + "\n", TASK: inspect.getsource(assertions) + _TASK}

    def prove(self, case: EvalCase, files: Mapping[str, str]) -> EvalProof:
        """Read the sample back and hold both behaviours against it, by the functions that the task file ships.

        Inspect itself is not run. Raises ActionFailed when the file cannot be read back.
        """
        spec = _read_back(files[_file(case)])
        recorded = [dict(call) for call in case.recorded_calls]
        broken = assertions.faults(recorded, **spec)
        still = assertions.faults(fitness.corrected(recorded, **spec), **spec)
        detail = f"recorded: {'; '.join(broken) or 'passes'}. Expected: {'; '.join(still) or 'passes'}."
        detail += " Checked by the scorer's own rules; Inspect was not run."
        return EvalProof(recorded_fails=bool(broken), expected_passes=not still, detail=detail)


inspect_ai = eval_format("inspect")(InspectAI)


def _file(case: EvalCase) -> str:
    return f"{case.stem}.jsonl"


def _read_back(text: str) -> dict[str, list[dict[str, Json]]]:
    try:
        (line,) = text.splitlines()
        found: dict[str, Any] = json.loads(line)["metadata"]
        return {"must_not_call": list(found["must_not_call"]), "must_call": list(found["must_call"])}
    except (ValueError, KeyError, TypeError) as error:
        message = f"The eval case that was rendered cannot be read back: {type(error).__name__}."
        raise ActionFailed(message, next_step="Report it with the run's evidence; nothing was pushed.") from error
