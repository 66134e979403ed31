"""A permission that names what does not exist never fits: it is a fault with its line and what was meant."""

from pathlib import Path

import pytest

from bot.errors import Misconfigured
from bot.permission_faults import unused_roles
from bot.plugin_faults import plugin_faults
from bot.registry import discover
from bot.settings import load_settings

_HEAD = """\
roles: {responder: [U0DANA], commander: [U0KIM], finance: [S0FINANCE], respnder: [U0LEE]}
agents:
  refund-bot: {on_call: [U0DANA]}
permissions:
"""


def _faults(tmp_path: Path, *rules: str) -> list[str]:
    path = tmp_path / "pullcord.yaml"
    path.write_text(_HEAD + "".join(f"  - {rule}\n" for rule in rules), encoding="utf-8")
    try:
        load_settings({}, path, plugin_faults)
    except Misconfigured as error:
        return [f"{f.where.rpartition(':')[2]}: {f.reason} ({f.hint})" for f in error.faults]
    return []


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("{verbs: [revoke_tol], role: responder}", "5: there is no verb revoke_tol (did you mean revoke_tool?)"),
        ("{agents: [refund-bt], role: responder}", "5: refund-bt is not in agents (did you mean refund-bot?)"),
        ("{verbs: [pin_model], role: comander}", "5: there is no role comander (did you mean commander?)"),
        (
            "{verbs: [pin_model], where: {modle: {one_of: [a]}}, role: responder}",
            "5: pin_model has no parameter modle (did you mean model?)",
        ),
        ("{where: {zzz: {max: 3}}, role: responder}", "5: no verb has a parameter zzz"),
        (
            "{verbs: [pin_model], where: {model: {max: 3}}, role: responder}",
            "5: model of pin_model is no number, so it is in no range (write one_of instead)",
        ),
        ("{verbs: [pin_model], where: {model: {}}, role: responder}", "5: model has no bound, so the rule never fits"),
        (
            "{verbs: [pin_model], where: {expires_in: {min: 9, max: 3}}, role: responder}",
            "5: expires_in cannot be at least 9 and at most 3",
        ),
        (
            "{verbs: [revoke_tool], undo: false, role: responder, second_person: true}",
            "5: revoke_tool restrains one agent, for which nobody is ever asked to approve",
        ),
    ],
)
def test_what_a_rule_gets_wrong_is_said_with_its_line(tmp_path: Path, rule: str, fault: str) -> None:
    """And with what to write instead."""
    (found,) = _faults(tmp_path, rule)
    assert found.startswith(fault)


def test_rules_that_make_sense_are_no_fault(tmp_path: Path) -> None:
    """Durations are compared by their seconds; a rule without verbs is about those that have the parameter."""
    assert (
        _faults(
            tmp_path,
            "{verbs: [pin_model], agents: [refund-bot], where: {expires_in: {max: 86400}}, role: responder}",
            "{where: {expires_in: {max: 86400}}, role: responder}",
            "{verbs: [revoke_tool], undo: true, role: finance, second_person: true}",
            "{risks: [high], role: finance, second_person: true}",
        )
        == []
    )


def test_own_roles_that_nothing_asks_for_are_named_with_what_was_meant(tmp_path: Path) -> None:
    """A misspelt role is held by people whom nobody ever asks."""
    path = tmp_path / "pullcord.yaml"
    path.write_text(_HEAD + "  - {verbs: [pin_model], role: finance}\n", encoding="utf-8")
    settings = load_settings({}, path, plugin_faults)
    assert list(unused_roles(settings, discover(settings.plugins))) == [("respnder", "responder")]
