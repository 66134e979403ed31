import ast
import re
from pathlib import Path

import pytest

from bot.plugin import Kind, Registry
from bot.registry import discover
from bot.slack.manifest import EVENT_SCOPES, manifest, manifest_text, scopes
from bot.slack.methods import METHODS
from sandbox.slack.registration import Registration
from sandbox.slack.scopes import ALL_SCOPES, METHOD_SCOPES

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The built-in interactions."""
    return discover(["handlers", "runbooks"])


def called_methods() -> set[str]:
    """Every Web API method named as a text in the code that may call Slack."""
    found: set[str] = set()
    for path in (ROOT / "bot" / "slack").glob("*.py"):
        if path.name in {"methods.py", "errors.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.fullmatch(
                    r"(?:auth|apps|chat|views|conversations|users|pins|reactions|bookmarks|usergroups|team|dnd|files)(?:\.\w+)+",
                    node.value,
                )
            ):
                found.add(node.value)
    return found


def test_every_method_that_is_called_is_in_the_table_and_no_other() -> None:
    """The table is the source of the scopes, so it must be neither short nor generous."""
    sdk_calls_itself = {"apps.connections.open"}
    assert called_methods() == set(METHODS) - sdk_calls_itself


def test_every_method_has_a_scope_that_allows_it() -> None:
    """Against the stand-in's own table of Slack's method reference."""
    for name, method in METHODS.items():
        allowing = METHOD_SCOPES[name]
        if allowing and allowing != ("connections:write",):
            assert set(method.scopes) & set(allowing), name


def test_the_manifest_asks_for_exactly_the_scopes_that_are_used(registry: Registry) -> None:
    """From methods, events, commands and shortcuts; each is one that Slack knows."""
    used = {scope for method in METHODS.values() for scope in method.scopes}
    used |= {scope for kind, name in registry.interactions if kind is Kind.EVENT for scope in EVENT_SCOPES[name]}
    asked = manifest(registry)["oauth_config"]["scopes"]["bot"]
    assert asked == scopes(registry) == sorted({*used, "commands"})
    assert set(asked) <= ALL_SCOPES


def test_the_manifest_subscribes_what_interactions_answer(registry: Registry) -> None:
    """Events, the one command, shortcuts by their callback id, interactivity for buttons and modals."""
    made = manifest(registry)
    registered = Registration.from_manifest(made)
    assert registered.events == {name for kind, name in registry.interactions if kind is Kind.EVENT}
    assert registered.commands == {"/pullcord"}
    assert {s.callback_id for s in registered.shortcuts} == {n for k, n in registry.interactions if k is Kind.SHORTCUT}
    assert made["settings"]["interactivity"] == {"is_enabled": True}
    assert made["settings"]["socket_mode_enabled"] is True


def test_the_manifest_keeps_slacks_limits(registry: Registry) -> None:
    """Lengths of Slack's app manifest reference."""
    made = manifest(registry)
    information = made["display_information"]
    assert len(information["name"]) <= 35
    assert len(information["description"]) <= 140
    assert 175 <= len(information["long_description"]) <= 4000
    command = made["features"]["slash_commands"][0]
    assert len(command["description"]) <= 2000
    assert len(command["usage_hint"]) <= 1000
    assert all(0 < len(s["name"]) <= 24 and len(s["description"]) <= 150 for s in made["features"]["shortcuts"])


def test_http_mode_names_its_address(registry: Registry) -> None:
    """Everything that Slack sends goes to the one URL."""
    made = manifest(registry, request_url="https://pullcord.example/slack/events")
    assert made["settings"]["socket_mode_enabled"] is False
    assert made["settings"]["event_subscriptions"]["request_url"] == "https://pullcord.example/slack/events"
    assert made["features"]["slash_commands"][0]["url"] == "https://pullcord.example/slack/events"


def test_the_checked_in_manifest_is_what_the_code_needs(registry: Registry) -> None:
    """``manifest.json`` is printed by `pullcord manifest`; print it again after a change."""
    assert (ROOT / "manifest.json").read_text() == manifest_text(registry)
