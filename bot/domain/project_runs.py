"""The folds of what is found about runs: what changed, who else was hit, which runs are offered and added."""

from bot.domain import events as ev
from bot.domain.incident import Compared, Incident, Offered, Similar
from bot.domain.project_actions import Changes, said


def changes_found(incident: Incident, event: ev.ChangesFound) -> Changes:
    """The newest comparison of a run is the one that counts."""
    row = Compared(
        trace_id=event.trace_id,
        compared=event.compared,
        changes=event.changes,
        note=event.note,
        at=event.at,
        unrecorded=event.unrecorded,
    )
    return {"compared": (*(c for c in incident.compared if c.trace_id != event.trace_id), row)}


def similar_runs_found(incident: Incident, event: ev.SimilarRunsFound) -> Changes:
    """The newest search for a run is the one that counts."""
    row = Similar(trace_id=event.trace_id, groups=event.groups, runs=event.runs, searched=event.searched, at=event.at)
    return {"similar": (*(s for s in incident.similar if s.trace_id != event.trace_id), row)}


def runs_offered(incident: Incident, event: ev.RunsOffered) -> Changes:
    """The newest offer replaces the one before."""
    del incident
    return {"offered": Offered(start=event.start, end=event.end, lines=event.lines, total=event.total)}


def runs_added(incident: Incident, event: ev.RunsAdded) -> Changes:
    """A person's choice is kept, in order, each run once."""
    many = len(event.trace_ids)
    told = f"{event.by.mention} added {'a run' if many == 1 else f'{many} runs'}"
    return {
        "added": tuple(dict.fromkeys((*incident.added, *event.trace_ids))),
        "missing": tuple(m for m in incident.missing if m.trace_id is not None),
        "last": said(told, event.at),
    }
