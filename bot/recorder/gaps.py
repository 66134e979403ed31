"""Recorder gaps: what should have been captured and was not, each with the setting that turns it on.

One gap per field of the model calls (the first call that lacks it stands for all), one per tool call and retrieval.
"""

from collections.abc import Mapping, Sequence

from bot.domain.run import UNRECORDED_TOOL, Completeness, Gap, ModelCall, Retrieval, StepKind, ToolCall
from bot.recorder.span_view import SpanView

_MAX_PER_FIELD = 20
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_FINGERPRINTED = ("openai", "azure")
"""Providers that answer with a fingerprint of the weights; with others its absence is no gap."""
_UNRECORDED = (
    "the model asked for tools and neither its answer nor a tool span was recorded; "
    "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY and instrument the tools"
)


def gaps(
    views: Mapping[str, SpanView],
    models: Sequence[ModelCall],
    tools: Sequence[ToolCall],
    retrievals: Sequence[Retrieval],
    completeness: Completeness,
) -> tuple[Gap, ...]:
    """All gaps of a run, those of the whole trace first."""
    return (
        *_of_trace(views, models, completeness),
        *_of_models(views, models, tools),
        *_of_tools(views, tools),
        *_of_retrievals(views, retrievals),
    )


def _of_trace(views: Mapping[str, SpanView], models: Sequence[ModelCall], completeness: Completeness) -> list[Gap]:
    found: list[Gap] = []
    if completeness is Completeness.MISSING_ROOT:
        found.append(
            Gap(
                field="root",
                hint="the root span has not come; it is sent when the run ends, so wait or look "
                "whether the process died before its exporter was flushed",
            )
        )
    elif completeness is Completeness.PARTIAL:
        found.append(
            Gap(
                field="spans",
                hint="some spans name a parent that has not come; send every service's spans to "
                "the recorder, without sampling",
            )
        )
    if not models:
        found.append(Gap(field="model_calls", hint="no model call was recorded; instrument the model client"))
    for view in views.values():
        if view.span.marks:
            hint = f"{'; '.join(view.span.marks)[:300]}; record less on this span, or keep large values elsewhere"
            found.append(Gap(field="size", span_id=view.span.span_id, hint=hint))
    return found[:_MAX_PER_FIELD]


def lacking(call: ModelCall, *, tools: bool) -> dict[str, bool]:
    """Which facts about one model call are missing, by the name of their gap; ``tools``: the run used any."""
    return {
        "prompt": not call.input and not call.system,
        "output": not call.output and call.error is None,
        "model_requested": call.model_requested is None,
        "model_served": call.model_served is None and call.error is None,
        "temperature": not _SAMPLING & call.parameters.keys(),
        "seed": "seed" not in call.parameters,
        "fingerprint": fingerprinted(call) and call.fingerprint is None and call.error is None,
        "tools_offered": tools and not call.tools_offered,
    }


def fingerprinted(call: ModelCall) -> bool:
    """Whether a fingerprint of the weights can be had of this call."""
    provider = (call.provider or "").lower()
    return call.fingerprint is not None or any(name in provider for name in _FINGERPRINTED)


def _of_models(views: Mapping[str, SpanView], models: Sequence[ModelCall], tools: Sequence[ToolCall]) -> list[Gap]:
    found: dict[str, Gap] = {}
    for call in models:
        for field, missing in lacking(call, tools=bool(tools)).items():
            if missing and field not in found:
                found[field] = Gap(field=field, span_id=call.span_id, hint=views[call.span_id].hint(field))
    return list(found.values())


def _of_tools(views: Mapping[str, SpanView], tools: Sequence[ToolCall]) -> list[Gap]:
    found: dict[str, list[Gap]] = {"tool_calls": [], "tool_span": [], "tool_arguments": [], "tool_result": []}
    asking = next((view for view in views.values() if view.kind is StepKind.MODEL), next(iter(views.values())))
    for call in tools:
        view = views.get(call.span_id) if call.span_id else None
        if call.name == UNRECORDED_TOOL:
            found["tool_calls"].append(Gap(field="tool_calls", hint=_UNRECORDED))
            continue
        if view is None:
            found["tool_span"].append(Gap(field="tool_span", hint=f"{call.name[:80]}: {asking.hint('tool_span')}"))
            continue
        if not call.arguments_recorded:
            found["tool_arguments"].append(
                Gap(field="tool_arguments", span_id=call.span_id, hint=view.hint("tool_arguments"))
            )
        if not call.result_recorded and call.error is None:
            found["tool_result"].append(Gap(field="tool_result", span_id=call.span_id, hint=view.hint("tool_result")))
    return [gap for kind in found.values() for gap in kind[:_MAX_PER_FIELD]]


def _of_retrievals(views: Mapping[str, SpanView], retrievals: Sequence[Retrieval]) -> list[Gap]:
    return [
        Gap(field="documents", span_id=retrieval.span_id, hint=views[retrieval.span_id].hint("documents"))
        for retrieval in retrievals
        if retrieval.documents is None
    ][:_MAX_PER_FIELD]
