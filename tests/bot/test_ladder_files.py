"""Ladders as files: read from packages and directories, and checked at start with their lines."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.domain.fact import FACTS
from bot.errors import Misconfigured
from bot.ladder_files import ladders_of
from bot.plugin_faults import plugin_faults, registry_of
from bot.registry import discover
from bot.settings import Settings, load_settings

GOOD = """\
id: refunds_at_night
title: Refunds at night
order: 5
when:
  all: [irreversible_effects]
  none: [untrusted_arguments]
because: "{irreversible_effects}, and finance is asleep."
steps:
  - verb: tighten_validation
    why: Small refunds may go on.
    params: {kind: maximum, argument: amount}
  - verb: pause_agent
    why: Nobody is there to answer.
"""
DOCS = Path(__file__).parents[2] / "docs" / "ladders.md"


def configured(tmp_path: Path, text: str, name: str = "night.yaml", config: str = "ladders: [mine]\n") -> Settings:
    """A configuration file with one ladder of its own beside it."""
    (tmp_path / "mine").mkdir(exist_ok=True)
    (tmp_path / "mine" / name).write_text(text, encoding="utf-8")
    (tmp_path / "pullcord.yaml").write_text(config, encoding="utf-8")
    return load_settings({}, path=tmp_path / "pullcord.yaml")


def faults_of(settings: Settings) -> list[str]:
    """Every fault in words."""
    return [str(fault) for fault in ladders_of(settings, discover(["runbooks"]))[1]]


def test_a_ladder_of_ones_own_stands_beside_the_built_in_ones(tmp_path: Path) -> None:
    """By its order; the directory lies beside the configuration file."""
    ladders = registry_of(configured(tmp_path, GOOD)).ladders
    assert ladders[0].id == "refunds_at_night"
    assert {"clean_log", "cost_loop", "injected_instruction"} <= {one.id for one in ladders}


def test_one_with_a_built_in_id_takes_its_place(tmp_path: Path) -> None:
    """That is how a built-in ladder is changed, or turned off by facts that never hold."""
    settings = configured(tmp_path, GOOD.replace("refunds_at_night", "clean_log"))
    mine = [one for one in registry_of(settings).ladders if one.id == "clean_log"]
    assert [one.title for one in mine] == ["Refunds at night"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("verb: pause_agent", "verb: pause_agnet"), "mine/night.yaml:12: pause_agnet is no verb here"),
        (("[irreversible_effects]", "[irreversible]"), "mine/night.yaml:5: irreversible is no fact"),
        (("{irreversible_effects}, and", "{nonsense}, and"), "mine/night.yaml:7: {nonsense} is no fact"),
        (("{irreversible_effects}, and", "{any}, and"), "mine/night.yaml:7: {any} stands for nothing"),
        (("argument: amount", "argumnt: amount"), "mine/night.yaml:11: tighten_validation has no parameter argumnt"),
        (("kind: maximum", "kind: most"), "mine/night.yaml:11: kind: "),
        (("title: Refunds at night\n", ""), "title: Field required"),
        (("order: 5", "order: first"), "mine/night.yaml:3: order: "),
        (("    why: Nobody is there to answer.\n", ""), "steps.1.why: Field required"),
        (("order: 5", "order: 5\nurgent: true"), "urgent: Extra inputs"),
        (("id: refunds_at_night", "id: Refunds At Night"), "mine/night.yaml:1: id: "),
    ],
)
def test_what_is_wrong_stops_the_start_with_file_and_line(tmp_path: Path, change: tuple[str, str], fault: str) -> None:
    """Found out now, and not at 3 a.m."""
    settings = configured(tmp_path, GOOD.replace(*change))
    assert any(fault in one for one in faults_of(settings)), faults_of(settings)
    with pytest.raises(Misconfigured):
        registry_of(settings)
    assert any(fault in str(one) for one in plugin_faults(settings))


def test_facts_are_needed_and_files_are_looked_for(tmp_path: Path) -> None:
    """A ladder without facts would fit always; a directory that is not there or is empty is a mistake."""
    always = re.sub(r"when:\n.*\n.*\n", "when: {}\n", GOOD)
    assert "would fit always" in faults_of(configured(tmp_path, always))[0]
    gone = configured(tmp_path, GOOD, config="ladders: [gone]\n")
    assert "pullcord.yaml:1: gone is no directory" in faults_of(gone)[0]
    (tmp_path / "empty").mkdir()
    empty = configured(tmp_path, GOOD, config="ladders: [empty]\n")
    assert "holds no ladder" in faults_of(empty)[0]


def test_two_files_with_one_id_are_a_fault(tmp_path: Path) -> None:
    """Or one of them would disappear quietly."""
    configured(tmp_path, GOOD, "a.yaml")
    assert "already declared in mine/a.yaml" in faults_of(configured(tmp_path, GOOD, "b.yaml"))[0]


@pytest.mark.parametrize(
    "text", ["", "- a\n", "{", "id: [\n", "!!python/object:os.system {}\n", "\x00", "a: &a [*a]\n"]
)
def test_files_that_are_none_are_faults(tmp_path: Path, text: str) -> None:
    """Never an exception, and never a ladder."""
    before = len(ladders_of(Settings(), discover(["runbooks"]))[0])
    settings = configured(tmp_path, text)
    found, faults = ladders_of(settings, discover(["runbooks"]))
    assert faults
    assert len(found) == before


def test_the_example_of_the_docs_is_a_ladder(tmp_path: Path) -> None:
    """What people copy must load, and every fact has its row there."""
    text = DOCS.read_text(encoding="utf-8")
    example = re.findall(r"```yaml\n(id: .*?)```", text, re.DOTALL)
    assert len(example) == 1
    settings = configured(tmp_path, example[0])
    assert faults_of(settings) == []
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE))
    assert rows.items() >= FACTS.items()


def test_built_in_ladders_name_the_card_within_its_room() -> None:
    """Each step has a sentence, and each verb of a ladder stands in it once."""
    found: Any = ladders_of(Settings(), discover(["runbooks"]))[0]
    assert len(found) == 8
    for ladder in found:
        verbs = [step.verb for step in ladder.steps]
        assert len(verbs) == len(set(verbs))
        assert all(step.why.endswith(".") for step in ladder.steps)
