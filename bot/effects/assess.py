"""The effects of a run: each tool call with its class, outcome, target and undo deadline. Pure."""

import hashlib
from collections import Counter
from datetime import datetime

from pydantic_core import to_json

from bot.domain.base import Json
from bot.domain.catalogue import Catalogue, ToolRule
from bot.domain.effect import Effect, Reversibility
from bot.domain.run import UNRECORDED_TOOL, Run, ToolCall
from bot.effects.catalogue import Verdict, classify
from bot.effects.origins import with_origins
from bot.effects.outcome import judge
from bot.effects.shorten import shorten
from bot.effects.suggest import suggest
from bot.effects.template import render
from bot.effects.toolbox import toolbox


def assess(run: Run, catalogue: Catalogue, now: datetime) -> list[Effect]:
    """Every tool call of the run as an effect, in the order of the run; reads are in it too.

    ``now`` decides whether an undo window is still open: after it the class is the rule's ``after_window``.
    """
    seen: Counter[str] = Counter()
    unnamed = None if any(call.agent for call in run.tool_calls) else run.agent
    effects = [_effect(run, call, catalogue, now, seen, unnamed or run.service) for call in run.tool_calls]
    return with_origins(run, _suggested(run, effects))


def effect_id(trace_id: str, tool: str, arguments: Json, occurrence: int) -> str:
    """The stable id of a call: trace, tool, arguments, and which of the equal calls it is (from 1).

    Call ids are left out on purpose: real traces reuse them, and a span may come before the id is known.
    """
    identity = [trace_id, tool, _sorted(arguments), occurrence]
    return hashlib.sha256(to_json(identity)).hexdigest()[:20]


def _suggested(run: Run, effects: list[Effect]) -> list[Effect]:
    """A class beside each effect whose tool nobody classified. What the run says of its tools is read once."""
    if not any(_wants_suggestion(effect) for effect in effects):
        return effects
    tools = toolbox(run)
    said = {name: suggest(tools.tools[name], tools) for name in {e.tool for e in effects if _wants_suggestion(e)}}
    return [e.model_copy(update={"suggestion": said[e.tool]}) if _wants_suggestion(e) else e for e in effects]


def _wants_suggestion(effect: Effect) -> bool:
    return effect.reversibility is Reversibility.UNCLASSIFIED and effect.tool != UNRECORDED_TOOL


def _effect(
    run: Run, call: ToolCall, catalogue: Catalogue, now: datetime, seen: Counter[str], unnamed: str | None
) -> Effect:
    """One call.

    ``unnamed`` is who did it where no agent was recorded above it: the run's agent, unless other calls of the run name
    theirs (then the run's may be one of several), else the service.
    """
    first = effect_id(run.trace_id, call.name, call.arguments, 1)
    seen[first] += 1
    agent = call.agent or unnamed
    names = tuple(dict.fromkeys(name for name in (call.agent, run.agent, run.service) if name))
    verdict = classify(call, catalogue, names)
    outcome, outcome_reason = judge(call, verdict.rule.succeeded_if if verdict.rule else None)
    at = call.ended_at or call.started_at
    reversibility, deadline, reason = _window(verdict, at, now)
    rule = verdict.rule
    target = render(rule.target, call) if rule and rule.target else None
    summary = render(rule.summary, call) if rule and rule.summary else None
    return Effect(
        id=first if seen[first] == 1 else effect_id(run.trace_id, call.name, call.arguments, seen[first]),
        trace_id=run.trace_id,
        order=call.order,
        tool=call.name,
        call_id=call.call_id,
        span_id=call.span_id,
        agent=agent,
        arguments=shorten(call.arguments),
        reversibility=reversibility,
        guessed=verdict.guessed,
        outcome=outcome,
        target=target.text if target else None,
        summary=summary.text if summary else None,
        at=at,
        undo_deadline=deadline,
        money=(summary.money if summary else None) or (target.money if target else None),
        reason=reason,
        outcome_reason=outcome_reason,
    )


def _window(verdict: Verdict, at: datetime | None, now: datetime) -> tuple[Reversibility, datetime | None, str]:
    """The class at this moment, and until when it can be undone. An unknown start of the window is no open window."""
    rule: ToolRule | None = verdict.rule
    if rule is None or rule.undo_window is None:
        return verdict.reversibility, None, verdict.reason
    if at is None:
        return (
            rule.after_window,
            None,
            f"{verdict.reason}; when the call ended is not recorded, so its undo window counts as closed",
        )
    try:
        deadline = at + rule.undo_window
    except OverflowError:
        return verdict.reversibility, None, verdict.reason
    if now >= deadline:
        return rule.after_window, deadline, f"{verdict.reason}; its undo window has closed"
    return verdict.reversibility, deadline, verdict.reason


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value
