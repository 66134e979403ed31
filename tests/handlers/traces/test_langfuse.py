"""Langfuse: observations of v2 with their pages, traces of v3 where there is no v2, and links. Contract-tested.

The peer enforces what Langfuse's API reference says: Basic keys, known parameters and field groups, its own cursors.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from bot.domain.run import RunStatus, StepKind
from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, Refused
from handlers.traces.langfuse import langfuse
from tests.handlers.traces.recorded import REF, TRACE, UUID, calls, exported, facts, load, run_of
from tests.handlers.traces.talking import fetched, pinged, ref_of
from tests.support.trace_stores import Asked, Told, loopback_store, told

KEYS = {"public_key": "pk-lf-1", "secret_key": SecretStr("sk-lf-2")}
AUTHORIZATION = "Basic " + base64.b64encode(b"pk-lf-1:sk-lf-2").decode()
GROUPS = {"core", "basic", "time", "io", "metadata", "model", "usage", "prompt", "metrics", "trace_context"}
PARAMETERS = {"fields", "expandMetadata", "limit", "cursor", "traceId"}


class Scripted:
    """A Langfuse project; ``v2`` False is a self-hosted version 3, ``size`` how many it gives at most in a page."""

    def __init__(self, *, v2: bool = True, native: str = TRACE, size: int = 1_000) -> None:
        self.v2, self.native, self.size = v2, native, size
        self.fails_after: int | None = None

    def __call__(self, asked: Asked) -> Told:
        """One answer."""
        if asked.headers.get("authorization") != AUTHORIZATION:
            return told({"message": "Invalid credentials", "error": "UnauthorizedError"}, 401)
        if asked.path == "/api/public/projects":
            return told({"data": [{"id": "prj_1", "name": "refunds"}]})
        if asked.path == "/api/public/v2/observations":
            return self._observations(asked)
        if asked.path == f"/api/public/traces/{self.native}" and not self.v2:
            return told(load("langfuse_trace_v3.json"))
        return told({"message": "Trace not found", "error": "LangfuseNotFoundError"}, 404)

    def _observations(self, asked: Asked) -> Told:
        if not self.v2:
            return told({"message": "only in a Langfuse v4 write mode", "error": "LangfuseNotFoundError"}, 404)
        query = {name: value for name, (value, *_) in asked.query.items()}
        limit = int(query.get("limit", "50"))
        if set(query) - PARAMETERS or set(query["fields"].split(",")) - GROUPS or not 1 <= limit <= 1_000:
            return told({"message": "Invalid request data", "error": "InvalidRequestError"}, 400)
        first = int(base64.b64decode(query["cursor"])) if "cursor" in query else 0
        if self.fails_after is not None and first >= self.fails_after:
            return Told(503)
        held = load("langfuse_observations_v2.json") if query["traceId"] == self.native else []
        last = first + min(limit, self.size)
        meta = {"cursor": base64.b64encode(str(last).encode()).decode()} if last < len(held) else {}
        return told({"data": held[first:last], "meta": meta})


@pytest.mark.parametrize("size", [1_000, 4, 1])
async def test_a_run_of_v2_reads_like_the_export_whatever_its_pages(size: int) -> None:
    """What Langfuse does not keep is unknown, not guessed: the served model, the fingerprint."""
    async with loopback_store(Scripted(size=size)) as store:
        found = await fetched(langfuse, store.url, REF, **KEYS)
    assert found is not None
    assert found.partial is None
    run = run_of(found)
    assert facts(run) == facts(exported())
    assert run.model_served is None
    assert run.service == "refund-agent"
    assert run.error is not None
    assert run.error.message == "refund 8400 exceeds order total 4200"
    assert len(store.asked) == -(-10 // size)
    assert {asked.query["expandMetadata"][0] for asked in store.asked} == {"*"}


async def test_prompt_names_and_versions_stay_with_the_model_call() -> None:
    """They say which managed prompt was used."""
    async with loopback_store(Scripted()) as store:
        found = await fetched(langfuse, store.url, REF, **KEYS)
    assert found is not None
    told_of = [span.attributes for span in found.spans if span.attributes.get("langfuse.prompt.name")]
    assert [(held["langfuse.prompt.name"], held["langfuse.prompt.version"]) for held in told_of] == [
        ("refund-system", 7)
    ] * 4


async def test_a_self_hosted_version_3_is_read_by_its_traces() -> None:
    """v2 answers 404 there. The attributes that it keeps of OpenTelemetry tell the served model."""
    async with loopback_store(Scripted(v2=False)) as store:
        found = await fetched(langfuse, store.url, REF, **KEYS)
    assert found is not None
    run = run_of(found)
    assert facts(run) == facts(exported())
    assert run.model_served == "gpt-4.1-2025-04-14"
    assert {model.fingerprint for model in run.model_calls} == {"fp_44709d6fcb"}
    (score,) = [event for span in found.spans for event in span.events]
    assert score.name == "gen_ai.evaluation.result"
    assert score.attributes["gen_ai.evaluation.name"] == "refund_within_order"
    assert score.attributes["gen_ai.evaluation.score.value"] == 0
    assert [asked.path for asked in store.asked] == ["/api/public/v2/observations", f"/api/public/traces/{TRACE}"]


@pytest.mark.parametrize("v2", [True, False])
async def test_a_trace_of_an_older_sdk_is_found_by_its_uuid(v2: bool) -> None:
    """Those wrote UUIDs; an alert's id has no hyphens any more."""
    async with loopback_store(Scripted(v2=v2, native=UUID)) as store:
        found = await fetched(langfuse, store.url, REF, **KEYS)
    assert found is not None
    assert len(found.spans) == 10
    assert {span.trace_id for span in found.spans} == {TRACE}


async def test_an_id_that_is_no_hex_at_all_is_found_by_its_link() -> None:
    """``native`` is asked for, and the spans carry our id of it."""
    async with loopback_store(Scripted(native="order refund #7")) as store:
        ref = ref_of(langfuse, f"{store.url}/project/prj_1/traces/order%20refund%20%237", store.url, **KEYS)
        assert ref is not None
        assert ref.native == "order refund #7"
        found = await fetched(langfuse, store.url, ref, **KEYS)
    assert found is not None
    assert {span.trace_id for span in found.spans} == {ref.trace_id}
    assert run_of(found).trace_id == ref.trace_id


@pytest.mark.parametrize("v2", [True, False])
async def test_an_unknown_trace_is_none(v2: bool) -> None:
    """An empty list in v2, 404 in v3."""
    async with loopback_store(Scripted(v2=v2)) as store:
        assert await fetched(langfuse, store.url, TraceRef(trace_id="1" * 32), **KEYS) is None


async def test_an_unknown_trace_is_none_where_the_api_of_version_3_was_taken_away() -> None:
    """It is deprecated: 410 there is no fault when v2 answered."""

    def answer(asked: Asked) -> Told:
        return Scripted()(asked) if asked.path.endswith("/observations") else Told(410)

    async with loopback_store(answer) as store:
        assert await fetched(langfuse, store.url, TraceRef(trace_id="1" * 32), **KEYS) is None


async def test_wrong_keys_are_refused_and_never_shown() -> None:
    """401."""
    async with loopback_store(Scripted()) as store:
        with pytest.raises(ActionFailed) as raised:
            await fetched(langfuse, store.url, REF, public_key="pk-lf-1", secret_key=SecretStr("sk-wrong"))
    assert "sk-wrong" not in str(raised.value)
    assert "credentials" in str(raised.value)


async def test_pages_that_came_before_it_went_away_are_kept_and_said_to_be_partial() -> None:
    """503 for the third page until the deadline."""
    peer = Scripted(size=4)
    peer.fails_after = 8
    async with loopback_store(peer) as store:
        found = await fetched(langfuse, store.url, REF, deadline="1s", **KEYS)
    assert found is not None
    assert len(found.spans) == 8
    assert found.partial == "Langfuse has more observations of it than were fetched"


async def test_the_ping_names_the_project_of_the_keys() -> None:
    """A wrong project is seen at once."""
    async with loopback_store(Scripted()) as store:
        assert await pinged(langfuse, store.url, **KEYS) == "the keys are of project refunds"


def changed(change: Callable[[dict[str, Any]], None]) -> list[bytes]:
    """v2's answer with each observation changed."""
    held = load("langfuse_observations_v2.json")
    for item in held:
        change(item)
    return [b"v2", json.dumps({"data": held, "meta": {}}).encode()]


def test_metadata_that_was_cut_is_said() -> None:
    """A server that does not know ``expandMetadata=*`` cuts at 200 characters."""
    found = langfuse.read(changed(lambda item: item["metadata"].update(note="x" * 200)), REF)
    assert found.partial == "Langfuse cut metadata of 10 of its observations at 200 characters"


def test_a_tool_that_failed_is_an_error_with_its_message() -> None:
    """``level`` ERROR and ``statusMessage``."""

    def fail(item: dict[str, Any]) -> None:
        if item["name"] == "issue_refund":
            item.update(level="ERROR", statusMessage="card declined", output=None)

    run = run_of(langfuse.read(changed(fail), REF))
    call = next(call for call in run.tool_calls if call.name == "issue_refund")
    assert call.status is RunStatus.ERROR
    assert call.error is not None
    assert call.error.message == "card declined"


def test_guardrails_and_events_are_what_they_are() -> None:
    """GUARDRAIL is a step of that kind; an EVENT has no end of its own."""

    def other(item: dict[str, Any]) -> None:
        if item["type"] == "CHAIN":
            item.update(type="GUARDRAIL", name="pii")
        if item["type"] == "RETRIEVER":
            item.update(type="EVENT", name="cache miss", endTime=None)

    run = run_of(langfuse.read(changed(other), REF))
    kinds = {step.name: step for step in run.steps}
    assert kinds["pii"].kind is StepKind.GUARDRAIL
    assert kinds["cache miss"].kind is StepKind.STEP
    assert kinds["cache miss"].ended_at == kinds["cache miss"].started_at


def test_a_root_whose_parent_was_never_sent_to_langfuse_is_the_root() -> None:
    """``isRootObservation`` with a parent that is not there: the span of the web server above."""

    def under(item: dict[str, Any]) -> None:
        if item["isRootObservation"]:
            item["parentObservationId"] = "feedfeedfeedfeed"

    found = langfuse.read(changed(under), REF)
    assert facts(run_of(found)) == facts(exported())


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 5_000, b"\xff\xfe", b'{"data": [{"id": 1e999}'])
def test_what_is_no_answer_of_langfuse_is_refused(body: bytes) -> None:
    """Never another exception."""
    with pytest.raises(Refused):
        langfuse.read([b"v2", body], REF)


def test_an_observation_without_an_id_is_counted() -> None:
    """The others are kept."""
    body = json.dumps({"data": [{"type": "SPAN"}, {"id": "a", "type": "SPAN"}], "meta": {}}).encode()
    found = langfuse.read([b"v2", body], REF)
    assert len(found.spans) == 1
    assert found.partial is not None
    assert "observations[0].id" in found.partial


CLOUD = "https://cloud.langfuse.com"


@pytest.mark.parametrize(
    ("link", "native", "trace"),
    [
        (f"{CLOUD}/project/p1/traces/{TRACE}", TRACE, TRACE),
        (f"{CLOUD}/project/p1/traces/{UUID}?observation=x", UUID, TRACE),
        (f"{CLOUD}/project/p1/traces?peek={TRACE}&timestamp=2026", TRACE, TRACE),
        (f"{CLOUD}/trace/{TRACE}", TRACE, TRACE),
        (f"{CLOUD}/project/p1/sessions/{TRACE}", None, None),
        (f"{CLOUD}/project/p1?peek={TRACE}", None, None),
        (f"{CLOUD}.evil.example/project/p1/traces/{TRACE}", None, None),
        (f"{CLOUD}/project/p1/traces/a%2Fb", None, None),
        (f"{CLOUD}/project/p1/traces/a%0Ab", None, None),
        (f"{CLOUD}/project/p1/traces/{'x' * 300}", None, None),
    ],
)
def test_links_mean_their_trace(link: str, native: str | None, trace: str | None) -> None:
    """Also with ids that are no hex: ``native`` keeps them."""
    ref = ref_of(langfuse, link, CLOUD, **KEYS)
    assert (ref.native if ref else None) == native
    assert (ref.trace_id if ref else None) == trace


def test_tool_calls_are_matched_to_their_spans_without_ids() -> None:
    """Most SDKs write no call id on a tool's observation."""
    run = run_of(langfuse.read(changed(lambda item: item["metadata"].pop("tool_call_id", None)), REF))
    assert calls(run) == calls(exported())
