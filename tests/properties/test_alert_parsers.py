"""Whatever a source sends: alerts, or a refusal that names the field. Nothing else is ever raised."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alert import Alert
from bot.errors import Refused
from bot.plugin import ParsedAlerts
from handlers.alerts.alertmanager import AlertmanagerSettings, alertmanager
from handlers.alerts.generic import GenericSettings, generic

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NAMES = (
    *("alerts", "status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint", "version"),
    *("truncatedAlerts", "agent", "trace_id", "alertname", "severity", "summary", "title", "dedup_key", "starts_at"),
    *("trace_url", "", "__proto__"),
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["firing", "resolved", "4", "2026-11-23T12:00:00Z", "0001-01-01T00:00:00Z", "9" * 400, "4f1c" + "0" * 28]
    ),
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | TEXTS, inner, max_size=6),
    max_leaves=25,
)
ALERT = st.fixed_dictionaries({}, optional={name: JSON for name in NAMES if name})
BODY = st.one_of(
    JSON, ALERT, st.lists(ALERT, max_size=3), st.fixed_dictionaries({"alerts": st.lists(ALERT, max_size=3)})
)


def _alertmanager(body: Any) -> ParsedAlerts:
    return alertmanager.parse(body, AlertmanagerSettings(), NOW)


def _generic(body: Any) -> ParsedAlerts:
    return generic.parse(body, GenericSettings(), NOW)


@pytest.mark.parametrize("parse", [_alertmanager, _generic])
@given(body=BODY)
def test_a_parser_raises_nothing_but_a_refusal_that_names_the_field(
    parse: Callable[[Any], ParsedAlerts], body: Any
) -> None:
    """Every alert it answers is valid, and every one it leaves out has its place and its reason."""
    parsed = _parsed(parse, body)
    if isinstance(parsed, Refused):
        assert parsed.field
        assert parsed.message
        return
    for alert in parsed.alerts:
        assert Alert.model_validate_json(alert.model_dump_json()) == alert
    assert all(one.field and one.reason and one.index >= 0 for one in parsed.rejected)


def _parsed(parse: Callable[[Any], ParsedAlerts], body: Any) -> ParsedAlerts | Refused:
    try:
        return parse(body)
    except Refused as refused:
        return refused
