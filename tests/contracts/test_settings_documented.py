"""docs/configuration.md cannot drift: each setting has its row with its default, and no row is left over."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, ByteSize
from pydantic.fields import FieldInfo

from bot.settings import VARIABLES, Configuration, Environment
from handlers.alerts.alertmanager import AlertmanagerSettings
from handlers.alerts.generic import GenericSettings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "configuration.md"

SOURCES: dict[str, type[BaseModel]] = {"alertmanager": AlertmanagerSettings, "generic": GenericSettings}
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def written(value: Any) -> str:
    """A default as the page writes it."""
    if value is None or value in ((), {}, ""):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        return next(f"{seconds // size}{unit}" for size, unit in _UNITS if seconds % size == 0)
    if isinstance(value, ByteSize):
        return f"{int(value) // 1_000_000}MB"
    if isinstance(value, tuple):
        return f"[{', '.join(written(one) for one in value)}]"
    return str(value)


def nested(annotation: Any) -> tuple[str, type[BaseModel]] | None:
    """How a field's model is reached (``.``, ``.<name>.`` or ``[].``), or None for a plain setting."""
    while get_origin(annotation) in {Annotated, Union, UnionType}:
        args = [arg for arg in get_args(annotation) if arg is not type(None)]
        annotation = args[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return ".", annotation
    inner = [arg for arg in get_args(annotation) if isinstance(arg, type) and issubclass(arg, BaseModel)]
    if inner:
        return (".<name>." if get_origin(annotation) is dict else "[]."), inner[0]
    return None


def rows_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each setting of a model with its default as written."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        below = nested(field.annotation)
        if below is not None:
            yield from rows_of(below[1], f"{path}{below[0]}")
        else:
            yield path, "required" if field.is_required() else written(default_of(field))


def default_of(field: FieldInfo) -> Any:
    """The value that holds when nothing is written."""
    return field.get_default(call_default_factory=True, validated_data={})


def rows_on_page(text: str) -> dict[str, str]:
    """The rows of the page's tables: first cell to second cell, without code marks."""
    rows: dict[str, str] = {}
    for name, default in re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", text, flags=re.MULTILINE):
        assert name not in rows, f"{name} is described twice"
        rows[name] = default.strip().strip("`")
    return rows


@pytest.fixture(name="page")
def _page() -> dict[str, str]:
    return rows_on_page(PAGE.read_text(encoding="utf-8"))


def test_the_page_lists_each_setting_with_its_default_and_nothing_else(page: dict[str, str]) -> None:
    """A setting added, removed or given another default without its row fails here."""
    expected = dict(rows_of(Configuration))
    for source, model in SOURCES.items():
        expected |= dict(rows_of(model, f"sources.{source}."))
    expected |= {
        variable: written(default_of(Environment.model_fields[field])) for variable, field in VARIABLES.items()
    }
    assert page == expected


def test_the_readme_lists_each_variable() -> None:
    """The table in the README names each variable of the contract."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in VARIABLES if f"`{name}`" not in text] == []


def test_the_variables_are_those_of_the_contract() -> None:
    """Deployments depend on these names; a change here is a breaking change."""
    assert sorted(VARIABLES) == [
        "PULLCORD_API_TOKEN",
        "PULLCORD_CHAIN_KEY",
        "PULLCORD_CONFIG",
        "PULLCORD_DATA_DIR",
        "PULLCORD_GITHUB_TOKEN",
        "PULLCORD_HOST",
        "PULLCORD_OTLP_TOKEN",
        "PULLCORD_PORT",
        "PULLCORD_REDIS_URL",
        "SLACK_API_URL",
        "SLACK_APP_TOKEN",
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
    ]
