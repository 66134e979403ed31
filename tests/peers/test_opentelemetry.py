import secrets

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from tests.peers.agent_run import QUESTION, REFUND, record
from tests.peers.place import Place, told

pytestmark = [pytest.mark.peers, pytest.mark.timeout(180)]


def test_a_run_sent_by_the_real_otlp_exporter_shows_its_effects(place: Place) -> None:
    """OTLP/HTTP with gzip: the incident lists what the run did, by reversibility and outcome, in order."""
    trace_id, exported = record(place.bot.origin, place.token("PULLCORD_OTLP_TOKEN"), "otel-bot")
    assert exported is SpanExportResult.SUCCESS
    place.alert("otel-bot", trace_id)
    seen = place.incident("otel-bot", lambda found: found["runs"])
    effects = [(e["tool"], e["reversibility"], e["guessed"], e["outcome"]) for e in seen["effects"]]
    told("effects", effects)
    assert effects == [
        ("get_order", "read_only", True, "applied"),
        ("issue_refund", "irreversible", False, "applied"),
        ("send_email", "unclassified", False, "unknown"),
    ]
    refund = seen["effects"][1]
    assert (refund["arguments"], refund["target"], refund["call_id"]) == (REFUND, "cus_81Kd", "call_1")
    (run,) = seen["runs"]
    told("run", {key: run[key] for key in ("trace_id", "source", "gaps")})
    assert (run["trace_id"], run["alerted"]) == (trace_id, True)

    kept = place.api(f"/api/incidents/{seen['id']}/evidence?trace_id={trace_id}")["run"]
    calls = kept["model_calls"]
    told("model calls", [(c["model_requested"], c["model_served"]) for c in calls])
    assert [(c["model_requested"], c["model_served"]) for c in calls] == [("gpt-x", "gpt-x-2026-05-01")] * 3
    assert [part["text"] for part in calls[0]["input"][0]["parts"]] == [QUESTION]


def test_a_run_whose_spans_come_after_its_alert_completes_the_incident(place: Place) -> None:
    """The alert is first, as it often is: the incident says what it lacks, and fills itself when the exporter sends."""
    trace_id = secrets.token_hex(16)
    place.alert("late-bot", trace_id)
    before = place.incident("late-bot", lambda found: bool(found["missing"]))
    told("before", before["missing"])
    assert [one["trace_id"] for one in before["missing"]] == [trace_id]
    assert before["runs"] == []

    _, exported = record(place.bot.origin, place.token("PULLCORD_OTLP_TOKEN"), "late-bot", trace_id=trace_id)
    assert exported is SpanExportResult.SUCCESS
    after = place.incident("late-bot", lambda found: found["runs"] and not found["missing"])
    told("after", [(e["tool"], e["reversibility"]) for e in after["effects"]])
    assert [run["trace_id"] for run in after["runs"]] == [trace_id]


def test_the_exporter_is_told_when_its_token_is_wrong(place: Place) -> None:
    """401 is a failure to the SDK (no retry for ever), and nothing is kept."""
    trace_id, exported = record(place.bot.origin, "wrong", "stranger-bot")
    told("with a wrong token", exported.name)
    assert exported is SpanExportResult.FAILURE
    place.alert("stranger-bot", trace_id)
    assert place.incident("stranger-bot")["runs"] == []
