"""One step of a run as it was recorded: prompt by roles, arguments, result, documents, verdicts. Already redacted."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from bot.domain.effect import Effect, Reversibility
from bot.domain.incident import Incident
from bot.domain.run import Run, RunStatus, Step, StepKind, ToolCall
from bot.views import recorder_words, words
from bot.views.page_links import run_href, step_href
from bot.views.page_step_models import StepFact, StepPage, StepSection
from bot.views.page_step_sections import (
    errors,
    evaluations,
    gaps,
    guardrails,
    handoffs,
    model_calls,
    retrievals,
    tool_call,
)
from bot.views.page_step_text import Texts
from bot.views.page_steps import walk
from bot.views.page_text import glyph, length, short
from bot.views.page_values import Link, when, when_day
from bot.views.text import number

_KINDS = {
    StepKind.AGENT: "agent",
    StepKind.PLAN: "plan",
    StepKind.MODEL: "model call",
    StepKind.TOOL: "tool call",
    StepKind.RETRIEVAL: "retrieval",
    StepKind.GUARDRAIL: "guardrail",
    StepKind.HANDOFF: "hand-off",
    StepKind.STEP: "step",
}
_LOOSE = "call-"


def step_page(incident: Incident, run: Run, effects: Sequence[Effect], key: str, now: datetime) -> StepPage | None:
    """The page of the step with this span id, or of the tool call ``call-7``; None where the run has none such."""
    if key.startswith(_LOOSE):
        return _loose_page(incident, run, effects, key, now)
    order = [item.steps[0] for item in walk(run.steps)]
    place = next((n for n, step in enumerate(order) if step.span_id == key), None)
    if place is None:
        return None
    step = order[place]
    here = [effect for effect in effects if effect.span_id == key]
    calls = [call for call in run.tool_calls if call.span_id == key]
    texts = Texts(incident.id)
    sections = [*_sections(run, step, calls, texts)]
    return _page(
        incident,
        run,
        key,
        name=step.name,
        kind=_KINDS[step.kind],
        agent=step.agent,
        facts=(*_step_facts(step), *_effect_facts(here, calls)),
        effects=here,
        sections=sections,
        redacted=texts.redacted,
        before=_link(incident, run, order, place - 1, "Step before"),
        after=_link(incident, run, order, place + 1, "Next step"),
        now=now,
    )


def _loose_page(incident: Incident, run: Run, effects: Sequence[Effect], key: str, now: datetime) -> StepPage | None:
    wanted = key.removeprefix(_LOOSE)
    here = [e for e in effects if str(e.order) == wanted]
    calls = [c for c in run.tool_calls if str(c.order) == wanted]
    if not here and not calls:
        return None
    texts = Texts(incident.id)
    made = [section for call in calls for section in (*tool_call(call, texts), *errors(call.error, texts))]
    name = here[0].tool if here else calls[0].name
    return _page(
        incident,
        run,
        key,
        name=name,
        kind="tool call without a span of its own",
        agent=here[0].agent if here else calls[0].agent,
        facts=_effect_facts(here, calls),
        effects=here,
        sections=made,
        redacted=texts.redacted,
        before=None,
        after=None,
        now=now,
    )


def _page(  # noqa: PLR0913 - what both kinds of step have, by keyword
    incident: Incident,
    run: Run,
    key: str,
    *,
    name: str,
    kind: str,
    agent: str | None,
    facts: tuple[StepFact, ...],
    effects: Sequence[Effect],
    sections: Sequence[StepSection],
    redacted: int,
    before: Link | None,
    after: Link | None,
    now: datetime,
) -> StepPage:
    trace = run.trace_id
    href = step_href(incident.id, trace, key)
    note = f"{number(redacted, 'value')} redacted before this was stored." if redacted else ""
    return StepPage(
        head_title=f"{short(name, 60)} · {incident.id} · Pullcord",
        incident=incident.id,
        back=Link(f"Run {words.short_trace(trace)}", f"{run_href(incident.id, trace)}#timeline"),
        run=words.short_trace(trace),
        key=key,
        name=short(name, 120),
        kind=kind,
        glyph=glyph(effects[0]) if effects else None,
        agent=short(agent, 60) if agent else "",
        facts=facts,
        warnings=tuple(short(one, 300) for effect in effects for one in recorder_words.origin_words(effect))[:12],
        sections=tuple(sections),
        empty="" if sections else "Nothing more was recorded of this step.",
        note=note,
        before=before,
        after=after,
        self_link=Link("Open alone", href),
        as_of=when_day(now),
    )


def _link(incident: Incident, run: Run, order: Sequence[Step], place: int, text: str) -> Link | None:
    if not 0 <= place < len(order):
        return None
    return Link(f"{text}: {short(order[place].name, 40)}", step_href(incident.id, run.trace_id, order[place].span_id))


def _sections(run: Run, step: Step, calls: Sequence[ToolCall], texts: Texts) -> Iterator[StepSection]:
    """What the run holds about this span, most asked for first."""
    own = step.span_id
    yield from errors(step.error, texts)
    for call in calls:
        yield from tool_call(call, texts)
        if call.error is not None and call.error != step.error:
            yield from errors(call.error, texts)
    makers: tuple[tuple[Sequence[object], Callable[..., Iterator[StepSection]]], ...] = (
        ([c for c in run.model_calls if c.span_id == own], model_calls),
        ([r for r in run.retrievals if r.span_id == own], retrievals),
        ([g for g in run.guardrails if g.span_id == own], guardrails),
        ([h for h in run.handoffs if h.span_id == own], handoffs),
        ([e for e in run.evaluations if e.span_id == own], evaluations),
        ([g for g in run.gaps if g.span_id == own], gaps),
    )
    for found, make in makers:
        if found:
            yield from make(found, texts)


def _step_facts(step: Step) -> tuple[StepFact, ...]:
    facts = []
    if step.started_at is not None:
        facts.append(StepFact("Started", "", at=when(step.started_at)))
        if step.ended_at is not None:
            facts.append(StepFact("Took", length(max(0.0, (step.ended_at - step.started_at).total_seconds()))))
        else:
            facts.append(StepFact("Took", "end not recorded"))
    else:
        facts.append(StepFact("Started", "not recorded"))
    if step.status is RunStatus.ERROR:
        facts.append(StepFact("Ended", "with an error", tone="irr"))
    return tuple(facts)


def _effect_facts(effects: Sequence[Effect], calls: Sequence[ToolCall]) -> tuple[StepFact, ...]:
    facts = []
    for effect in effects[:5]:
        lost = effect.irreversible
        named = effect.reversibility.value.replace("_", " ")
        suggestion = recorder_words.suggestion_words(effect)
        notes = [effect.reason, suggestion] if effect.reversibility is not Reversibility.READ_ONLY else [effect.reason]
        note = short(" · ".join(part for part in notes if part), 200)
        facts.append(StepFact("Class", named, note, "irr" if lost else ""))
        facts.append(StepFact("Outcome", words.outcome_words(effect), short(effect.outcome_reason, 160)))
        if effect.target:
            facts.append(StepFact("Target", short(effect.target)))
    for call in calls[:5]:
        if call.call_id:
            over = " over MCP" if call.via == "mcp" else ""
            facts.append(StepFact("Call", f"{short(call.call_id, 60)}{over}"))
    return tuple(facts)
