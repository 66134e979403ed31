"""The figures of the scorer of published failing runs, without a server: listed, outcome, class, extra."""

from typing import Any

from bot.domain.catalogue import Catalogue
from bot.domain.effect import Effect
from bot.effects.assess import assess
from bot.recorder.normalise import normalise
from bot.recorder.otlp import JSON, parse_export
from tests.bot.effects.samples import NOW, RUNS, manifest

LABELS: list[dict[str, Any]] = [
    {"name": "book_reservation", "reversibility": "compensable", "undo_window": "24h", "after_window": "compensable"},
    {"name": "cancel_reservation", "reversibility": "irreversible"},
    {"name": "update_reservation_flights", "reversibility": "compensable"},
    {"name": "send_certificate", "reversibility": "irreversible", "target": "{arguments.user_id}"},
    {"names": ["cancel_pending_order", "modify_pending_order_items"], "reversibility": "irreversible"},
    {"name": "modify_pending_order_address", "reversibility": "reversible"},
    {"pattern": "*_delivered_order_items", "reversibility": "compensable", "target": "{arguments.order_id}"},
    {"name": "TerminalExecute", "when": {"arguments.command": {"matches": "rm *"}}, "reversibility": "irreversible"},
    {"name": "TerminalExecute", "when": {"arguments.command": {"matches": "ls *"}}, "reversibility": "read_only"},
    {"name": "TerminalExecute", "when": {"arguments.command": {"matches": "du *"}}, "reversibility": "read_only"},
    {"names": ["TerminalExecute", "code_execution", "browser_action"], "reversibility": "irreversible"},
    {"names": ["GmailSendEmail", "BankManagerPayBill", "PostBlog"], "reversibility": "irreversible"},
    {"name": "NewBlog", "reversibility": "reversible"},
    {"name": "transfer_to_human_agents", "reversibility": "read_only"},
]
"""The table of the labelling rules, written as a catalogue."""


def effects_of(run: dict[str, Any], catalogue: Catalogue) -> list[Effect]:
    """The effects that Pullcord lists for one published run."""
    body = (RUNS / "otlp" / f"{run['id']}.json").read_bytes()
    return assess(normalise(parse_export(body, JSON).spans), catalogue, NOW)


def compared(expected: list[dict[str, Any]], effects: list[Effect]) -> dict[str, int]:
    """The scorer's own comparison: by call id, else by tool; unclassified counts as irreversible."""
    rest = [effect for effect in effects if effect.reversibility != "read_only"]
    figures = {"expected": len(expected), "listed": 0, "outcome": 0, "class": 0}
    for want in expected:
        by_id = (e for e in rest if want.get("call_id") and e.call_id == want["call_id"])
        match = next(by_id, None) or next((e for e in rest if e.tool == want["tool"]), None)
        if match is None:
            continue
        rest.remove(match)
        label = "irreversible" if match.reversibility == "unclassified" else match.reversibility
        figures["listed"] += 1
        figures["outcome"] += match.outcome == want["outcome"]
        figures["class"] += label in {want["reversibility"], *want.get("also_acceptable", [])}
    return {**figures, "extra": len(rest)}


def totals(catalogue: Catalogue) -> dict[str, int]:
    """The sums over all published runs."""
    total = dict.fromkeys(("expected", "listed", "outcome", "class", "extra"), 0)
    for run in manifest():
        for name, number in compared(run["expected_side_effects"], effects_of(run, catalogue)).items():
            total[name] += number
    return total


def test_without_any_catalogue_every_effect_is_listed_with_its_outcome() -> None:
    """Nothing configured: what changed something is there, what only read is not."""
    figures = totals(Catalogue())
    assert figures["listed"] / figures["expected"] >= 0.99
    assert figures["outcome"] / figures["listed"] >= 0.98
    assert figures["extra"] == 0


def test_the_catalogue_can_express_the_labels() -> None:
    """The labels written as rules give the labelled classes."""
    figures = totals(Catalogue.model_validate({"rules": LABELS}))
    assert figures["listed"] / figures["expected"] >= 0.98
    assert figures["class"] / figures["listed"] >= 0.95
    assert figures["extra"] <= 1  # the one click of a browser, which these rules call irreversible


def test_every_read_of_the_published_runs_is_marked_as_a_guess() -> None:
    """No read is claimed without a rule: each says that it was guessed and why; and ids are unique in a run."""
    for run in manifest():
        effects = effects_of(run, Catalogue())
        reads = [effect for effect in effects if effect.reversibility == "read_only"]
        assert all(effect.guessed and effect.reason.startswith("guessed: ") for effect in reads)
        assert len({effect.id for effect in effects}) == len(effects)
