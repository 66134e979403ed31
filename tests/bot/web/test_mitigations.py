"""All that is in force over HTTP: who may read it, and what is shown while the store is away."""

from typing import Any

import httpx
from redis import Redis

from bot.domain import events as ev
from bot.domain.action import Verified
from bot.timeline.store import Store
from bot.timeline.timeline import Write
from tests.bot.web.test_pages import signed_in
from tests.support.clock import ManualClock
from tests.support.page_reader import read
from tests.support.sample_mitigations import execution
from tests.support.web import API_TOKEN, bearer
from tests.support.whole_incident import an_incident

READER = bearer(API_TOKEN)
PULL = ev.PULLCORD
DANA = ev.Actor(kind=ev.ActorKind.PERSON, id="U0DANA", team="T1")


async def in_force(store: Store, incident: str, clock: ManualClock, name: str = "pin", **more: Any) -> None:
    """A pin that the agent has read."""
    one = execution(name, **more)
    now = clock.now()
    told = (
        ev.ActionRequested(
            at=now, by=DANA, execution=one.id, action=one.action, title=one.title, params={}, offer=f"of_{name}"
        ),
        ev.ActionStarted(
            at=now,
            by=PULL,
            execution=one.id,
            key=one.id,
            change=one.change,
            snapshot=one.snapshot,
            summary=one.summary or "",
        ),
        ev.ActionSucceeded(
            at=now,
            by=PULL,
            execution=one.id,
            verified=Verified.IN_FORCE,
            detail="read",
            applied=one.applied,
            expires_at=one.expires_at,
        ),
    )
    await store.incidents.write(incident, f"act:{name}", lambda _: Write(events=told))


async def test_the_api_lists_what_is_in_force_page_by_page(
    web: httpx.AsyncClient, store: Store, clock: ManualClock
) -> None:
    """Bearers of the API token only; every field that the docs name."""
    incident = await an_incident(store)
    before = (await web.get("/api/mitigations", headers=READER)).json()["total"]
    for name in ("a", "b", "c"):
        await in_force(store, incident, clock, name)
    assert (await web.get("/api/mitigations")).status_code == 401
    first = (await web.get("/api/mitigations?limit=2", headers=READER)).json()
    assert first["total"] == before + 3
    assert first["next"] == 2
    rest = (await web.get("/api/mitigations?skip=2", headers=READER)).json()
    assert rest["next"] is None
    seen = {row["execution"] for row in (*first["mitigations"], *rest["mitigations"])}
    assert {"ex_a", "ex_b", "ex_c"} <= seen
    row = next(row for row in (*first["mitigations"], *rest["mitigations"]) if row["execution"] == "ex_a")
    assert {
        "agent",
        "summary",
        "value",
        "control",
        "at",
        "until",
        "by",
        "incident",
        "verified",
        "drifted",
    } <= row.keys()
    assert row["in_force"] is True
    assert row["says"] == "in force"
    assert (await web.get("/api/mitigations?limit=x", headers=READER)).status_code == 422


async def test_the_page_shows_all_to_who_may_see_all(web: httpx.AsyncClient, store: Store, clock: ManualClock) -> None:
    """And is linked from the list of incidents; without a session it is 401."""
    await in_force(store, await an_incident(store), clock)
    assert (await web.get("/mitigations")).status_code == 401
    await signed_in(web, store)
    page = await web.get("/mitigations")
    assert page.status_code == 200
    assert "pinned refund-bot to gpt-x-2026-01-01" in page.text
    assert "content-security-policy" in page.headers
    read(page.text)
    assert 'href="/mitigations"' in (await web.get("/incidents")).text


async def test_a_link_of_one_incident_shows_what_that_one_set_and_says_so(
    web: httpx.AsyncClient, store: Store, clock: ManualClock
) -> None:
    """Nothing of another incident; and "nothing" is not said of all."""
    incident = await an_incident(store)
    await in_force(store, incident, clock)

    def make(number: int) -> tuple[ev.IncidentOpened, Write]:
        opened = ev.IncidentOpened(at=clock.now(), by=DANA, number=number, agent="bot", name="A", severity="SEV3")
        return opened, Write(events=())

    other = (await store.incidents.open("another", make, None)).incident_id
    await signed_in(web, store, other)
    page = await web.get("/mitigations")
    assert page.status_code == 200
    assert "pinned refund-bot" not in page.text
    assert f"Nothing that {other} set is in force." in page.text
    assert f"Only what {other} set" in page.text


async def test_while_the_store_is_away_the_copy_is_shown_and_said_to_be_one(
    web: httpx.AsyncClient, store: Store, clock: ManualClock, raw: Redis
) -> None:
    """The API says 503."""
    await in_force(store, await an_incident(store), clock)
    await signed_in(web, store)
    await web.get("/mitigations")
    raw.client_pause(3000, all=True)
    page = await web.get("/mitigations")
    assert page.status_code == 200
    assert "The record cannot be read since" in page.text
    assert "pinned refund-bot" in page.text
    assert (await web.get("/api/mitigations", headers=READER)).status_code == 503
