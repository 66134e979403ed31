"""The page of one run: its steps over the whole width, what changed, what was not recorded.

A run that only looks like one of the incident has a page too, which says what the index knows of it and no more: its
steps are read when a person adds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.effect import Effect
from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.views import words
from bot.views.page_changes import changes_section
from bot.views.page_links import LaneView
from bot.views.page_run_models import AgentLane, ChangesSection, GapRow, LineRow, RunRow
from bot.views.page_runs import captured, gaps, lane, run_rows
from bot.views.page_similar import line_row, named_line
from bot.views.page_text import short
from bot.views.page_values import Link, When, when_day


@dataclass(frozen=True, slots=True)
class RunPage:
    """All that ``run.html`` shows. ``line`` and ``why`` stand instead of a lane for a run that is not attached."""

    head_title: str
    incident: str
    back: Link
    run: str
    trace: str
    as_of: When
    how: str = "run"
    agent: AgentLane | None = None
    agent_absent: str = ""
    row: RunRow | None = None
    line: LineRow | None = None
    why: str = ""
    changes: ChangesSection | None = None
    captured: str = ""
    gaps: tuple[GapRow, ...] = ()


def run_page(
    incident: Incident, run: Run | None, effects: Sequence[Effect], view: LaneView, now: datetime
) -> RunPage | None:
    """The page of an attached run (``run`` None: its evidence is gone), or of one that this incident names.

    None for any other trace.
    """
    attached = incident.run(view.trace)
    if attached is None:
        return _named_page(incident, view.trace, now)
    shown, absent = lane(incident, {} if run is None else {view.trace: run}, effects, view)
    row = next(r for r in run_rows(incident.model_copy(update={"runs": (attached,)}), effects))
    return replace(
        _head(incident, view.trace, now),
        how=f"run of {short(attached.summary.agent, 60)}" if attached.summary.agent else "run",
        agent=shown,
        agent_absent=absent,
        row=row,
        changes=changes_section(incident, view.trace, now),
        captured=captured(incident, view.trace),
        gaps=gaps(incident, view.trace),
    )


def _named_page(incident: Incident, trace: str, now: datetime) -> RunPage | None:
    found = named_line(incident, trace)
    if found is None:
        return None
    line, why = found
    added = trace in incident.added
    press = "Review" if incident.runs else "Choose run"
    absent = (
        "It was added and is being read; load this page again in a moment."
        if added
        else "It is not in this incident, so its steps were not read. "
        f"Add it in Slack to read it: press {press} on the card."
    )
    return replace(
        _head(incident, trace, now),
        how=f"run of {short(line.agent, 60)}" if line.agent else "run",
        agent_absent=absent,
        line=line_row(incident, line),
        why=why,
    )


def _head(incident: Incident, trace: str, now: datetime) -> RunPage:
    run = words.short_trace(trace)
    return RunPage(
        head_title=f"Run {run} · {incident.id} · Pullcord",
        incident=incident.id,
        back=Link(incident.id, f"/incidents/{incident.id}"),
        run=run,
        trace=trace,
        as_of=when_day(now),
    )
