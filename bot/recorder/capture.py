"""The completeness verdict of a run: which kinds of facts apply to it, and which of them were captured throughout."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.domain.run import Capture, Completeness, ModelCall, Retrieval, ToolCall
from bot.recorder.gaps import fingerprinted, lacking
from bot.recorder.span_view import SpanView
from bot.recorder.vocabulary import Vocabulary

KINDS: Mapping[str, str] = {
    "prompt": "prompt",
    "output": "answer",
    "model_requested": "asked model",
    "model_served": "served model",
    "temperature": "sampling parameters",
    "seed": "seed",
    "fingerprint": "fingerprint",
    "tools_offered": "tool definitions",
    "tool_arguments": "tool arguments",
    "tool_result": "tool results",
    "documents": "documents",
    "model_calls": "model calls",
    "root": "whole trace",
}
"""The kinds of facts in words, by the gap that speaks of each."""
_MAX_LIBRARIES = 20
_MAX_NAME = 120


def capture(
    models: Sequence[ModelCall],
    tools: Sequence[ToolCall],
    retrievals: Sequence[Retrieval],
    completeness: Completeness,
) -> Capture:
    """How much was captured. A kind counts as captured when no call of the run lacks it."""
    kinds = dict(_kinds(models, tools, retrievals, completeness))
    missing = tuple(KINDS[name] for name in KINDS if kinds.get(name) is False)
    return Capture(found=len(kinds) - len(missing), wanted=len(kinds), missing=missing)


def _kinds(
    models: Sequence[ModelCall],
    tools: Sequence[ToolCall],
    retrievals: Sequence[Retrieval],
    completeness: Completeness,
) -> Iterator[tuple[str, bool]]:
    """The kinds that apply, and whether each was captured."""
    yield "root", completeness is Completeness.COMPLETE
    if models:
        lacks = [lacking(call, tools=bool(tools)) for call in models]
        for name in ("prompt", "output", "model_requested", "model_served", "temperature", "seed"):
            yield name, not any(held[name] for held in lacks)
        if any(map(fingerprinted, models)):
            yield "fingerprint", not any(held["fingerprint"] for held in lacks)
        if tools:
            yield "tools_offered", not any(held["tools_offered"] for held in lacks)
    else:
        yield "model_calls", False
    if tools:
        yield "tool_arguments", all(call.arguments_recorded for call in tools)
        yield "tool_result", all(call.result_recorded or call.error is not None for call in tools)
    if retrievals:
        yield "documents", all(retrieval.documents is not None for retrieval in retrievals)


def instrumentations(views: Iterable[SpanView], vocabulary: Vocabulary) -> tuple[str, ...]:
    """What wrote the spans that matter to the run, as ``name version``, in the order in which they show up."""
    found: dict[str, None] = {}
    for view in views:
        span = view.span
        if not span.scope or not view.dialects or len(found) >= _MAX_LIBRARIES:
            continue
        library = vocabulary.instrumentation(span)
        name = span.scope if library is None else library.name
        found[f"{name} {span.scope_version}".strip()[:_MAX_NAME]] = None
    return tuple(found)
