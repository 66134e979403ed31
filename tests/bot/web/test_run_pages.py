"""The pages below an incident, over HTTP: who may see them, what they answer, how often a run is read."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from redis import Redis

from bot.domain.incident import Incident
from bot.domain.profile import IndexedRun, RunProfile
from bot.domain.run import Run
from bot.timeline.store import Store
from bot.web.kept_runs import KeptRuns
from tests.support import sample_flight as flight
from tests.support.clock import ManualClock
from tests.support.page_reader import read
from tests.support.sample_incident import START
from tests.support.web import API_TOKEN, Runs, bearer
from tests.support.whole_incident import an_incident

READER = bearer(API_TOKEN)


async def flight_of(store: Store, runs: Runs) -> str:
    """INC-44's story in the store with its run; where its pages are."""
    incident_id = await flight.store_flight(store)
    runs.held[flight.TRACE] = flight.flight_run()
    return f"/incidents/{incident_id}"


async def test_who_may_not_see_the_incident_sees_none_of_its_texts(
    web: httpx.AsyncClient, store: Store, runs: Runs
) -> None:
    """Without a session 401, with one for another incident 403, on every page below it."""
    page = await flight_of(store, runs)
    other = await an_incident(store)
    run = f"{page}/runs/{flight.TRACE}"
    paths = (run, f"{run}/changes", f"{run}/steps/{flight.span(8)}", f"{run}/steps/{flight.span(8)}?part=1")
    link = await store.sessions.link("U0DANA", (other,))
    session = (await web.get(f"/open/{link}")).headers["set-cookie"].split(";")[0]
    for path in paths:
        for headers, status in (({}, 401), (bearer("nobody"), 401), ({"cookie": session}, 403)):
            web.cookies.clear()
            reply = await web.get(path, headers=headers)
            assert reply.status_code == status, path
            assert "refund" not in reply.text
        assert (await web.get(path, headers=READER)).status_code == 200, path


async def test_one_step_is_a_page_and_a_part_of_one(web: httpx.AsyncClient, store: Store, runs: Runs) -> None:
    """The part holds the same texts without the page around them, under the same policy."""
    page = await flight_of(store, runs)
    path = f"{page}/runs/{flight.TRACE}/steps/{flight.span(11)}"
    whole = await web.get(path, headers=READER)
    part = await web.get(f"{path}?part=1", headers=READER)
    read(whole.text)
    for reply in (whole, part):
        assert "&#34;status&#34;: &#34;settled&#34;" in reply.text
        assert "script-src 'self'; connect-src 'self'" in reply.headers["content-security-policy"]
        assert reply.headers["cache-control"] == "no-store"
    assert "<html" not in part.text
    assert "<script" not in part.text


@pytest.mark.parametrize(
    "below",
    [
        "runs/" + "0" * 32,
        "runs/%3Cscript%3E",
        f"runs/{flight.TRACE}/steps/{'f' * 16}",
        f"runs/{flight.TRACE}/steps/call-77",
        f"runs/{flight.TRACE}/steps/call-99999999999999999999",
        f"runs/{flight.TRACE}/steps/..%2f",
        f"runs/{'0' * 32}/changes",
        f"runs/{'0' * 32}/steps/{'f' * 16}",
    ],
)
async def test_what_the_incident_does_not_name_is_404(
    web: httpx.AsyncClient, store: Store, runs: Runs, below: str
) -> None:
    """Also for names that could never be one, without echoing markup."""
    page = await flight_of(store, runs)
    reply = await web.get(f"{page}/{below}", headers=READER)
    assert reply.status_code == 404
    assert "<script>" not in reply.text


@pytest.mark.parametrize("query", ["only=all", "only=%3Cb%3E", "within=x", "from=-1", "within=../.."])
async def test_a_bad_choice_of_steps_is_422(web: httpx.AsyncClient, store: Store, runs: Runs, query: str) -> None:
    """On both pages that have steps."""
    page = await flight_of(store, runs)
    for path in (page, f"{page}/runs/{flight.TRACE}"):
        assert (await web.get(f"{path}?{query}", headers=READER)).status_code == 422


async def test_filters_work_on_both_pages(web: httpx.AsyncClient, store: Store, runs: Runs) -> None:
    """And lead back to where they are."""
    page = await flight_of(store, runs)
    for path in (page, f"{page}/runs/{flight.TRACE}"):
        reply = await web.get(f"{path}?only=errors", headers=READER)
        assert "errors only" in reply.text
        assert "policy_search" not in reply.text.split('id="timeline"')[1].split("<section")[1]


async def test_the_lines_of_what_changed_are_read_from_the_index(
    web: httpx.AsyncClient, store: Store, runs: Runs, clock: ManualClock
) -> None:
    """As far as they are kept; what is gone is said."""
    page = await flight_of(store, runs)
    path = f"{page}/runs/{flight.TRACE}/changes"
    assert "is not kept any more" in (await web.get(path, headers=READER)).text
    profile = RunProfile(trace_id="ab" * 16, agent="refund-bot", ended_at=clock.now() - timedelta(minutes=1))
    await store.run_index.put(IndexedRun(profile=profile), flight.TEXTS)
    reply = await web.get(path, headers=READER)
    read(reply.text)
    assert "is not kept any more" not in reply.text
    assert "<mark>Never refund more than </mark>" in reply.text


async def test_a_run_that_is_only_similar_has_a_page_and_no_steps(
    web: httpx.AsyncClient, store: Store, runs: Runs
) -> None:
    """What the index knows, and how to read it; its steps are not to be had."""
    page = await flight_of(store, runs)
    trace = flight.flight_incident().similar[0].groups[0].lines[2].trace_id
    reply = await web.get(f"{page}/runs/{trace}", headers=READER)
    assert reply.status_code == 200
    assert "Add it in Slack to read it" in reply.text
    assert (await web.get(f"{page}/runs/{trace}/steps/{flight.span(8)}", headers=READER)).status_code == 404


async def test_evidence_that_is_gone_is_said_below_too(web: httpx.AsyncClient, store: Store) -> None:
    """The run's page stays with what the timeline knows; a step of it is not there."""
    incident_id = await flight.store_flight(store)
    reply = await web.get(f"/incidents/{incident_id}/runs/{flight.TRACE}", headers=READER)
    assert reply.status_code == 200
    assert "could not be read" in reply.text
    assert "gpt-x-2026-08-01" in reply.text
    path = f"/incidents/{incident_id}/runs/{flight.TRACE}/steps/{flight.span(8)}"
    assert (await web.get(path, headers=READER)).status_code in {404, 410}


async def test_while_the_store_is_away_it_is_503(web: httpx.AsyncClient, store: Store, runs: Runs, raw: Redis) -> None:
    """With when to ask again."""
    page = await flight_of(store, runs)
    raw.client_pause(3000, all=True)
    try:
        reply = await web.get(f"{page}/runs/{flight.TRACE}", headers=READER)
    finally:
        raw.client_unpause()
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")


class Counting(Runs):
    """Counts how often a run was read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def run(self, incident: Incident, trace_id: str) -> Run:
        """Slowly enough that others ask meanwhile."""
        self.reads += 1
        await asyncio.sleep(0.02)
        return await super().run(incident, trace_id)


async def test_a_run_is_read_once_for_all_who_look_at_the_same_time() -> None:
    """By the hash of its evidence: read again after more of it came; the oldest is let go of first."""
    incident = flight.flight_incident()
    below = Counting()
    below.held[flight.TRACE] = flight.flight_run()
    kept = KeptRuns(below)
    await asyncio.gather(*(kept.run(incident, flight.TRACE) for _ in range(8)))
    assert below.reads == 1
    again = incident.runs[0].model_copy(update={"evidence": "0" * 64})
    await kept.run(incident.model_copy(update={"runs": (again,)}), flight.TRACE)
    assert below.reads == 2
    await kept.run(incident, flight.TRACE)
    assert below.reads == 2
    for n in range(5):
        other = incident.runs[0].model_copy(update={"evidence": f"{n + 1}" * 64, "evidence_bytes": 60_000_000})
        await kept.run(incident.model_copy(update={"runs": (other,)}), flight.TRACE)
    await kept.run(incident, flight.TRACE)
    assert below.reads == 8


async def test_a_step_of_ten_thousand_comes_quickly(web: httpx.AsyncClient, store: Store, runs: Runs) -> None:
    """Under a second once the run was read, and the page of the run too."""
    page = await flight_of(store, runs)
    one = flight.flight_run()
    steps = tuple(
        one.steps[8].model_copy(
            update={"span_id": f"{n + 9001:016x}", "name": f"s {n}", "started_at": START + timedelta(milliseconds=n)}
        )
        for n in range(10_000)
    )
    runs.held[flight.TRACE] = one.model_copy(update={"steps": steps})
    run = f"{page}/runs/{flight.TRACE}"
    for path in (page, f"{run}?only=errors", run, f"{run}/steps/{9501:016x}"):
        reply = await web.get(path, headers=READER)
        assert reply.status_code == 200
        assert len(reply.content) < 400_000
        assert reply.elapsed < timedelta(seconds=4), path  # under one on an idle machine
