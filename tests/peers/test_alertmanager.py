import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from bot.timeline.embedded import running_store
from tests.peers.alertmanager import Alertmanager, alert
from tests.peers.place import Place, told, until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(180)]

Start = Callable[[str], Alertmanager]


def _bearer(place: Place) -> str:
    return f"{{authorization: {{type: Bearer, credentials: {place.token('ALERT_TOKEN')}}}}}"


@pytest.mark.parametrize("how", ["bearer", "basic"])
def test_a_real_alertmanager_fires_and_resolves(place: Place, alertmanager: Start, how: str) -> None:
    """An alert posted to Alertmanager opens an incident with agent and trace id; its end is on the incident."""
    basic = f"{{basic_auth: {{username: prometheus, password: {place.token('ALERT_PASSWORD')}}}}}"
    peer = alertmanager(_bearer(place) if how == "bearer" else basic)
    agent, trace_id = f"bot-{how}", secrets.token_hex(16)
    firing = alert(agent, trace_id)
    peer.send([firing])
    seen = place.incident(agent)
    told("fired", {key: seen[key] for key in ("id", "name", "agent", "alert_state", "severity", "missing")})
    (one,) = seen["alerts"]
    assert (one["agent"], one["trace_id"], one["source"]) == (agent, trace_id, "alertmanager")
    assert (seen["alert_state"], seen["state"]) == ("firing", "open")
    assert seen["summary"] == f"{agent} refunds more than is owed"

    peer.send([{**firing, "endsAt": (datetime.now(UTC) - timedelta(seconds=1)).isoformat()}])
    after = place.incident(agent, lambda found: found["alert_state"] == "cleared")
    told("resolved", {key: after[key] for key in ("id", "alert_state", "state")})
    assert after["state"] == "open", "that an alert cleared does not close an incident: people do"
    assert peer.attempts("failed") == 0


def test_a_wrong_password_is_refused_and_opens_nothing(place: Place, alertmanager: Start) -> None:
    """Alertmanager counts the failure; nothing reaches the timeline."""
    peer = alertmanager("{basic_auth: {username: prometheus, password: wrong}}")
    peer.send([alert("bot-wrong")])
    failed = until(lambda: peer.attempts("failed"), "a refused notification", peer.process.tail)
    told("refused", f"{failed:.0f} requests; Alertmanager says {peer.process.tail(1)[-200:]}")
    assert place.incidents("bot-wrong") == []
    assert "401" in peer.process.tail(50)


def test_a_group_of_several_alerts_is_one_incident_with_each_alert(place: Place, alertmanager: Start) -> None:
    """Three customers, one group: one incident, three alerts; it is cleared only when the last of them is."""
    peer = alertmanager(_bearer(place))
    fired = [alert("bot-group", secrets.token_hex(16), customer=name) for name in ("ann", "bob", "cy")]
    peer.send(fired)
    seen = place.incident("bot-group", lambda found: len(found["alerts"]) == 3)
    told("group", {a["labels"]["customer"]: a["trace_id"] for a in seen["alerts"]})
    assert {a["trace_id"] for a in seen["alerts"]} == {a["labels"]["trace_id"] for a in fired}

    ended = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    peer.send([{**one, "endsAt": ended} for one in fired[:2]])

    def resolved(found: dict[str, object]) -> int:
        alerts = found["alerts"]
        assert isinstance(alerts, list)
        return sum(a["status"] == "resolved" for a in alerts)

    some = place.incident("bot-group", lambda found: resolved(found) == 2)
    assert some["alert_state"] == "firing"
    peer.send([{**fired[2], "endsAt": ended}])
    last = place.incident("bot-group", lambda found: found["alert_state"] == "cleared")
    told("cleared", {"resolved": resolved(last), "alert_state": last["alert_state"]})


def test_an_alert_that_fires_while_pullcord_is_away_arrives_after_its_restart(
    place: Place, alertmanager: Start
) -> None:
    """Alertmanager keeps trying while nobody listens; once Pullcord is back it has the alert, once."""
    peer = alertmanager(_bearer(place))
    place.bot.kill()
    try:
        peer.send([alert("bot-away", secrets.token_hex(16))])
        tries = until(lambda: peer.attempts() >= 2 and peer.attempts(), "two tries", peer.process.tail)
    finally:
        place.restart()
    seen = place.incident("bot-away")
    told("after the restart", {"tries while away": tries, "incident": seen["id"], "alerts": len(seen["alerts"])})
    assert len(seen["alerts"]) == 1


async def test_an_alert_that_gets_503_because_the_store_hangs_arrives_when_it_answers_again(
    place: Place, alertmanager: Start
) -> None:
    """Pullcord is up and cannot write: it says 503 rather than lose the alert, and Alertmanager sends it again."""
    peer = alertmanager(_bearer(place))
    url = await running_store(Path(place.environment["PULLCORD_DATA_DIR"]))
    assert url is not None
    store = Redis.from_url(url)
    store.execute_command("CLIENT", "PAUSE", 4000, "ALL")  # type: ignore[no-untyped-call]
    store.close()
    peer.send([alert("bot-hung", secrets.token_hex(16))])
    failed = until(lambda: peer.attempts("failed"), "a 503", peer.process.tail)
    seen = place.incident("bot-hung")
    told("after the store's hang", {"tries that failed": failed, "incident": seen["id"], "alerts": len(seen["alerts"])})
    assert "503" in peer.process.tail(50) or "context deadline" in peer.process.tail(50)
    assert len(seen["alerts"]) == 1
