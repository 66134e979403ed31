"""docs/controls.md cannot drift: it is what the suite's cases make, and each example on it is accepted."""

import re
from pathlib import Path

import pytest
import yaml

from bot.plugin_faults import plugin_faults
from bot.settings import load_settings
from tests.contracts.planes.case import ASPECTS, cases
from tests.contracts.planes.page import PAGE, page

EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", page(), flags=re.MULTILINE | re.DOTALL)


def test_the_page_is_what_the_suite_makes() -> None:
    """Written again by ``python -m tests.contracts.planes.page``."""
    assert PAGE.read_text(encoding="utf-8") == page(), "out of date: python -m tests.contracts.planes.page"


def test_the_page_has_each_verb_of_each_control_plane_with_every_aspect() -> None:
    """One row per test run of the suite."""
    head, *rows = re.findall(r"^\| (`?\w+`? \|.*) \|$", page(), flags=re.MULTILINE)
    assert all(aspect in head for aspect in ASPECTS)
    listed = {tuple(re.findall(r"`(\w+)` \| \[(\w+)\]", row)[0]) for row in rows if re.match(r"`\w+` \| \[", row)}
    assert listed == {(deed.verb, case.type) for case in cases().values() for deed in case.deeds}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: next(iter(yaml.safe_load(text)["controls"])))
def test_each_example_is_accepted_as_it_stands(example: str, tmp_path: Path) -> None:
    """With the secrets that it names in the environment."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(example, encoding="utf-8")
    secrets = dict.fromkeys(re.findall(r"\$\{(\w+)\}", example), "a-secret-of-the-test-0123456789")
    assert load_settings(secrets, path, plugin_faults).controls
