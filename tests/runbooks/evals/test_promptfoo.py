import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.errors import ActionFailed, Refused
from bot.ports import EvalTarget
from bot.registry import discover
from runbooks.controls.git import GitRemote, GitSettings
from runbooks.evals.promptfoo import Promptfoo, promptfoo
from tests.runbooks.evals.cases import BAD, HOSTILE, RIGHT, case

CALL = {"tool": "issue_refund", "arguments": BAD}
GOOD = {"tool": "issue_refund", "arguments": RIGHT}
_RUN = """
const answers = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const check = new Function('output', 'context', 'process', answers.script);
console.log(JSON.stringify(answers.outputs.map((output) => check(output, { providerResponse: answers.response }))));
"""


def _test(text: str) -> dict[str, Any]:
    (test,) = yaml.safe_load(text)
    return dict(test)


def _script(made: Any) -> str:
    (assertion,) = _test(Promptfoo().render(made)["cases/inc-7.yaml"])["assert"]
    assert assertion["type"] == "javascript"
    return str(assertion["value"])


def _passes(made: Any, *outputs: Any, response: Any = None) -> list[bool]:
    """What Node says, with the function made as promptfoo makes it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node here to run the script with")
    asked = json.dumps({"script": _script(made), "outputs": outputs, "response": response})
    done = subprocess.run([node, "-e", _RUN], input=asked, capture_output=True, text=True, check=False, timeout=25)
    assert done.returncode == 0, done.stderr
    verdicts = json.loads(done.stdout)
    assert all(isinstance(verdict["reason"], str) for verdict in verdicts)
    return [verdict["pass"] for verdict in verdicts]


def test_the_format_is_found_by_its_name() -> None:
    """``evals.format: promptfoo`` is what a configuration says."""
    assert discover(["runbooks.evals"]).eval_formats["promptfoo"] is promptfoo


def test_one_new_file_holds_a_list_with_the_test_case_and_its_provenance() -> None:
    """Nothing that two cases would share, so no two branches meet in a file."""
    files = Promptfoo().render(case(right=RIGHT))
    assert list(files) == ["cases/inc-7.yaml"]
    test = _test(files["cases/inc-7.yaml"])
    assert test["description"] == "inc-7-issue_refund"
    assert test["vars"] == {"incident": {"id": "INC-7", "question": "Where is my refund?"}}
    assert test["metadata"]["incident"] == "INC-7"
    assert test["metadata"]["pullcord"]["evidence_sha256"] == "e" * 64
    assert test["metadata"]["pullcord"]["redacted"] == "[]"
    assert {assertion["type"] for assertion in test["assert"]} == {"javascript"}


@pytest.mark.parametrize("right", [None, RIGHT])
def test_the_recorded_behaviour_fails_and_the_expected_one_passes(right: Any) -> None:
    """And the proof says what it is."""
    made = case(right=right)
    proof = Promptfoo().prove(made, Promptfoo().render(made))
    assert proof.ok
    assert "called issue_refund" in proof.detail
    assert "promptfoo was not run" in proof.detail


SHAPES: dict[str, Any] = {
    "ours": lambda call: {"tool_calls": [call]},
    "a list": lambda call: [call],
    "openai": lambda call: [
        {"id": "1", "type": "function", "function": {"name": call["tool"], "arguments": json.dumps(call["arguments"])}}
    ],
    "openai responses": lambda call: {
        "output": [{"type": "function_call", "name": call["tool"], "arguments": json.dumps(call["arguments"])}]
    },
    "anthropic": lambda call: {
        "role": "assistant",
        "content": [{"type": "text"}, {"type": "tool_use", "name": call["tool"], "input": call["arguments"]}],
    },
    "anthropic as text": lambda call: (
        "I look.\n\n" + json.dumps({"type": "tool_use", "name": call["tool"], "input": call["arguments"]})
    ),
    "gemini": lambda call: [{"functionCall": {"name": call["tool"], "args": call["arguments"]}}],
    "langchain": lambda call: {
        "messages": [
            {"type": "human", "content": "?"},
            {"type": "ai", "content": "", "tool_calls": [{"name": call["tool"], "args": call["arguments"]}]},
            {"type": "tool", "name": call["tool"], "content": "done"},
        ]
    },
    "vercel": lambda call: {"toolCalls": [{"toolName": call["tool"], "input": call["arguments"]}]},
    "text": lambda call: json.dumps({"tool_calls": [call]}),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_script_finds_the_call_however_a_provider_writes_it(shape: Any) -> None:
    """The wrong call fails; the right one passes, which an assertion that finds no calls would not let it."""
    assert _passes(case(right=RIGHT), shape(CALL), shape(GOOD)) == [False, True]


def test_calls_in_the_metadata_of_a_response_count_as_well() -> None:
    """Agents that answer in words report their calls beside the answer."""
    response = {"metadata": {"toolCalls": [{"name": "issue_refund", "input": BAD}]}}
    assert _passes(case(), "Done.", response=response) == [False]


def test_an_answer_without_calls_does_not_do_what_should_have_been_done() -> None:
    """With a call that must be made, silence fails; where the call only must not be made, it passes."""
    odd: list[Any] = ["I am sorry.", None, 7, {}, [], "[]", "{", {"role": "tool", "content": [CALL]}]
    assert _passes(case(right=RIGHT), *odd) == [False] * len(odd)
    assert _passes(case(), *odd) == [True] * len(odd)


def test_a_call_that_is_only_quoted_in_an_argument_was_not_made() -> None:
    """The agent wrote about it to somebody."""
    quoted = {"tool": "send_message", "arguments": {"text": json.dumps(CALL), "calls": [CALL]}}
    assert _passes(case(), [quoted]) == [True]


@pytest.mark.parametrize(
    ("recorded", "other"),
    [
        ({"n": 1}, {"n": True}),
        ({"n": 1}, {"n": "1"}),
        ({"n": None}, {}),
        ({"n": [1, {"a": 2}]}, {"n": [1, {"a": 3}]}),
        ({"n": {"a": 1}}, {"n": {"a": 1, "b": 1}}),
        ({"__proto__": {"a": 1}}, {"__proto__": {"a": 2}}),
        ({"constructor": "x"}, {}),
        ({"n": 2**53}, {"n": 2**53 + 2}),
        ({"n": 10**400}, {"n": 1}),
    ],
)
def test_script_and_proof_agree_on_what_is_equal(recorded: Any, other: Any) -> None:
    """The proof is made in Python; JavaScript must not see it otherwise."""
    made = case(bad=recorded, right=other)
    assert Promptfoo().prove(made, Promptfoo().render(made)).ok
    right = {"tool": "issue_refund", "arguments": other}
    assert _passes(made, [{**CALL, "arguments": recorded}], [right]) == [False, True]


def test_numbers_that_javascript_cannot_tell_apart_are_not_proven() -> None:
    """A number of 17 digits is rounded there: the case would fail the right call too."""
    made = case(bad={"order": 2**53}, right={"order": 2**53 + 1})
    assert not Promptfoo().prove(made, Promptfoo().render(made)).ok


def test_numbers_that_json_does_not_know_are_refused() -> None:
    """Infinity has no JSON, and a script that does not parse would fail every answer."""
    with pytest.raises(Refused, match="NaN or infinity"):
        Promptfoo().render(case(bad={"n": float("inf")}))


def test_hostile_texts_are_texts_in_yaml_in_javascript_and_in_templates() -> None:
    """They come back as they were, run nothing, and the bad call is still recognised."""
    made = case(tool=HOSTILE, bad={HOSTILE: [HOSTILE]}, question=HOSTILE, expected=HOSTILE, agent=HOSTILE)
    text = Promptfoo().render(made)["cases/inc-7.yaml"]
    test = _test(text)
    assert test["vars"]["incident"]["question"] == HOSTILE
    assert test["metadata"]["expected"] == HOSTILE
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    script = _script(made)
    assert script.isascii()
    assert not any(sign in script for sign in ("{{", "{%", "{#", "</", "${", "`"))
    assert Promptfoo().prove(made, {"cases/inc-7.yaml": text}).ok
    assert _passes(made, [{"tool": HOSTILE, "arguments": {HOSTILE: [HOSTILE]}}], [GOOD]) == [False, True]


@pytest.mark.parametrize("text", ["1e3", "0o17", "yes", "null", "~", "2026-01-01", "=", "<<", "file:///etc/passwd"])
def test_texts_that_look_like_something_else_stay_texts(text: str) -> None:
    """YAML 1.1 and 1.2 disagree about some, so they are quoted; what looks like a file to load gets a space."""
    file = Promptfoo().render(case(question=text, expected=text))["cases/inc-7.yaml"]
    test = _test(file)
    assert test["vars"]["incident"]["question"] == text
    assert test["metadata"]["expected"].strip() == text
    assert not test["metadata"]["expected"].startswith("file:")


def test_a_file_that_cannot_be_read_back_is_no_proof() -> None:
    """Nothing is pushed then."""
    for broken in ("[", "- {}", "- assert: [{value: 'const mustCall = 1'}]"):
        with pytest.raises(ActionFailed, match="cannot be read back"):
            Promptfoo().prove(case(), {"cases/inc-7.yaml": broken})


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True, timeout=20).stdout


async def test_the_branch_holds_the_one_file_where_the_configuration_says(tmp_path: Path) -> None:
    """A subfolder of ``evals.directory``, so that ``cases/*.yaml`` finds cases and nothing else."""
    remote = str(tmp_path / "evals.git")
    _git("init", "--quiet", "--bare", "--initial-branch", "main", remote)
    repository = GitRemote(GitSettings(), EvalTarget(remote=remote, branch="main", directory="evals/pullcord"))
    files = Promptfoo().render(case(right=RIGHT))
    pushed = await repository.push("pullcord/inc-7-eval", files, "Eval case")
    assert pushed.path == "evals/pullcord/cases/inc-7.yaml"
    there = _git("-C", remote, "ls-tree", "-r", "--name-only", "pullcord/inc-7-eval")
    assert there.split() == [pushed.path]
    assert _git("-C", remote, "show", f"pullcord/inc-7-eval:{pushed.path}") == files["cases/inc-7.yaml"]
