"""Thirty-six labelled runs of other tools in the shapes of twenty instrumentations, read as labelled.

Of the runs, ``a`` was mended with, ``b`` set aside meanwhile, and ``c`` written afterwards; all of them guard today.
"""

from collections.abc import Iterable

import pytest

from tests.support.foreign.scenarios import Scenario, scenarios
from tests.support.foreign.score import WRITERS, Score, scored

SILENT = {"mcp_server", "spring_ai"}
"""Shapes without prompts: what the user said is not known, so no origins are compared."""


def summed(runs: Iterable[tuple[Scenario, str]]) -> Score:
    """The score over several runs."""
    total = Score()
    for run, dialect in runs:
        total.add(scored(run, dialect))
    return total


@pytest.mark.parametrize("half", ["a", "b", "c"])
def test_runs_of_other_sources_are_read_as_labelled(half: str) -> None:
    """Each run as its own instrumentation writes it."""
    total = summed((run, run.dialect) for run in scenarios(half))
    said = "\n".join(total.faults)
    assert total.share("listed", "changes") >= 0.99, said
    assert total.counts["lost"] == total.counts["invented"] == total.counts["arguments"] == 0, said
    assert total.share("change_outcomes_right", "change_outcomes") >= 0.98, said
    assert total.share("suggested_right", "suggested") >= 0.9, said
    assert total.counts["softer"] == 0, said
    assert total.counts["origins_found"] == total.counts["origins"], said
    assert total.counts["origins_invented"] == 0, said
    assert total.counts["agents_right"] == total.counts["agents"], said
    assert total.counts["texts_kept"] == total.counts["texts"], said
    assert total.share("extra", "reads") <= 0.2, said


@pytest.mark.parametrize("dialect", sorted(WRITERS))
def test_every_run_in_every_shape(dialect: str) -> None:
    """No shape loses or invents a change, whatever the run."""
    total = summed((run, dialect) for half in "abc" for run in scenarios(half))
    said = "\n".join(total.faults)
    assert total.share("listed", "changes") >= 0.99, said
    assert total.counts["invented"] == 0, said
    assert total.share("change_outcomes_right", "change_outcomes") >= 0.97, said
    assert total.counts["softer"] == 0, said
    assert dialect in SILENT or total.share("origins_found", "origins") >= 0.9, said
    assert dialect in SILENT or total.share("texts_kept", "texts") >= 0.99, said
