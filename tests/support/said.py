"""What a run says, compared with what its source's spans say: read a second time, by a plain walk of the raw data.

The walk shares no code with the recorder. It knows the two spellings of the shared samples, as they are written: JSON
lists of messages (GenAI) and numbered attributes (OpenInference).
"""

import ast
import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.domain.run import Message, ModelCall, Run

Fact = tuple[str, ...]
_NOTHING = "null"
"""A result that one of two instrumentations on a span did not write."""


class RawSpan(NamedTuple):
    """A span as its source has it: its id in hex, its start, its attributes as plain values."""

    span_id: str
    start: int
    attributes: Mapping[str, Any]


def differences(spans: Iterable[RawSpan], run: Run) -> list[str]:
    """What the run lost, doubled or changed of what the spans say; empty when it says the same."""
    raw = sorted(spans, key=lambda span: span.start)
    found: list[str] = []
    calls = {call.span_id: call for call in run.model_calls}
    models = [span for span in raw if _is_model(span.attributes)]
    if [span.span_id for span in models] != [call.span_id for call in run.model_calls]:
        found.append(f"{len(models)} model spans, {len(calls)} model calls")
    everything: set[Fact] = set()
    for span in models:
        call = calls.get(span.span_id)
        told = _facts_of(call) if call else []
        everything.update(told)
        spellings = _spellings(span.attributes)
        if spellings and told not in spellings:
            found.append(f"model span {span.span_id}: {spellings!r} was read as {told!r}")
        lost = [fact for spelling in spellings for fact in spelling if fact not in told and fact[-1] != _NOTHING]
        found += [f"model span {span.span_id}: lost {fact!r}" for fact in lost]
    for span in raw:
        everything.update(fact for exchange in run.exchanges for fact in _facts_in(exchange.input, exchange.output))
        if not _is_model(span.attributes):
            lost = [fact for told in _spellings(span.attributes) for fact in told if fact not in everything]
            found += [f"span {span.span_id}: lost {fact!r}" for fact in lost]
    tools = [_tool(span.attributes) for span in raw if _is_tool(span.attributes)]
    read = [(c.name, _plain(c.arguments), _plain(c.result)) for c in run.tool_calls if c.span_id]
    if tools != read:
        found.append(f"tool spans {tools!r} were read as {read!r}")
    documents = [_documents(span.attributes) for span in raw if _is_retrieval(span.attributes)]
    kept = [[(d.id, d.score) for d in r.documents or ()] for r in run.retrievals]
    if documents != kept:
        found.append(f"documents {documents!r} were read as {kept!r}")
    return found


def otlp_json(raw: bytes) -> list[RawSpan]:
    """The spans of an OTLP/JSON export."""
    return _of_resources(json.loads(raw)["resourceSpans"])


def otlp_protobuf(raw: bytes) -> list[RawSpan]:
    """The spans of an OTLP protobuf export."""
    export = ExportTraceServiceRequest.FromString(raw)
    return [
        RawSpan(span.span_id.hex(), span.start_time_unix_nano, {a.key: _proto(a.value) for a in span.attributes})
        for resource in export.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def phoenix(raw: bytes) -> list[RawSpan]:
    """The spans of Phoenix's REST answer; the kind that it moves out of the attributes put back."""
    return [
        RawSpan(
            span["context"]["span_id"],
            int(span["start_time"].replace("-", "").replace(":", "").replace("T", "").split("+")[0].replace(".", "")),
            {"openinference.span.kind": span["span_kind"], **span["attributes"]},
        )
        for span in json.loads(raw)["data"]
    ]


def mlflow(raw: bytes) -> list[RawSpan]:
    """The spans of MLflow's REST answer: ids in base64, OTLP values in snake case."""
    return [
        RawSpan(
            base64.b64decode(span["span_id"]).hex(),
            int(span["start_time_unix_nano"]),
            {a["key"]: _value(a["value"]) for a in span["attributes"]},
        )
        for span in json.loads(raw)["trace"]["spans"]
    ]


def _of_resources(resources: list[dict[str, Any]]) -> list[RawSpan]:
    return [
        RawSpan(
            span["spanId"],
            int(span["startTimeUnixNano"]),
            {a["key"]: _value(a["value"]) for a in span.get("attributes", ())},
        )
        for resource in resources
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def _value(held: dict[str, Any]) -> Any:
    for name, value in held.items():
        if value is None:
            continue
        kind = name.replace("_", "").lower()
        if kind == "arrayvalue":
            return [_value(one) for one in value.get("values", ())]
        if kind == "kvlistvalue":
            return {one["key"]: _value(one["value"]) for one in value.get("values", ())}
        return int(value) if kind == "intvalue" else value
    return None


def _proto(held: Any) -> Any:
    kind = held.WhichOneof("value")
    if kind == "array_value":
        return [_proto(one) for one in held.array_value.values]
    if kind == "kvlist_value":
        return {one.key: _proto(one.value) for one in held.kvlist_value.values}
    return getattr(held, kind) if kind else None


def _is_model(attributes: Mapping[str, Any]) -> bool:
    return attributes.get("gen_ai.operation.name") == "chat" or attributes.get("openinference.span.kind") == "LLM"


def _is_tool(attributes: Mapping[str, Any]) -> bool:
    if attributes.get("gen_ai.operation.name") == "execute_tool":
        return True
    return attributes.get("openinference.span.kind") == "TOOL"


def _is_retrieval(attributes: Mapping[str, Any]) -> bool:
    if attributes.get("gen_ai.operation.name") == "retrieval":
        return True
    return attributes.get("openinference.span.kind") == "RETRIEVER"


def _read(value: Any) -> Any:
    """A value that may be written as JSON, as a Python literal, or as either inside a JSON string."""
    if isinstance(value, str) and value.strip()[:2] in {'"{', '"['}:
        return _read(json.loads(value))
    if not isinstance(value, str) or value.strip()[:1] not in {"{", "["}:
        return value
    try:
        return json.loads(value)
    except ValueError:
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return value


def _plain(value: Any) -> str:
    return json.dumps(_read(value), sort_keys=True)


def _tool(attributes: Mapping[str, Any]) -> tuple[str, str, str]:
    name = attributes.get("gen_ai.tool.name", attributes.get("tool.name"))
    asked = attributes.get("gen_ai.tool.call.arguments", attributes.get("input.value"))
    return name, _plain(asked), _plain(attributes.get("gen_ai.tool.call.result", attributes.get("output.value")))


def _documents(attributes: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    written = _read(attributes.get("gen_ai.retrieval.documents"))
    if written is None:
        numbered = _numbered(attributes, "retrieval.documents")
        written = [{key.removeprefix("document."): held for key, held in one.items()} for one in numbered]
    return [(one.get("id"), one.get("score")) for one in written]


def _spellings(attributes: Mapping[str, Any]) -> list[list[Fact]]:
    """What the span says, once in each spelling that it has."""
    found = []
    asked, answered = attributes.get("gen_ai.input.messages"), attributes.get("gen_ai.output.messages")
    if asked is not None or answered is not None:
        system = [("text", one["content"]) for one in _read(attributes.get("gen_ai.system_instructions")) or ()]
        messages = [*(_read(asked) or ()), *(_read(answered) or ())]
        found.append(system + [fact for one in messages for part in one["parts"] for fact in _part(part)])
    flat = [*_numbered(attributes, "llm.input_messages"), *_numbered(attributes, "llm.output_messages")]
    if flat:
        found.append([fact for one in flat for fact in _flat_message(one)])
    return found


def _part(part: dict[str, Any]) -> list[Fact]:
    if part["type"] == "text":
        return [("text", part["content"])]
    if part["type"] == "tool_call":
        return [("call", part["id"], part["name"], _plain(part["arguments"]))]
    return [("result", part["id"], _plain(part.get("response", part.get("result"))))]


def _numbered(attributes: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for name, value in attributes.items():
        if name.startswith(f"{prefix}."):
            number, _, rest = name[len(prefix) + 1 :].partition(".")
            found.setdefault(int(number), {})[rest] = value
    return [found[number] for number in sorted(found)]


def _flat_message(message: dict[str, Any]) -> list[Fact]:
    content = message.get("message.content")
    if message.get("message.role") == "tool":
        return [("result", message["message.tool_call_id"], _plain(content))]
    found: list[Fact] = [("text", content)] if content else []
    for call in _numbered(message, "message.tool_calls"):
        name, asked = call["tool_call.function.name"], call.get("tool_call.function.arguments")
        found.append(("call", call["tool_call.id"], name, _plain(asked)))
    return found


def _facts_of(call: ModelCall) -> list[Fact]:
    system: list[Fact] = [("text", text) for text in call.system]
    return system + _facts_in(call.input, call.output)


def _facts_in(*messages: tuple[Message, ...]) -> list[Fact]:
    return [fact for each in messages for message in each for fact in _facts(message)]


def _facts(message: Message) -> list[Fact]:
    found: list[Fact] = []
    for part in message.parts:
        if part.kind == "tool_call":
            found.append(("call", part.call_id or "", part.name or "", _plain(part.arguments)))
        elif part.kind == "tool_result":
            found.append(("result", part.call_id or "", _plain(part.result)))
        else:
            found.append((part.kind, part.text or ""))
    return found
