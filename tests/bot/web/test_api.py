import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from redis import Redis

from bot.settings import Environment
from bot.timeline.store import Store
from tests.support import sample_flight as flight
from tests.support.clock import ManualClock
from tests.support.web import API_TOKEN, OTLP_TOKEN, Runs, bearer, serving, settings
from tests.support.whole_incident import TRACE, a_run, an_incident

READER = bearer(API_TOKEN)
DOCS = Path(__file__).parents[3] / "docs" / "api.md"
PATHS = ("", "/INC-1", "/INC-1/timeline", "/INC-1/evidence")

CONTRACT = {
    "": {"id", "state", "alert_state", "severity", "agent", "opened_at", "alerts", "runs", "effects", "executions"}
    | {"channel", "root_ts", "offered", "offered_runs", "added_runs"},
    "runs": {"trace_id", "agent", "model_requested", "model_served", "parameters", "gaps", "counts", "alerted"}
    | {"capture", "source", "source_note", "instrumentations", "notes", "completeness", "changes", "similar"},
    "effects": {"id", "trace_id", "order", "tool", "call_id", "arguments", "reversibility", "guessed", "outcome"}
    | {"target", "undo_deadline", "substitute", "suggested_class", "suggested_why", "origins", "outbound"},
    "executions": {"id", "action", "params", "state", "by", "at", "verified", "undo_of"},
}
"""Fields of ``GET /api/incidents/{id}`` in PRODUCT.md."""


@pytest.mark.parametrize("path", PATHS)
async def test_only_the_api_token_may_read(web: httpx.AsyncClient, store: Store, path: str) -> None:
    """Without it, with another, with the token of another part: 401."""
    await an_incident(store)
    for headers in ({}, bearer("nobody"), bearer(OTLP_TOKEN), bearer("flags-refund-bot")):
        assert (await web.get(f"/api/incidents{path}", headers=headers)).status_code == 401
    assert (await web.get(f"/api/incidents{path}", headers=READER)).status_code == 200


async def test_without_a_token_in_the_environment_nobody_may_read(store: Store, clock: ManualClock) -> None:
    """Closed by default, also to an empty token."""
    async with serving(store, clock, configured=settings(environment=Environment())) as web:
        for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Bearer"}):
            assert (await web.get("/api/incidents", headers=headers)).status_code == 401


async def test_an_incident_has_every_field_of_the_contract(web: httpx.AsyncClient, store: Store) -> None:
    """All tool calls are among the effects, the reads too."""
    incident_id = await an_incident(store)
    told = (await web.get(f"/api/incidents/{incident_id}", headers=READER)).json()
    assert CONTRACT[""] <= told.keys()
    for name in ("runs", "effects", "executions"):
        assert told[name]
        for item in told[name]:
            assert CONTRACT[name] <= item.keys()
    assert [effect["tool"] for effect in told["effects"]] == ["get_order", "issue_refund", "send_email"]
    assert [effect["reversibility"] for effect in told["effects"]] == ["read_only", "irreversible", "compensable"]
    assert told["runs"][0]["trace_id"] == TRACE
    assert told["runs"][0]["counts"]["irreversible"] == 1
    assert told["runs"][0]["gaps"][0]["field"] == "seed"
    assert told["executions"][0]["verified"] == "in_force"
    assert told["executions"][0]["by"] == "U0DANA"
    assert (told["channel"], told["root_ts"]) == ("C1", "1.5")
    assert told["alerts"][0]["trace_id"] == TRACE


async def test_what_the_recorder_found_is_told(web: httpx.AsyncClient, store: Store) -> None:
    """Suggestion, origins, completeness, source, what changed, who else was hit, runs that people added."""
    incident_id = await flight.store_flight(store)
    told = (await web.get(f"/api/incidents/{incident_id}", headers=READER)).json()
    effects = {effect["order"]: effect for effect in told["effects"]}
    assert (effects[5]["suggested_class"], effects[5]["suggested_why"]) == (
        "compensable",
        "because cancel_pickup exists",
    )
    assert (effects[3]["suggested_class"], effects[3]["suggested_why"]) == (None, None)
    assert effects[3]["origins"][0]["source"] == flight.PAGE
    assert effects[4]["outbound"] == flight.OUTBOUND
    run = told["runs"][0]
    assert run["capture"] == {"found": 6, "wanted": 8, "missing": ["seed", "tool definitions"]}
    assert (run["source"], run["source_note"]) == ("phoenix", "20 spans, we received 14")
    assert (run["changes"]["compared"], len(run["changes"]["changes"])) == (212, 6)
    assert run["changes"]["changes"][0]["kind"] == "model_served"
    assert run["similar"]["searched"] == 10_412
    assert run["similar"]["runs"] == 11, "the added one is not similar any more, it is here"
    assert len(told["added_runs"]) == 1
    assert (told["offered"], told["offered_runs"]) == (None, [])


async def test_before_anything_was_compared_it_is_null(web: httpx.AsyncClient, store: Store) -> None:
    """Not an empty list, which would say that nothing changed."""
    incident_id = await an_incident(store)
    run = (await web.get(f"/api/incidents/{incident_id}", headers=READER)).json()["runs"][0]
    assert (run["changes"], run["similar"]) == (None, None)


async def test_runs_are_offered_where_no_alert_names_one(web: httpx.AsyncClient, store: Store) -> None:
    """With the window they ended in and how many there were."""
    incident_id = await flight.store_flight(store, [entry.event for entry in flight.offered_entries()])
    told = (await web.get(f"/api/incidents/{incident_id}", headers=READER)).json()
    assert told["offered"]["total"] == 4
    assert {"start", "end"} <= told["offered"].keys()
    assert [set(line) >= {"trace_id", "status", "counts", "ended_at"} for line in told["offered_runs"]] == [True] * 4


async def test_every_documented_field_is_there(web: httpx.AsyncClient, store: Store) -> None:
    """docs/api.md cannot drift: each name in its tables is in the answer."""
    incident_id = await flight.store_flight(store)
    told = (await web.get(f"/api/incidents/{incident_id}", headers=READER)).json()
    acted = (await web.get(f"/api/incidents/{await an_incident(store)}", headers=READER)).json()
    told["executions"] = acted["executions"]
    told["mitigations"] = (await web.get("/api/mitigations", headers=READER)).json()["mitigations"]
    part, named = "", set()
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if line.startswith("### "):
            part = line.removeprefix("### ").split("`")[1].removesuffix("[]") if "`" in line else ""
        elif part and (cells := re.findall(r"^\| (.+?) \|", line)):
            held = told if part == "incident" else told[part][0]
            for name in re.findall(r"`(\w+)", cells[0]):
                assert name in held, f"{part}.{name}"
                named.add((part, name))
    assert len(named) > 60


async def test_repeats_of_an_alert_are_counted_on_it(web: httpx.AsyncClient, store: Store) -> None:
    """The counter of intake, beside the alert."""
    incident_id = await an_incident(store)
    incident = await store.incidents.read(incident_id)
    for _ in range(3):
        await store.intake.accept(incident.alerts)
    [alert] = (await web.get(f"/api/incidents/{incident_id}", headers=READER)).json()["alerts"]
    assert (alert["id"], alert["repeats"]["count"]) == (incident.alerts[0].id, 3)


async def test_the_list_is_newest_first_and_paged(web: httpx.AsyncClient, store: Store) -> None:
    """``next`` is the ``before`` of the following page; None ends it."""
    ids = [await an_incident(store, op=f"open-{n}") for n in range(5)]
    seen: list[str] = []
    before: int | None = None
    for _ in range(5):
        query = {"limit": "2"} | ({} if before is None else {"before": str(before)})
        page = (await web.get("/api/incidents", params=query, headers=READER)).json()
        assert len(page["incidents"]) <= 2
        seen += [row["id"] for row in page["incidents"]]
        before = page["next"]
        if before is None:
            break
    assert seen == ids[::-1]


async def test_the_timeline_is_oldest_first_with_codes_and_paged(web: httpx.AsyncClient, store: Store) -> None:
    """Whoever has the key can check them."""
    incident_id = await an_incident(store)
    whole = (await web.get(f"/api/incidents/{incident_id}/timeline", headers=READER)).json()
    assert [entry["seq"] for entry in whole["entries"]] == list(range(1, len(whole["entries"]) + 1))
    assert all(len(entry["mac"]) == 64 for entry in whole["entries"])
    assert whole["next"] is None
    first = (await web.get(f"/api/incidents/{incident_id}/timeline", params={"limit": 2}, headers=READER)).json()
    assert [entry["seq"] for entry in first["entries"]] == [1, 2]
    query = {"after": first["next"], "limit": 3}
    second = (await web.get(f"/api/incidents/{incident_id}/timeline", params=query, headers=READER)).json()
    assert [entry["seq"] for entry in second["entries"]] == [3, 4, 5]


async def test_evidence_is_listed_and_one_run_is_read_whole(web: httpx.AsyncClient, store: Store, runs: Runs) -> None:
    """By its trace id; one that the incident does not have is 404."""
    incident_id = await an_incident(store)
    runs.held[TRACE] = a_run()
    listed = (await web.get(f"/api/incidents/{incident_id}/evidence", headers=READER)).json()
    assert [(one["trace_id"], one["sha256"]) for one in listed["evidence"]] == [(TRACE, "ab" * 32)]
    one = await web.get(f"/api/incidents/{incident_id}/evidence", params={"trace_id": TRACE}, headers=READER)
    assert one.json()["run"]["tool_calls"][0]["name"] == "issue_refund"
    other = await web.get(f"/api/incidents/{incident_id}/evidence", params={"trace_id": "0" * 32}, headers=READER)
    assert other.status_code == 404


@pytest.mark.parametrize("name", ["INC-99", "INC-0", "nothing", "{pullcord}:open", "INC-1%0d%0aX", "%2e%2e", "INC-%F0"])
@pytest.mark.parametrize("below", ["", "/timeline", "/evidence"])
async def test_an_unknown_incident_is_404(web: httpx.AsyncClient, name: str, below: str) -> None:
    """Whatever its name holds."""
    reply = await web.get(f"/api/incidents/{name}{below}", headers=READER)
    assert reply.status_code == 404
    assert reply.json()["error"]["reason"]


@pytest.mark.parametrize("query", ["limit=x", "before=-1", "limit=1e3", "before=99999999999999999999", "limit=%C2%B2"])
async def test_a_bad_parameter_is_422_by_name(web: httpx.AsyncClient, query: str) -> None:
    """Instead of a guess."""
    reply = await web.get(f"/api/incidents?{query}", headers=READER)
    assert reply.status_code == 422
    assert reply.json()["error"]["field"] == query.partition("=")[0]


async def test_a_store_that_is_away_is_503(web: httpx.AsyncClient, raw: Redis) -> None:
    """For each endpoint, at once."""
    raw.client_pause(3000, all=True)
    for path in PATHS:
        reply = await web.get(f"/api/incidents{path}", headers=READER)
        assert reply.status_code == 503
        assert reply.elapsed < timedelta(seconds=1)
    raw.client_unpause()


async def test_a_damaged_entry_is_said_to_be_damaged(web: httpx.AsyncClient, store: Store, raw: Redis) -> None:
    """410 with the command that shows it; not a 404, and not a stack trace."""
    incident_id = await an_incident(store)
    key = next(raw.scan_iter(f"*{incident_id}:timeline"))
    raw.xadd(key, {"f": "x"}, id="99-0")
    reply = await web.get(f"/api/incidents/{incident_id}/timeline", headers=READER)
    assert reply.status_code == 410
    assert "verify" in reply.json()["error"]["next_step"]
