import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runbooks.evals.inspect_ai import InspectAI
from tests.peers.place import told
from tests.peers.programs import installed
from tests.runbooks.evals.cases import BAD, HOSTILE, RIGHT, case

pytestmark = [pytest.mark.peers, pytest.mark.timeout(900)]

_RUN = Path(__file__).with_name("data") / "run_inspect.py"


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python beside which Inspect is installed."""
    return installed("inspect") / "python"


def _evaluate(python: Path, folder: Path, *cases: Any, **answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Each of the answers held against all the cases, in a process without any of our code."""
    files = {name: text for made in cases for name, text in InspectAI().render(made).items()}
    return evaluated(python, folder, files, answers)


def evaluated(
    python: Path, folder: Path, files: Mapping[str, str], answers: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """Each of the answers held against the files of a branch."""
    branch = folder / "branch"
    branch.mkdir()
    for name, text in files.items():
        (branch / name).write_text(text, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder / "data")}
    done = subprocess.run(
        ["nice", "-n", "15", str(python), "-I", str(_RUN), str(folder / "logs")],
        input=json.dumps(answers),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        cwd=branch,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    told("inspect", {name: (one["status"], one["accuracy"]) for name, one in said.items()})
    return said


def test_inspect_fails_the_recorded_behaviour_and_passes_the_expected_one(python: Path, tmp_path: Path) -> None:
    """By the log's status, since Inspect's own exit code is 0 for a task that failed."""
    first = {"tool": "look_up_order", "arguments": {"order": 7}}
    answers = {name: [first, {"tool": "issue_refund", "arguments": a}] for name, a in (("bad", BAD), ("good", RIGHT))}
    said = _evaluate(python, tmp_path, case(right=RIGHT), **answers, idle=[])
    assert {one["status"] for one in said.values()} == {"success"}
    assert [said[name]["accuracy"] for name in ("bad", "good", "idle")] == [0, 1, 0]
    (sample,) = said["bad"]["samples"]
    assert sample["input"] == "Where is my refund?"
    assert sample["target"] == "Refund what is owed, $42.00."
    assert "called issue_refund with" in sample["why"]
    assert "did not call issue_refund" in said["idle"]["samples"][0]["why"]


def test_inspect_takes_hostile_texts_for_texts_and_cases_of_two_incidents_together(
    python: Path, tmp_path: Path
) -> None:
    """The model is asked exactly what was asked; the other incident's case is scored beside it."""
    hostile = case(tool=HOSTILE, bad={HOSTILE: [HOSTILE]}, question=HOSTILE, expected=HOSTILE)
    other = case(incident="INC-8", name="inc-8-issue_refund")
    bad = [{"tool": HOSTILE, "arguments": {HOSTILE: [HOSTILE]}}]
    said = _evaluate(python, tmp_path, hostile, other, bad=bad, good=[])
    assert {one["status"] for one in said.values()} == {"success"}
    assert [said[name]["accuracy"] for name in ("bad", "good")] == [0.5, 1]
    values = {sample["id"]: sample["value"] for sample in said["bad"]["samples"]}
    assert sorted(values.values()) == ["C", "I"]
    assert values["inc-8-issue_refund"] == "C"
    assert HOSTILE in [sample["input"] for sample in said["bad"]["samples"]]
