"""What else a run holds: retrievals with their documents, guardrails with their verdicts, evaluations."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.base import Json
from bot.domain.run import Document, Evaluation, Guardrail, Retrieval, StepKind
from bot.recorder.documents import documents
from bot.recorder.lenient import flag, number, structured, text_of
from bot.recorder.lineage import ancestors
from bot.recorder.messages import messages
from bot.recorder.parts import string
from bot.recorder.span_view import SpanView, time_of

_EVALUATED = "gen_ai.evaluation.result"
_TRIGGERED = ("triggered", "tripwire_triggered", "blocked", "flagged", "violated", "rejected")
_PASSED = ("passed", "allowed", "safe", "is_safe", "valid", "is_valid", "success")
_YES = frozenset({"pass", "passed", "true", "yes", "ok", "success"})
_NO = frozenset({"fail", "failed", "false", "no", "error", "failure"})
_TRIPWIRE = "tripwire"
_DETAIL = 500
_MAX = 1_000
_DATASTORE = "datastore"


def retrievals(views: Mapping[str, SpanView]) -> tuple[Retrieval, ...]:
    """All retrievals; a span inside another one about the same query is that one.

    A tool of type ``datastore`` is a retrieval too, and stays a tool call.
    """
    found: dict[str, Retrieval] = {}
    for view in views.values():
        if not _retrieves(view):
            continue
        one = _retrieval(view)
        outer = next((a.span.span_id for a in ancestors(view, views) if a.span.span_id in found), None)
        if outer is not None and (one.query is None or found[outer].query in {None, one.query}):
            found[outer] = _filled(found[outer], one)
        else:
            found[view.span.span_id] = one
    return tuple(found.values())


def _retrieves(view: SpanView) -> bool:
    return view.kind is StepKind.RETRIEVAL or (view.kind is StepKind.TOOL and view.field("tool_type") == _DATASTORE)


def _retrieval(view: SpanView) -> Retrieval:
    top_k = number(view.field("top_k"))
    return Retrieval(
        span_id=view.span.span_id,
        source=view.text("source"),
        query=_query(view.field("query")),
        top_k=int(top_k) if top_k is not None else None,
        documents=_documents(view),
        started_at=time_of(view.span.start_ns),
    )


def _documents(view: SpanView) -> tuple[Document, ...] | None:
    found = view.documents()
    if found is None and view.kind is StepKind.TOOL:
        return documents(view.field("tool_result"))
    return found


def _query(recorded: Json) -> str | None:
    """The query as text; where a whole message list was recorded, what its last message says."""
    read = structured(recorded)
    if isinstance(read, dict) and isinstance(read.get("query"), str):
        return text_of(read["query"])
    if isinstance(read, list):
        said = messages(read)
        return (said[-1].text or None) if said else None
    return text_of(read) if not isinstance(read, dict) else string(read)


def _filled(outer: Retrieval, inner: Retrieval) -> Retrieval:
    names = ("source", "query", "top_k", "documents")
    changes: dict[str, Any] = {name: getattr(inner, name) for name in names if getattr(outer, name) is None}
    return outer.model_copy(update=changes)


def guardrails(views: Mapping[str, SpanView]) -> tuple[Guardrail, ...]:
    """All guardrails in their order; one described by two spans inside each other is one."""
    found: dict[str, Guardrail] = {}
    for view in views.values():
        if view.kind is not StepKind.GUARDRAIL:
            continue
        name = view.text("guardrail") or view.span.name or "unnamed guardrail"
        triggered, detail = _verdict(view)
        outer = next((a.span.span_id for a in ancestors(view, views) if a.span.span_id in found), None)
        if outer is not None and found[outer].name == name:
            held = found[outer]
            known = held.triggered if held.triggered is not None else triggered
            found[outer] = held.model_copy(update={"triggered": known, "detail": held.detail or detail})
            continue
        found[view.span.span_id] = Guardrail(
            span_id=view.span.span_id,
            name=name,
            triggered=triggered,
            detail=detail,
            started_at=time_of(view.span.start_ns),
        )
    return tuple(found.values())


def _verdict(view: SpanView) -> tuple[bool | None, str]:
    """Whether the guardrail said no, and what it said; ``None`` when that was not recorded."""
    said = structured(view.field("guardrail_verdict"))
    detail = "" if said is None else string(said)[:_DETAIL]
    triggered = view.flag("guardrail_triggered")
    if triggered is None and isinstance(said, dict):
        triggered = next((no for key in _TRIGGERED if (no := flag(said.get(key))) is not None), None)
        if triggered is None:
            triggered = next((not yes for key in _PASSED if (yes := flag(said.get(key))) is not None), None)
    if triggered is None and isinstance(said, bool):
        triggered = not said
    if view.error is not None:
        if triggered is None and _TRIPWIRE in f"{view.error.type} {view.error.message}".lower():
            triggered = True
        detail = detail or view.error.message[:_DETAIL]
    return triggered, view.text("guardrail_detail") or detail


def evaluations(views: Mapping[str, SpanView]) -> tuple[Evaluation, ...]:
    """All recorded scores: events, attributes of spans, evaluators' outputs; equal ones of one span once."""
    found: dict[Evaluation, None] = {}
    for view in views.values():
        for evaluation in _scores(view):
            if len(found) < _MAX:
                found[evaluation] = None
    return tuple(found)


def _scores(view: SpanView) -> Iterator[Evaluation]:
    span_id = view.span.span_id
    for event in view.span.events:
        if event.name == _EVALUATED:
            held = event.attributes
            yield _evaluation(
                span_id,
                held.get("gen_ai.evaluation.name"),
                held.get("gen_ai.evaluation.score.value"),
                held.get("gen_ai.evaluation.score.label"),
                held.get("gen_ai.evaluation.explanation"),
            )
    if view.text("evaluation") is not None:
        names = ("evaluation", "evaluation_score", "evaluation_label", "evaluation_explanation")
        yield _evaluation(span_id, *(view.field(name) for name in names))


def _evaluation(span_id: str, name: Json, score: Json, label: Json, explanation: Json) -> Evaluation:
    said = text_of(label)
    word = (said or "").lower()
    passed = score if isinstance(score, bool) else True if word in _YES else False if word in _NO else None
    return Evaluation(
        name=text_of(name) or "evaluation",
        score=number(score),
        label=said,
        passed=passed,
        explanation=text_of(explanation) or "",
        span_id=span_id,
    )
