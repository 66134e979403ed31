from tests.support.world import alert
from tests.support.world_pullcord import Pullcord


async def test_an_alert_becomes_an_incident(pullcord: Pullcord) -> None:
    """It is stored, answered 202 with its id, and people work on an incident that holds it."""
    found = await pullcord.fires(summary="refunded 420.00, owed 42.00")
    incident = await pullcord.incident()
    assert (incident["state"], incident["alert_state"], incident["agent"]) == ("open", "firing", "refund-bot")
    assert await pullcord.alerts() == [found]


async def test_the_same_alert_again_changes_nothing(pullcord: Pullcord) -> None:
    """Sources repeat themselves for hours; that is one alert, and it is not an entry on the timeline each time."""
    first = await pullcord.fires()
    before = (await pullcord.incident())["seq"]
    assert await pullcord.fires() == first
    await pullcord.quiet()
    assert await pullcord.alerts() == [first]
    assert len(await pullcord.events("alert_joined")) == 0
    assert (await pullcord.incident())["seq"] >= before


async def test_alerts_of_one_agent_and_name_join(pullcord: Pullcord) -> None:
    """A storm is one incident with one card."""
    await pullcord.fires("one")
    number = pullcord.current
    await pullcord.fires("two")
    assert pullcord.current == number
    assert len(await pullcord.alerts()) == 2


async def test_an_unreadable_alert_does_not_lose_the_readable_ones(pullcord: Pullcord) -> None:
    """The answer names the field of the one, and takes the other."""
    answer = await pullcord.send({"title": 7, "starts_at": []}, "not an alert", alert("good", title=pullcord.name))  # type: ignore[arg-type]
    body = answer.json()
    assert answer.status_code == 202
    assert body["accepted"] >= 1
    assert {"index", "field", "reason"} <= set(body["rejected"][0])


async def test_nobody_gets_in_without_the_sources_credentials(pullcord: Pullcord) -> None:
    """A made-up alert wakes nobody."""
    answer = await pullcord.http.post(f"{pullcord.origin}/alerts/generic", json=[alert("made up")])
    assert answer.status_code == 401
