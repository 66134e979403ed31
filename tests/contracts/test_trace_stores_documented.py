"""docs/trace-stores.md cannot drift: each store has its section, its settings, and an example that is accepted."""

import re
from pathlib import Path

import pytest

from bot.plugin import StoreSettings, TraceSource
from bot.plugin_faults import plugin_faults
from bot.registry import discover
from bot.settings import load_settings
from tests.contracts.test_settings_documented import default_of, written

PAGE = Path(__file__).parents[2] / "docs" / "trace-stores.md"
SOURCES = discover(["handlers"]).trace_sources
COMMON = set(StoreSettings.model_fields)


def sections() -> dict[str, str]:
    """The page by its headings, in lower case; what stands before the first under the empty name."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"": parts[0]} | {name.lower(): text for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def rows(text: str) -> dict[str, str]:
    """A section's settings with their defaults."""
    found = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", text, flags=re.MULTILINE)
    return {name: default.strip().strip("`") for name, default in found}


def examples() -> list[str]:
    """The YAML of the page."""
    return re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def test_each_store_has_its_section_and_no_section_is_left_over() -> None:
    """A store added or removed without its section fails here."""
    assert sorted(set(sections()) - {""}) == sorted(SOURCES)
    assert len(examples()) == len(SOURCES)


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_each_setting_of_a_store_has_its_row_with_its_default(source: TraceSource) -> None:
    """The settings that all stores have stand once, before the first section."""
    own = {
        name: "required" if field.is_required() else written(default_of(field))
        for name, field in source.settings.model_fields.items()
        if name not in COMMON
    }
    assert rows(sections()[source.name]) == own


def test_the_settings_that_all_stores_have_stand_at_the_top() -> None:
    """With ``type``, which says what the rest is read by."""
    expected = {
        name: "required" if field.is_required() else written(default_of(field))
        for name, field in StoreSettings.model_fields.items()
    }
    assert rows(sections()[""]) == {"type": "none", **expected}


@pytest.mark.parametrize("example", examples(), ids=lambda text: text.split()[1].strip(":"))
def test_each_example_is_accepted_as_it_stands(example: str, tmp_path: Path) -> None:
    """With the secrets that it names in the environment."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(example, encoding="utf-8")
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)\}", example), "a-secret-of-the-test-0123456789")
    settings = load_settings(variables, path, plugin_faults)
    assert settings.trace_stores
