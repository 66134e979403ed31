import logging
import secrets

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.errors import Refused, StoreUnavailable
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.web import BEARER, bearer, serving


async def test_healthz_answers_while_the_process_does(web: httpx.AsyncClient) -> None:
    """GET and HEAD."""
    assert (await web.get("/healthz")).json() == {"status": "ok"}
    head = await web.head("/healthz")
    assert (head.status_code, head.content) == (200, b"")


async def test_readyz_names_what_is_not_well(store: Store, clock: ManualClock) -> None:
    """503 with each problem; a probe that itself fails is a problem too."""
    said: dict[str, str | None] = {"store": None, "clock": None}

    async def store_probe() -> str | None:
        return said["store"]

    async def clock_probe() -> str | None:
        if said["clock"] == "raise":
            raise RuntimeError("what nobody should read")
        return said["clock"]

    async with serving(store, clock, probes={"store": store_probe, "clock": clock_probe}) as web:
        assert (await web.get("/readyz")).status_code == 200
        said["store"] = "it does not answer"
        reply = await web.get("/readyz")
        assert reply.status_code == 503
        assert reply.json()["problems"] == {"store": "it does not answer"}
        said["clock"] = "raise"
        reply = await web.get("/readyz")
        assert reply.status_code == 503
        assert set(reply.json()["problems"]) == {"store", "clock"}
        assert "nobody" not in reply.text


async def test_metrics_count_what_came_in(web: httpx.AsyncClient) -> None:
    """In Prometheus' text format, labelled by configured names only."""
    await web.post("/alerts/generic", json={"title": "x"}, headers=bearer(BEARER))
    await web.post("/alerts/no-such-source", json={"title": "x"}, headers=bearer(BEARER))
    reply = await web.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'pullcord_alerts_total{outcome="accepted",source="generic"}' in reply.text
    assert 'pullcord_intake_seconds_count{source="generic"}' in reply.text
    assert "no-such-source" not in reply.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/incidents/", 404),
        ("POST", "/alerts/generic/", 404),
        ("GET", "/%00", 404),
        ("GET", "//healthz", 404),
        ("POST", "/healthz", 405),
        ("GET", "/v1/traces", 405),
        ("PUT", "/ofrep/v1/evaluate/flags", 405),
        ("DELETE", "/api/incidents", 405),
        ("OPTIONS", "/alerts/generic", 405),
    ],
)
async def test_what_is_not_there_is_refused_in_one_shape(
    web: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    """Never a redirect: it would be made of the sender's own Host header."""
    reply = await web.request(method, path, headers={"host": "evil.example"})
    assert reply.status_code == status
    assert reply.json()["error"]["reason"]
    assert "evil" not in reply.text
    assert "location" not in reply.headers


async def test_our_own_failure_is_500_without_its_text_and_is_logged(
    store: Store, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors of ours that an endpoint let through keep their meaning."""
    caplog.set_level(logging.DEBUG)
    word = secrets.token_hex(8)

    async def breaks(request: Request) -> Response:
        raise {"a": ValueError(word), "b": StoreUnavailable(word), "c": Refused("No.", field="f")}[
            request.query_params["w"]
        ]

    async with serving(store, clock, extra=[Route("/breaks", breaks)]) as web:
        reply = await web.get("/breaks?w=a")
        assert reply.status_code == 500
        assert word not in reply.text
        assert reply.json()["error"]["next_step"]
        assert (await web.get("/breaks?w=b")).status_code == 503
        assert (await web.get("/breaks?w=c")).status_code == 422
        assert (await web.get("/healthz")).status_code == 200
    assert not [
        record for record in caplog.records if record.name.startswith("uvicorn") and word in record.getMessage()
    ]
