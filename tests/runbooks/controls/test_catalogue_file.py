"""One rule more in a YAML file, and nothing else changed."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ActionFailed
from runbooks.controls.catalogue_file import has_rule, rule_of, with_rule, written

RULE = rule_of("refund-bot", "issue_refund", "irreversible", "Classified in INC-7")
ROWS = "  - name: issue_refund\n    agents: [refund-bot]\n    reversibility: irreversible\n    reason: "
ROWS += '"Classified in INC-7"\n'
FLOW = '{name: issue_refund, agents: [refund-bot], reversibility: irreversible, reason: "Classified in INC-7"}'
PLAIN = ROWS.replace("  -", "-").replace("    ", "  ")

FILES: list[tuple[str, str, str]] = [
    ("nothing", "", f"tools:\n{ROWS}"),
    ("comments only", "# ours\n", f"# ours\ntools:\n{ROWS}"),
    ("no tools", "agents: {a: {}}\n", f"agents: {{a: {{}}}}\ntools:\n{ROWS}"),
    ("no last line end", "slack:\n  channel: x", f"slack:\n  channel: x\ntools:\n{ROWS}"),
    ("empty tools", "tools:\nslack: {}\n", f"tools:\n{ROWS}slack: {{}}\n"),
    ("null with a comment", "tools: null  # later\nslack: {}\n", f"tools:  # later\n{ROWS}slack: {{}}\n"),
    ("an empty flow list", "tools: []\nslack: {}\n", f"tools: [{FLOW}]\nslack: {{}}\n"),
    (
        "a flow list",
        "tools: [{name: a, reversibility: read_only}] # x\n",
        f"tools: [{{name: a, reversibility: read_only}}, {FLOW}] # x\n",
    ),
    (
        "a block list with comments",
        "# top\ntools:\n  # the first\n  - name: a  # yes\n    reversibility: read_only\n\n# about slack\nslack: {}\n",
        "# top\ntools:\n  # the first\n  - name: a  # yes\n    reversibility: read_only\n"
        + ROWS
        + "\n# about slack\nslack: {}\n",
    ),
    (
        "no indentation",
        "tools:\n- name: a\n  reversibility: read_only\nslack: {}\n",
        "tools:\n- name: a\n  reversibility: read_only\n" + PLAIN + "slack: {}\n",
    ),
    (
        "at the end, without a line end",
        "tools:\n  - name: a\n    reversibility: read_only",
        f"tools:\n  - name: a\n    reversibility: read_only\n{ROWS}",
    ),
    (
        "a block text last",
        "tools:\n  - name: a\n    reversibility: read_only\n    reason: |\n      one\n      # two\n\nslack: {}\n",
        "tools:\n  - name: a\n    reversibility: read_only\n    reason: |\n      one\n      # two\n"
        + ROWS
        + "\nslack: {}\n",
    ),
    (
        "Windows line ends",
        "tools:\r\n  - name: a\r\n    reversibility: read_only\r\nslack: {}\r\n",
        "tools:\r\n  - name: a\r\n    reversibility: read_only\r\n" + ROWS.replace("\n", "\r\n") + "slack: {}\r\n",
    ),
    (
        "aliases and tags elsewhere",
        "x: &x {a: 1}\ny: *x\nz: !thing 5\ntools:\n  - {name: a, reversibility: read_only}\n",
        "x: &x {a: 1}\ny: *x\nz: !thing 5\ntools:\n  - {name: a, reversibility: read_only}\n" + ROWS,
    ),
]


@pytest.mark.parametrize(("what", "before", "after"), FILES, ids=[row[0] for row in FILES])
def test_the_rule_is_put_at_the_end_and_everything_else_stays(what: str, before: str, after: str) -> None:
    """Comments, order, indentation and line ends."""
    del what
    assert with_rule(before, RULE) == after
    assert has_rule(after, RULE)
    assert not has_rule(before, RULE)


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("tools: {a: 1}\n", "is no list"),
        ("tools: text\n", "is no list"),
        ("- a\n- b\n", "no settings by name"),
        ("{slack: {}}\n", "not written as a block"),
        ("tools: [\n", "no YAML"),
        ("tools: []\ntools: []\n", "twice"),
        ("a: 1\n---\nb: 2\n", "no YAML"),
        ("a: 1\n...\n", "where its list ends"),
        ("x: &x []\ntools: *x\n", "where its list ends"),
        ("a: " + "x" * 1_000_001, "1 MB"),
    ],
)
def test_a_file_that_cannot_be_changed_for_sure_is_left_alone(before: str, why: str) -> None:
    """With the reason; the rule is told, for people to write it themselves."""
    with pytest.raises(ActionFailed, match=why):
        with_rule(before, RULE)


def test_the_reason_does_not_make_another_rule_of_it() -> None:
    """The same class said again in another incident is the same rule; another agent's is not."""
    text = with_rule("", RULE)
    assert has_rule(text, rule_of("refund-bot", "issue_refund", "irreversible", "Classified in INC-9: again"))
    assert not has_rule(text, rule_of("mail-bot", "issue_refund", "irreversible", ""))
    assert not has_rule(text, rule_of("refund-bot", "issue_refund", "reversible", ""))


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=40), st.text(max_size=80))
def test_any_names_and_reasons_are_read_back_as_they_were(tool: str, agent: str, reason: str) -> None:
    """Foreign text can end no line and no list, and is no YAML of its own."""
    rule = rule_of(agent, tool, "compensable", reason)
    before = "tools:\n  - name: a\n    reversibility: read_only\nslack:\n  channel: x\n"
    try:
        after = with_rule(before, rule)
    except ActionFailed:
        return
    held = yaml.safe_load(after)
    assert held["slack"] == {"channel": "x"}
    assert held["tools"][0]["name"] == "a"
    assert held["tools"][1] == rule
    assert "\n" not in written(rule)
