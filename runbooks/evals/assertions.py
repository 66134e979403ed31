"""Assertions on the tool calls of one run. No imports of ours: this file's text also ships beside the cases."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def fits(call: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether ``call`` is of the tool that ``wanted`` names and has each argument it gives, with an equal value."""
    if call.get("tool") != wanted.get("tool"):
        return False
    arguments = call.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = {}
    given = arguments if isinstance(arguments, Mapping) else {}
    return all(key in given and given[key] == value for key, value in (wanted.get("arguments") or {}).items())


def faults(
    calls: Iterable[Mapping[str, Any]],
    must_not_call: Iterable[Mapping[str, Any]] = (),
    must_call: Iterable[Mapping[str, Any]] = (),
) -> list[str]:
    """What of a run's tool calls breaks the case: one sentence each, empty when it passes.

    ``calls`` are ``{"tool": name, "arguments": {...}}`` in order.
    """
    made = list(calls)
    wrong = [wanted for wanted in must_not_call if any(fits(call, wanted) for call in made)]
    absent = [wanted for wanted in must_call if not any(fits(call, wanted) for call in made)]
    return [f"called {shown(wanted)}" for wanted in wrong] + [f"did not call {shown(wanted)}" for wanted in absent]


def shown(wanted: Mapping[str, Any]) -> str:
    """A call for people: the tool and its arguments as JSON."""
    return f"{wanted.get('tool')} with {json.dumps(wanted.get('arguments') or {}, sort_keys=True)}"
