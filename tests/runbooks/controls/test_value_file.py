"""One value in a file of somebody else."""

from typing import Any

import pytest
import yaml

from bot.domain.action import Change, Target
from bot.errors import Refused
from runbooks.controls.kept_values import held_by
from runbooks.controls.value_file import MISSING, value_at, with_value

FILE = """\
# ours
model: gpt-x   # the model
tools:
  # those that are denied
  denied: [a, b]   # two
  other:
    - x
    - y
# between
agents:
  refund-bot:
    model: old
  other: {model: 1, z: 2}
empty:
text: |
  some
  words
last: "q"
"""


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("model", "gpt-y: #x", "model: 'gpt-y: #x'   # the model"),
        ("model", "on", "model: 'on'   # the model"),
        ("tools.denied", ["a"], "  denied: [a]   # two"),
        ("tools.other", ["x"], "  other: [x]"),
        ("tools.new", True, "  new: true"),
        ("agents.refund-bot.model", "new\nline\u2028", '    model: "new\\nline\\u2028"'),
        ("agents.refund-bot.paused", True, "    paused: true"),
        ("agents.other.paused", True, "  other: {model: 1, z: 2, paused: true}"),
        ("agents.other.model", MISSING, "  other: {z: 2}"),
        ("agents.third.model", "x", "  third: {model: x}"),
        ("empty.a.b", "x", "empty: {a: {b: x}}"),
        ("text", "x", "text: x"),
        ("last", {"a": [1]}, "last: {a: [1]}"),
        ("new.deep", 1, "new: {deep: 1}"),
    ],
)
def test_one_line_changes_and_every_comment_stays(path: str, value: Any, line: str) -> None:
    """The file means what it meant, but for this value."""
    made = with_value(FILE, "c.yaml", path.split("."), value)
    assert line in made.splitlines()
    for comment in ("# ours", "# the model", "# those that are denied", "# two", "# between"):
        assert comment in made
    assert value_at(made, "c.yaml", path.split(".")) == value or value is MISSING
    if path != "model":
        assert yaml.safe_load(made)["model"] == "gpt-x"


@pytest.mark.parametrize("path", ["model", "agents.refund-bot.model", "last", "text", "nothing", "nothing.deep"])
def test_a_value_is_taken_out_again(path: str) -> None:
    """What is not there needs no change."""
    made = with_value(FILE, "c.yaml", path.split("."), MISSING)
    assert value_at(made, "c.yaml", path.split(".")) is MISSING
    assert (made == FILE) is path.startswith("nothing")


@pytest.mark.parametrize("text", ["", "{}", "{}\n", "# nothing yet\n", "a: 1"])
def test_a_file_that_is_empty_or_has_no_end_of_line_is_written_too(text: str) -> None:
    """The first value of a file."""
    assert value_at(with_value(text, "c.yml", ["x", "y"], 1), "c.yml", ["x", "y"]) == 1


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: &q {z: 1}\nb: *q\n", "a.z"),
        ("a: &q {z: 1}\nb: *q\n", "b.z"),
        ("a: [1]\n", "a.z"),
        ("a: 1\n", "a.z"),
        ("- 1\n", "a"),
        ("a: [\n", "a"),
        ("a: !!python/object/apply:os.system [x]\n", "a"),
        ("7: x\n", "7"),
        ("[" * 5000, "a"),
    ],
)
def test_what_cannot_be_changed_alone_is_left_to_a_person(text: str, path: str) -> None:
    """An anchor that others use, a list, a file that is none."""
    with pytest.raises(Refused):
        with_value(text, "c.yaml", path.split("."), 2)


def test_json_keeps_its_indentation() -> None:
    """And its order."""
    text = '{\n    "b": 1,\n    "a": {"c": 2}\n}\n'
    assert with_value(text, "c.json", ["a", "d"], "x") == (
        '{\n    "b": 1,\n    "a": {\n        "c": 2,\n        "d": "x"\n    }\n}\n'
    )


@pytest.mark.parametrize("held", ["2026-05-01", "!!binary aGk=", "!!set {a}", ".nan", "[2026-05-01]"])
def test_a_value_that_only_yaml_has_is_said_and_not_broken_over(held: str) -> None:
    """A model that is named by a date without quotation marks is a date to YAML, and could not be put back."""
    target = Target(control="c", subject="a", setting="agent.model")
    with pytest.raises(Refused, match="no JSON"):
        held_by(f"model: {held}\n", "c.yaml", Change(target=target, desired=None, summary=""))
