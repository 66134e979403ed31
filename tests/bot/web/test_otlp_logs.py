import gzip
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from redis import Redis

from bot import metrics
from bot.domain.span import SpanRecord
from bot.recorder.normalise import normalise
from bot.timeline.store import Store
from tests.bot.web.test_otlp import OTHER_TRACE, PROTOBUF, SENDER, TRACE, export, span, stored
from tests.support.stored import stored_bytes
from tests.support.web import bearer

SPAN = f"{1:016x}"
PROMPT = {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": "refund order 7 twice"}}]}}


def log(name: str = "gen_ai.user.message", **fields: Any) -> dict[str, Any]:
    """One log event in OTLP/JSON."""
    record = {
        "traceId": TRACE,
        "spanId": SPAN,
        "eventName": name,
        "timeUnixNano": "1763899200500000000",
        "body": PROMPT,
        "attributes": [{"key": "gen_ai.system", "value": {"stringValue": "openai"}}],
        **fields,
    }
    return {key: value for key, value in record.items() if value is not None}


def logs(*records: dict[str, Any], service: str = "refund-bot") -> dict[str, Any]:
    """An export of log records of one service."""
    name = {"key": "service.name", "value": {"stringValue": service}}
    scoped = {"scope": {"name": "openai"}, "logRecords": list(records)}
    return {"resourceLogs": [{"resource": {"attributes": [name]}, "scopeLogs": [scoped]}]}


async def kept(store: Store) -> list[SpanRecord]:
    """The log records of the trace, as they lie in the store."""
    return [record for record in await stored(store) if "log" in record.marks]


async def test_a_log_event_lies_beside_the_spans_of_its_run_and_is_read_with_them(
    web: httpx.AsyncClient, store: Store
) -> None:
    """Some instrumentations write prompts as log events: without them the run would have no prompt."""
    call = span(1, **{"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-x"})
    await web.post("/v1/traces", json=export(call), headers=SENDER)
    reply = await web.post("/v1/logs", json=logs(log()), headers=SENDER)
    assert (reply.status_code, reply.json()) == (200, {})
    [record] = await kept(store)
    assert (record.parent_id, record.name, record.scope) == (SPAN, "gen_ai.user.message", "openai")
    assert record.attributes["body"] == {"content": "refund order 7 twice"}
    run = normalise(await stored(store))
    assert len(run.steps) == 1, "an event is no step"
    assert "refund order 7 twice" in run.model_dump_json()


async def test_sending_the_same_logs_again_changes_nothing(web: httpx.AsyncClient, store: Store) -> None:
    """A log record has no id of its own, and exporters send again."""
    for _ in range(2):
        await web.post("/v1/logs", json=logs(log(), log("gen_ai.choice")), headers=SENDER)
    assert len(await kept(store)) == 2


async def test_logs_in_protobuf_are_the_same_records_and_answered_in_protobuf(
    web: httpx.AsyncClient, store: Store
) -> None:
    """A collector may send the second time in the other encoding."""
    await web.post("/v1/logs", json=logs(log()), headers=SENDER)
    before = await kept(store)
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    name = group.resource.attributes.add()
    name.key, name.value.string_value = "service.name", "refund-bot"
    scope = group.scope_logs.add()
    scope.scope.name = "openai"
    record = scope.log_records.add()
    record.trace_id, record.span_id = bytes.fromhex(TRACE), bytes.fromhex(SPAN)
    record.event_name, record.time_unix_nano = "gen_ai.user.message", 1763899200500000000
    said = record.body.kvlist_value.values.add()
    said.key, said.value.string_value = "content", "refund order 7 twice"
    system = record.attributes.add()
    system.key, system.value.string_value = "gen_ai.system", "openai"
    bad = scope.log_records.add()
    bad.trace_id, bad.event_name = b"short", "gen_ai.choice"
    headers = {**SENDER, "content-type": PROTOBUF, "content-encoding": "gzip"}
    reply = await web.post("/v1/logs", content=gzip.compress(request.SerializeToString()), headers=headers)
    assert (reply.status_code, reply.headers["content-type"]) == (200, PROTOBUF)
    told = ExportLogsServiceResponse.FromString(reply.content)
    assert told.partial_success.rejected_log_records == 1
    assert await kept(store) == before


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (log(traceId=None), "log_without_trace"),
        (log(traceId=""), "log_without_trace"),
        (log(traceId="0" * 32), "log_without_trace"),
        (log(spanId=""), "log_without_span"),
        (log("", attributes=[], body={"stringValue": "GET /health 200"}), "log_no_event"),
    ],
)
async def test_what_belongs_to_no_run_is_taken_and_passed_over(
    web: httpx.AsyncClient, store: Store, record: dict[str, Any], why: str
) -> None:
    """It is no error of the sender, so it is no rejection: a collector sends everything. A metric counts it."""
    before = metrics.SPANS.labels(why)._value.get()
    reply = await web.post("/v1/logs", json=logs(record), headers=SENDER)
    assert (reply.status_code, reply.json()) == (200, {})
    assert await kept(store) == []
    assert metrics.SPANS.labels(why)._value.get() == before + 1


async def test_the_events_name_may_stand_in_an_attribute(web: httpx.AsyncClient, store: Store) -> None:
    """As SDKs wrote it before OTLP 1.5 had a field for it."""
    named = log("", attributes=[{"key": "event.name", "value": {"stringValue": "gen_ai.choice"}}])
    await web.post("/v1/logs", json=logs(named), headers=SENDER)
    assert [record.name for record in await kept(store)] == ["gen_ai.choice"]


async def test_partly_bad_logs_are_a_partial_success(web: httpx.AsyncClient, store: Store) -> None:
    """With logs' own name for the count."""
    reply = await web.post("/v1/logs", json=logs(log(), log(spanId="no hex")), headers=SENDER)
    assert reply.status_code == 200
    assert reply.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    assert "spanId" in reply.json()["partialSuccess"]["errorMessage"]
    assert len(await kept(store)) == 1


@pytest.mark.parametrize(
    ("content", "status"), [(b"{", 400), (b"[]", 400), (b'{"resourceSpans": []}', 400), (b'{"resourceLogs": 5}', 400)]
)
async def test_what_is_no_export_of_logs_is_refused(web: httpx.AsyncClient, content: bytes, status: int) -> None:
    """With the field."""
    headers = {**SENDER, "content-type": "application/json"}
    reply = await web.post("/v1/logs", content=content, headers=headers)
    assert reply.status_code == status
    assert reply.json()["error"]["field"]


async def test_a_token_of_one_agent_sends_only_its_logs(web: httpx.AsyncClient, store: Store) -> None:
    """As with spans; without a token nobody sends."""
    assert (await web.post("/v1/logs", json=logs(log()))).status_code == 401
    mine = bearer("spans-refund-bot")
    assert (await web.post("/v1/logs", json=logs(log(), service="mail-bot"), headers=mine)).status_code == 403
    assert (await web.post("/v1/logs", json=logs(log()), headers=mine)).status_code == 200
    other = bearer("spans-mail-bot")
    assert (await web.post("/v1/logs", json=logs(log("gen_ai.choice"), service="x"), headers=other)).status_code == 403
    assert len(await kept(store)) == 1


async def test_the_service_of_a_log_does_not_rename_the_agent_of_its_run(web: httpx.AsyncClient, store: Store) -> None:
    """Logs say which service wrote them; who the agent is, spans say."""
    agent = span(1, **{"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "refund-bot"})
    await web.post("/v1/traces", json=export(agent, service="shop"), headers=SENDER)
    await web.post("/v1/logs", json=logs(log(), service="shop"), headers=SENDER)
    meta = await store.spans.meta(TRACE)
    assert meta is not None
    assert meta.agent == "refund-bot"


async def test_secrets_in_logs_are_not_in_the_store(web: httpx.AsyncClient, raw: Redis) -> None:
    """Prompts hold secrets most of all."""
    secret = "ghp_" + "a1B2c3D4e5" * 4
    body = {"stringValue": f"use {secret} for it"}
    assert (await web.post("/v1/logs", json=logs(log(body=body)), headers=SENDER)).status_code == 200
    found = stored_bytes(raw)
    assert b"for it" in found, "the test sees what is stored"
    assert secret.encode() not in found


async def test_a_trace_without_an_owner_may_be_joined_by_one_agent_only(web: httpx.AsyncClient, store: Store) -> None:
    """Services of one run share its id. Who joined with a token of its own keeps it."""
    quiet = span(1, OTHER_TRACE, **{"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather-bot"})
    assert (await web.post("/v1/traces", json=export(quiet, service="weather"), headers=SENDER)).status_code == 200
    mine, other = bearer("spans-refund-bot"), bearer("spans-mail-bot")
    assert (await web.post("/v1/traces", json=export(span(2, OTHER_TRACE)), headers=mine)).status_code == 200
    late = span(3, OTHER_TRACE, **{"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather-bot"})
    await web.post("/v1/traces", json=export(late, service="weather"), headers=SENDER)
    refused = await web.post("/v1/traces", json=export(span(4, OTHER_TRACE), service="x"), headers=other)
    assert refused.status_code == 403
    assert {record.name for record in await stored(store, OTHER_TRACE)} == {"step 1", "step 2", "step 3"}
