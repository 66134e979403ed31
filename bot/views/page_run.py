"""The agent's lane: the steps of one run in order, nested, each with a bar on the run's own scale.

Which steps make rows is decided in ``page_steps``; each row leads to what was recorded of its step.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.effect import Effect, EffectOutcome, Reversibility
from bot.domain.incident import AttachedRun, Incident
from bot.domain.run import Completeness, Run, Step, StepKind
from bot.views import limits, words
from bot.views.page_links import LaneView, run_href, step_href
from bot.views.page_run_models import AgentLane, StepRow
from bot.views.page_scale import Scale, scale_of, ticks, window
from bot.views.page_steps import Item, Told, counts_as_effect, items, matches, told, walk
from bot.views.page_text import CROSS, OUT, glyph, length, short
from bot.views.page_values import Glyph, Link
from bot.views.text import listed, number

_MOST_LINKS = 9
_SPOKEN = {EffectOutcome.APPLIED: "applied", EffectOutcome.FAILED: "rejected", EffectOutcome.UNKNOWN: "outcome unknown"}
_CLASS = {
    Reversibility.IRREVERSIBLE: "e-irr",
    Reversibility.UNCLASSIFIED: "e-irr",
    Reversibility.COMPENSABLE: "e-comp",
    Reversibility.REVERSIBLE: "e-rev",
}
_KIND = {
    StepKind.AGENT: "k-agent",
    StepKind.PLAN: "k-plan",
    StepKind.MODEL: "k-model",
    StepKind.TOOL: "k-tool",
    StepKind.RETRIEVAL: "k-ro",
    StepKind.GUARDRAIL: "k-ro",
    StepKind.HANDOFF: "k-hand",
}
_MARKS = {
    StepKind.HANDOFF: Glyph("i-hand", "x"),
    StepKind.GUARDRAIL: Glyph("i-guard", "ro"),
    StepKind.RETRIEVAL: Glyph("i-doc", "ro"),
}


def agent_lane(
    incident: Incident, run: Run, effects: Sequence[Effect], runs: Sequence[str], view: LaneView
) -> AgentLane:
    """The lane of one run. ``effects`` are this run's, ``runs`` the trace ids one can switch to."""
    known = told(run, effects)
    rows = items(run, known, view.only, view.within)
    begin = view.begin if 0 <= view.begin < len(rows) else 0
    shown = rows[begin : begin + limits.PAGE_STEPS]
    scale = _scale(run, rows, shown)
    drawn = [_row(item, scale, known, view) for item in shown]
    attached = incident.run(run.trace_id)
    return AgentLane(
        run=words.short_trace(run.trace_id),
        href=run_href(incident.id, run.trace_id),
        span=_span(run),
        steps=_steps(run),
        source=source_words(attached) if attached is not None else "",
        note=_note(run, known, rows, shown, view),
        notes=tuple(short(note, 300) for note in run.notes[:5]),
        rows=_nest(_named(drawn)),
        ticks=ticks(scale),
        filters=_filters(run, known, view),
        runs=tuple(_run_link(view, trace) for trace in runs) if len(runs) > 1 else (),
        pages=_pages(view, len(rows), begin),
        empty=_empty(view) if not rows else "",
    )


def _scale(run: Run, rows: Sequence[Item], shown: Sequence[Item]) -> Scale:
    """The run's own; of one page of very many rows the part in which its steps lie, else each would be a dot."""
    whole = scale_of(run)
    if len(shown) == len(rows):
        return whole
    leaves = [step for item in shown if not item.has_children and item.loose is None for step in item.steps]
    return window(whole, leaves)


def source_words(run: AttachedRun) -> str:
    """Where a run was read, and why there: ``read from phoenix: 20 spans, we received 14``. Foreign in part."""
    name = "our own recorder" if run.source in {"otlp", "recorder"} else short(run.source, 40)
    return f"read from {name}{': ' + short(run.source_note, 200) if run.source_note else ''}"


def _row(item: Item, scale: Scale, known: Told, view: LaneView) -> StepRow:
    step = item.steps[0]
    effect = known.effect(item)
    end = max((s.ended_at for s in item.steps if s.ended_at is not None), default=None)
    many = f" ×{len(item.steps):,}" if len(item.steps) > 1 else ""
    mark = glyph(effect) if effect is not None else _MARKS.get(step.kind)
    if mark is not None and effect is None and known.failed(step):
        mark = Glyph(mark.symbol, "irr") if step.span_id in known.bad else CROSS
    if effect is not None and effect.outbound and effect.reversibility is Reversibility.READ_ONLY:
        mark = OUT
    return StepRow(
        glyph=mark,
        kind=_kind(step, effect),
        effect=_effect_class(effect),
        depth=item.depth,
        name=short(_name(step, effect), 60) + many,
        note=_note_of(item, effect, known),
        spoken=_spoken(item, effect, scale, known),
        bar=scale.bar(step, end),
        length=_length(item.steps) if item.loose is None else "–",
        href=_href(item, view),
        opens=len(item.steps) == 1,
        agent=short(step.agent, 40) if known.agents and step.agent else "",
        flag="" if effect is None or not (effect.origins or effect.outbound) else "from outside",
        beside=item.beside,
    )


def _name(step: Step, effect: Effect | None) -> str:
    """A tool by its own name: instrumentations put their operation before it (``execute_tool issue_refund``)."""
    return effect.tool if effect is not None and step.kind is StepKind.TOOL else step.name


def _href(item: Item, view: LaneView) -> str:
    if item.loose is not None:
        return step_href(view.incident, view.trace, f"call-{item.loose.order}")
    if len(item.steps) > 1:
        return view.href(within=item.steps[0].span_id, begin=0)
    return step_href(view.incident, view.trace, item.steps[0].span_id)


def _kind(step: Step, effect: Effect | None) -> str:
    if effect is not None and effect.reversibility is Reversibility.READ_ONLY:
        return "k-ro"
    return _KIND.get(step.kind, "k-agent")


def _effect_class(effect: Effect | None) -> str:
    if effect is None or effect.reversibility is Reversibility.READ_ONLY:
        return ""
    if not effect.happened:
        return "e-rej"
    unknown = " e-unk" if effect.outcome is EffectOutcome.UNKNOWN else ""
    return f"{_CLASS[effect.reversibility]}{unknown}"


def _note_of(item: Item, effect: Effect | None, known: Told) -> str:
    step = item.steps[0]
    if effect is not None:
        also = len(known.effects.get(step.span_id, ())) - 1 if item.loose is None else 0
        parts = [
            words.effect_words(effect) or words.argument_words(effect),
            f"and {number(also, 'more call')}" if also > 0 else "",
        ]
        parts.append("no span of its own" if item.loose is not None else "")
        return short(" · ".join(part for part in parts if part), 60)
    if step.error is not None:
        return short(f"failed: {step.error.message or step.error.type or 'no reason recorded'}", 60)
    return short(_plain_note(step, known), 60)


def _plain_note(step: Step, known: Told) -> str:
    """What a step was that is no effect and did not fail."""
    if (call := known.models.get(step.span_id)) is not None:
        used, made = call.usage.get("input_tokens"), call.usage.get("output_tokens")
        tokens = f"{used:,} → {made:,} tokens" if used is not None and made is not None else ""
        called = [part.name for one in call.output[:8] for part in one.parts[:20] if part.kind == "tool_call"]
        calls = f"calls {listed(dict.fromkeys(name or 'a tool' for name in called))}" if called else ""
        return " · ".join(part for part in (tokens, calls) if part) or ("answers" if call.output else "model call")
    if (guard := known.guardrails.get(step.span_id)) is not None:
        verdict = {True: "triggered", False: "passed", None: "verdict not recorded"}[guard.triggered]
        return f"guardrail {verdict}"
    if (found := known.retrievals.get(step.span_id)) is not None:
        return "retrieval" if found.documents is None else f"retrieved {number(len(found.documents), 'document')}"
    if (passed := known.handoffs.get(step.span_id)) is not None:
        return f"hand-off: {passed.source or 'not recorded'} → {passed.target or 'not recorded'}"
    names = {
        StepKind.AGENT: "run" if step.parent_id is None else "agent",
        StepKind.PLAN: "plan",
        StepKind.MODEL: "model call",
        StepKind.GUARDRAIL: "guardrail",
        StepKind.RETRIEVAL: "retrieval",
        StepKind.HANDOFF: "hand-off",
    }
    named = names.get(step.kind, "")
    return "" if named == step.name else named


def _spoken(item: Item, effect: Effect | None, scale: Scale, known: Told) -> str:
    """What the bar shows, for screen readers: class, outcome, agent, start and length."""
    step = item.steps[0]
    parts = [step.kind.value]
    if effect is not None:
        parts = [effect.reversibility.value.replace("_", " "), _SPOKEN[effect.outcome]]
        parts += ["an argument came from untrusted content"] if effect.origins or effect.outbound else []
    elif known.failed(step):
        parts.append("failed")
    if known.agents and step.agent:
        parts.append(f"by {short(step.agent, 40)}")
    end = max((s.ended_at for s in item.steps if s.ended_at is not None), default=None)
    if scale.start is not None and step.started_at is not None:
        parts.append(f"starts at {scale.offset(step.started_at):.1f} seconds")
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


def _named(rows: Sequence[StepRow]) -> list[StepRow]:
    """Say where the agent is the same as in the row above, so that the eye sees only where it passes on."""
    return [replace(row, again=bool(n and row.agent and rows[n - 1].agent == row.agent)) for n, row in enumerate(rows)]


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


def _span(run: Run) -> str:
    begun = f"{run.started_at:%H:%M:%S}" if run.started_at is not None else "start not recorded"
    ended = f"{run.ended_at:%H:%M:%S}" if run.ended_at is not None else "end not recorded"
    return f"{begun} to {ended}"


def _steps(run: Run) -> str:
    if run.completeness is Completeness.MISSING_ROOT:
        return f"still running, {number(len(run.steps), 'step')} so far"
    partial = ", some are missing" if run.completeness is Completeness.PARTIAL else ""
    return f"{number(len(run.steps), 'step')}{partial}"


def _note(run: Run, known: Told, rows: Sequence[Item], shown: Sequence[Item], view: LaneView) -> str:
    begin = view.begin if 0 <= view.begin < len(rows) else 0
    notes = []
    if view.only:
        beside = sum(item.beside for item in rows)
        above = f", with {number(beside, 'step')} above them" if beside else ""
        total = len(run.steps) + len(known.loose)
        notes.append(f"{len(rows) - beside:,} of {number(total, 'step')}: {view.only} only{above}.")
    elif view.within and rows and all(len(item.steps) == 1 for item in rows):
        notes.append(f"{number(len(rows), 'like step')} of one folded row.")
    elif len(rows) < len(run.steps):
        notes.append(f"{len(run.steps):,} steps in {len(rows):,} rows: like steps that changed nothing are folded.")
    if len(shown) < len(rows):
        notes.append(f"Rows {begin + 1:,} to {begin + len(shown):,} of {len(rows):,}; the scale above is theirs.")
    return " ".join(notes)


def _empty(view: LaneView) -> str:
    if view.only == "effects":
        return "No step of this run changed anything outside it or tried to."
    return "No step of this run failed." if view.only == "errors" else "No step was recorded."


def _filters(run: Run, known: Told, view: LaneView) -> tuple[Link, ...]:
    """All, effects only, errors only, each with how many steps there are."""
    every = [*walk(run.steps)]
    made = [Link(f"All {len(every) + len(known.loose):,}", view.href(only="", within="", begin=0), not view.only)]
    for only in ("effects", "errors"):
        lost = sum(counts_as_effect(e) if only == "effects" else e.outcome is EffectOutcome.FAILED for e in known.loose)
        count = lost + sum(matches(item, known, only) for item in every)
        name = f"{only.capitalize()} only {count:,}"
        made.append(Link(name, view.href(only=only, within="", begin=0), view.only == only))
    return tuple(made)


def _run_link(view: LaneView, trace: str) -> Link:
    href = view.href(trace=trace, only="", within="", begin=0)
    return Link(words.short_trace(trace), href, current=trace == view.trace)


def _pages(view: LaneView, total: int, begin: int) -> tuple[Link, ...]:
    """Links to the pages of rows; of very many the first, the last and those near by."""
    if total <= limits.PAGE_STEPS:
        return ()
    starts = list(range(0, total, limits.PAGE_STEPS))
    here = begin // limits.PAGE_STEPS
    near = {0, len(starts) - 1, *range(here - 2, here + 3)}
    return tuple(
        Link(f"{start + 1:,}–{min(start + limits.PAGE_STEPS, total):,}", view.href(begin=start), current=start == begin)
        for n, start in enumerate(starts)
        if len(starts) <= _MOST_LINKS or n in near
    )
