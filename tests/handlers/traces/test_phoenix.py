"""Phoenix: its spans as they were sent to it, page by page, from the project that has them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

from bot.domain.run import Run
from bot.domain.trace_ref import TraceRef
from bot.errors import ActionFailed, Refused
from bot.recorder.limits import Limits
from bot.recorder.normalise import normalise
from bot.recorder.otlp import parse_export
from handlers.traces.phoenix import PhoenixSettings, phoenix
from tests.handlers.traces.talking import fetched, pinged, ref_of
from tests.support.trace_stores import Asked, Told, loopback_store, told

TRACE = "ab" * 16
REF = TraceRef(trace_id=TRACE, agent="refund-bot")
SHARED = Path(__file__).parents[4] / "shared" / "data" / "traces"
DIALECTS = ("genai", "openinference", "both")


def span(number: int, trace_id: str = TRACE, **changes: Any) -> dict[str, Any]:
    """One span as Phoenix writes it."""
    return {
        "id": f"U3Bhbjo{number}",
        "name": f"step {number}",
        "context": {"trace_id": trace_id, "span_id": f"{number:016x}"},
        "span_kind": "TOOL",
        "parent_id": None if number == 1 else f"{1:016x}",
        "start_time": "2026-11-22T09:26:39.836421+00:00",
        "end_time": "2026-11-22T09:26:39.837113+00:00",
        "status_code": "ERROR",
        "status_message": "no",
        "attributes": {"tool.name": "issue_refund"},
        "events": [{"name": "e", "timestamp": "2026-11-22T09:26:39.837Z", "attributes": {"reason": "r"}}],
        **changes,
    }


class Peer:
    """Phoenix's REST API with projects and their spans; ``page`` is how many it gives at once."""

    def __init__(self, projects: dict[str, list[dict[str, Any]]], page: int = 1000) -> None:
        self.projects = projects
        self.page = page
        self.fail_from: int | None = None

    def __call__(self, asked: Asked) -> Told:
        """Answer one request."""
        parts = [unquote(part) for part in asked.path.strip("/").split("/")]
        if parts == ["v1", "projects"]:
            found = [{"name": name, "id": f"P:{name}"} for name in self.projects]
            return self._paged(found, asked)
        name = parts[2].removeprefix("P:") if len(parts) > 2 else ""
        if name not in self.projects:
            return told({"detail": "not found"}, 404)
        if len(parts) == 3:
            return told({"data": {"name": name}})
        (wanted,) = asked.query["trace_id"]
        return self._paged([s for s in self.projects[name] if s["context"]["trace_id"] == wanted], asked)

    def _paged(self, rows: list[dict[str, Any]], asked: Asked) -> Told:
        at = int(asked.query.get("cursor", ["0"])[0])
        if self.fail_from is not None and at >= self.fail_from:
            return told({"detail": "boom"}, 403)
        more = str(at + self.page) if at + self.page < len(rows) else None
        return told({"data": rows[at : at + self.page], "next_cursor": more})


async def test_a_run_is_read_with_its_kind_times_status_and_events() -> None:
    """Phoenix moves the span's kind aside; it is put back where instrumentations write it."""
    async with loopback_store(Peer({"refund-bot": [span(1), span(2, span_kind="UNKNOWN")]})) as store:
        found = await fetched(phoenix, store.url, REF)
    assert found is not None
    assert found.partial is None
    first, second = found.spans
    assert first.attributes == {"tool.name": "issue_refund", "openinference.span.kind": "TOOL"}
    assert (first.start_ns, first.end_ns) == (1795339599836421000, 1795339599837113000)
    assert (first.status, first.status_message, first.parent_id) == ("error", "no", None)
    assert (first.events[0].name, first.events[0].attributes) == ("e", {"reason": "r"})
    assert "openinference.span.kind" not in second.attributes
    assert second.parent_id == first.span_id


@pytest.mark.parametrize("page", [1, 3, 1000])
async def test_every_page_is_read(page: int) -> None:
    """However many there are."""
    async with loopback_store(Peer({"p": [span(n) for n in range(1, 8)]}, page)) as store:
        found = await fetched(phoenix, store.url, REF, projects=["p"])
    assert found is not None
    assert len({s.span_id for s in found.spans}) == 7


async def test_pages_that_fail_leave_a_partial_answer_that_says_so() -> None:
    """Part of what the agent did is better than nothing, if nobody takes it for all."""
    peer = Peer({"p": [span(n) for n in range(1, 8)]}, 3)
    peer.fail_from = 6
    async with loopback_store(peer) as store:
        found = await fetched(phoenix, store.url, REF, projects=["p"])
    assert found is not None
    assert len(found.spans) == 6
    assert "only 2 pages of its spans came" in (found.partial or "")


async def test_without_projects_all_are_tried_the_agents_own_first() -> None:
    """Nobody needs to know in which project a run is."""
    projects = {f"other-{n}": [span(1, "cd" * 16)] for n in range(3)} | {"refund-bot": [span(1)]}
    async with loopback_store(Peer(projects, 2)) as store:
        assert await fetched(phoenix, store.url, REF) is not None
        asked = [unquote(a.path) for a in store.asked if a.path.endswith("/spans")]
        assert asked == ["/v1/projects/P:refund-bot/spans"]
        assert await fetched(phoenix, store.url, REF.model_copy(update={"agent": "nobody"})) is not None
        assert await fetched(phoenix, store.url, TraceRef(trace_id="ef" * 16)) is None


async def test_a_configured_project_that_is_not_there_is_said() -> None:
    """In a fetch and by the doctor; a project whose name holds odd characters is asked for all the same."""
    async with loopback_store(Peer({"a b": [span(1)]})) as store:
        with pytest.raises(ActionFailed, match="no project refunds"):
            await fetched(phoenix, store.url, REF, projects=["refunds"])
        with pytest.raises(ActionFailed, match="no project refunds"):
            await pinged(phoenix, store.url, projects=["a b", "refunds"])
        assert await pinged(phoenix, store.url) == "1 project seen"


async def test_the_key_is_sent_and_what_is_no_phoenix_is_said() -> None:
    """With every request; and a page of something else is no empty list of projects."""
    async with loopback_store(Peer({"p": [span(1)]})) as store:
        settings = PhoenixSettings.model_validate({"url": store.url})
        assert settings.api_key is None
        await fetched(phoenix, store.url, REF, api_key=SecretStr("k" * 20))
        assert {a.headers.get("authorization") for a in store.asked} == {"Bearer " + "k" * 20}
        store.answer = lambda _: Told(404, b"<html>")
        with pytest.raises(ActionFailed, match="is no Phoenix"):
            await pinged(phoenix, store.url)
        store.answer = lambda _: Told(200, b"<html>")
        with pytest.raises(Refused, match="not JSON"):
            await pinged(phoenix, store.url)


@pytest.mark.parametrize(
    ("link", "trace"),
    [
        (f"https://phoenix.example/projects/UHJvamVjdDoy/traces/{TRACE}", TRACE),
        (f"https://phoenix.example/projects/UHJvamVjdDoy/traces/{TRACE}?selectedSpanNodeId=U3", TRACE),
        (f"https://phoenix.example/redirects/traces/{TRACE.upper()}", TRACE),
        (f"https://open.example/team/projects/x/traces/{TRACE}", TRACE),
        (f"https://open.example/projects/x/traces/{TRACE}", None),
        (f"http://phoenix.example/projects/x/traces/{TRACE}", None),
        (f"https://phoenix.example:444/projects/x/traces/{TRACE}", None),
        (f"https://phoenix.example.evil.test/projects/x/traces/{TRACE}", None),
        (f"https://phoenix.example@evil.test/projects/x/traces/{TRACE}", None),
        (f"https://evil.test/https://phoenix.example/projects/x/traces/{TRACE}", None),
        ("https://phoenix.example/projects/x/traces/not-an-id", None),
        ("https://phoenix.example/projects/x/traces/" + "0" * 32, None),
        ("https://phoenix.example/projects", None),
        ("https://[bad", None),
        ("", None),
    ],
)
def test_only_links_into_the_configured_addresses_name_a_run(link: str, trace: str | None) -> None:
    """Host, port, scheme and folder; an alert's sender chooses links."""
    found = ref_of(phoenix, link, "https://phoenix.example", links=["https://open.example/team"])
    assert (found.trace_id if found else None) == trace


def test_what_cannot_be_read_is_left_out_and_said() -> None:
    """One bad span does not hide the others."""
    rows: list[Any] = [
        span(1),
        span(2, context={"trace_id": TRACE, "span_id": "nonsense"}),
        span(3, "cd" * 16),
        7,
        None,
    ]
    found = phoenix.read([json.dumps({"data": rows}).encode()], REF)
    assert len(found.spans) == 1
    assert "1 of its spans could not be read" in (found.partial or "")
    assert "1 of its spans are of another trace" in (found.partial or "")


def _exported(name: str) -> Run:
    return normalise(
        parse_export((SHARED / f"otlp_{name}.json").read_bytes(), "application/json", limits=Limits()).spans
    )


@pytest.mark.skipif(not SHARED.exists(), reason="the recorded answers are not beside this checkout")
@pytest.mark.parametrize("name", DIALECTS)
def test_a_recorded_answer_is_the_run_as_it_was_exported(name: str) -> None:
    """But for what Phoenix drops: the resource, and what is below a microsecond."""
    exported = _exported(name)
    ref = TraceRef(trace_id=exported.trace_id)
    run = normalise(phoenix.read([(SHARED / "phoenix" / f"spans_{name}.json").read_bytes()], ref).spans)
    dropped = {"service": None, "service_version": None, "environment": None, "instrumentations": run.instrumentations}
    assert coarse(run) == coarse(exported.model_copy(update=dropped))


def coarse(value: Any) -> Any:
    """A run as plain values, without its times: Phoenix rounds them to a microsecond."""
    if isinstance(value, Run):
        return coarse(value.model_dump(mode="json", exclude={"gaps", "capture"}))
    if isinstance(value, dict):
        return {name: coarse(held) for name, held in value.items() if not (name == "at" or name.endswith("_at"))}
    return [coarse(held) for held in value] if isinstance(value, list) else value
