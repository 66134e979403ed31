"""pydantic-evals: a dataset of one case in YAML, and the evaluator that it names.

Format: pydantic-evals ``Dataset`` files; custom evaluators are passed as ``custom_evaluator_types``.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import yaml

from bot.errors import ActionFailed
from bot.plugin import EvalCase, EvalProof, eval_format
from runbooks.evals import assertions, fitness

EVALUATORS = "pullcord_evaluators.py"
"""The file beside the cases; it is the same for every case of one Pullcord version."""

_EVALUATOR = '''

from dataclasses import dataclass, field

from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext


def tool_calls(context: EvaluatorContext) -> list[dict[str, Any]]:
    """The run's tool calls: the output's ``tool_calls``, an output that is such a list, else the recorded spans."""
    output = context.output
    if isinstance(output, Mapping) and isinstance(output.get("tool_calls"), list):
        return list(output["tool_calls"])
    if isinstance(output, list):
        return list(output)
    found = []
    for node in context.span_tree.find(lambda node: "gen_ai.tool.name" in node.attributes):
        arguments = node.attributes.get("gen_ai.tool.call.arguments") or node.attributes.get("tool_arguments") or "{}"
        found.append({"tool": node.attributes["gen_ai.tool.name"], "arguments": arguments})
    return found


@dataclass
class PullcordToolCalls(Evaluator):
    """Passes when the run made no call of ``must_not_call`` and every call of ``must_call``.

    Load with ``Dataset.from_file(path, custom_evaluator_types=[PullcordToolCalls])``. The task returns
    ``{"tool_calls": [{"tool", "arguments"}, ...]}``, or runs under OpenTelemetry with GenAI tool spans.
    """

    must_not_call: list[dict[str, Any]] = field(default_factory=list)
    must_call: list[dict[str, Any]] = field(default_factory=list)

    def evaluate(self, ctx: EvaluatorContext) -> EvaluationReason:
        """One verdict with its reason."""
        broken = faults(tool_calls(ctx), self.must_not_call, self.must_call)
        return EvaluationReason(value=not broken, reason="; ".join(broken) or "the tool calls are as they should be")
'''


class PydanticEvals:
    """Renders and proves cases for pydantic-evals."""

    def render(self, case: EvalCase) -> Mapping[str, str]:
        """``<stem of the case>.yaml`` with the case, and the evaluator file.

        Raises Refused for a case that is not fit (``fitness.fit``).
        """
        case = fitness.fit(case)
        dataset = {
            "name": f"pullcord-{case.stem}",
            "cases": [
                {
                    "name": case.name,
                    "inputs": case.question,
                    "expected_output": case.expected,
                    "metadata": case.provenance,
                    "evaluators": [
                        {
                            "PullcordToolCalls": {
                                "must_not_call": [dict(call) for call in case.must_not_call],
                                "must_call": [dict(call) for call in case.must_call],
                            },
                        },
                    ],
                },
            ],
        }
        text = yaml.safe_dump(dataset, sort_keys=False, allow_unicode=True, width=110)
        return {
            f"{case.stem}.yaml": text,
            EVALUATORS: inspect.getsource(assertions) + _EVALUATOR,
        }

    def prove(self, case: EvalCase, files: Mapping[str, str]) -> EvalProof:
        """Read the rendered case back and hold both behaviours against the assertions that stand in it.

        Raises ActionFailed when the rendered file cannot be read back.
        """
        spec = _assertions(files[f"{case.stem}.yaml"])
        recorded = [dict(call) for call in case.recorded_calls]
        broken = assertions.faults(recorded, **spec)
        still = assertions.faults(fitness.corrected(recorded, **spec), **spec)
        detail = f"recorded: {'; '.join(broken) or 'passes'}. Expected: {'; '.join(still) or 'passes'}."
        return EvalProof(recorded_fails=bool(broken), expected_passes=not still, detail=detail)


pydantic_evals = eval_format("pydantic_evals")(PydanticEvals)


def _assertions(text: str) -> dict[str, list[dict[str, Any]]]:
    try:
        case = yaml.safe_load(text)["cases"][0]
        spec = case["evaluators"][0]["PullcordToolCalls"]
        return {"must_not_call": list(spec["must_not_call"]), "must_call": list(spec["must_call"])}
    except (yaml.YAMLError, KeyError, IndexError, TypeError) as error:
        message = f"The eval case that was rendered cannot be read back: {type(error).__name__}."
        raise ActionFailed(message, next_step="Report it with the run's evidence; nothing was pushed.") from error
