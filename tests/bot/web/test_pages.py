import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import pytest_asyncio
from redis import Redis

from bot.settings import SlackSettings
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.web import API_TOKEN, Runs, bearer, serving, settings
from tests.support.whole_incident import TRACE, a_run, an_incident

READER = bearer(API_TOKEN)
COOKIE = "pullcord_session"


@contextmanager
def away(raw: Redis) -> Iterator[None]:
    """The store answers nothing."""
    raw.client_pause(8000, all=True)
    try:
        yield
    finally:
        raw.client_unpause()


async def signed_in(web: httpx.AsyncClient, store: Store, *incidents: str, user: str = "U0DANA") -> httpx.Response:
    """Open a one-time link, as a browser does."""
    token = await store.sessions.link(user, incidents or None)
    reply = await web.get(f"/open/{token}")
    web.cookies.update(reply.cookies)
    return reply


async def test_a_link_is_exchanged_once_for_an_http_only_cookie(web: httpx.AsyncClient, store: Store) -> None:
    """It leads to its incident; the cookie is for this site only and no script reads it."""
    incident_id = await an_incident(store)
    token = await store.sessions.link("U0DANA", (incident_id,))
    reply = await web.get(f"/open/{token}")
    assert (reply.status_code, reply.headers["location"]) == (303, f"/incidents/{incident_id}")
    cookie = reply.headers["set-cookie"]
    assert re.match(rf"{COOKIE}=[\w-]+;", cookie)
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert "secure" not in cookie.lower()
    assert token not in cookie
    assert reply.headers["referrer-policy"] == "no-referrer"
    again = await web.get(f"/open/{token}")
    assert again.status_code == 410
    assert "set-cookie" not in again.headers
    assert "used" in again.text
    assert "Press Timeline" in again.text


async def test_over_https_the_cookie_is_secure(store: Store, clock: ManualClock) -> None:
    """By the public address, since TLS ends before us."""
    async with serving(store, clock, configured=settings(public_url="https://pullcord.example")) as web:
        reply = await signed_in(web, store)
        assert "secure" in reply.headers["set-cookie"].lower()


async def test_a_link_is_good_for_sixty_seconds(web: httpx.AsyncClient, store: Store, clock: ManualClock) -> None:
    """And one that never was is answered the same."""
    token = await store.sessions.link("U0DANA", None)
    clock.forward(seconds=61)
    late = await web.get(f"/open/{token}")
    made_up = await web.get("/open/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    long = await web.get(f"/open/{'A' * 5000}")
    assert late.status_code == made_up.status_code == long.status_code == 410
    assert late.text == made_up.text == long.text


async def test_looking_without_getting_does_not_use_a_link_up(web: httpx.AsyncClient, store: Store) -> None:
    """Link checkers send HEAD."""
    token = await store.sessions.link("U0DANA", None)
    assert (await web.head(f"/open/{token}")).status_code == 200
    assert (await web.get(f"/open/{token}")).headers["location"] == "/incidents"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x-moz": "prefetch"},
        {"x-purpose": "preview"},
        {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
    ],
)
async def test_fetching_ahead_does_not_use_a_link_up(
    web: httpx.AsyncClient, store: Store, headers: dict[str, str]
) -> None:
    """A browser that prefetches and a preview of the link are no person who opened it."""
    token = await store.sessions.link("U0DANA", None)
    ahead = await web.get(f"/open/{token}", headers=headers)
    assert (ahead.status_code, ahead.headers["cache-control"]) == (503, "no-store")
    assert "set-cookie" not in ahead.headers
    assert (await web.get(f"/open/{token}")).headers["location"] == "/incidents"


async def test_without_a_session_or_the_token_it_is_401_with_what_to_do(web: httpx.AsyncClient, store: Store) -> None:
    """Also with a cookie or a token that is none."""
    incident_id = await an_incident(store)
    for path in ("/incidents", f"/incidents/{incident_id}", "/incidents/INC-99"):
        for headers in ({}, bearer("nobody"), {"cookie": f"{COOKIE}=made-up"}, {"cookie": f"{COOKIE}={'x' * 3000}"}):
            reply = await web.get(path, headers=headers)
            assert reply.status_code == 401
            assert "Press Timeline" in reply.text
            assert "RefundsHigh" not in reply.text
        assert (await web.get(path, headers=READER)).status_code in {200, 404}


async def test_a_session_ends(web: httpx.AsyncClient, store: Store, clock: ManualClock) -> None:
    """After twelve hours it is 401 again."""
    await signed_in(web, store)
    assert (await web.get("/incidents")).status_code == 200
    clock.forward(hours=13)
    assert (await web.get("/incidents")).status_code == 401


async def test_a_link_for_one_incident_shows_that_one_only(web: httpx.AsyncClient, store: Store) -> None:
    """The list too. A second link adds to it; another person's does not."""
    first, second, third = [await an_incident(store, op=f"o{n}") for n in range(3)]
    await signed_in(web, store, first)
    assert (await web.get(f"/incidents/{first}")).status_code == 200
    assert (await web.get(f"/incidents/{second}")).status_code == 403
    assert (await web.get("/incidents/INC-99")).status_code == 403
    assert first in (await web.get("/incidents")).text
    assert second not in (await web.get("/incidents")).text
    reply = await signed_in(web, store, second)
    assert reply.headers["location"] == f"/incidents/{second}"
    assert [(await web.get(f"/incidents/{one}")).status_code for one in (first, second, third)] == [200, 200, 403]
    await signed_in(web, store, third, user="U0LEE")
    assert [(await web.get(f"/incidents/{one}")).status_code for one in (first, second, third)] == [403, 403, 200]


async def test_the_page_shows_what_the_agent_and_what_people_did(
    web: httpx.AsyncClient, store: Store, runs: Runs
) -> None:
    """Effects by how far they can be undone, steps of the run, actions with their state, the chain's verdict."""
    incident_id = await an_incident(store)
    runs.held[TRACE] = a_run()
    reply = await web.get(f"/incidents/{incident_id}", headers=READER)
    assert reply.status_code == 200
    for text in (incident_id, "issue_refund", "cus_81", "step 1", "Chain intact", "U0DANA", "seed"):
        assert text in reply.text
    assert "text/html" in reply.headers["content-type"]


class _Inline(HTMLParser):
    """Collects what a strict policy would forbid."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Handlers, inline styles, scripts without a source, addresses that run code."""
        named = dict(attrs)
        self.found += [f"{tag} {name}" for name in named if name.startswith("on") or name == "style"]
        self.found += [f"{tag} {value}" for value in named.values() if value and "javascript:" in value.lower()]
        if tag in {"style", "iframe", "base"} or (tag == "script" and "src" not in named):
            self.found.append(tag)
        if tag in {"b", "img"} and named.get("src") == "x":
            self.found.append("foreign text became markup")


async def test_foreign_text_is_escaped_and_nothing_is_inline(web: httpx.AsyncClient, store: Store, runs: Runs) -> None:
    """The policy allows only our own files; the pages keep to it with hostile text on them."""
    hostile = '"><img src=x onerror=alert(1)><script>alert(2)</script><style>*{}</style>{{7*7}}\u202e'
    incident_id = await an_incident(store, text=hostile)
    runs.held[TRACE] = a_run().model_copy(update={"service": hostile})
    paths = [
        "/incidents",
        f"/incidents/{incident_id}",
        "/incidents/INC-99",
        "/open/x",
        f"/incidents/{incident_id}?from=x",
    ]
    for path in paths:
        reply = await web.get(path, headers=READER)
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        seen = _Inline()
        seen.feed(reply.text)
        assert seen.found == [], path
        assert "<script>alert" not in reply.text
        assert ">49<" not in reply.text
        assert "\u202e" not in reply.text


async def test_an_unknown_incident_is_a_404_page(web: httpx.AsyncClient) -> None:
    """Also for names that could never be one, without echoing markup."""
    for name in ("INC-99", "nothing", "%3Cscript%3E", "INC-1%00"):
        reply = await web.get(f"/incidents/{name}", headers=READER)
        assert reply.status_code == 404
        assert "<script>" not in reply.text


async def test_head_answers_as_get_without_a_body(web: httpx.AsyncClient, store: Store) -> None:
    """For monitors."""
    incident_id = await an_incident(store)
    for path in ("/incidents", f"/incidents/{incident_id}"):
        reply = await web.head(path, headers=READER)
        assert (reply.status_code, reply.content) == (200, b"")


async def test_the_files_of_the_page_are_served_and_nothing_else(web: httpx.AsyncClient) -> None:
    """With a tag; a path out of the folder finds nothing."""
    reply = await web.get("/static/page.js")
    assert reply.headers["content-type"].startswith("text/javascript")
    again = await web.get("/static/page.js", headers={"if-none-match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for path in ("/static/../app.py", "/static/%2e%2e%2fapp.py", "/static/..%5capp.py", "/static/", "/static/no.js"):
        assert (await web.get(path)).status_code == 404


async def test_while_the_store_is_away_a_copy_is_shown_and_said_to_be_one(
    web: httpx.AsyncClient, store: Store, clock: ManualClock, raw: Redis, runs: Runs
) -> None:
    """To who was signed in before, for as long as the session lasts; without a copy it is 503."""
    incident_id = await an_incident(store)
    other = await an_incident(store, op="other")
    runs.held[TRACE] = a_run()
    await signed_in(web, store)
    for path in ("/incidents", f"/incidents/{incident_id}"):
        assert "cannot be read since" not in (await web.get(path)).text
    clock.forward(minutes=2)
    with away(raw):
        for path in ("/incidents", f"/incidents/{incident_id}"):
            reply = await web.get(path)
            assert reply.status_code == 200
            assert "The record cannot be read since 12:02:00. This is the copy of 12:00:00" in reply.text
        assert "step 1" in reply.text
        none = await web.get(f"/incidents/{other}")
        assert none.status_code == 503
        assert none.headers["retry-after"]
        web.cookies.clear()
        for stranger in (await web.get("/incidents"), await web.get("/incidents", headers=bearer("nobody"))):
            assert stranger.status_code == 401
        assert (await web.get("/incidents", headers={"cookie": f"{COOKIE}=made-up"})).status_code == 503
        assert (await web.get("/open/AAAA")).status_code == 503
    assert "cannot be read since" not in (await web.get("/incidents", headers=READER)).text


async def test_evidence_that_is_gone_is_said_on_the_page(web: httpx.AsyncClient, store: Store) -> None:
    """The effects are on the timeline and stay."""
    incident_id = await an_incident(store)
    reply = await web.get(f"/incidents/{incident_id}", headers=READER)
    assert reply.status_code == 200
    assert "could not be read" in reply.text
    assert "issue_refund" in reply.text


async def test_a_changed_entry_is_shown_as_broken(web: httpx.AsyncClient, store: Store, raw: Redis) -> None:
    """The page names the entry from which on nothing is to be relied on."""
    incident_id = await an_incident(store)
    client: Any = raw
    key = next(client.scan_iter(f"*{incident_id}:timeline"))
    entries = client.xrange(key)
    client.delete(key)
    for place, fields in entries:
        changed = {**fields, b"e": fields[b"e"].replace(b"note: too many", b"note: too few")}
        client.xadd(key, changed, id=place)
    reply = await web.get(f"/incidents/{incident_id}", headers=READER)
    assert reply.status_code == 200
    assert "does not match its hash" in reply.text


@pytest_asyncio.fixture
async def linked(store: Store, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a web application that knows its workspace."""
    configured = settings(slack=SlackSettings(team_ids=("T0TEAM",)))
    async with serving(store, clock, configured=configured) as web:
        yield web


async def test_the_one_button_leads_to_the_channel_in_slack(linked: httpx.AsyncClient, store: Store) -> None:
    """Where the workspace is known; verbs live there."""
    incident_id = await an_incident(store)
    assert (
        "slack://channel?team=T0TEAM&amp;id=C1" in (await linked.get(f"/incidents/{incident_id}", headers=READER)).text
    )


@pytest.mark.parametrize("steps", [10_000])
async def test_a_big_run_does_not_hold_up_others(web: httpx.AsyncClient, store: Store, runs: Runs, steps: int) -> None:
    """Its page is made beside the event loop, and is cut to what a person can read."""
    incident_id = await an_incident(store)
    runs.held[TRACE] = a_run(steps=steps)
    reply = await web.get(f"/incidents/{incident_id}", headers=READER)
    assert reply.status_code == 200
    assert len(reply.content) < 500_000
    assert reply.elapsed.total_seconds() < 5
