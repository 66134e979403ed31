"""Who else was hit: other recorded runs that did the same, and runs to choose from where no alert names one.

The page only shows; adding runs is a verb, and verbs live in Slack.
"""

from collections.abc import Sequence

from bot.domain.incident import Incident
from bot.domain.profile import RunLine, SimilarGroup, SimilarKind
from bot.domain.run import RunStatus
from bot.views import recorder_words, words
from bot.views.page_links import run_href
from bot.views.page_run_models import LineRow, OfferedSection, SimilarGroupRows, SimilarSection
from bot.views.page_text import counted, first_upper, short
from bot.views.page_values import Link, when
from bot.views.text import listed, number

_ASK = "Review and add in Slack: press Review on the card. A run joins the incident only when a person says so."
_OPEN_LINES = 5
_MOST_GROUPS = 12
_KINDS = {
    SimilarKind.CALL: "Same call",
    SimilarKind.CONTENT: "Same untrusted content",
    SimilarKind.DOCUMENT: "Same changed document",
    SimilarKind.MODEL_CHECK: "Same model, same failed check",
}


def similar_section(incident: Incident) -> SimilarSection:
    """Groups over all runs of the incident, each signature once; runs that are here already are not counted again."""
    found = [one for r in incident.runs if (one := recorder_words.still_similar(incident, r.summary.trace_id))]
    if not found:
        lead = "Not looked for yet." if incident.runs else "Not known before a run is read."
        return SimilarSection(total=0, note="", lead=lead, groups=(), ask="")
    groups: dict[str, SimilarGroup] = {}
    for one in found:
        for group in one.groups:
            if group.id not in groups or groups[group.id].runs < group.runs:
                groups[group.id] = group
    searched = max(one.searched for one in found)
    note = f"{number(searched, 'recorded run')} searched"
    if not groups:
        lead = "No other recorded run looks the same."
        return SimilarSection(total=0, note=note, lead=lead, groups=(), ask="")
    total, sure = _total(incident, [one.runs for one in found], list(groups.values()))
    least = "" if sure else "at least "
    ordered = sorted(groups.values(), key=lambda g: (-g.counts.no_way_back, -g.runs))
    left = len(ordered) - _MOST_GROUPS
    more = f" {left:,} more groups are not shown." if left > 0 else ""
    return SimilarSection(
        total=total,
        note=note,
        lead=first_upper(f"{least}{number(total, 'more run')} {'looks' if total == 1 else 'look'} the same.{more}"),
        groups=tuple(_group(incident, group) for group in ordered[:_MOST_GROUPS]),
        ask=_ASK,
    )


def _total(incident: Incident, sizes: Sequence[int], groups: Sequence[SimilarGroup]) -> tuple[int, bool]:
    """How many runs look like any of ours, and whether that is exact: lists are cut, and sets may overlap."""
    if len(sizes) == 1:
        return sizes[0], True
    here = {run.summary.trace_id for run in incident.runs}
    listed_runs = {line.trace_id for group in groups for line in group.lines} - here
    whole = all(group.runs == len(group.lines) for group in groups)
    return max(len(listed_runs), *sizes), whole


def _group(incident: Incident, group: SimilarGroup) -> SimilarGroupRows:
    lines = [line_row(incident, line) for line in group.lines]
    shown = counted(group.counts)
    agents = f"of {listed(short(agent, 40) for agent in group.agents[:4])}" if group.agents else ""
    span = ""
    if group.first is not None and group.last is not None:
        span = f"{group.first:%-d %b %H:%M} to {group.last:%-d %b %H:%M} UTC"
    left = group.runs - len(lines)
    return SimilarGroupRows(
        kind=_KINDS[group.kind],
        words=short(group.words, 200),
        runs=number(group.runs, "run"),
        note=" · ".join(part for part in (agents, span) if part),
        counts=shown,
        spoken=", ".join(count.text for count in shown) or "changed nothing",
        lines=tuple(lines[:_OPEN_LINES]),
        more=tuple(lines[_OPEN_LINES:]),
        left=f"and {left:,} older, not listed" if left > 0 else "",
    )


def line_row(incident: Incident, line: RunLine) -> LineRow:
    """One run in a list; one that is here already leads to its steps, another to what is known of it."""
    here = incident.run(line.trace_id) is not None
    href = f"/incidents/{incident.id}?run={line.trace_id}#timeline" if here else run_href(incident.id, line.trace_id)
    shown = counted(line.counts)
    status = {RunStatus.OK: "ended well", RunStatus.ERROR: "failed", RunStatus.UNKNOWN: "end unknown"}[line.status]
    state = "in this incident" if here else "added, being read" if line.trace_id in incident.added else ""
    return LineRow(
        link=Link(words.short_trace(line.trace_id), href),
        ended=when(line.ended_at) if line.ended_at is not None else None,
        status=status,
        bad=line.status is RunStatus.ERROR,
        model=short(line.model_served or "", 40),
        agent=short(line.agent or "", 40),
        counts=shown,
        spoken=", ".join(count.text for count in shown) or "changed nothing",
        why=" · ".join(part for part in (state, short(line.why, 160)) if part),
    )


def offered_section(incident: Incident) -> OfferedSection | None:
    """The runs that are offered while none is here; None where there is nothing to choose."""
    offered = incident.offered
    if offered is None or incident.runs:
        return None
    note = recorder_words.offered_words(offered, incident.agent)
    left = offered.total - len(offered.lines)
    return OfferedSection(
        note=first_upper(f"{short(note, 160)}{'; failed ones first' if offered.total else ''}."),
        lines=tuple(line_row(incident, line) for line in offered.lines[:50]),
        left=f"and {left:,} more" if left > 0 else "",
        ask="Choose and add in Slack: press Choose run on the card." if offered.total else "",
    )


def named_line(incident: Incident, trace: str) -> tuple[RunLine, str] | None:
    """The line of a run that this incident names as similar or offered, and in which words; None for any other."""
    for similar in incident.similar:
        for group in similar.groups:
            for line in group.lines:
                if line.trace_id == trace:
                    return line, f"Looks like run {words.short_trace(similar.trace_id)}: {short(group.words, 200)}"
    if incident.offered is not None:
        for line in incident.offered.lines:
            if line.trace_id == trace:
                return line, "Ended in the window of an alert that names no run."
    return None
