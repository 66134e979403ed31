"""What a team's own CI does with cases that Pullcord pushed: Inspect, the files of the branch, nothing of ours.

    cd FOLDER && python run_inspect.py LOGS < answers.json

``answers.json``: {"bad": [calls], ...}, a call being {"tool", "arguments"}. Each is what a stand-in model calls. Prints
{"bad": {"status", "accuracy", "samples": [{"id", "input", "target", "value", "why"}]}, ...} as JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

from inspect_ai import eval as evaluate  # type: ignore[import-not-found]
from inspect_ai.model import (  # type: ignore[import-not-found]
    ChatCompletionChoice,
    ChatMessageAssistant,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.tool import ToolCall  # type: ignore[import-not-found]


def main(logs: Path) -> None:
    """Evaluate once for each answer."""
    answers: dict[str, list[dict[str, Any]]] = json.load(sys.stdin)
    found = {name: verdict(logs / name, calls) for name, calls in answers.items()}
    print(json.dumps(found))


def verdict(logs: Path, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """What Inspect says of a model that makes these calls."""
    asked = [ToolCall(id=str(at), function=call["tool"], arguments=call["arguments"]) for at, call in enumerate(calls)]
    message = ChatMessageAssistant(content="", tool_calls=asked)
    # Without a usage the stand-in model counts tokens with a table that it downloads.
    usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    answer = ModelOutput(model="mockllm", choices=[ChatCompletionChoice(message=message)], usage=usage)
    model = get_model("mockllm/model", custom_outputs=lambda *_: answer.model_copy(deep=True))
    (log,) = evaluate("pullcord_task.py", model=model, log_dir=str(logs), display="none", log_level="error")
    metric = log.results.scores[0].metrics["accuracy"].value if log.results else None
    samples = []
    for sample in log.samples or []:
        (score,) = (sample.scores or {}).values()
        said = sample.input if isinstance(sample.input, str) else sample.input[0].text
        one = {"id": sample.id, "input": said, "target": sample.target, "value": score.value, "why": score.explanation}
        samples.append(one)
    return {"status": log.status, "accuracy": metric, "samples": samples}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
