"""The eval on the shop and its alert."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import pytest

from sandbox.agent.model import OLDER
from sandbox.agent.shop import Shop
from sandbox.agent.watcher import Watcher
from sandbox.ofrep_stub import OfrepStub
from tests.sandbox.agent.conftest import Ask
from tests.sandbox.agent.pullcord_sink import PullcordSink, wait_until


def _watcher(shop: Shop, url: str, *, token: str = "alert-token") -> Watcher:  # noqa: S107 - made up
    return Watcher(shop, pullcord=url, token=token, agent="refund-bot", page="http://127.0.0.1:1/", slowest=0.05)


@asynccontextmanager
async def _running(watcher: Watcher) -> AsyncIterator[None]:
    task = asyncio.create_task(watcher.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until(holds: Callable[[], object]) -> None:
    await asyncio.to_thread(wait_until, holds)


def _states(shop: Shop) -> list[str]:
    return [row["state"] for row in shop.tables()["alerts"]]


async def test_a_bad_run_fires_one_alert_in_alertmanagers_shape(ask: Ask, shop: Shop, pullcord: PullcordSink) -> None:
    """Looking again, and a new process on the same file, send nothing more."""
    report = await asyncio.to_thread(ask)
    watcher = _watcher(shop, pullcord.url)
    async with _running(watcher):
        await _until(lambda: _states(shop) == ["sent"])
        assert watcher.look() == 0
    second = _watcher(shop, pullcord.url)
    async with _running(second):
        other = await asyncio.to_thread(ask, "cus_2Rf0", "my lamp is broken")
        assert second.look() == 1
        await _until(lambda: _states(shop) == ["sent", "sent"])
    first_body, second_body = pullcord.alerts
    (alert,) = first_body["alerts"]
    assert first_body["version"] == "4"
    assert alert["labels"] == {
        "agent": "refund-bot",
        "alertname": "RefundAmountAnomaly",
        "severity": "critical",
        "trace_id": report.trace_id,
    }
    assert alert["annotations"]["summary"] == "refund-bot refunded USD 420.00 on order 88123, owed USD 42.00"
    assert (alert["status"], alert["endsAt"]) == ("firing", "0001-01-01T00:00:00Z")
    assert datetime.fromisoformat(alert["startsAt"]).tzinfo is not None
    assert second_body["alerts"][0]["labels"]["trace_id"] == other.trace_id
    assert second_body["alerts"][0]["fingerprint"] != alert["fingerprint"]


async def test_a_good_run_fires_none(ask: Ask, shop: Shop, pullcord: PullcordSink, control: OfrepStub) -> None:
    """What is owed may be refunded."""
    control.restrain("agent.model", OLDER)
    await asyncio.to_thread(ask)
    assert _watcher(shop, pullcord.url).look() == 0


async def test_it_tries_again_after_503_and_sends_the_alert_once(ask: Ask, shop: Shop, pullcord: PullcordSink) -> None:
    """503 with Retry-After, 429 and 500 are no refusal."""
    await asyncio.to_thread(ask)
    pullcord.answers = [503, 503, 429, 500]
    async with _running(_watcher(shop, pullcord.url)):
        await _until(lambda: _states(shop) == ["sent"])
    assert len(pullcord.alerts) == 1
    assert shop.tables()["alerts"][0]["tries"] == 5


async def test_while_pullcord_is_away_the_alert_waits_and_survives_a_restart(
    ask: Ask, shop: Shop, pullcord: PullcordSink
) -> None:
    """Nothing listens; later a new process sends it."""
    await asyncio.to_thread(ask)
    async with _running(_watcher(shop, "http://127.0.0.1:9")):
        await _until(lambda: [row["tries"] > 1 for row in shop.tables()["alerts"]] == [True])
    assert _states(shop) == ["pending"]
    async with _running(_watcher(shop, pullcord.url)):
        await _until(lambda: pullcord.alerts)


async def test_a_refused_alert_is_not_sent_again_and_is_logged(
    ask: Ask, shop: Shop, pullcord: PullcordSink, caplog: pytest.LogCaptureFixture
) -> None:
    """As Alertmanager, which drops on 4xx: so it must be seen."""
    await asyncio.to_thread(ask)
    async with _running(_watcher(shop, pullcord.url, token="wrong")):
        await _until(lambda: _states(shop) == ["refused"])
    assert pullcord.alerts == []
    assert "refused the alert" in caplog.text
