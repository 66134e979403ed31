"""The model calls of a run, each counted once.

Two instrumentations may describe one call: a framework's span around the client's, or a gateway's inside both. A model
span inside another with no agent or tool between, or beside one with the same answer's id, is the same call when what
both recorded agrees; then the outer one is the call, and the inner one fills what it lacks. An agent that recorded its
messages, below which there is no model call, is one itself: nobody else has them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.base import lean
from bot.domain.run import Message, ModelCall, Part, StepKind
from bot.recorder.lenient import texts_of
from bot.recorder.lineage import ancestors
from bot.recorder.messages import system_texts
from bot.recorder.span_view import SpanView, time_of

_BETWEEN = {StepKind.AGENT, StepKind.TOOL, StepKind.HANDOFF}
_LOOKED_AT = 20
_FILLED = (
    "provider",
    "model_requested",
    "model_served",
    "fingerprint",
    "response_id",
    "system",
    "input",
    "output",
    "tools_offered",
    "finish_reasons",
    "error",
)


def model_calls(views: Mapping[str, SpanView]) -> tuple[ModelCall, ...]:
    """All model calls in the order in which they began.

    The views of model spans let go of what was read: ask them for anything else before. Messages that prompts repeat
    are one object.
    """
    share = _Shared()
    read: dict[str, ModelCall] = {}
    inside: dict[str, str] = {}
    answered: dict[str, list[str]] = {}
    for view in views.values():
        if view.kind is not StepKind.MODEL:
            continue
        call = _model_call(view, share)
        view.let_go()
        outer = _outer(view, views, inside) or _beside(view, call, views, answered)
        if outer is not None and outer in read and _same(read[outer], call):
            read[outer] = _filled(read[outer], call)
            inside[view.span.span_id] = outer
        else:
            read[view.span.span_id] = call
            if call.response_id:
                answered.setdefault(call.response_id, []).append(view.span.span_id)
    for view in _silent_agents(views):
        call = _model_call(view, share)
        if call.output:
            read[view.span.span_id] = call
    ordered = (read.pop(span_id) for span_id in views if span_id in read)
    return tuple(lean(call.model_copy(update={"order": order})) for order, call in enumerate(ordered, 1))


def _outer(view: SpanView, views: Mapping[str, SpanView], inside: Mapping[str, str]) -> str | None:
    """The model span that this one lies in, by the id under which its call is kept."""
    for above in ancestors(view, views):
        if above.kind in _BETWEEN:
            return None
        if above.kind is StepKind.MODEL:
            return inside.get(above.span.span_id, above.span.span_id)
    return None


def _beside(
    view: SpanView, call: ModelCall, views: Mapping[str, SpanView], answered: Mapping[str, Sequence[str]]
) -> str | None:
    """A span beside this one, at the same time, that has the same answer by its id."""
    span = view.span
    for span_id in answered.get(call.response_id or "", ())[-_LOOKED_AT:]:
        other = views[span_id].span
        if other.start_ns < span.end_ns and span.start_ns < other.end_ns and other.parent_id == span.parent_id:
            return span_id
    return None


def _same(outer: ModelCall, inner: ModelCall) -> bool:
    """Whether both may be one call: nothing that both recorded differs in a way that two calls would."""
    if outer.response_id and inner.response_id and outer.response_id != inner.response_id:
        return False
    if outer.output and inner.output:
        return _gist(outer.output) == _gist(inner.output)
    if outer.input and inner.input and _gist(outer.input) != _gist(inner.input):
        return False
    return (
        outer.model_requested is None or inner.model_requested is None or outer.model_requested == inner.model_requested
    )


def _gist(messages: tuple[Message, ...]) -> list[Any]:
    """What a list of messages says, however it is cut into messages and parts; system texts may lie elsewhere."""
    return [_said(part) for message in messages if message.role != "system" for part in message.parts if _said(part)]


def _said(part: Part) -> Any:
    if part.kind == "text":
        return (part.text or "").strip()
    if part.kind == "tool_call":
        return part.name, part.call_id
    return part.call_id if part.kind == "tool_result" else None


def _filled(outer: ModelCall, inner: ModelCall) -> ModelCall:
    changes: dict[str, Any] = {
        name: getattr(inner, name) for name in _FILLED if not getattr(outer, name) and getattr(inner, name)
    }
    changes["parameters"] = {**inner.parameters, **outer.parameters}
    changes["usage"] = {**inner.usage, **outer.usage}
    return outer.model_copy(update=changes)


def _silent_agents(views: Mapping[str, SpanView]) -> list[SpanView]:
    """Agents under which no model call was recorded; of agents inside each other only the innermost."""
    spoken: set[str] = set()
    agents: list[SpanView] = []
    for view in views.values():
        if view.kind is StepKind.AGENT:
            agents.append(view)
        if view.kind in {StepKind.AGENT, StepKind.MODEL}:
            for above in ancestors(view, views):
                if above.span.span_id in spoken:
                    break
                spoken.add(above.span.span_id)
    return [view for view in agents if view.span.span_id not in spoken]


class _Shared:
    """Messages of texts that were there before, as the objects of then: each prompt of a run repeats the one before."""

    def __init__(self) -> None:
        self._known: dict[int, Message] = {}

    def messages(self, said: tuple[Message, ...] | None) -> tuple[Message, ...]:
        """The same messages."""
        return tuple(map(self._one, said)) if said else ()

    def _one(self, message: Message) -> Message:
        lean(message)
        for part in message.parts:
            lean(part)
        key = hash((message.role, *((part.kind, part.text) for part in message.parts)))
        known = self._known.setdefault(key, message)
        return known if known == message else message


def _model_call(view: SpanView, share: _Shared) -> ModelCall:
    span = view.span
    usage = {
        name: value
        for name, value in view.group("usage").items()
        if isinstance(value, int) and not isinstance(value, bool)
    }
    return ModelCall(
        order=1,
        span_id=span.span_id,
        provider=view.text("provider"),
        model_requested=view.text("model_requested"),
        model_served=view.text("model_served"),
        fingerprint=view.text("fingerprint"),
        response_id=view.text("response_id"),
        parameters=view.group("parameter"),
        system=system_texts(view.field("system")),
        input=share.messages(view.input_messages()),
        output=share.messages(view.output_messages()),
        tools_offered=view.tools_offered() or (),
        finish_reasons=texts_of(view.field("finish_reasons")),
        usage=usage,
        error=view.error,
        started_at=time_of(span.start_ns),
        ended_at=time_of(span.end_ns),
    )
