"""The agent's lane: the steps of one run in order, nested, each with a bar on the run's own scale.

Long runs are folded: neighbours that are alike (same kind and name, nothing changed, nothing failed, no children)
become one row, and 200 rows make a page. Foreign traces may nest without end; levels beyond the eighth are shown as it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from bot.domain.effect import Effect, EffectOutcome, Reversibility
from bot.domain.incident import Incident
from bot.domain.run import Completeness, ModelCall, Run, RunStatus, Step, StepKind
from bot.views import limits, words
from bot.views.page_models import AgentLane, Bar, Link, StepRow, Tick
from bot.views.page_text import glyph, length, short
from bot.views.text import number

_DEEPEST = 8
_FOLD_FROM = 4
_NICE = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
_LEAST = 1.2
"""Percent of the lane that 4 px are; bars are at least that wide (DESIGN.md)."""
_SPOKEN = {EffectOutcome.APPLIED: "applied", EffectOutcome.FAILED: "rejected", EffectOutcome.UNKNOWN: "outcome unknown"}
_CLASS = {
    Reversibility.IRREVERSIBLE: "e-irr",
    Reversibility.UNCLASSIFIED: "e-irr",
    Reversibility.COMPENSABLE: "e-comp",
    Reversibility.REVERSIBLE: "e-rev",
}


@dataclass(frozen=True, slots=True)
class _Item:
    """A row before it is drawn: the first of ``steps`` like ones at this depth."""

    steps: tuple[Step, ...]
    depth: int
    has_children: bool


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime | None
    seconds: float

    def bar(self, step: Step, end: datetime | None) -> Bar | None:
        if self.start is None or step.started_at is None:
            return None
        begin = max(0.0, (step.started_at - self.start).total_seconds()) / self.seconds * 100
        lasted = max(0.0, ((end or step.started_at) - step.started_at).total_seconds()) / self.seconds * 100
        wide = lasted >= _LEAST
        x = min(begin, 100 - (lasted if wide else _LEAST))
        return Bar(x=f"{max(0.0, x):.2f}%", width=f"{min(lasted, 100):.2f}%" if wide else "4")


def agent_lane(
    incident: Incident, run: Run, effects: Sequence[Effect], runs: Sequence[str], *, rows_from: int = 0
) -> AgentLane:
    """The lane of one run. ``effects`` are this run's, ``runs`` the trace ids one can switch to."""
    by_span = {e.span_id: e for e in effects if e.span_id}
    models = {call.span_id: call for call in run.model_calls}
    items = _fold(list(_walk(run.steps)), by_span) if len(run.steps) > limits.PAGE_STEPS else list(_walk(run.steps))
    begin = rows_from if 0 <= rows_from < len(items) else 0
    shown = items[begin : begin + limits.PAGE_STEPS]
    scale = _scale(run)
    rows = [_row(item, scale, by_span, models) for item in shown]
    return AgentLane(
        run=words.short_trace(run.trace_id),
        span=_span(run),
        steps=_steps(run),
        note=_note(run, items, shown, begin),
        rows=_nest(rows),
        ticks=_ticks(scale),
        runs=tuple(_run_link(incident, trace, run.trace_id) for trace in runs) if len(runs) > 1 else (),
        pages=_pages(incident, run.trace_id, len(items), begin),
    )


def _walk(steps: Sequence[Step]) -> Iterator[_Item]:
    """Depth first in the order of start, without recursion. Steps in a circle of parents come last, as roots."""
    ids = {step.span_id for step in steps}
    children: dict[str, list[Step]] = {}
    roots = []
    for step in steps:
        if step.parent_id is not None and step.parent_id in ids and step.parent_id != step.span_id:
            children.setdefault(step.parent_id, []).append(step)
        else:
            roots.append(step)
    seen: set[str] = set()
    for root in [*roots, *steps]:
        stack = [(root, 0)]
        while stack:
            step, depth = stack.pop()
            if step.span_id in seen:
                continue
            seen.add(step.span_id)
            below = children.get(step.span_id, [])
            yield _Item((step,), min(depth, _DEEPEST), bool(below))
            stack += [(child, depth + 1) for child in reversed(below)]


def _fold(items: Sequence[_Item], effects: Mapping[str, Effect]) -> list[_Item]:
    folded: list[_Item] = []
    group: list[_Item] = []

    def close() -> None:
        if len(group) >= _FOLD_FROM:
            folded.append(replace(group[0], steps=tuple(step for item in group for step in item.steps)))
        else:
            folded.extend(group)
        group.clear()

    for item in items:
        if group and not _alike(group[0], item):
            close()
        if _plain(item, effects):
            group.append(item)
        else:
            folded.append(item)
    close()
    return folded


def _alike(one: _Item, other: _Item) -> bool:
    first, second = one.steps[0], other.steps[0]
    return (
        one.depth == other.depth
        and not other.has_children
        and (first.kind, first.name, first.status) == (second.kind, second.name, second.status)
    )


def _plain(item: _Item, effects: Mapping[str, Effect]) -> bool:
    """Nothing that anyone must see by itself: no change, no failure, no children."""
    step = item.steps[0]
    effect = effects.get(step.span_id)
    harmless = effect is None or effect.reversibility is Reversibility.READ_ONLY
    return harmless and not item.has_children and step.status is not RunStatus.ERROR and step.error is None


def _row(item: _Item, scale: _Scale, effects: Mapping[str, Effect], models: Mapping[str, ModelCall]) -> StepRow:
    step = item.steps[0]
    effect = effects.get(step.span_id)
    end = max((s.ended_at for s in item.steps if s.ended_at is not None), default=None)
    many = f" ×{len(item.steps):,}" if len(item.steps) > 1 else ""
    return StepRow(
        glyph=glyph(effect) if effect is not None else None,
        kind=_kind(step, effect),
        effect=_effect_class(effect),
        depth=item.depth,
        name=short(step.name, 60) + many,
        note=_note_of(step, effect, models.get(step.span_id)),
        spoken=_spoken(step, effect, scale, end),
        bar=scale.bar(step, end),
        length=_length(item.steps),
    )


def _kind(step: Step, effect: Effect | None) -> str:
    if effect is not None and effect.reversibility is Reversibility.READ_ONLY:
        return "k-ro"
    if step.kind in {StepKind.RETRIEVAL, StepKind.GUARDRAIL}:
        return "k-ro"
    return {StepKind.AGENT: "k-agent", StepKind.PLAN: "k-plan", StepKind.MODEL: "k-model", StepKind.TOOL: "k-tool"}.get(
        step.kind, "k-agent"
    )


def _effect_class(effect: Effect | None) -> str:
    if effect is None or effect.reversibility is Reversibility.READ_ONLY:
        return ""
    if not effect.happened:
        return "e-rej"
    unknown = " e-unk" if effect.outcome is EffectOutcome.UNKNOWN else ""
    return f"{_CLASS[effect.reversibility]}{unknown}"


def _note_of(step: Step, effect: Effect | None, call: ModelCall | None) -> str:
    if effect is not None:
        return short(words.effect_words(effect), 60)
    if step.error is not None:
        return short(f"failed: {step.error.message or step.error.type or 'no reason recorded'}", 60)
    if call is not None:
        used, made = call.usage.get("input_tokens"), call.usage.get("output_tokens")
        if used is not None and made is not None:
            return f"{used:,} → {made:,} tokens"
    return {StepKind.AGENT: "run", StepKind.GUARDRAIL: "guardrail", StepKind.RETRIEVAL: "retrieval"}.get(step.kind, "")


def _spoken(step: Step, effect: Effect | None, scale: _Scale, end: datetime | None) -> str:
    """What the bar shows, for screen readers: class, outcome, start and length."""
    parts = [step.kind.value]
    if effect is not None:
        parts = [effect.reversibility.value.replace("_", " "), _SPOKEN[effect.outcome]]
    if scale.start is not None and step.started_at is not None:
        parts.append(f"starts at {max(0.0, (step.started_at - scale.start).total_seconds()):.1f} seconds")
        if end is not None:
            parts.append(f"takes {max(0.0, (end - step.started_at).total_seconds()):.1f} seconds")
    else:
        parts.append("times not recorded")
    return ", ".join(parts)


def _length(steps: Sequence[Step]) -> str:
    spans = [(s.ended_at - s.started_at).total_seconds() for s in steps if s.started_at and s.ended_at]
    if not spans:
        return "–"
    least, most = (length(max(0.0, seconds)) for seconds in (min(spans), max(spans)))
    return most if least == most else f"{least.split(' ')[0]}–{most}"


def _nest(rows: Sequence[StepRow]) -> tuple[StepRow, ...]:
    """Say where nested lists open and close. A page that begins inside a branch begins at the outermost level."""
    levels: list[int] = []
    for row in rows:
        levels.append(0 if not levels else max(0, min(row.depth - rows[0].depth, levels[-1] + 1)))
    nested = []
    for place, row in enumerate(rows):
        following = levels[place + 1] if place + 1 < len(rows) else 0
        here = levels[place]
        nested.append(replace(row, down=following > here, up=max(0, here - following)))
    return tuple(nested)


def _scale(run: Run) -> _Scale:
    starts = [s.started_at for s in run.steps if s.started_at is not None]
    ends = [s.ended_at for s in run.steps if s.ended_at is not None]
    start = min(starts, default=run.started_at)
    end = max([*ends, *starts], default=run.ended_at)
    lasted = (end - start).total_seconds() if start is not None and end is not None else 0.0
    return _Scale(start, max(lasted, 0.001))


def _ticks(scale: _Scale) -> tuple[Tick, ...]:
    if scale.start is None:
        return ()
    step = next((s for s in _NICE if scale.seconds / s <= 5), scale.seconds / 4)
    marks = [n * step for n in range(int(scale.seconds / step) + 1) if n == 0 or n * step <= scale.seconds * 0.97]
    return tuple(
        Tick(x=f"{mark / scale.seconds * 100:.2f}%", text=_mark(mark, step), anchor="middle" if mark else "start")
        for mark in marks
    )


def _mark(seconds: float, step: float) -> str:
    if step < 1:
        return f"{seconds:g} s"
    if step < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if step < 3600 else f"{seconds / 3600:.0f} h"


def _span(run: Run) -> str:
    begun = f"{run.started_at:%H:%M:%S}" if run.started_at is not None else "start not recorded"
    ended = f"{run.ended_at:%H:%M:%S}" if run.ended_at is not None else "end not recorded"
    return f"{begun} to {ended}"


def _steps(run: Run) -> str:
    if run.completeness is Completeness.MISSING_ROOT:
        return f"still running, {number(len(run.steps), 'step')} so far"
    partial = ", some are missing" if run.completeness is Completeness.PARTIAL else ""
    return f"{number(len(run.steps), 'step')}{partial}"


def _note(run: Run, items: Sequence[_Item], shown: Sequence[_Item], begin: int) -> str:
    notes = []
    if len(items) < len(run.steps):
        notes.append(f"{len(run.steps):,} steps in {len(items):,} rows: like steps that changed nothing are folded.")
    if len(shown) < len(items):
        notes.append(f"Rows {begin + 1:,} to {begin + len(shown):,} of {len(items):,}.")
    return " ".join(notes)


def _run_link(incident: Incident, trace: str, current: str) -> Link:
    href = f"/incidents/{incident.id}?{urlencode({'run': trace})}#timeline"
    return Link(words.short_trace(trace), href, current=trace == current)


def _pages(incident: Incident, trace: str, total: int, begin: int) -> tuple[Link, ...]:
    if total <= limits.PAGE_STEPS:
        return ()
    made = []
    for start in range(0, total, limits.PAGE_STEPS):
        href = f"/incidents/{incident.id}?{urlencode({'run': trace, 'from': start})}#timeline"
        last = min(start + limits.PAGE_STEPS, total)
        made.append(Link(f"{start + 1:,}–{last:,}", href, current=start == begin))
    return tuple(made)
