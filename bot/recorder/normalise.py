"""The one normaliser: the spans of one trace, in any dialect, to a ``Run``. Pure; the unrecorded stays unknown."""

from collections.abc import Iterable, Mapping
from itertools import islice

from bot.domain.base import lean
from bot.domain.run import Completeness, Run, RunError, RunStatus, Step, StepKind
from bot.domain.span import SpanRecord
from bot.errors import Refused
from bot.plugin.dialects import Dialect
from bot.recorder.capture import capture, instrumentations
from bot.recorder.contents import evaluations, guardrails, retrievals
from bot.recorder.dialects import BUILT_IN
from bot.recorder.exchanges import exchanges
from bot.recorder.gaps import gaps
from bot.recorder.lenient import text_of
from bot.recorder.lineage import Lineage
from bot.recorder.logs import fold, is_log, unplaced
from bot.recorder.model_calls import model_calls
from bot.recorder.span_view import SpanView, agent_named, time_of
from bot.recorder.tool_calls import tool_calls
from bot.recorder.vocabulary import Vocabulary


def normalise(spans: Iterable[SpanRecord], dialects: tuple[Dialect, ...] = BUILT_IN) -> Run:
    """Read a run from the spans of one trace, in whatever order and however often they came.

    ``dialects`` are those to read with (``bot.recorder.dialects.with_packs``). Log records among the spans (mark
    ``log``) become events of the spans that they belong to.

    Raises ``Refused`` when there is no span or when they are of different traces.
    """
    chosen = latest(spans)
    logs = [span for span in chosen.values() if is_log(span)]
    if len(logs) == len(chosen):
        raise Refused("There is no span to read a run from.", next_step="Wait for the trace, or check its id.")
    trace_id = next(iter(chosen.values())).trace_id
    if any(span.trace_id != trace_id for span in chosen.values()):
        raise Refused("The spans are of different traces.", field="trace_id", next_step="Give one trace at a time.")
    whole, homeless = fold((span for span in chosen.values() if not is_log(span)), logs)
    whole.sort(key=lambda span: (span.start_ns, -span.end_ns, span.span_id))
    vocabulary = Vocabulary(dialects)
    views = {span.span_id: SpanView(span, vocabulary) for span in whole}
    del chosen, logs, whole  # the views let go of what was read of their spans
    lineage = Lineage(views)
    root, completeness = _root(views)
    conversation, evaluated, guarded, found = (
        _conversation(root, views),
        evaluations(views),
        guardrails(views),
        retrievals(views),
    )
    models = model_calls(views)
    calls = tool_calls(views, models, lineage)
    agent = _agent(root, views)
    resource = (agent or root or next(iter(views.values()))).span.resource
    return Run(
        trace_id=trace_id,
        agent=agent.agent if agent else None,
        agent_version=agent.text("agent_version") if agent else None,
        service=_resource(resource, "service.name"),
        service_version=_resource(resource, "service.version"),
        environment=_resource(resource, "deployment.environment.name", "deployment.environment"),
        conversation_id=conversation,
        started_at=time_of(min((view.span.start_ns for view in views.values() if view.span.start_ns), default=0)),
        ended_at=time_of(root.span.end_ns) if root else None,
        status=root.status if root else RunStatus.UNKNOWN,
        error=_error(root, views),
        completeness=completeness,
        steps=tuple(_step(view, lineage) for view in views.values()),
        model_calls=models,
        tool_calls=calls,
        exchanges=exchanges(views, models, calls),
        retrievals=found,
        guardrails=guarded,
        handoffs=lineage.handoffs(),
        evaluations=evaluated,
        gaps=gaps(views, models, calls, found, completeness),
        capture=capture(models, calls, found, completeness),
        instrumentations=instrumentations(views.values(), vocabulary),
        notes=(*unplaced(homeless), *vocabulary.notes),
    )


def latest(spans: Iterable[SpanRecord]) -> dict[str, SpanRecord]:
    """Spans by id; of two with one id the later ended one wins, so that a resend changes nothing."""
    chosen: dict[str, SpanRecord] = {}
    for span in spans:
        before = chosen.get(span.span_id)
        if before is None or span.end_ns >= before.end_ns:
            chosen[span.span_id] = span
    return chosen


def agent_of(span: SpanRecord, dialects: tuple[Dialect, ...] = BUILT_IN) -> str | None:
    """The agent that a single span names, if any."""
    return agent_named(span, dialects)


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


def _step(view: SpanView, lineage: Lineage) -> Step:
    span = view.span
    return lean(
        Step(
            span_id=span.span_id,
            parent_id=span.parent_id,
            kind=lineage.kind(view),
            name=span.name,
            started_at=time_of(span.start_ns),
            ended_at=time_of(span.end_ns),
            status=view.status,
            error=view.error,
            agent=lineage.agent(view),
        )
    )
