"""LangSmith's runs as spans: the pure half of ``langsmith``.

Run types become the kinds of OpenTelemetry GenAI; inputs and outputs are read in the shapes of LangChain and of OpenAI.
The parent is the last of ``parent_run_ids``, ``parent_run_id``, or the last but one of ``dotted_order``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.domain.base import Json
from bot.domain.span import SpanRecord
from bot.domain.trace_ref import TraceRef
from bot.plugin import Fetched
from bot.recorder.otlp_values import BadSpan, record
from handlers.traces import chat, fields, tool_io

PARTIAL = "pullcord_partial"
"""A page of ours among LangSmith's: why the rest did not come."""
_ERROR_TYPE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,120}(?=\()")
_TRACEBACK = "Traceback (most recent call last)"
_OPERATIONS = {"llm": "chat", "embedding": "embeddings", "tool": "execute_tool", "retriever": "retrieval"}
_FRAMEWORK = {"LangGraph", "AgentExecutor", "RunnableSequence", "RunnableLambda", "RunnableAgent", "Chain", "chain"}
"""Names that frameworks give to a run: they say nothing of which agent it was."""


def page(body: bytes) -> dict[str, Any]:
    """One answer. Raises ``Refused`` where it is not JSON."""
    return fields.mapping(fields.document(body, "LangSmith"))


def runs_of(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The runs of a page, of either version of the API."""
    return list(fields.objects(told.get("items", told.get("runs"))))


def read(answers: Sequence[bytes], ref: TraceRef) -> Fetched:
    """The runs as spans. Raises ``Refused`` where an answer is none of LangSmith's."""
    notes: list[str | None] = []
    told: list[dict[str, Any]] = []
    for body in answers:
        told_page = page(body)
        notes.append(fields.text(told_page.get(PARTIAL), 500))
        if told_page.get("next_cursor"):
            notes.append("LangSmith has more runs of it than it answered")
        told += runs_of(told_page)
    away = sum(1 for run in told if _elsewhere(run, "inputs") or _elsewhere(run, "outputs"))
    notes.append(f"LangSmith keeps inputs or outputs of {away:,} of its runs elsewhere" if away else None)
    return fields.gathered(_spans(told, ref), ref, *notes)


def _elsewhere(run: Mapping[str, Any], name: str) -> bool:
    return not run.get(name) and bool(fields.mapping(run.get(f"{name}_s3_urls")))


def _spans(told: list[dict[str, Any]], ref: TraceRef) -> Iterator[SpanRecord | BadSpan]:
    for index, run in enumerate(told):
        where = f"runs[{index}]"
        native = fields.text(run.get("id"), 200)
        if native is None:
            yield BadSpan(f"{where}.id", "is missing")
            continue
        yield record(_span(native, run) | {"trace_id": ref.trace_id}, where)


def _span(native: str, run: Mapping[str, Any]) -> dict[str, object]:
    extra = fields.mapping(run.get("extra"))
    metadata = {**fields.mapping(run.get("metadata")), **fields.mapping(extra.get("metadata"))}
    runtime = fields.mapping(extra.get("runtime"))
    parent = _parent(run)
    error, status = fields.text(run.get("error"), 100_000), (fields.text(run.get("status"), 50) or "").lower()
    kind = (fields.text(run.get("run_type"), 50) or "chain").lower()
    attributes = _shared(native, run, metadata) | _of_kind(kind, run, extra, metadata, is_root=parent is None)
    if error is not None:
        attributes["langsmith.error"] = error
        if (match := _ERROR_TYPE.match(error)) is not None:
            attributes["error.type"] = match.group(0)
    return {
        "span_id": fields.span_id_of(native),
        "parent_id": fields.span_id_of(parent) if parent is not None else None,
        "name": fields.text(run.get("name"), 1_000) or kind,
        "kind": 3 if kind in {"llm", "embedding"} else 1,
        "start_ns": fields.nanoseconds(run.get("start_time")),
        "end_ns": fields.nanoseconds(run.get("end_time")),
        "status": "error" if error is not None or status == "error" else ("ok" if status == "success" else "unset"),
        "status_message": (error or "").partition(_TRACEBACK)[0].strip() or (error or "")[:1_000],
        "attributes": attributes,
        "events": _feedback(run),
        "resource": _resource(metadata),
        "scope": fields.text(runtime.get("library") or runtime.get("sdk"), 300) or "langsmith",
        "scope_version": fields.text(runtime.get("library_version") or runtime.get("sdk_version"), 100) or "",
    }


def _parent(run: Mapping[str, Any]) -> str | None:
    above = run.get("parent_run_ids")
    if isinstance(above, list) and above:
        return fields.text(above[-1], 200)
    told = fields.text(run.get("parent_run_id"), 200)
    order = (fields.text(run.get("dotted_order"), 100_000) or "").split(".")
    return told or (re.sub(r"^.*Z", "", order[-2]) or None if len(order) > 1 else None)


def _shared(native: str, run: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Json]:
    thread = run.get("thread_id") or metadata.get("thread_id") or metadata.get("session_id")
    found: dict[str, Json] = {f"langsmith.metadata.{name}": value for name, value in metadata.items()}
    tags = run.get("tags")
    return found | fields.present(
        {
            "langsmith.run.id": native,
            "langsmith.run_type": fields.text(run.get("run_type"), 50),
            "langsmith.tags": tags if isinstance(tags, list) and tags else None,
            "gen_ai.conversation.id": fields.text(thread or metadata.get("conversation_id"), 300),
        }
    )


def _of_kind(
    kind: str, run: Mapping[str, Any], extra: Mapping[str, Any], metadata: Mapping[str, Any], *, is_root: bool
) -> dict[str, Json]:
    """The attributes that say what kind of step it was, and its input and output by that kind."""
    given, got = run.get("inputs"), run.get("outputs")
    told: dict[str, Json] = fields.present({"gen_ai.operation.name": _OPERATIONS.get(kind)})
    if kind in {"llm", "embedding"}:
        return told | _model(run, extra, metadata)
    if kind == "tool":
        call_id = fields.text(extra.get("tool_call_id") or metadata.get("tool_call_id"), 300)
        named = fields.present({"gen_ai.tool.name": fields.text(run.get("name"), 300), "gen_ai.tool.call.id": call_id})
        return told | named | tool_io.tool_input(given) | tool_io.tool_output(got)
    if kind == "retriever":
        asked = fields.mapping(given)
        query = next((asked[name] for name in ("query", "input", "question") if name in asked), given)
        found = tool_io.documents(got)
        left = fields.present({"output.value": got}) if found is None else {}
        return (
            told
            | left
            | fields.present({"gen_ai.retrieval.query.text": query or None, "gen_ai.retrieval.documents": found})
        )
    if kind == "chain" and (is_root or "ls_agent_type" in metadata):
        name = fields.text(run.get("name"), 300)
        told_name = fields.text(metadata.get("lc_agent_name") or metadata.get("agent_name"), 300)
        agent = told_name or (name if name not in _FRAMEWORK else None)
        told |= fields.present({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent})
        return told | fields.present({"input.value": given or None, "output.value": got or None})
    spoken = {"openinference.span.kind": "CHAIN", "input.value": given or None, "output.value": got or None}
    return told | fields.present(spoken)


def _model(run: Mapping[str, Any], extra: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Json]:
    told = fields.mapping(extra.get("invocation_params")) or fields.mapping(metadata.get("invocation_params"))
    told = {**fields.mapping(metadata.get("ls_invocation_params")), **told}
    tools = told.get("tools") or told.get("functions")
    standard = {
        "temperature": metadata.get("ls_temperature"),
        "max_tokens": metadata.get("ls_max_tokens"),
        "stop": metadata.get("ls_stop"),
    }
    named = told.get("model") or told.get("model_name") or metadata.get("ls_model_name")
    counts = {"input_tokens": run.get("prompt_tokens"), "output_tokens": run.get("completion_tokens")}
    return (
        chat.answered(run.get("outputs"))
        | chat.usage(fields.present(counts))
        | fields.present({"gen_ai.request.model": fields.text(named, 300)})
        | chat.asked(run.get("inputs"))
        | chat.parameters(standard)
        | chat.parameters(told)
        | fields.present(
            {
                "gen_ai.provider.name": fields.text(metadata.get("ls_provider"), 100),
                "gen_ai.tool.definitions": tools if isinstance(tools, list) and tools else None,
            }
        )
    )


def _resource(metadata: Mapping[str, Any]) -> dict[str, Json]:
    """LangSmith keeps no resource: what the application wrote into its metadata under the usual names."""
    version = metadata.get("service.version") or metadata.get("revision_id")
    environment = metadata.get("deployment.environment.name") or metadata.get("environment")
    return fields.present(
        {
            "service.name": fields.text(metadata.get("service.name"), 300),
            "service.version": fields.text(version, 300),
            "deployment.environment.name": fields.text(environment, 100),
        }
    )


def _feedback(run: Mapping[str, Any]) -> list[dict[str, object]]:
    """Feedback as the evaluations that it is: the mean score by its key, and one comment."""
    found: list[dict[str, object]] = []
    for name, stats in list(fields.mapping(run.get("feedback_stats")).items())[:100]:
        told = fields.mapping(stats)
        comments = told.get("comments")
        comment = fields.text(comments[0], 10_000) if isinstance(comments, list) and comments else None
        attributes = {
            "gen_ai.evaluation.name": name,
            "gen_ai.evaluation.score.value": told.get("avg"),
            "gen_ai.evaluation.explanation": comment,
        }
        found.append({"name": "gen_ai.evaluation.result", "attributes": fields.present(attributes)})
    return found
