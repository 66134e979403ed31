"""What the recorder found, in words: completeness, what changed, who else was hit, where an argument came from.

The same sentences on the card, in the thread, in modals and on the page. Texts hold foreign words as they are: whoever
shows them escapes them. Never a cause: "changed", with counts.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.effect import Effect, EffectCounts
from bot.domain.incident import Compared, Incident, Offered, Similar
from bot.domain.profile import ChangeKind, Difference, RunLine, SimilarGroup
from bot.domain.run import Capture, RunStatus
from bot.views.text import cut, listed, number

_NAMES = {
    ChangeKind.MODEL_SERVED: "served model",
    ChangeKind.MODEL_REQUESTED: "asked model",
    ChangeKind.PROVIDER: "provider",
    ChangeKind.FINGERPRINT: "system fingerprint",
    ChangeKind.PROMPT: "system prompt",
    ChangeKind.TOOL_CHANGED: "tool",
    ChangeKind.TOOL_ADDED: "tool",
    ChangeKind.TOOL_REMOVED: "tool",
    ChangeKind.DOCUMENT: "document",
    ChangeKind.SOURCE: "retrieval source",
    ChangeKind.PARAMETER: "parameter",
    ChangeKind.SERVICE_VERSION: "service version",
    ChangeKind.AGENT_VERSION: "agent version",
}
_VERBS = {ChangeKind.TOOL_ADDED: "is new", ChangeKind.TOOL_REMOVED: "is gone", ChangeKind.TOOL_CHANGED: "changed"}
_VALUE = 60
_FEW = 20
"""Under so many good runs the recorder says itself that they are few."""


def capture_words(capture: Capture | None) -> str:
    """``captured 6 of 8: seed and tool definitions missing``; empty where there is no verdict."""
    if capture is None or not capture.wanted:
        return ""
    if not capture.missing:
        return f"captured all {capture.wanted}"
    return f"captured {capture.found} of {capture.wanted}: {listed(capture.missing)} missing"


def difference_words(change: Difference, now: datetime | None = None) -> str:
    """``served model gpt-x-05 → gpt-x-08 since 13:10 (212 runs before, 31 after)``, times in UTC."""
    name = _NAMES[change.kind]
    what = f"{name} {cut(change.name, _VALUE)}" if change.name else name
    if change.kind in _VERBS:
        said = f"{what} {_VERBS[change.kind]}"
    elif change.kind is ChangeKind.PROMPT:
        said = f"{what} changed"
    else:
        said = f"{what} {_value(change.before)} → {_value(change.after)}"
    detail = f": {cut(change.detail, 120)}" if change.detail else ""
    since = f" since {_moment(change.since, now)}" if change.since is not None else ""
    counted = (
        f" ({number(change.runs_before, 'run')} before, {change.runs_after:,} after)" if change.runs_before else ""
    )
    return f"{said}{detail}{since}{counted}"


def _value(value: str | None) -> str:
    return cut(value, _VALUE) if value else "none"


def _moment(at: datetime, now: datetime | None) -> str:
    near = now is not None and at.date() == now.date()
    return f"{at:%H:%M} UTC" if near else f"{at:%-d %b %H:%M} UTC"


def compared_words(compared: Compared | None, now: datetime | None = None, most: int = 2) -> str:
    """What changed in one sentence; an answer too when nothing did. Empty while nothing was compared."""
    if compared is None:
        return ""
    if not compared.changes:
        if not compared.compared:
            return f"not compared: {compared.note}" if compared.note else ""
        few = ", which is few to tell by" if compared.compared < _FEW else ""
        blind = f"; not recorded, so not compared: {listed(compared.unrecorded)}" if compared.unrecorded else ""
        return f"nothing changed against {number(compared.compared, 'recent good run')}{few}{blind}"
    shown = [difference_words(change, now) for change in compared.changes[:most]]
    left = len(compared.changes) - len(shown)
    more = f"; {left:,} more" if left > 0 else ""
    return f"changed since the last good runs: {'; '.join(shown)}{more}"


def similar_words(similar: Similar | None) -> str:
    """``12 more runs look the same``; empty when there are none, or nobody looked yet."""
    if similar is None or not similar.runs:
        return ""
    return f"{similar.runs:,} more {'run looks' if similar.runs == 1 else 'runs look'} the same"


def still_similar(incident: Incident, trace_id: str) -> Similar | None:
    """The similar runs of one run without those that already belong to the incident; groups left empty are gone."""
    found = incident.similar_to(trace_id)
    if found is None:
        return None
    here = incident.wanted_traces | {run.summary.trace_id for run in incident.runs}
    groups: list[SimilarGroup] = []
    known: set[str] = set()
    for group in found.groups:
        lines = tuple(line for line in group.lines if line.trace_id not in here)
        known.update(line.trace_id for line in group.lines if line.trace_id in here)
        left = group.runs - (len(group.lines) - len(lines))
        if left > 0:
            groups.append(group.model_copy(update={"lines": lines, "runs": left}))
    runs = max(found.runs - len(known), 0) if groups else 0
    return found.model_copy(update={"groups": tuple(groups), "runs": runs})


def group_words(group: SimilarGroup) -> str:
    """One group in a line: what is shared, how many, what they did."""
    agents = f", also of {listed(group.agents[:3])}" if len(group.agents) > 1 else ""
    did = counts_words(group.counts)
    return f"{number(group.runs, 'run')}: {cut(group.words, 160)}{agents}{f' ({did})' if did else ''}"


def counts_words(counts: EffectCounts) -> str:
    """``2 irreversible, 1 compensable``; empty when nothing changed."""
    named = (
        (counts.irreversible, "irreversible"),
        (counts.unclassified, "unclassified"),
        (counts.compensable, "compensable"),
        (counts.reversible, "reversible"),
    )
    return ", ".join(f"{count:,} {name}" for count, name in named if count)


def offered_words(offered: Offered | None, agent: str | None) -> str:
    """``4 runs of refund-bot ended in its window``; says so too when there is none."""
    if offered is None:
        return ""
    whose = f" of {agent}" if agent else ""
    window = f"between {offered.start:%H:%M} and {offered.end:%H:%M} UTC"
    if not offered.total:
        return f"no run{whose} was recorded {window}"
    return f"{number(offered.total, 'run')}{whose} ended in its window, {window}"


def line_words(line: RunLine) -> str:
    """One run to choose: when it ended, how, on which model, what it did."""
    ended = f"{line.ended_at:%H:%M:%S}" if line.ended_at is not None else "end not recorded"
    failed = "failed" if line.status is RunStatus.ERROR else line.status.value
    did = counts_words(line.counts) or "changed nothing"
    return " · ".join(part for part in (ended, failed, line.model_served or "", did, line.why) if part)


def suggestion_words(effect: Effect) -> str:
    """``suggested: compensable, cancel_reservation exists``; empty when nothing is suggested."""
    if effect.suggestion is None:
        return ""
    word = effect.suggestion.reversibility.value.replace("_", " ")
    return f"suggested: {word}, {cut(effect.suggestion.reason, 120)}"


def origin_words(effect: Effect) -> Sequence[str]:
    """Where arguments came from, one sentence each; a read that may have carried data out too."""
    said = [f"{cut(o.argument, 40)} {cut(o.value, 40)} came from {cut(o.source, 80)}" for o in effect.origins]
    if effect.outbound:
        said.append(f"went to {cut(effect.outbound, 80)}, an address that came from there")
    return said
