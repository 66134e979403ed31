import base64
import json
import time
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from redis import Redis

from bot.domain.alert import Alert
from bot.domain.work import Work
from bot.errors import Misconfigured
from bot.settings import Settings
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.web import BEARER, BEARER_BEFORE, bearer, serving, settings

SIGNED_IN = bearer(BEARER)


def alertmanager_body(*alerts: Any) -> dict[str, Any]:
    """A notification of version 4."""
    return {"version": "4", "status": "firing", "alerts": list(alerts)}


def one_alert(**labels: str) -> dict[str, Any]:
    """One firing alert of it."""
    return {
        "status": "firing",
        "labels": {"alertname": "RefundsHigh", "agent": "refund-bot", **labels},
        "annotations": {"summary": "too many refunds"},
        "startsAt": "2026-11-23T11:59:00Z",
    }


async def work_of(store: Store) -> list[tuple[Work, Any]]:
    """All work that was put on the stream, in order."""
    return [(leased.item.kind, leased.item.payload) for leased in await store.work.take("test", 5000, 10)]


async def alerts_of(store: Store) -> list[Alert]:
    """The alerts among the work, in order."""
    return [Alert.model_validate(p.get("alert", p)) for kind, p in await work_of(store) if kind is Work.ALERT]


async def test_an_alert_is_answered_202_with_its_id_once_it_is_durable(web: httpx.AsyncClient, store: Store) -> None:
    """The answer names each accepted alert, and the work stream holds it."""
    reply = await web.post("/alerts/alertmanager", json=alertmanager_body(one_alert()), headers=SIGNED_IN)
    assert reply.status_code == 202
    [alert] = await alerts_of(store)
    assert reply.json() == {"accepted": 1, "ids": [alert.id], "rejected": []}
    assert (alert.name, alert.agent, alert.summary) == ("RefundsHigh", "refund-bot", "too many refunds")


async def test_a_repeat_is_accepted_and_does_not_make_work_again(web: httpx.AsyncClient, store: Store) -> None:
    """Same fingerprint and start: same id, counted only."""
    replies = [
        await web.post("/alerts/alertmanager", json=alertmanager_body(one_alert()), headers=SIGNED_IN) for _ in range(3)
    ]
    assert {reply.status_code for reply in replies} == {202}
    [alert] = await alerts_of(store)
    assert [reply.json()["ids"] for reply in replies] == [[alert.id]] * 3


async def test_readable_alerts_are_taken_and_unreadable_ones_named(web: httpx.AsyncClient, store: Store) -> None:
    """202 for what could be read; index, field and reason for what could not, and people are told."""
    body = alertmanager_body(
        one_alert(), {"status": ["firing"], "labels": {}}, 7, {"labels": "none"}, one_alert(env="b")
    )
    reply = await web.post("/alerts/alertmanager", json=body, headers=SIGNED_IN)
    assert reply.status_code == 202
    told = reply.json()
    assert told["accepted"] == 2
    assert [(r["index"], r["field"]) for r in told["rejected"]] == [
        (1, "alerts.1.status"),
        (2, "alerts.2.(alert)"),
        (3, "alerts.3.labels"),
    ]
    kinds = [kind for kind, _ in await work_of(store)]
    assert kinds.count(Work.ALERT) == 2
    assert kinds.count(Work.SOURCE_TROUBLE) == 1


async def test_only_a_body_without_any_readable_alert_is_422_with_the_field(
    web: httpx.AsyncClient, store: Store
) -> None:
    """And it raises the source's trouble once, since the sender will drop it."""
    for _ in range(2):
        reply = await web.post("/alerts/alertmanager", json=alertmanager_body({"labels": 3}), headers=SIGNED_IN)
        assert reply.status_code == 422
        assert reply.json()["error"]["field"] == "alerts.0.labels"
        assert reply.json()["accepted"] == 0
    [(kind, payload)] = await work_of(store)
    assert kind is Work.SOURCE_TROUBLE
    assert payload == {"source": "alertmanager", "reason": "alerts.0.labels: labels must be an object"}


@pytest.mark.parametrize(
    "header",
    [
        {},
        bearer("wrong"),
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": b"Bearer \xff\xfe\xfd"},
        {"authorization": "Basic ????"},
        {"authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        {"authorization": "Basic " + base64.b64encode(b"prometheus:wrong").decode()},
        {"authorization": "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()},
        {"authorization": BEARER},
    ],
)
async def test_bad_credentials_are_401_whatever_they_hold(
    web: httpx.AsyncClient, store: Store, header: dict[Any, Any]
) -> None:
    """Before anything of the body is looked at, and without work."""
    reply = await web.post("/alerts/alertmanager", content=b"\xff not json", headers=header)
    assert reply.status_code == 401
    assert reply.json()["error"]["field"] == "authorization"
    assert "bearer" in reply.headers["www-authenticate"].lower()
    assert await work_of(store) == []


@pytest.mark.parametrize(
    "header",
    [
        bearer(BEARER),
        bearer(BEARER_BEFORE),
        {"authorization": f"bearer   {BEARER}"},
        {"authorization": "Basic " + base64.b64encode(b"prometheus:first password").decode()},
        {"authorization": "basic " + base64.b64encode(b"prometheus:second: password").decode()},
    ],
)
async def test_each_credential_of_a_rotation_is_good(web: httpx.AsyncClient, header: dict[str, str]) -> None:
    """Bearer and basic, the old one and the new one; a password may hold a colon."""
    reply = await web.post("/alerts/alertmanager", json=alertmanager_body(one_alert()), headers=header)
    assert reply.status_code == 202


async def test_an_open_source_takes_alerts_from_anyone(store: Store, clock: ManualClock) -> None:
    """Only where allow_unauthenticated is written; with credentials beside it they count."""
    opened: Settings = settings(
        sources={
            "generic": {"allow_unauthenticated": True},
            "alertmanager": {"allow_unauthenticated": True, "bearer": [SecretStr(BEARER)]},
        }
    )
    async with serving(store, clock, configured=opened) as web:
        assert (await web.post("/alerts/generic", json={"title": "x"})).status_code == 202
        assert (await web.post("/alerts/alertmanager", json={})).status_code == 401


async def test_an_unknown_source_is_404_and_another_method_405(web: httpx.AsyncClient) -> None:
    """In the same shape as every refusal; nobody without credentials learns which sources there are."""
    reply = await web.post("/alerts/nagios", json={}, headers=SIGNED_IN)
    assert reply.status_code == 404
    assert reply.json()["error"]["field"] == "source"
    assert "generic" not in reply.text
    reply = await web.get("/alerts/alertmanager", headers=SIGNED_IN)
    assert reply.status_code == 405
    assert reply.headers["allow"] == "POST"
    assert reply.json()["error"]["reason"]


async def test_a_source_that_nobody_declares_stops_the_start(store: Store, clock: ManualClock) -> None:
    """With every fault at once."""
    sources = {
        "nagios": {"allow_unauthenticated": True},
        "generic": {"bearer": [SecretStr(BEARER)], "mappings": {}},
        "alertmanager": {"bearer": [SecretStr(BEARER)], "trace_url_pattern": "(a+)+b"},
    }
    with pytest.raises(Misconfigured) as caught:
        async with serving(store, clock, configured=settings(sources=sources)):
            pass
    told = [str(fault) for fault in caught.value.faults]
    assert len(told) == 3
    assert all(any(word in line for line in told) for word in ("nagios", "mappings", "trace_url_pattern"))


async def test_an_alert_without_a_start_fires_anew_after_it_was_resolved(
    web: httpx.AsyncClient, store: Store, clock: ManualClock
) -> None:
    """Firing and repeats are one alert, its resolve has the same id; the next firing is another alert."""

    async def send(status: str) -> str:
        body = {"dedup_key": "k", "title": "t", "status": status}
        reply = await web.post("/alerts/generic", json=body, headers=SIGNED_IN)
        assert reply.status_code == 202
        clock.forward(minutes=1)
        return str(reply.json()["ids"][0])

    told = [await send(s) for s in ("firing", "firing", "resolved", "resolved", "firing", "firing", "resolved")]
    first, second = told[0], told[4]
    assert told == [first, first, first, first, second, second, second]
    assert first != second
    assert [(a.id, a.status.value) for a in await alerts_of(store)] == [
        (first, "firing"),
        (first, "resolved"),
        (second, "firing"),
        (second, "resolved"),
    ]


async def test_an_alert_that_nobody_ever_resolves_fires_anew_after_hours_of_silence(
    web: httpx.AsyncClient, store: Store, clock: ManualClock
) -> None:
    """Many senders have no resolved event: their next page must not be swallowed as a repeat."""
    body = {"dedup_key": "k", "title": "t"}
    ids: list[str] = []
    for hours in (0, 4, 4, 7):
        clock.forward(hours=hours)
        ids += (await web.post("/alerts/generic", json=body, headers=SIGNED_IN)).json()["ids"]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert len(await alerts_of(store)) == 2


async def test_firing_and_resolved_again_in_one_body_are_told_apart(web: httpx.AsyncClient, store: Store) -> None:
    """Even when all of it arrives in the same millisecond."""
    body = [{"title": "t", "status": status} for status in ("firing", "resolved", "firing", "resolved")]
    reply = await web.post("/alerts/generic", json=body, headers=SIGNED_IN)
    ids = reply.json()["ids"]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert len(await alerts_of(store)) == 4


async def test_alerts_left_out_by_alertmanager_are_told_to_people(web: httpx.AsyncClient, store: Store) -> None:
    """``max_alerts`` cuts a notification off: what was sent is taken, what was not is trouble."""
    body = {**alertmanager_body(one_alert()), "truncatedAlerts": 3}
    reply = await web.post("/alerts/alertmanager", json=body, headers=SIGNED_IN)
    assert (reply.status_code, reply.json()["rejected"]) == (202, [])
    payloads = dict(await work_of(store))
    assert "left 3 alerts out" in str(payloads[Work.SOURCE_TROUBLE]["reason"])


async def test_a_store_that_is_away_is_503_at_once_and_works_again_without_a_restart(
    web: httpx.AsyncClient, store: Store, raw: Redis
) -> None:
    """Retry-After tells the sender to come back; the alert it then sends is taken."""
    body = alertmanager_body(one_alert())
    raw.client_pause(1500, all=True)
    began = time.monotonic()
    reply = await web.post("/alerts/alertmanager", json=body, headers=SIGNED_IN)
    assert time.monotonic() - began < 1
    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) >= 1
    raw.client_unpause()
    reply = await web.post("/alerts/alertmanager", json=body, headers=SIGNED_IN)
    assert reply.status_code == 202
    assert len(await alerts_of(store)) == 1


async def test_the_answer_is_json_that_nobody_caches(web: httpx.AsyncClient) -> None:
    """Refusals too."""
    reply = await web.post("/alerts/alertmanager", content=json.dumps({}), headers=SIGNED_IN)
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
