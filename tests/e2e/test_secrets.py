"""Secrets made now, one of every family in every place that a run or an alert has, through the whole product."""

import io
import json
import secrets
import time
from typing import Any

import pytest
from redis import Redis

from bot.bundle.write import write_bundle
from bot.timeline.embedded import running_store
from tests.support.planted import Planted
from tests.support.stored import stored_bytes
from tests.support.world import LEE, World, alert
from tests.support.world_payloads import AGENT, span

pytestmark = pytest.mark.e2e
TRACE = "5ec2" + "0" * 28
GEN = "gen_ai.operation.name"


def a_run(planted: Planted) -> list[dict[str, Any]]:
    """A run that has a secret wherever a run can have a text."""
    say = planted.sentence
    offered = {
        "type": "function",
        "name": "issue_refund",
        "description": say("a tool definition"),
        "parameters": {"type": "object", "properties": {"password": {"type": "string", "default": say("a default")}}},
    }
    arguments = {
        "customer_id": "cus_81Kd",
        "amount_cents": 42000,
        "note": say("an argument"),
        "password": say("a field"),
    }
    call = {"type": "tool_call", "id": "call_1", "name": "issue_refund", "arguments": arguments}
    asked = [{"role": "user", "parts": [{"type": "text", "content": say("a prompt")}]}]
    answered = {"type": "text", "content": say("an answer")}
    system = [{"type": "text", "content": say("system instructions")}]
    chat = {
        GEN: "chat", "gen_ai.request.model": "gpt-x", "gen_ai.response.model": "gpt-x-2026-05-01",
        "gen_ai.system_instructions": system, "gen_ai.input.messages": asked,
        "gen_ai.output.messages": [{"role": "assistant", "parts": [call, answered]}],
        "gen_ai.tool.definitions": [offered],
    }  # fmt: skip
    tool = {
        GEN: "execute_tool", "gen_ai.tool.name": "issue_refund", "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.call.arguments": arguments, "error.type": "RefundError",
        "gen_ai.tool.call.result": {"status": "succeeded", "refund_id": "re_1", "log": say("a result")},
    }  # fmt: skip
    found = {
        GEN: "retrieval", "openinference.span.kind": "RETRIEVER",
        "retrieval.documents.0.document.id": "policy.md",
        "retrieval.documents.0.document.content": say("a document"),
        "input.value": say("a query"),
    }  # fmt: skip
    spans = [
        span(
            TRACE,
            1,
            "invoke_agent",
            {GEN: "invoke_agent", "gen_ai.agent.name": AGENT, "note": say("an attribute")},
            None,
        ),
        span(TRACE, 2, "chat", chat),
        span(TRACE, 3, f"execute_tool issue_refund {say('a span name')}", tool),
        span(TRACE, 4, "retrieve", found),
    ]
    spans[2]["status"] = {"code": 2, "message": say("a status message")}
    raised = {
        "exception.type": "AuthError",
        "exception.message": say("an exception"),
        "exception.stacktrace": say("a stack"),
    }
    spans[2]["events"] = [
        {
            "name": "exception",
            "timeUnixNano": spans[2]["endTimeUnixNano"],
            "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in raised.items()],
        }
    ]
    return spans


async def log_record(world: World, planted: Planted) -> None:
    """A log record of the run, as instrumentations send prompts."""
    record = {
        "timeUnixNano": str(time.time_ns()),
        "traceId": TRACE,
        "spanId": f"{2:016x}",
        "eventName": "gen_ai.client.inference.operation.details",
        "body": {"stringValue": planted.sentence("a log body")},
        "attributes": [{"key": "gen_ai.input.messages", "value": {"stringValue": planted.sentence("a log attribute")}}],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": AGENT}}]}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": {"name": "t"}, "logRecords": [record]}]}]}
    headers = {"authorization": f"Bearer {world.environment['OTLP_TOKEN']}"}
    answer = await world.http.post(f"{world.origin}/v1/logs", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_no_secret_of_any_family_is_found_anywhere(world: World) -> None:
    """Not in a call to Slack, a log, a stored byte, the evidence, the bundle, the API, the metrics or the page."""
    planted = Planted()
    await world.start()
    await log_record(world, planted)
    await world.spans(*a_run(planted))
    labels = {"where": planted.sentence("a label"), "password": planted.sentence("a secret label")}
    link = planted.secret("a link", "query", "https://x.example/r?access_token={}", "q7" + secrets.token_hex(10))
    await world.deliver(
        alert(
            "a",
            trace_id=TRACE,
            title=f"Leak {planted.sentence('a title')}",
            summary=planted.sentence("a summary"),
            labels=labels,
            trace_url=link,
        )
    )
    await world.button("Show run")
    channel = (await world.incident())["channel"]
    await world.slack.slash(LEE, channel, "/pullcord", f"note {planted.sentence('a note')}".replace("\n", " "))
    await world.press(LEE, "Resolve")
    await world.fill(LEE, reason=planted.sentence("a reason"))

    async def resolved() -> bool:
        return bool((await world.incident())["state"] == "resolved")

    await world.until("resolved", resolved)
    await world.quiet()
    places = await everything(world)
    found = planted.found(places)
    sizes = {place: len(held) for place, held in places.items()}
    print(f"\n{len(planted.made)} secrets; looked at {sizes}: {found}")
    assert found == {place: [] for place in places}
    for place in ("store", "bundle", "page", "api"):
        assert b"[redacted: " in places[place], f"no mark in {place}"
        assert b"A-1009" in places[place], f"the order's number is not in {place}"


async def everything(world: World) -> dict[str, bytes]:
    """All that the product wrote, said or shows."""
    incident = (await world.incidents())[0]["id"]
    bearer = {"authorization": f"Bearer {world.environment['PULLCORD_API_TOKEN']}"}
    api = b""
    for path in ("", "/timeline?limit=200", "/evidence", f"/evidence?trace_id={TRACE}"):
        answer = await world.http.get(f"{world.origin}/api/incidents/{incident}{path}", headers=bearer)
        assert answer.status_code == 200, (path, answer.text[:200])
        api += answer.content
    bundle = io.BytesIO()
    async with world.store() as store:
        await write_bundle(store.incidents, store.evidence, store.chain, incident, bundle)
        link = await store.sessions.link(LEE, None)
    opened = await world.http.get(f"{world.origin}/open/{link}", follow_redirects=True)
    page = opened.content
    for path in ("", f"?run={TRACE}", *(f"/runs/{TRACE}/steps/{number:016x}" for number in (1, 2, 3, 4))):
        shown = await world.http.get(f"{world.origin}/incidents/{incident}{path}", follow_redirects=True)
        assert shown.status_code == 200, (path, shown.status_code)
        page += shown.content
    metrics = (await world.http.get(f"{world.origin}/metrics", headers=bearer)).content
    address = await running_store(world.folder / "data")
    assert address is not None
    with Redis.from_url(address) as client:
        stored = stored_bytes(client)
    told = json.dumps(await world.slack.calls(), default=str).encode()
    return {
        "slack": told, "log": world.logs().encode(), "store": stored, "bundle": bundle.getvalue(), "api": api,
        "page": page, "metrics": metrics,
    }  # fmt: skip
