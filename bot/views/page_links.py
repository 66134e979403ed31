"""Addresses of our own pages. Trace ids and span ids are hexadecimal by their types; the rest is encoded here."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

ONLY = ("effects", "errors")
"""What ``?only=`` may be."""


@dataclass(frozen=True, slots=True)
class LaneView:
    """What of a run is shown, and on which page: on the incident's, or ``wide`` on the run's own.

    ``only`` is ``effects``, ``errors`` or empty; ``within`` the span id of the first step of a fold whose steps are
    wanted one by one; ``begin`` the first row.
    """

    incident: str
    trace: str
    wide: bool = False
    only: str = ""
    within: str = ""
    begin: int = 0

    def href(self, **changed: Any) -> str:
        """The address of this view, with something else chosen (fields by name)."""
        view = replace(self, **changed)
        chosen = {"run": "" if view.wide else view.trace, "only": view.only, "within": view.within}
        query = {name: value for name, value in chosen.items() if value}
        if view.begin:
            query["from"] = str(view.begin)
        base = run_href(view.incident, view.trace) if view.wide else f"/incidents/{view.incident}"
        return f"{base}{'?' if query else ''}{urlencode(query)}#timeline"


def run_href(incident: str, trace: str) -> str:
    """The page of one run."""
    return f"/incidents/{incident}/runs/{trace}"


def step_href(incident: str, trace: str, step: str) -> str:
    """What was recorded of one step: a span id, or ``call-7`` for a tool call that has no span of its own."""
    return f"{run_href(incident, trace)}/steps/{step}"


def changes_href(incident: str, trace: str) -> str:
    """The differences of one run, line by line."""
    return f"{run_href(incident, trace)}/changes"
