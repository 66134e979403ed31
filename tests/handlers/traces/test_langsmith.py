"""LangSmith: runs of v2, the legacy API where there is no v2, and links. Contract-tested.

The peer enforces what LangSmith's API definition says: the key, ``project_id``, each field in ``selects``, cursors.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.domain.run import RunStatus
from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, Refused
from handlers.traces.langsmith import langsmith
from tests.handlers.traces.langsmith_peer import CHILD, OPTIONS, PROJECT, Scripted
from tests.handlers.traces.recorded import REF, TRACE, UUID, calls, exported, facts, load, run_of
from tests.handlers.traces.talking import fetched, pinged, ref_of, settings_of
from tests.support.trace_stores import loopback_store


async def test_a_run_of_v2_reads_like_the_export() -> None:
    """With what LangSmith keeps of the answer: the served model and the fingerprint."""
    async with loopback_store(Scripted()) as store:
        found = await fetched(langsmith, store.url, REF, **OPTIONS)
    assert found is not None
    assert found.partial is None
    run = run_of(found)
    assert facts(run) == facts(exported())
    assert run.model_served == "gpt-4.1-2025-04-14"
    assert {model.fingerprint for model in run.model_calls} == {"fp_44709d6fcb"}
    assert [model.finish_reasons for model in run.model_calls] == [("tool_calls",)] * 3 + [("stop",)]
    assert run.error is not None
    assert run.error.type == "PolicyViolation"
    assert run.error.message == "PolicyViolation('refund 8400 exceeds order total 4200')"
    assert [asked.path for asked in store.asked] == [f"/api/v2/traces/{UUID}/runs"]


async def test_feedback_is_an_evaluation() -> None:
    """The mean score by its key."""
    async with loopback_store(Scripted()) as store:
        found = await fetched(langsmith, store.url, REF, **OPTIONS)
    assert found is not None
    (event,) = [event for span in found.spans for event in span.events]
    assert event.attributes == {
        "gen_ai.evaluation.name": "refund_within_order",
        "gen_ai.evaluation.score.value": 0.0,
        "gen_ai.evaluation.explanation": "8400 is more than 4200",
    }


@pytest.mark.parametrize("v2", [404, 405, 501])
@pytest.mark.parametrize("size", [100, 4])
async def test_a_deployment_without_v2_is_read_by_the_legacy_api(v2: int, size: int) -> None:
    """Self-hosted before 0.16: run types in lower case, times without a zone, ``parent_run_id``, pages by cursor."""
    async with loopback_store(Scripted(v2=v2, size=size)) as store:
        found = await fetched(langsmith, store.url, REF, **OPTIONS)
    assert found is not None
    assert found.partial is None
    assert facts(run_of(found)) == facts(exported())
    assert sum(asked.method == "POST" for asked in store.asked) == -(-10 // size)


@pytest.mark.parametrize("v2", [200, 404])
async def test_the_id_of_a_run_within_a_trace_finds_the_trace(v2: int) -> None:
    """A link names the run that somebody looked at, which need not be the root."""
    async with loopback_store(Scripted(v2=v2)) as store:
        ref = ref_of(langsmith, f"{store.url}/o/o1/projects/p/{PROJECT}/r/{CHILD}?poll=true", store.url, **OPTIONS)
        assert ref is not None
        found = await fetched(langsmith, store.url, ref, **OPTIONS)
    assert found is not None
    assert len(found.spans) == 10
    assert {span.trace_id for span in found.spans} == {CHILD.replace("-", "")}


@pytest.mark.parametrize("v2", [200, 404, 501])
async def test_an_unknown_trace_is_none(v2: int) -> None:
    """Neither a trace nor a run."""
    async with loopback_store(Scripted(v2=v2)) as store:
        assert await fetched(langsmith, store.url, TraceRef(trace_id="1" * 32), **OPTIONS) is None


async def test_a_wrong_key_is_refused_and_never_shown() -> None:
    """401 by both versions."""
    async with loopback_store(Scripted()) as store:
        with pytest.raises(ActionFailed, match="credentials") as raised:
            await fetched(langsmith, store.url, REF, project=PROJECT, api_key=SecretStr("lsv2_wrong"))
    assert "lsv2_wrong" not in str(raised.value)


async def test_a_key_for_several_workspaces_says_which() -> None:
    """``X-Tenant-Id``."""
    async with loopback_store(Scripted(tenant="ws-1")) as store:
        assert await fetched(langsmith, store.url, REF, tenant="ws-1", **OPTIONS) is not None
        assert await pinged(langsmith, store.url, tenant="ws-1", **OPTIONS) == "project refunds seen"


async def test_pages_that_came_before_it_went_away_are_kept_and_said_to_be_partial() -> None:
    """503 for the third page until the deadline."""
    peer = Scripted(v2=404, size=4)
    peer.fails_after = 8
    async with loopback_store(peer) as store:
        found = await fetched(langsmith, store.url, REF, deadline="1s", **OPTIONS)
    assert found is not None
    assert len(found.spans) == 8
    assert found.partial is not None
    assert found.partial.startswith("only 2 pages of its runs came: langsmith answered 503")


def changed(change: Callable[[dict[str, Any]], None]) -> list[bytes]:
    """v2's answer with each run changed."""
    held = load("langsmith_runs_v2.json")
    for run in held:
        change(run)
    return [json.dumps({"items": held}).encode()]


def test_the_parent_is_told_by_the_order_alone_too() -> None:
    """``dotted_order`` without any parent id."""
    answers = changed(lambda run: run.pop("parent_run_ids"))
    assert facts(run_of(langsmith.read(answers, REF))) == facts(exported())


def test_a_tool_that_failed_is_an_error_and_one_that_still_runs_is_unknown() -> None:
    """``error`` on the run; PENDING has no end."""

    def change(run: dict[str, Any]) -> None:
        if run["name"] == "issue_refund":
            run.update(
                status="ERROR", error="ToolException('card declined')Traceback (most recent call last):", outputs=None
            )
        if run["name"] == "send_email":
            run.update(status="PENDING", end_time=None, outputs=None)

    run = run_of(langsmith.read(changed(change), REF))
    told_of = {call.name: call for call in run.tool_calls}
    refund, email = told_of["issue_refund"], told_of["send_email"]
    assert refund.status is RunStatus.ERROR
    assert refund.error is not None
    assert (refund.error.type, refund.error.message) == ("ToolException", "ToolException('card declined')")
    assert email.status is RunStatus.UNKNOWN
    assert email.ended_at is None


def test_inputs_that_lie_in_blob_storage_are_said() -> None:
    """They are not fetched: only the configured address is asked."""
    found = langsmith.read(changed(lambda run: run.update(inputs=None, inputs_s3_urls={"ROOT": "s3://x"})), REF)
    assert found.partial == "LangSmith keeps inputs or outputs of 10 of its runs elsewhere"


def test_a_framework_is_no_agent() -> None:
    """A root called LangGraph says nothing of which agent ran; ``lc_agent_name`` does."""

    def named(run: dict[str, Any]) -> None:
        if run["name"] == "refund-agent":
            run["name"] = "LangGraph"

    assert run_of(langsmith.read(changed(named), REF)).agent is None

    def told_so(run: dict[str, Any]) -> None:
        named(run)
        run["extra"]["metadata"]["lc_agent_name"] = "refund-agent"

    assert run_of(langsmith.read(changed(told_so), REF)).agent == "refund-agent"


def test_langchains_serialised_messages_read_alike() -> None:
    """What LangChain's tracer records: a batch of constructors in, generations out, tools with ``input`` as a repr."""
    assert facts(run_of(langsmith.read(changed(_as_langchain), REF))) == facts(exported())


def _as_langchain(run: dict[str, Any]) -> None:
    if run["run_type"] == "LLM":
        answer = run["outputs"]
        (choice,) = answer["choices"]
        metadata = {"model_name": answer["model"], "system_fingerprint": answer["system_fingerprint"]}
        message = _constructed(choice["message"])
        message["kwargs"]["response_metadata"] = {**metadata, "finish_reason": choice["finish_reason"]}
        params = {name: value for name, value in run["inputs"].items() if name != "messages"}
        run["extra"]["invocation_params"] = params
        run["inputs"] = {"messages": [[_constructed(told_of) for told_of in run["inputs"]["messages"]]]}
        run["outputs"] = {"generations": [[{"text": "", "message": message}]], "llm_output": {"model_name": None}}
    elif run["run_type"] == "TOOL":
        call_id = run["extra"].pop("tool_call_id")
        run["inputs"] = {"input": repr(run["inputs"])}
        kwargs = {"content": json.dumps(run["outputs"]), "tool_call_id": call_id, "status": "success"}
        run["outputs"] = {"output": {"lc": 1, "type": "constructor", "id": ["l", "ToolMessage"], "kwargs": kwargs}}
    elif run["run_type"] == "RETRIEVER":
        documents = [
            {"lc": 1, "type": "constructor", "id": ["l", "Document"], "kwargs": {**found, "type": "Document"}}
            for found in run["outputs"]["documents"]
        ]
        run["outputs"] = {"documents": documents}


def _constructed(message: dict[str, Any]) -> dict[str, Any]:
    names = {"system": "SystemMessage", "user": "HumanMessage", "assistant": "AIMessage", "tool": "ToolMessage"}
    kwargs = {name: value for name, value in message.items() if name not in {"role", "tool_calls"}}
    if message.get("tool_calls"):
        kwargs["content"] = ""
        kwargs["additional_kwargs"] = {"tool_calls": message["tool_calls"]}
        kwargs["tool_calls"] = [
            {"name": call["function"]["name"], "args": json.loads(call["function"]["arguments"]), "id": call["id"]}
            for call in message["tool_calls"]
        ]
    return {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", names[message["role"]]],
        "kwargs": kwargs,
    }


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 5_000, b"\xff\xfe", b'{"items": ['])
def test_what_is_no_answer_of_langsmith_is_refused(body: bytes) -> None:
    """Never another exception."""
    with pytest.raises(Refused):
        langsmith.read([body], REF)


@pytest.mark.parametrize("url", ["https://smith.corp.example/api/v1", "https://smith.corp.example/api/"])
def test_an_address_with_the_version_is_refused_with_the_reason(url: str) -> None:
    """Both versions lie below the base, so it must not name one."""
    with pytest.raises(ValidationError, match="without /api/v1"):
        settings_of(langsmith, url, **OPTIONS)


def test_a_project_by_its_name_is_refused_with_the_reason() -> None:
    """The API wants the id."""
    with pytest.raises(ValidationError, match="project's id, a UUID"):
        settings_of(langsmith, "https://api.smith.langchain.com", project="refunds", api_key=SecretStr("k"))


WEB = "https://smith.langchain.com"


@pytest.mark.parametrize(
    ("link", "trace"),
    [
        (f"{WEB}/o/o1/projects/p/{PROJECT}/r/{UUID}?poll=true", TRACE),
        (f"{WEB}/o/o1/projects/p/{PROJECT}/r/{CHILD}?trace_id={UUID}&start_time=2026", TRACE),
        (f"{WEB}/o/o1/projects/p/{PROJECT}?peek={CHILD}&peeked_trace={UUID}", TRACE),
        (f"{WEB}/o/o1/projects/p/{PROJECT}?peek={UUID}", TRACE),
        (f"{WEB}/o/o1/projects/p/{PROJECT}", None),
        (f"{WEB}/hub/r/{UUID}", None),
        (f"{WEB}/o/o1/projects/p/{PROJECT}/r/not-a-run", None),
        (f"https://smith.langchain.com.evil.example/o/o1/projects/p/x/r/{UUID}", None),
    ],
)
def test_links_into_the_web_app_mean_their_trace(link: str, trace: str | None) -> None:
    """The trace where the link says it, else the run."""
    ref = ref_of(langsmith, link, "https://api.smith.langchain.com", links=[WEB], **OPTIONS)
    assert (ref.trace_id if ref else None) == trace


def test_tool_calls_are_matched_to_their_runs_without_ids() -> None:
    """Tools that are plain functions have none."""
    answers = changed(lambda run: run["extra"].pop("tool_call_id", None))
    assert calls(run_of(langsmith.read(answers, REF))) == calls(exported())
