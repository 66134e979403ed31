import json
from typing import Any

import pytest

from bot.errors import ActionFailed
from bot.registry import discover
from runbooks.evals.inspect_ai import TASK, InspectAI, inspect_ai
from tests.runbooks.evals.cases import BAD, HOSTILE, RIGHT, case


def test_the_format_is_found_by_its_name() -> None:
    """``evals.format: inspect`` is what a configuration says."""
    assert discover(["runbooks.evals"]).eval_formats["inspect"] is inspect_ai


def test_one_line_holds_the_sample_with_its_provenance() -> None:
    """Inspect's own field names, and all that a reviewer asks: which incident, which run, which evidence."""
    files = InspectAI().render(case(right=RIGHT))
    assert list(files) == ["inc-7.jsonl", TASK]
    (line,) = files["inc-7.jsonl"].splitlines()
    sample = json.loads(line)
    assert sorted(sample) == ["id", "input", "metadata", "target"]
    assert sample["input"] == [{"role": "user", "content": "Where is my refund?"}]
    assert sample["target"] == "Refund what is owed, $42.00."
    assert sample["metadata"]["must_not_call"] == [{"tool": "issue_refund", "arguments": BAD}]
    assert sample["metadata"]["must_call"] == [{"tool": "issue_refund", "arguments": RIGHT}]
    assert sample["metadata"]["provenance"]["evidence_sha256"] == "e" * 64
    assert sample["metadata"]["provenance"]["redacted"] == []


def test_the_task_file_is_the_same_for_every_case_and_is_python() -> None:
    """Two branches may both bring it: git sees no conflict."""
    one, other = (InspectAI().render(case(tool=tool))[TASK] for tool in ("issue_refund", HOSTILE))
    assert one == other
    compile(one, TASK, "exec")


@pytest.mark.parametrize("right", [None, RIGHT])
def test_the_recorded_behaviour_fails_and_the_expected_one_passes(right: Any) -> None:
    """And the proof says what it is."""
    made = case(right=right)
    proof = InspectAI().prove(made, InspectAI().render(made))
    assert proof.ok
    assert "called issue_refund" in proof.detail
    assert "Inspect was not run" in proof.detail


def test_hostile_texts_stay_on_their_line_and_come_back_as_they_were() -> None:
    """Line separators of Unicode would break a line in two; an id becomes part of a file's name."""
    made = case(tool=HOSTILE, bad={HOSTILE: [HOSTILE]}, question=HOSTILE, expected=HOSTILE, agent=HOSTILE)
    files = InspectAI().render(made)
    text = files["inc-7.jsonl"]
    assert text.isascii()
    (line,) = text.splitlines()
    sample = json.loads(line)
    assert sample["input"][0]["content"] == HOSTILE
    assert sample["metadata"]["must_not_call"] == [{"tool": HOSTILE, "arguments": {HOSTILE: [HOSTILE]}}]
    assert "/" not in sample["id"]
    assert InspectAI().prove(made, files).ok


def test_a_file_that_cannot_be_read_back_is_no_proof() -> None:
    """Nothing is pushed then."""
    with pytest.raises(ActionFailed, match="cannot be read back"):
        InspectAI().prove(case(), {"inc-7.jsonl": "{}\n"})
