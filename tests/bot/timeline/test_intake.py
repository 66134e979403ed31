from datetime import timedelta

from redis import Redis

from bot.domain.alert import Alert
from bot.domain.events import PULLCORD, AlertJoined
from bot.domain.work import Work
from bot.timeline.store import Store
from bot.timeline.timeline import Write
from tests.support.clock import ManualClock
from tests.support.incidents import AT, an_alert, open_one


async def test_each_state_of_an_alert_becomes_work_once(store: Store) -> None:
    """Firing and resolved are two operations; a repeat of either is recognised."""
    accepted = await store.intake.accept([an_alert(), an_alert("f2"), an_alert(), an_alert(resolved=True)])
    assert [a.new for a in accepted] == [True, True, False, True]
    assert [a.new for a in await store.intake.accept([an_alert(), an_alert(resolved=True)])] == [False, False]
    items = await store.work.take("c", 10, 10)
    assert [Alert.model_validate(leased.item.payload) for leased in items] == [
        an_alert(),
        an_alert("f2"),
        an_alert(resolved=True),
    ]
    assert {leased.item.kind for leased in items} == {Work.ALERT}


async def test_a_body_of_1000_alerts_is_one_script_call(store: Store, raw: Redis) -> None:
    """One durable write per body; a larger body takes one call for each further thousand."""
    alerts = [an_alert(f"f{n}") for n in range(1000)]
    await store.intake.accept([an_alert("the script is known from here on")])
    raw.config_resetstat()
    assert all(a.new for a in await store.intake.accept(alerts))
    assert raw.info("commandstats")["cmdstat_evalsha"]["calls"] == 1
    accepted = await store.intake.accept([an_alert(f"f{n}") for n in range(2500)])
    assert [a.new for a in accepted] == [False] * 1000 + [True] * 1500
    assert raw.info("commandstats")["cmdstat_evalsha"]["calls"] == 4
    assert await store.intake.accept([]) == []


async def test_many_large_alerts_are_split_by_bytes(store: Store, raw: Redis) -> None:
    """No call holds the store up: about 2 MB each."""
    large = {f"k{n}": "v" * 500 for n in range(60)}
    alerts = [an_alert(f"f{n}").model_copy(update={"labels": large}) for n in range(200)]
    await store.intake.accept([an_alert("the script is known from here on")])
    raw.config_resetstat()
    await store.intake.accept(alerts)
    assert raw.info("commandstats")["cmdstat_evalsha"]["calls"] == 4


async def test_an_alert_is_remembered_for_30_days_after_its_last_repeat(store: Store, raw: Redis) -> None:
    """The memory of intake ends by itself."""
    await store.intake.accept([an_alert()])
    key = f"{{pullcord}}:alert:{an_alert().id}"
    assert timedelta(days=29) < timedelta(seconds=raw.ttl(key)) <= timedelta(days=30)
    raw.expire(key, 100)
    await store.intake.accept([an_alert()])
    assert raw.ttl(key) > 100


async def test_a_sources_trouble_is_told_once_an_hour(store: Store, clock: ManualClock) -> None:
    """One incident for a source that sends what must be refused, however often it does."""
    assert await store.intake.trouble("grafana: eu/1", "the body is no JSON")
    assert not await store.intake.trouble("grafana: eu/1", "again")
    assert await store.intake.trouble("other", "x")
    clock.forward(hours=1)
    assert await store.intake.trouble("grafana: eu/1", "still")
    items = await store.work.take("c", 10, 10)
    assert [i.item.payload["source"] for i in items] == ["grafana: eu/1", "other", "grafana: eu/1"]


async def test_the_repeats_of_a_thousand_alerts_are_a_few_calls(store: Store, raw: Redis) -> None:
    """The page of a storm must not cost a round trip for each alert."""
    alerts = [an_alert(f"f{n}") for n in range(1000)]
    for _ in range(2):
        await store.intake.accept(alerts)
    incident = (await open_one(store, alert=alerts[0])).incident_id
    joined = tuple(AlertJoined(at=AT, by=PULLCORD, alert=alert) for alert in alerts[1:])
    await store.incidents.write(incident, "j", lambda _i: Write(events=joined))
    await store.incidents.repeats(incident)
    raw.config_resetstat()
    repeats = await store.incidents.repeats(incident)
    assert {r.count for r in repeats.values()} == {2}
    assert len(repeats) == 1000
    asked = raw.info("commandstats")
    assert asked["cmdstat_evalsha"]["calls"] + asked["cmdstat_xrange"]["calls"] < 10
