import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.alert import AlertStatus
from bot.errors import Refused
from bot.plugin import ParsedAlerts
from handlers.alerts.alertmanager import AlertmanagerSettings, alertmanager

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "webhooks" / "alertmanager"
FILES = sorted(FOLDER.glob("*.json")) if FOLDER.is_dir() else []
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"


def parse(payload: Any, **options: Any) -> ParsedAlerts:
    """Through the plug-in, as intake does."""
    return alertmanager.parse(payload, AlertmanagerSettings(**options), NOW)


def one(**fields: Any) -> dict[str, Any]:
    """A notification with one alert."""
    alert = {"status": "firing", "labels": {"alertname": "A"}, "startsAt": "2026-11-23T11:00:00Z", **fields}
    return {"version": "4", "alerts": [alert]}


@pytest.mark.skipif(not FILES, reason="shared/data/webhooks/alertmanager does not lie beside this checkout")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_recorded_notification_is_read_whole(path: Path) -> None:
    """Every alert of version 4, with its own status; version 3 is refused by its field."""
    payload = json.loads(path.read_bytes())
    if payload.get("version") == "3":
        with pytest.raises(Refused) as caught:
            parse(payload)
        assert caught.value.field == "version"
        return
    parsed = parse(payload)
    assert parsed.rejected == ()
    assert bool(parsed.notices) is bool(payload.get("truncatedAlerts"))
    assert len(parsed.alerts) == len(payload["alerts"])
    for alert, sent in zip(parsed.alerts, payload["alerts"], strict=True):
        assert alert.status == sent["status"]
        assert alert.name == sent["labels"]["alertname"]
        assert alert.fingerprint == sent.get("fingerprint", alert.fingerprint)
        assert alert.start_known
        assert (alert.ends_at is not None) is (sent["status"] == "resolved")
        assert alert.labels == {name: str(value) for name, value in sent["labels"].items()}
    assert len({alert.id for alert in parsed.alerts}) == len(parsed.alerts)


@pytest.mark.skipif(not FILES, reason="shared/data/webhooks/alertmanager does not lie beside this checkout")
def test_the_captured_alerts_name_agent_and_trace() -> None:
    """The trace id stands inside the annotation ``trace_url``; firing and resolved of one alert have one id."""
    fired = parse(json.loads((FOLDER / "firing_two_alerts.captured.json").read_bytes())).alerts
    assert {(alert.agent, alert.trace_id, alert.severity) for alert in fired} == {("refund-agent", TRACE, "critical")}
    mixed = parse(json.loads((FOLDER / "partial_resolve.captured.json").read_bytes())).alerts
    assert {alert.status for alert in mixed} == {AlertStatus.FIRING, AlertStatus.RESOLVED}
    over = parse(json.loads((FOLDER / "resolved.captured.json").read_bytes())).alerts
    assert {alert.id for alert in over} & {alert.id for alert in fired}


def test_the_configured_labels_are_read_else_the_annotations() -> None:
    """An empty label gives way to an annotation of the same name."""
    names = {"agent": "service", "trace_id": "run", "name": "rule", "severity": "prio", "summary": "what"}
    payload = one(
        labels={"service": "", "rule": "R", "prio": 2, "agent": "not this"},
        annotations={"service": "mail-bot", "run": TRACE.upper(), "what": "it broke"},
    )
    [alert] = parse(payload, labels=names).alerts
    assert (alert.agent, alert.trace_id, alert.name) == ("mail-bot", TRACE, "R")
    assert (alert.severity, alert.summary) == ("2", "it broke")


@pytest.mark.parametrize(
    ("fields", "trace"),
    [
        ({"labels": {"trace_id": TRACE}}, TRACE),
        ({"labels": {"trace_id": f"https://langfuse.example/trace/{TRACE}?x=1"}}, TRACE),
        ({"labels": {"trace_id": "8448eb211c80319c"}}, "0" * 16 + "8448eb211c80319c"),
        ({"labels": {"trace_id": "0af76519-16cd-43dd-8448-eb211c80319c"}}, TRACE),
        ({"labels": {"trace_id": "0" * 32}}, None),
        ({"labels": {"trace_id": "xyz"}}, None),
        ({"annotations": {"jaeger": f"http://jaeger:16686/trace/{TRACE}"}}, TRACE),
        ({"annotations": {"trace_url": f"https://x.example/p/{TRACE}"}}, TRACE),
        ({"generatorURL": f"https://tempo.example/explore?query=traceql&id={TRACE}"}, TRACE),
        ({"annotations": {"runbook_url": f"https://notes.example/Runbook-{TRACE}"}}, None),
        ({"annotations": {"image": f"https://registry.example/i@sha256:{TRACE}{TRACE}"}}, None),
        ({"annotations": {"trace_url": f"https://x.example/{TRACE}ab"}}, None),
    ],
)
def test_a_trace_id_is_found_where_it_is_one(fields: dict[str, Any], trace: str | None) -> None:
    """Also inside the address of a trace; other long hex numbers are not taken for one."""
    labels = {"alertname": "A", **fields.get("labels", {})}
    [alert] = parse(one(**{**fields, "labels": labels})).alerts
    assert alert.trace_id == trace


def test_a_configured_pattern_finds_it_in_any_link() -> None:
    """In its group or as a whole; what it finds must be an id."""
    payload = one(annotations={"dashboard": f"https://x.example/run/{TRACE}/view"})
    assert parse(payload).alerts[0].trace_id is None
    pattern = r"/run/(?P<trace_id>[0-9a-f]{32})/"
    assert parse(payload, trace_url_pattern=pattern).alerts[0].trace_id == TRACE
    assert parse(payload, trace_url_pattern="[0-9a-f]{32}").alerts[0].trace_id == TRACE
    assert parse(payload, trace_url_pattern="/run/").alerts[0].trace_id is None


@pytest.mark.parametrize("pattern", ["(", "(a+)+$", r"(?P<other>x)", "x*", "(a|a)*b" * 10, r"(\w+)\1"])
def test_a_pattern_that_is_wrong_or_could_be_slow_is_refused_at_start(pattern: str) -> None:
    """``re`` has no time limit, and links are hostile."""
    with pytest.raises(ValidationError):
        AlertmanagerSettings(trace_url_pattern=pattern)


def test_a_missing_fingerprint_is_made_of_all_labels() -> None:
    """Also of those beyond what is kept: two alerts must not become one."""
    many = {f"l{n:03}": "v" for n in range(200)}
    first = parse(one(labels=many)).alerts[0]
    assert first.fingerprint == parse(one(labels=dict(reversed(many.items())))).alerts[0].fingerprint
    assert first.fingerprint != parse(one(labels={**many, "l199": "w"})).alerts[0].fingerprint
    assert len(first.labels) == 64
    long = [parse(one(fingerprint="f" * 300 + end)).alerts[0].fingerprint for end in "ab"]
    assert long[0] != long[1]


@pytest.mark.parametrize(
    ("starts_at", "known"),
    [
        ("2026-11-22T09:23:13.777354123Z", True),
        ("2017-08-03T15:17:37.804-04:00", True),
        ("0001-01-01T00:00:00Z", False),
        ("soon", False),
        (None, False),
        (1763812345678, True),
        (1763812345678901234, True),
        (float("inf"), False),
        (float("nan"), False),
        (-(10**400), False),
    ],
)
def test_times_are_read_or_not_known(starts_at: Any, known: bool) -> None:
    """A time that is none does not cost the alert, nor the time to find out."""
    [alert] = parse(one(startsAt=starts_at)).alerts
    assert alert.start_known is known
    assert (alert.starts_at == NOW) is not known


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"])


@given(
    st.one_of(
        json_values,
        st.fixed_dictionaries({"alerts": st.lists(st.dictionaries(names, json_values, max_size=6), max_size=3)}),
    )
)
def test_whatever_comes_is_read_or_refused(payload: Any) -> None:
    """Nothing but a Refused with its field ever leaves the parser."""
    try:
        parsed = parse(payload)
    except Refused as refused:
        assert refused.field  # noqa: PT017 - either way is right; what is refused names its field
    else:
        assert len(parsed.alerts) + len(parsed.rejected) == len(payload["alerts"])
        assert all(rejected.field and rejected.reason for rejected in parsed.rejected)
