"""The modals about runs: the steps of one, which others look the same, and which could be meant.

Modals are read on a phone: what changed something stands out, plain steps are folded. Foreign words are escaped and
cut; a submission carries ids only, and what they mean is looked up on the server.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from bot.domain.effect import Effect, EffectOutcome
from bot.domain.incident import Incident, Offered, Similar
from bot.domain.profile import RunLine, SimilarGroup
from bot.domain.run import ModelCall, Run, RunStatus, Step, StepKind
from bot.views import blocks as b
from bot.views import limits, recorder_words, words
from bot.views.blocks import Block
from bot.views.card_rows import effect_row
from bot.views.text import clock_seconds, code, foreign, number

SIMILAR_SUBMIT: Final = "pullcord_similar_submit"
OFFERED_SUBMIT: Final = "pullcord_offered_submit"
GROUPS: Final = "groups"
RUNS: Final = "runs"
VALUE: Final = "value"

_MOST_ROWS = 120
_ROWS_A_BLOCK = 12
_MOST_SECTIONS = 80
_ROWS_BYTES = limits.VIEW_BYTES - 50_000
"""Of all rows; the head and the gaps need the rest."""
_FIELDS = 4
_WORD = {
    StepKind.AGENT: "agent",
    StepKind.PLAN: "plan",
    StepKind.MODEL: "model",
    StepKind.TOOL: "tool",
    StepKind.RETRIEVAL: "retrieval",
    StepKind.GUARDRAIL: "guardrail",
    StepKind.HANDOFF: "hand-off",
    StepKind.STEP: "step",
}


def run_modal(incident: Incident, trace_id: str, run: Run | None, effects: Sequence[Effect], now: datetime) -> Block:
    """The steps of one run in order, effects marked; without ``run`` (not readable in time) its effects alone."""
    attached = incident.run(trace_id)
    made: list[Block] = [b.section("\n".join(_head(incident, trace_id, run)))]
    if run is None:
        rows = [effect_row(effect, now, _full) for effect in effects]
        made.append(
            b.context("The steps could not be read in time; these are its tool calls. The timeline page has all.")
        )
    else:
        rows = list(_rows(run, {e.span_id: e for e in effects if e.span_id}, now))
    sections = _sections(rows[:_MOST_ROWS])
    made += [b.section("\n".join(some)) for some in sections]
    if left := len(rows) - sum(len(some) for some in sections):
        made.append(b.context(f"and {number(left, 'more row')} on the timeline page"))
    if attached is not None and attached.summary.gaps:
        gaps = "\n".join(f"⚪ {foreign(g.field, 40)}: {foreign(g.hint, 200)}" for g in attached.summary.gaps[:8])
        made.append(b.context(gaps))
    view = b.modal_view("pullcord_run_view", f"Run {words.short_trace(trace_id)}", "Close", incident.id, made)
    del view["submit"]
    view["close"] = b.plain_text("Close", limits.MODAL_BUTTON)
    return view


def _full(width: int) -> int:
    return width


def _head(incident: Incident, trace_id: str, run: Run | None) -> Iterator[str]:
    attached = incident.run(trace_id)
    if attached is None:
        yield f"Run {code(words.short_trace(trace_id), 12)} is not part of {foreign(incident.id, 20)}."
        return
    summary = attached.summary
    asked = code(summary.model_requested, 60) if summary.model_requested else "not recorded"
    served = code(summary.model_served, 60) if summary.model_served else "not recorded"
    when = f" · {clock_seconds(summary.started_at)}" if summary.started_at is not None else ""
    yield f"*{foreign(summary.agent or incident.agent or 'unknown agent', 60)}*{when} · {number(summary.steps, 'step')}"
    yield f"asked {asked} · served {served}"
    note = f": {foreign(attached.source_note, 160)}" if attached.source_note else ""
    said = recorder_words.capture_words(summary.capture)
    yield f"read from {foreign(attached.source, 40)}{note}{f' · {foreign(said, 200)}' if said else ''}"
    yield from (foreign(text, 200) for text in summary.notes[:4])
    if run is not None and run.error is not None:
        yield f"ended in error: {foreign(run.error.message or run.error.type or 'no reason recorded', 200)}"
    changed = recorder_words.compared_words(incident.compared_run(trace_id), most=4)
    if changed:
        yield foreign(changed, 600)


def _rows(run: Run, effects: dict[str, Effect], now: datetime) -> Iterator[str]:
    """One row a step; neighbours of one kind that changed nothing and failed nowhere are one row with their count."""
    models = {call.span_id: call for call in run.model_calls}
    many = len({step.agent for step in run.steps if step.agent}) > 1
    plain: list[Step] = []
    for step in run.steps:
        effect = effects.get(step.span_id)
        loud = (effect is not None and not _quiet(effect)) or step.status is RunStatus.ERROR or step.error is not None
        foldable = not loud and len(run.steps) > _MOST_ROWS
        if plain and (not foldable or (step.kind, step.name) != (plain[0].kind, plain[0].name)):
            yield _folded(plain, models, many=many)
            plain = []
        if foldable:
            plain.append(step)
        else:
            yield _row(step, effect, models.get(step.span_id), now, many=many)
    if plain:
        yield _folded(plain, models, many=many)


def _quiet(effect: Effect) -> bool:
    return not effect.changes and effect.outcome is EffectOutcome.APPLIED and not effect.origins and not effect.outbound


def _folded(steps: Sequence[Step], models: dict[str, ModelCall], *, many: bool) -> str:
    row = _plain_row(steps[0], models.get(steps[0].span_id), many=many)
    return row if len(steps) == 1 else f"{row} ×{len(steps):,}"


def _row(step: Step, effect: Effect | None, call: ModelCall | None, now: datetime, *, many: bool) -> str:
    if effect is None or effect.reversibility.value == "read_only":
        row = _plain_row(step, call, many=many)
        came = recorder_words.origin_words(effect) if effect is not None else ()
    else:
        by = f" · by {foreign(step.agent or effect.agent or '', 40)}" if many and (step.agent or effect.agent) else ""
        row = f"{effect_row(effect, now, _full)}{by}"
        came = ()  # the row says them itself
    marked = "".join(f" · ⚠ {foreign(text, 200)}" for text in came[:2])
    failed = ""
    if step.error is not None and (effect is None or effect.happened):
        failed = f" · failed: {foreign(step.error.message or step.error.type or 'no reason recorded', 120)}"
    return f"{row}{marked}{failed}"


def _plain_row(step: Step, call: ModelCall | None, *, many: bool) -> str:
    name = foreign(step.name, 60)
    tokens = ""
    if call is not None:
        used, made = call.usage.get("input_tokens"), call.usage.get("output_tokens")
        tokens = f" · {used:,} → {made:,} tokens" if used is not None and made is not None else ""
    by = f" · {foreign(step.agent, 40)}" if many and step.agent and step.kind is not StepKind.AGENT else ""
    return f"▫️ _{_WORD[step.kind]}_ {name}{tokens}{by}"


def _sections(rows: Sequence[str]) -> list[list[str]]:
    """Rows by section, none cut in two, as far as a view has room: Slack refuses 101 blocks, and more than 250 kB."""
    made: list[list[str]] = []
    size = total = 0
    for row in rows:
        length = min(len(row), limits.SECTION_TEXT) + 1
        total += len(json.dumps(row))
        if not made or len(made[-1]) == _ROWS_A_BLOCK or size + length > limits.SECTION_TEXT - 50:
            if len(made) == _MOST_SECTIONS:
                break
            made.append([])
            size = 0
        if total > _ROWS_BYTES:
            break
        made[-1].append(row)
        size += length
    return [some for some in made if some]


def similar_modal(incident: Incident, trace_id: str, similar: Similar) -> Block:
    """Review: the groups of runs that look the same, and the runs one by one; ticked ones are added."""
    intro = (
        f"{foreign(recorder_words.similar_words(similar), 80)} as {code(words.short_trace(trace_id), 12)}, of "
        f"{number(similar.searched, 'recorded run')} looked through. Ticked ones are read and join "
        f"{foreign(incident.id, 20)}; their effects count from then on."
    )
    made: list[Block] = [b.section(intro)]
    made += [b.section(f"*{foreign(recorder_words.group_words(group), 400)}*") for group in similar.groups]
    options = [_group_option(group) for group in similar.groups]
    made += _ticks(GROUPS, "Add whole groups", options[: limits.CHECKBOX_OPTIONS])
    made += _ticks(f"{GROUPS}-1", "and more", options[limits.CHECKBOX_OPTIONS :])
    made += _run_ticks(_unique(line for group in similar.groups for line in group.lines))
    return b.modal_view(SIMILAR_SUBMIT, "Runs that look the same", "Add", f"{incident.id}|{trace_id}", made)


def _group_option(group: SimilarGroup) -> Block:
    all_of_it = group.runs <= limits.RUNS_ADDED
    many = f"All {group.runs:,}" if all_of_it else f"The newest {limits.RUNS_ADDED} of {group.runs:,}"
    return b.option(f"{many}: {group.words}", group.id)


def offered_modal(incident: Incident, offered: Offered) -> Block:
    """Choose which recorded runs an alert without a run was about."""
    said = recorder_words.offered_words(offered, incident.agent)
    made: list[Block] = [b.section(f"{foreign(said[:1].upper() + said[1:], 200)}. Errors come first.")]
    made += _run_ticks(offered.lines)
    return b.modal_view(OFFERED_SUBMIT, "Which run was it?", "Add", incident.id, made)


def _unique(lines: Iterator[RunLine]) -> list[RunLine]:
    return list({line.trace_id: line for line in lines}.values())


def _run_ticks(lines: Sequence[RunLine]) -> list[Block]:
    shown = lines[: limits.CHECKBOX_OPTIONS * _FIELDS]
    options = [
        b.option(f"{words.short_trace(line.trace_id)} {recorder_words.line_words(line)}", line.trace_id)
        for line in shown
    ]
    made: list[Block] = []
    for place, start in enumerate(range(0, len(options), limits.CHECKBOX_OPTIONS)):
        label = "Add single runs" if place == 0 else "and more"
        made += _ticks(f"{RUNS}-{place}", label, options[start : start + limits.CHECKBOX_OPTIONS])
    if left := len(lines) - len(shown):
        made.append(b.context(f"and {number(left, 'more run')} on the timeline page"))
    return made


def _ticks(block_id: str, label: str, options: Sequence[Block]) -> list[Block]:
    if not options:
        return []
    element = {"type": "checkboxes", "action_id": VALUE, "options": list(options)[: limits.CHECKBOX_OPTIONS]}
    return [
        {
            "type": "input",
            "block_id": block_id,
            "optional": True,
            "label": b.plain_text(label, limits.INPUT_LABEL),
            "element": element,
        }
    ]
