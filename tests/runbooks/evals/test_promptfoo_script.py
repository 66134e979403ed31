import json
import random
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from runbooks.evals import fitness
from runbooks.evals.promptfoo import Promptfoo
from tests.runbooks.evals.cases import case

_SIGNS = [*"ab{}%#$`'\"\\/<>&\n\t\r\0\u2028\u202e\ud83d🙂é:-[],!*|?~ ", "{{", "}}", "{%", "file://", "${", "</script>"]
_KEYS = ["amount", "__proto__", "constructor", "toString", "length", "1e3", "0", "function", "name"]
_NUMBERS = [0, 1, -1, 2**53, 2**53 + 1, 10**25, -(10**400), 0.0, -0.0, 1.5, 0.1, 1e308, 5e-324]
_RUN = """
const jobs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(jobs.map((job) => {
  const check = new Function('output', 'context', 'process', job.script);
  return job.outputs.map((output) => check(output, {}).pass);
})));
"""


def _text(chance: random.Random) -> str:
    return "".join(chance.choice(_SIGNS) for _ in range(chance.randint(0, 6)))


def _value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randint(0, 8 if depth < 3 else 5)
    if kind < 2:
        return chance.choice([None, True, False])
    if kind < 4:
        return chance.choice(_NUMBERS)
    if kind < 6:
        return _text(chance)
    if kind < 7:
        return [_value(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    return _arguments(chance, depth + 1)


def _arguments(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    names = [chance.choice(_KEYS) if chance.random() < 0.5 else _text(chance) for _ in range(chance.randint(0, 3))]
    return {name: _value(chance, depth) for name in names}


def test_the_script_says_of_any_calls_what_the_proof_said() -> None:
    """The proof is made in Python, so both are held against each other on 400 made-up cases (always the same)."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node here to run the scripts with")
    chance = random.Random(20260609)
    jobs, said = [], []
    for _ in range(400):
        bad = _arguments(chance)
        right = {**bad, **_arguments(chance)} if chance.random() < 0.5 else None
        question = "? " + _text(chance)
        made = case(tool=_text(chance) or "t", bad=bad, right=right, question=question)
        files = Promptfoo().render(made)
        (test,) = yaml.safe_load(files["cases/inc-7.yaml"])
        assert test["vars"]["incident"]["question"] == question
        spec = {"must_not_call": list(made.must_not_call), "must_call": list(made.must_call)}
        expected = fitness.corrected(made.recorded_calls, **spec)
        jobs.append({"script": test["assert"][0]["value"], "outputs": [made.recorded_calls, expected]})
        proof = Promptfoo().prove(made, files)
        said.append([not proof.recorded_fails, proof.expected_passes])
    done = subprocess.run(
        [node, "-e", _RUN], input=json.dumps(jobs), capture_output=True, text=True, check=False, timeout=25
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == said
    assert [False, True] in said
    assert [False, False] in said
