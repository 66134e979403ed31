"""Langfuse's observations as spans: the pure half of ``langfuse``.

Its types become the kinds of OpenTelemetry GenAI and OpenInference. ``model`` is what the SDK was told, asked or
served: it counts as asked. Attributes that Langfuse kept of an OpenTelemetry span (``metadata.attributes``) stay.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bot.domain.base import Json
from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.plugin import Fetched
from bot.recorder.otlp_values import BadSpan, record
from handlers.traces import chat, fields, tool_io

V2, V3 = b"v2", b"v3"
"""Which API the answers after it are of."""
_CUT_AT = 200
_OPERATIONS = {
    "GENERATION": "chat",
    "EMBEDDING": "embeddings",
    "TOOL": "execute_tool",
    "RETRIEVER": "retrieval",
    "AGENT": "invoke_agent",
}
_OPENINFERENCE = {"CHAIN": "CHAIN", "GUARDRAIL": "GUARDRAIL", "EVALUATOR": "EVALUATOR"}
_OWN = {"attributes", "resourceAttributes", "scope", "scopeAttributes"}


def page_of(body: bytes) -> dict[str, Any]:
    """One answer. Raises ``Refused`` where it is not JSON."""
    return fields.mapping(fields.document(body, "Langfuse"))


def cursor_of(page: Mapping[str, Any]) -> str | None:
    """The cursor of the next page; None after the last."""
    return fields.text(fields.mapping(page.get("meta")).get("cursor"), 10_000)


def read(answers: Sequence[bytes], ref: TraceRef) -> Fetched:
    """The observations as spans. Raises ``Refused`` where an answer is none of Langfuse's."""
    version, *bodies = answers
    pages = [page_of(body) for body in bodies]
    trace: Mapping[str, Any] = pages[0] if version == V3 and pages else {}
    told = [item for page in pages for item in fields.objects(page.get("observations" if version == V3 else "data"))]
    notes = [_more(pages[-1]) if version == V2 and pages else None, _cut(told) if version == V2 else None]
    return fields.gathered(_spans(told, trace, ref), ref, *notes)


def _more(last: Mapping[str, Any]) -> str | None:
    return None if cursor_of(last) is None else "Langfuse has more observations of it than were fetched"


def _cut(told: Iterable[Mapping[str, Any]]) -> str | None:
    """Servers that do not know ``expandMetadata=*`` cut each value of metadata."""
    cut = 0
    for item in told:
        values = fields.mapping(item.get("metadata")).values()
        cut += any(isinstance(value, str) and len(value) == _CUT_AT for value in values)
    return f"Langfuse cut metadata of {cut:,} of its observations at {_CUT_AT} characters" if cut else None


def _spans(told: list[dict[str, Any]], trace: Mapping[str, Any], ref: TraceRef) -> Iterator[SpanRecord | BadSpan]:
    known = {native for item in told if (native := fields.text(item.get("id"), 500))}
    for index, item in enumerate(told):
        where = f"observations[{index}]"
        native = fields.text(item.get("id"), 500)
        if native is None:
            yield BadSpan(f"{where}.id", "is missing")
            continue
        yield record(_span(native, item, trace, known) | {"trace_id": ref.trace_id}, where)


def _span(native: str, item: Mapping[str, Any], trace: Mapping[str, Any], known: set[str]) -> dict[str, object]:
    metadata = fields.mapping(item.get("metadata"))
    scope = fields.mapping(metadata.get("scope"))
    start, end = fields.nanoseconds(item.get("startTime")), fields.nanoseconds(item.get("endTime"))
    kind = (fields.text(item.get("type"), 50) or "SPAN").upper()
    parent = fields.text(item.get("parentObservationId"), 500)
    if parent is not None and parent not in known and item.get("isRootObservation") is True:
        parent = None  # Langfuse's own root: what is above it in OpenTelemetry was never sent to it
    failed = fields.text(item.get("level"), 50) == "ERROR"
    return {
        "span_id": fields.span_id_of(native),
        "parent_id": fields.span_id_of(parent) if parent is not None else None,
        "name": fields.text(item.get("name"), 1_000) or kind.lower(),
        "kind": 3 if kind in {"GENERATION", "EMBEDDING"} else 1,
        "start_ns": start,
        "end_ns": start if kind == "EVENT" and not end else end,
        "status": "error" if failed else "unset",
        "status_message": fields.text(item.get("statusMessage"), 100_000) or "",
        "attributes": _kept(metadata) | _shared(native, item, trace) | _of_kind(kind, item, metadata),
        "events": _scores(item, trace),
        "resource": _resource(item, trace, metadata),
        "scope": fields.text(scope.get("name") or metadata.get("scope.name"), 300) or "langfuse",
        "scope_version": fields.text(scope.get("version") or metadata.get("scope.version"), 100) or "",
    }


def _shared(native: str, item: Mapping[str, Any], trace: Mapping[str, Any]) -> dict[str, Json]:
    return fields.present(
        {
            "langfuse.observation.id": native,
            "langfuse.observation.type": fields.text(item.get("type"), 50),
            "langfuse.trace.name": fields.text(item.get("traceName") or trace.get("name"), 300),
            "langfuse.prompt.name": fields.text(item.get("promptName"), 300),
            "langfuse.prompt.version": fields.number(item.get("promptVersion")),
            "gen_ai.conversation.id": fields.text(item.get("sessionId") or trace.get("sessionId"), 300),
            "user.id": fields.text(item.get("userId") or trace.get("userId"), 300),
        }
    )


def _of_kind(kind: str, item: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Json]:
    """The attributes that say what kind of step it was, and its input and output by that kind."""
    given, got = item.get("input"), item.get("output")
    told: dict[str, Json] = fields.present({"gen_ai.operation.name": _OPERATIONS.get(kind)})
    if kind in {"GENERATION", "EMBEDDING"}:
        asked = fields.present({"gen_ai.request.model": fields.text(item.get("model"), 300)})
        counts = fields.mapping(item.get("usageDetails")) or fields.mapping(item.get("usage"))
        set_ = chat.parameters(fields.mapping(item.get("modelParameters")))
        return told | chat.answered(got) | chat.asked(given) | set_ | asked | chat.usage(counts)
    if kind == "TOOL":
        call_id = fields.text(metadata.get("tool_call_id") or metadata.get("toolCallId"), 300)
        named = fields.present({"gen_ai.tool.name": fields.text(item.get("name"), 300), "gen_ai.tool.call.id": call_id})
        return told | named | tool_io.tool_input(given) | tool_io.tool_output(got)
    if kind == "RETRIEVER":
        query = given.get("query", given.get("input")) if isinstance(given, dict) else given
        found = fields.present(
            {"gen_ai.retrieval.query.text": query, "gen_ai.retrieval.documents": tool_io.documents(got)}
        )
        return told | found | (fields.present({"output.value": got}) if tool_io.documents(got) is None else {})
    if kind == "AGENT":
        named = fields.present({"gen_ai.agent.name": fields.text(item.get("name"), 300)})
        sent, answer = chat.messages(given, "user") or None, chat.messages(got, "assistant") or None
        return told | named | fields.present({"gen_ai.input.messages": sent, "gen_ai.output.messages": answer})
    named = fields.present({"openinference.span.kind": _OPENINFERENCE.get(kind)})
    return told | named | fields.present({"input.value": given, "output.value": got})


def _kept(metadata: Mapping[str, Any]) -> dict[str, Json]:
    """OpenTelemetry's own attributes, nested or flattened to ``attributes.a.b``, and the rest of the metadata."""
    found: dict[str, Json] = dict(fields.mapping(metadata.get("attributes")))
    for name, value in metadata.items():
        if name.startswith("attributes."):
            key = name.removeprefix("attributes.")
            found[key] = fields.number(value) if key.startswith(("gen_ai.request.", "gen_ai.usage.")) else value
        elif name not in _OWN and not name.startswith(("resourceAttributes.", "scope.", "scopeAttributes.")):
            found[f"langfuse.metadata.{name}"] = value
    return found


def _resource(item: Mapping[str, Any], trace: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Json]:
    found: dict[str, Json] = dict(fields.mapping(metadata.get("resourceAttributes")))
    found |= {
        name.removeprefix("resourceAttributes."): value
        for name, value in metadata.items()
        if name.startswith("resourceAttributes.")
    }
    released = item.get("release") or trace.get("release") or item.get("version") or trace.get("version")
    environment = fields.text(item.get("environment") or trace.get("environment"), 100)
    told = {
        "service.version": fields.text(released, 300),
        "deployment.environment.name": environment if environment != "default" else None,  # what it writes for none
    }
    return fields.present(told) | found


def _scores(item: Mapping[str, Any], trace: Mapping[str, Any]) -> list[dict[str, object]]:
    """The scores of one observation, and on the outermost those of the whole trace (version 3 tells them)."""
    own = fields.text(item.get("id"), 500)
    outermost = item.get("parentObservationId") is None
    return [
        {
            "name": "gen_ai.evaluation.result",
            "at_ns": fields.nanoseconds(score.get("timestamp")),
            "attributes": fields.present(
                {
                    "gen_ai.evaluation.name": fields.text(score.get("name"), 300),
                    "gen_ai.evaluation.score.value": score.get("value"),
                    "gen_ai.evaluation.score.label": fields.text(score.get("stringValue"), 300),
                    "gen_ai.evaluation.explanation": fields.text(score.get("comment"), 10_000),
                }
            ),
        }
        for score in list(fields.objects(trace.get("scores")))[:100]
        if score.get("observationId") == own or (outermost and score.get("observationId") is None)
    ]
