import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alert import AlertStatus
from bot.errors import Refused
from bot.plugin import ParsedAlerts
from handlers.alerts.fields import dotted, link
from handlers.alerts.generic import GenericSettings, generic

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "webhooks" / "generic"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"


def parse(payload: Any, **options: Any) -> ParsedAlerts:
    """Through the plug-in, as intake does."""
    return generic.parse(payload, GenericSettings(**options), NOW)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="shared/data/webhooks/generic does not lie beside this checkout")
def test_the_recorded_bodies_are_read() -> None:
    """Full, minimal, and a resolve that says nothing but its key."""
    [full] = parse(json.loads((FOLDER / "full.json").read_bytes())).alerts
    assert (full.trace_id, full.severity, full.fingerprint) == (TRACE, "critical", "refund-agent/guardrail")
    assert full.link == f"https://langfuse.example/trace/{TRACE}"
    [minimal] = parse(json.loads((FOLDER / "minimal.json").read_bytes())).alerts
    assert (minimal.name, minimal.status) == ("Refund agent misbehaving", AlertStatus.FIRING)
    assert not minimal.start_known
    [resolved] = parse(json.loads((FOLDER / "resolved.json").read_bytes())).alerts
    assert (resolved.status, resolved.ends_at, resolved.id) == (AlertStatus.RESOLVED, NOW, full.id)


def test_every_field_is_where_the_mapping_says() -> None:
    """Dotted paths into objects and lists, from each alert on."""
    payload = {
        "data": {
            "events": [
                {
                    "meta": {"key": 7, "state": "OK", "at": 1763812345},
                    "run": {"agent": "a", "spans": [{"trace": TRACE}]},
                    "text": {"head": "H", "body": "B"},
                    "k8s.pod": "p-1",
                    "prio": 2.5,
                    "tags": {"env": "prod", "n": 3, "deep": {"x": 1}},
                }
            ]
        }
    }
    mapping = {
        "alerts": "data.events",
        "fingerprint": "meta.key",
        "status": "meta.state",
        "starts_at": "meta.at",
        "agent": "run.agent",
        "trace_id": "run.spans.0.trace",
        "name": "text.head",
        "summary": "text.body",
        "severity": "prio",
        "labels": "tags",
    }
    [alert] = parse(payload, mapping=mapping).alerts
    assert (alert.fingerprint, alert.status, alert.agent, alert.trace_id) == ("7", AlertStatus.RESOLVED, "a", TRACE)
    assert (alert.name, alert.summary, alert.severity) == ("H", "B", "2.5")
    assert alert.starts_at == datetime(2025, 11, 22, 11, 52, 25, tzinfo=UTC)
    assert alert.labels == {"env": "prod", "n": "3", "deep": ""}


def test_dotted_paths_find_names_with_dots_and_never_raise() -> None:
    """A path that leads nowhere is None."""
    held: Any = {"a.b": {"c": 1}, "l": [{"x": 2}], "t": "text"}
    assert dotted(held, "a.b.c") is None
    assert dotted(held, "a.b") == {"c": 1}
    assert dotted(held, "l.0.x") == 2
    assert dotted(held, "") == held
    for path in ("l.1", "l.x", "l.-1", "l.²", "t.x", "t.0", "a", ".", "..", "l." + "9" * 5000):
        assert dotted(held, path) is None


def test_a_list_of_alerts_keeps_the_readable_ones() -> None:
    """The others are named by place and field."""
    parsed = parse([{"title": "a"}, 7, {"severity": "x"}, {"title": "b"}])
    assert [alert.name for alert in parsed.alerts] == ["a", "b"]
    assert [(one.index, one.field) for one in parsed.rejected] == [(1, "1.(alert)"), (2, "2.title")]


@pytest.mark.parametrize("payload", [None, 1, "x", True, []])
def test_what_holds_no_alert_is_refused_by_field(payload: Any) -> None:
    """With what to correct."""
    with pytest.raises(Refused) as caught:
        parse(payload)
    assert caught.value.field == "(body)"
    with pytest.raises(Refused) as caught:
        parse({"x": payload}, mapping={"alerts": "x"})
    assert caught.value.field == "x"


def test_without_a_key_an_alert_is_known_by_name_agent_and_trace() -> None:
    """The same three give the same alert."""
    prints = {
        parse({"title": title, "agent": agent, "trace_id": trace, "severity": severity}).alerts[0].fingerprint
        for title, agent, trace, severity in (
            ("t", "a", TRACE, "1"),
            ("t", "a", TRACE, "2"),
            ("t", "b", TRACE, "1"),
            ("u", "a", TRACE, "1"),
            ("t", "a", None, "1"),
        )
    }
    assert len(prints) == 4


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("https://x.example/a?b=c", True),
        ("http://[::1]:8080/", True),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("gopher://127.0.0.1/_FLUSHALL", False),
        ("https://x.example/a\nX: 1", False),
        ("https://" + "x" * 3000, False),
        (7, False),
    ],
)
def test_only_web_addresses_are_links(value: Any, shown: bool) -> None:
    """They are shown, never fetched."""
    assert (link(value) is not None) is shown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    *("title", "dedup_key", "status", "agent", "trace_id"),
    *("starts_at", "severity", "summary", "trace_url", "labels"),
]


@given(json_values | st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=8), max_size=4))
def test_whatever_comes_is_read_or_refused(payload: Any) -> None:
    """Nothing but a Refused with its field ever leaves the parser."""
    try:
        parsed = parse(payload)
    except Refused as refused:
        assert refused.field  # noqa: PT017 - either way is right; what is refused names its field
    else:
        assert parsed.alerts or parsed.rejected
