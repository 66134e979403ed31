"""The runs on an incident's page: the lane that is shown, how much was captured, and the table of runs."""

from collections.abc import Mapping, Sequence

from bot.domain.effect import Effect, counts
from bot.domain.incident import AttachedRun, Incident
from bot.domain.run import Run
from bot.views import recorder_words, words
from bot.views.page_links import LaneView
from bot.views.page_run import agent_lane, source_words
from bot.views.page_run_models import AgentLane, GapRow, RunRow
from bot.views.page_text import counted, first_upper, short
from bot.views.page_values import Link, when
from bot.views.text import listed, number

_MOST_RUNS = 50
_MOST_SWITCH = 20


def shown_run(incident: Incident, wanted: str | None) -> str | None:
    """The trace id of the run whose steps are shown: the wanted one where it is here, else the worst."""
    if wanted is not None and incident.run(wanted) is not None:
        return wanted
    worst = words.worst_run(incident)
    return worst.summary.trace_id if worst is not None else None


def lane(
    incident: Incident, runs: Mapping[str, Run], standing: Sequence[Effect], view: LaneView
) -> tuple[AgentLane | None, str]:
    """The lane of ``view``'s run, or None and why there is none. ``runs`` are frozen runs by trace id."""
    worst = words.worst_run(incident)
    if worst is None:
        return None, "No run was read yet, so its steps are not known."
    order = [worst.summary.trace_id, *(r.summary.trace_id for r in incident.runs if r is not worst)]
    found = runs.get(view.trace)
    if found is None:
        short_id = words.short_trace(view.trace)
        return None, f"The frozen run {short_id} could not be read; its effects are known from the timeline."
    own = [e for e in standing if e.trace_id == view.trace]
    return agent_lane(incident, found, own, order[:_MOST_SWITCH], view), ""


def captured(incident: Incident, trace: str | None) -> str:
    """``Captured 6 of 8: seed and tool definitions missing.`` of the run that is shown; empty without a verdict."""
    run = incident.run(trace) if trace is not None else None
    verdict = recorder_words.capture_words(run.summary.capture) if run is not None else ""
    return first_upper(f"{short(verdict, 240)}.") if verdict else ""


def written_by(incident: Incident) -> str:
    """What wrote the spans of the runs; empty where nothing says so."""
    found = list(dict.fromkeys(name for run in incident.runs for name in run.summary.instrumentations))
    left = len(found) - 4
    names = [short(name, 60) for name in found[:4]] + ([f"{left:,} others"] if left > 0 else [])
    return f"Spans written by {listed(names)}." if names else ""


def gaps(incident: Incident, trace: str | None = None) -> tuple[GapRow, ...]:
    """What was not recorded, of one run or of all, each with the setting that turns it on."""
    runs = [run for run in incident.runs if trace is None or run.summary.trace_id == trace]
    found = dict.fromkeys((gap.field, gap.hint) for run in runs for gap in run.summary.gaps)
    return tuple(GapRow(short(name, 80), short(hint, 300)) for name, hint in list(found)[:30])


def run_rows(incident: Incident, standing: Sequence[Effect]) -> tuple[RunRow, ...]:
    """The runs of the incident, at most 50."""
    by_trace: dict[str, list[Effect]] = {}
    for effect in standing:
        by_trace.setdefault(effect.trace_id, []).append(effect)
    return tuple(_run_row(incident, run, by_trace.get(run.summary.trace_id, [])) for run in incident.runs[:_MOST_RUNS])


def _run_row(incident: Incident, run: AttachedRun, effects: Sequence[Effect]) -> RunRow:
    trace = run.summary.trace_id
    shown = counted(counts(effects))
    asked, served = run.summary.model_requested, run.summary.model_served
    return RunRow(
        link=Link(words.short_trace(trace), f"/incidents/{incident.id}?run={trace}#timeline"),
        how="alerted" if run.alerted else "added" if trace in incident.added else "found",
        ended=when(run.summary.ended_at) if run.summary.ended_at is not None else None,
        models=f"{short(asked or 'not recorded', 40)} → {short(served or 'not recorded', 40)}",
        spoken=", ".join(count.text for count in shown) or "changed nothing",
        counts=shown,
        evidence=f"{run.evidence[:8]}…",
        source=source_words(run),
        captured=short(recorder_words.capture_words(run.summary.capture), 160),
    )


def runs_note(incident: Incident, repeats: Mapping[str, int]) -> str:
    """How many alerts there were, and what is left out."""
    sent = sum(repeats.get(alert.id, 1) for alert in incident.alerts)
    parts = [number(len(incident.alerts), "alert")] if incident.alerts else []
    if sent > len(incident.alerts):
        parts.append(f"sent {sent:,} times")
    if len(incident.runs) > _MOST_RUNS:
        parts.append(f"{_MOST_RUNS} of {len(incident.runs):,} runs shown")
    return " · ".join(parts)


def evidence(incident: Incident) -> str:
    """Since when the worst run is frozen, and the hash that names it."""
    run = words.worst_run(incident)
    if run is None:
        return "Nothing is frozen yet."
    return f"Evidence frozen {run.attached_at:%H:%M:%S} UTC, sha256:{run.evidence[:8]}…{run.evidence[-4:]}"
