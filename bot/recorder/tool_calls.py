"""The tool calls of a run, each counted once.

A call shows up as a span, as a part of a model's output, as history in every later prompt, and with MCP as a client
and a server span. Call ids cannot be trusted to be unique: published traces reuse one id for different calls. So:

- Spans of one tool inside each other, with no agent or model between, are one call, and so are two overlapping ones
  with the same id, tool and arguments.
- A call in a model's output is matched to a span by id, tool and arguments, then by less; each span is taken once.
- What is left without a span is a call of its own, executed if a later prompt shows its result, else unknown.
- A model call whose finish reason says that it asked for tools, whose output was not recorded, and after which no tool
  span came, makes one call of an unrecorded tool: that nothing happened would be a guess.
- History in prompts never makes a call; it only fills missing results.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from bot.domain.base import Json
from bot.domain.run import UNRECORDED_TOOL, Executed, ModelCall, StepKind, ToolCall
from bot.recorder.lenient import structured
from bot.recorder.lineage import Lineage, ancestors
from bot.recorder.span_view import SpanView, time_of
from bot.recorder.tool_call_draft import LOOKED_AT, Draft, Waiting, merge, same_call

_ASKED_FOR_TOOLS = frozenset({"tool_calls", "tool_call", "tool_use", "function_call"})


def tool_calls(
    views: Mapping[str, SpanView], models: Sequence[ModelCall], lineage: Lineage | None = None
) -> tuple[ToolCall, ...]:
    """All tool calls in the order in which they began. ``views`` are all spans by id, ``models`` the model calls.

    What only hands the work to another agent is no tool call.
    """
    lineage = lineage or Lineage(views)
    drafts = _from_spans(views, lineage)
    drafts += _from_outputs(drafts, views, models, lineage)
    drafts += _unrecorded(drafts, views, models, lineage)
    _fill_results(drafts, models)
    drafts.sort(key=lambda draft: draft.start)
    return tuple(_call(order, draft) for order, draft in enumerate(drafts, 1))


def _call(order: int, draft: Draft) -> ToolCall:
    return ToolCall(
        order=order,
        span_id=draft.view.span.span_id if draft.view else None,
        call_id=draft.call_id,
        name=draft.name,
        agent=draft.agent,
        arguments=draft.arguments,
        arguments_recorded=draft.arguments_recorded,
        result=draft.result,
        result_recorded=draft.result_recorded,
        error=draft.error,
        status=draft.status,
        started_at=time_of(draft.start),
        ended_at=time_of(draft.end),
        via=draft.via,
        executed=Executed.YES if draft.view or draft.result_recorded else Executed.UNKNOWN,
    )


def _from_spans(views: Mapping[str, SpanView], lineage: Lineage) -> list[Draft]:
    drafts: dict[str, Draft] = {}
    by_call_id: dict[str, list[Draft]] = {}
    tools = [view for view in views.values() if lineage.kind(view) is StepKind.TOOL]
    for view in sorted(tools, key=lambda view: (view.span.start_ns, -view.span.end_ns, view.span.span_id)):
        draft = _draft(view, lineage)
        same = _outer(draft, view, views, drafts) or _beside(draft, by_call_id)
        if same is None:
            drafts[view.span.span_id] = draft
            if draft.call_id:
                by_call_id.setdefault(draft.call_id, []).append(draft)
        else:
            merge(same, draft)
            drafts[view.span.span_id] = same
    return list({id(draft): draft for draft in drafts.values()}.values())


def _draft(view: SpanView, lineage: Lineage) -> Draft:
    span = view.span
    arguments, result = view.field("tool_arguments"), view.field("tool_result")
    return Draft(
        name=view.text("tool_name")
        or span.name.removeprefix("execute_tool ").removeprefix("tools/call ")
        or "unnamed tool",
        view=view,
        call_id=view.text("tool_call_id"),
        arguments=structured(arguments),
        arguments_recorded=arguments is not None,
        result=structured(result),
        result_recorded=result is not None,
        error=view.error,
        status=view.status,
        via="mcp" if view.field("mcp_method") is not None else "function",
        start=span.start_ns,
        end=span.end_ns,
        agent=lineage.agent(view),
    )


def _outer(draft: Draft, view: SpanView, views: Mapping[str, SpanView], drafts: Mapping[str, Draft]) -> Draft | None:
    """The same call's span further out: MCP client and server, or two instrumentations round one function."""
    for above in ancestors(view, views):
        if above.kind in {StepKind.AGENT, StepKind.MODEL}:
            return None
        outer = drafts.get(above.span.span_id)
        if outer is not None and same_call(outer, draft):
            return outer
    return None


def _beside(draft: Draft, by_call_id: Mapping[str, Sequence[Draft]]) -> Draft | None:
    """A span of the same call that is not above it: same id, tool and arguments, at the same time."""
    for other in by_call_id.get(draft.call_id or "", ())[-LOOKED_AT:]:
        overlap = other.start < draft.end and draft.start < other.end
        if overlap and same_call(other, draft):
            return other
    return None


def _from_outputs(
    drafts: Sequence[Draft], views: Mapping[str, SpanView], models: Sequence[ModelCall], lineage: Lineage
) -> list[Draft]:
    """Match the calls in model outputs to spans; return those that have none."""
    alone: list[Draft] = []
    seen: dict[tuple[str | None, str, str], list[SpanView]] = {}
    waiting = Waiting(drafts)
    for model in models:
        view = views[model.span_id]
        for part in (part for message in model.output for part in message.parts if part.kind == "tool_call"):
            name = part.name or "unnamed tool"
            if lineage.passes_on(name, part.arguments):
                continue
            mention = Draft(
                name=name,
                call_id=part.call_id,
                arguments=part.arguments,
                arguments_recorded=part.arguments is not None,
                start=view.span.end_ns or view.span.start_ns,
                agent=lineage.agent(view),
            )
            same = seen.setdefault((part.call_id, name, mention.key), [])
            if part.call_id and any(_nested(view, other, views) for other in same[-5:]):
                continue  # two instrumentations described one model call
            same.append(view)
            draft = waiting.take(mention)
            if draft is None:
                alone.append(mention)
                continue
            draft.call_id = draft.call_id or mention.call_id
            draft.fill_arguments(mention)
    return alone


def _unrecorded(
    drafts: Sequence[Draft], views: Mapping[str, SpanView], models: Sequence[ModelCall], lineage: Lineage
) -> list[Draft]:
    """Calls that a model asked for, as its finish reason says, and of which nothing else was recorded."""
    found: list[Draft] = []
    passed_on = [view.span.start_ns for view in views.values() if lineage.kind(view) is StepKind.HANDOFF]
    starts = sorted([draft.start for draft in drafts] + passed_on)
    begins = [views[model.span_id].span.start_ns for model in models]
    for index, model in enumerate(models):
        if model.output or not _ASKED_FOR_TOOLS.intersection(reason.lower() for reason in model.finish_reasons):
            continue
        view = views[model.span_id]
        until = begins[index + 1] if index + 1 < len(begins) else None
        after = bisect_left(starts, view.span.start_ns)
        if after < len(starts) and (until is None or starts[after] < until):
            continue
        found.append(Draft(name=UNRECORDED_TOOL, start=view.span.end_ns, agent=lineage.agent(view)))
    return found


def _nested(one: SpanView, other: SpanView, views: Mapping[str, SpanView]) -> bool:
    return any(above is other for above in ancestors(one, views)) or any(
        above is one for above in ancestors(other, views)
    )


def _fill_results(drafts: Sequence[Draft], models: Sequence[ModelCall]) -> None:
    """Results that only later prompts show. Of calls that share an id only a complete, ordered set is trusted."""
    lacking = {draft.call_id for draft in drafts if draft.call_id and not draft.result_recorded}
    if not lacking:
        return
    shown = _shown_results(models, lacking)
    holders: dict[str, list[Draft]] = {}
    for draft in sorted(drafts, key=lambda draft: draft.start):
        if draft.call_id in shown:
            holders.setdefault(draft.call_id, []).append(draft)
    for call_id, sharing in holders.items():
        if len(sharing) != len(shown[call_id]):
            continue
        for draft, result in zip(sharing, shown[call_id], strict=True):
            if not draft.result_recorded:
                draft.result, draft.result_recorded = result, True


def _shown_results(models: Sequence[ModelCall], call_ids: AbstractSet[str]) -> dict[str, list[Json]]:
    """The results of these calls in the prompt that shows most of each; every later prompt repeats them."""
    results: dict[str, list[Json]] = {}
    for model in models:
        shown: dict[str, list[Json]] = {}
        told = (part for message in (*model.input, *model.output) for part in message.parts)
        for part in (part for part in told if part.kind == "tool_result"):
            if part.call_id is not None and part.call_id in call_ids:
                shown.setdefault(part.call_id, []).append(part.result)
        for call_id, found in shown.items():
            if len(found) >= len(results.get(call_id, ())):
                results[call_id] = found
    return results
