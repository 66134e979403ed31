"""The one normaliser: the spans of one trace, in any dialect, to a ``Run``. Pure; the unrecorded stays unknown."""

from collections.abc import Iterable, Mapping
from itertools import islice

from bot.domain.run import (
    Completeness,
    ModelCall,
    Retrieval,
    Run,
    RunError,
    RunStatus,
    Step,
    StepKind,
)
from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.recorder.gaps import gaps
from bot.recorder.lenient import text_of, texts_of
from bot.recorder.messages import system_texts
from bot.recorder.span_view import SpanView, time_of
from bot.recorder.tool_calls import tool_calls


def normalise(spans: Iterable[SpanRecord]) -> Run:
    """Read a run from the spans of one trace, in whatever order and however often they came.

    Raises ``Refused`` when there is no span or when they are of different traces.
    """
    chosen = latest(spans)
    if not chosen:
        raise Refused("There is no span to read a run from.", next_step="Wait for the trace, or check its id.")
    ordered = sorted(chosen.values(), key=lambda span: (span.start_ns, -span.end_ns, span.span_id))
    trace_id = ordered[0].trace_id
    if any(span.trace_id != trace_id for span in ordered):
        raise Refused("The spans are of different traces.", field="trace_id", next_step="Give one trace at a time.")
    views = {span.span_id: SpanView(span) for span in ordered}
    root, completeness = _root(views)
    models = tuple(
        _model_call(order, view)
        for order, view in enumerate((v for v in views.values() if v.kind is StepKind.MODEL), 1)
    )
    calls = tool_calls(views, models)
    retrievals = tuple(_retrieval(view) for view in views.values() if view.kind is StepKind.RETRIEVAL)
    agent = _agent(root, views)
    resource = (agent or root or next(iter(views.values()))).span.resource
    return Run(
        trace_id=trace_id,
        agent=agent.agent if agent else None,
        agent_version=agent.text("agent_version") if agent else None,
        service=_resource(resource, "service.name"),
        service_version=_resource(resource, "service.version"),
        environment=_resource(resource, "deployment.environment.name", "deployment.environment"),
        conversation_id=_conversation(root, views),
        started_at=time_of(min((span.start_ns for span in ordered if span.start_ns), default=0)),
        ended_at=time_of(root.span.end_ns) if root else None,
        status=root.status if root else RunStatus.UNKNOWN,
        error=_error(root, views),
        completeness=completeness,
        steps=tuple(_step(view) for view in views.values()),
        model_calls=models,
        tool_calls=calls,
        retrievals=retrievals,
        gaps=gaps(views, models, calls, retrievals, completeness),
    )


def latest(spans: Iterable[SpanRecord]) -> dict[str, SpanRecord]:
    """Spans by id; of two with one id the later ended one wins, so that a resend changes nothing."""
    chosen: dict[str, SpanRecord] = {}
    for span in spans:
        before = chosen.get(span.span_id)
        if before is None or span.end_ns >= before.end_ns:
            chosen[span.span_id] = span
    return chosen


def agent_of(span: SpanRecord) -> str | None:
    """The agent that a single span names, if any."""
    return SpanView(span).text("agent")


def service_of(span: SpanRecord) -> str | None:
    """The service that a span's resource names (``service.name``)."""
    return _resource(span.resource, "service.name")


def _root(views: Mapping[str, SpanView]) -> tuple[SpanView | None, Completeness]:
    """The top span, and how much is there. A top span whose parent is remote is the best there can be, but not all."""
    roots = [view for view in views.values() if view.span.parent_id is None]
    orphans = [view for view in views.values() if view.span.parent_id and view.span.parent_id not in views]
    if roots:
        return roots[0], Completeness.PARTIAL if orphans else Completeness.COMPLETE
    entries = [view for view in orphans if view.span.remote_parent]
    if entries and len(entries) == len(orphans):
        return entries[0], Completeness.PARTIAL
    return None, Completeness.MISSING_ROOT


def _agent(root: SpanView | None, views: Mapping[str, SpanView]) -> SpanView | None:
    """The outermost span that names an agent: the root, else the first agent span, else any span that names one."""
    if root is not None and root.agent:
        return root
    named = [view for view in views.values() if view.agent]
    return next((view for view in named if view.kind is StepKind.AGENT), named[0] if named else None)


def _conversation(root: SpanView | None, views: Mapping[str, SpanView]) -> str | None:
    """The conversation's id: the root's, else that of one of the first spans."""
    first = [root] if root else []
    return next((text for view in [*first, *islice(views.values(), 100)] if (text := view.text("conversation"))), None)


def _resource(resource: Mapping[str, object], *names: str) -> str | None:
    for name in names:
        value = resource.get(name)
        text = text_of(value) if isinstance(value, (str, int, float)) else None
        if text:
            return None if text.startswith("unknown_service") else text  # what an SDK writes for want of a name
    return None


def _error(root: SpanView | None, views: Mapping[str, SpanView]) -> RunError | None:
    if root is not None and root.error is not None:
        return root.error
    if root is not None:
        return None
    return next((view.error for view in reversed(list(views.values())) if view.error is not None), None)


def _step(view: SpanView) -> Step:
    span = view.span
    return Step(
        span_id=span.span_id,
        parent_id=span.parent_id,
        kind=view.kind,
        name=span.name,
        started_at=time_of(span.start_ns),
        ended_at=time_of(span.end_ns),
        status=view.status,
        error=view.error,
    )


def _model_call(order: int, view: SpanView) -> ModelCall:
    span = view.span
    usage = {name: value for name, value in view.group("usage").items() if isinstance(value, int)}
    return ModelCall(
        order=order,
        span_id=span.span_id,
        provider=view.text("provider"),
        model_requested=view.text("model_requested"),
        model_served=view.text("model_served"),
        fingerprint=view.text("fingerprint"),
        response_id=view.text("response_id"),
        parameters=view.group("parameter"),
        system=system_texts(view.field("system")),
        input=view.input_messages() or (),
        output=view.output_messages() or (),
        tools_offered=view.tools_offered() or (),
        finish_reasons=texts_of(view.field("finish_reasons")),
        usage=usage,
        error=view.error,
        started_at=time_of(span.start_ns),
        ended_at=time_of(span.end_ns),
    )


def _retrieval(view: SpanView) -> Retrieval:
    return Retrieval(
        span_id=view.span.span_id,
        source=view.text("source"),
        query=view.text("query"),
        documents=view.documents(),
        started_at=time_of(view.span.start_ns),
    )
