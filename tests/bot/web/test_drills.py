"""``POST /api/drills`` and ``pullcord drill``: an incident to practise on, for bearers of the API token."""

import httpx
import pytest

from bot.drill_client import ask_for_drill
from bot.errors import ActionFailed, Misconfigured
from bot.settings import Settings
from bot.settings_environment import Environment
from bot.timeline.store import Store
from tests.support.web import API_TOKEN, bearer

TOKEN = bearer(API_TOKEN)


async def test_a_drill_is_opened_once_per_key(web: httpx.AsyncClient, store: Store) -> None:
    """Its id and its page; the same key again answers the same one."""
    headers = {**TOKEN, "idempotency-key": "one"}
    first = await web.post("/api/drills", json={"agent": "refund-bot"}, headers=headers)
    again = await web.post("/api/drills", json={"agent": "refund-bot"}, headers=headers)
    assert (first.status_code, first.json()) == (201, again.json())
    incident = await store.incidents.read(first.json()["id"])
    assert (incident.drill, incident.agent, incident.opened_by) == (True, "refund-bot", "pullcord drill")
    assert first.json()["url"].endswith(f"/incidents/{incident.id}")
    read = (await web.get(f"/api/incidents/{incident.id}", headers=TOKEN)).json()
    assert read["drill"] is True
    assert (await web.get("/api/incidents", headers=TOKEN)).json()["incidents"][0]["drill"] is True


async def test_without_the_token_nothing_is_opened(web: httpx.AsyncClient, store: Store) -> None:
    """Missing, wrong, and by another method."""
    assert (await web.post("/api/drills")).status_code == 401
    assert (await web.post("/api/drills", headers=bearer("wrong"))).status_code == 401
    assert (await web.get("/api/drills", headers=TOKEN)).status_code == 405
    assert await store.incidents.open_ids(5) == []


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b'{"agent": 1}', b'{"agent": "nobody"}', b'{"else": 1}', b"\xff", b"NaN"]
)
async def test_a_body_that_is_no_drill_is_refused(web: httpx.AsyncClient, store: Store, body: bytes) -> None:
    """With the field, the reason and what to send."""
    answer = await web.post("/api/drills", content=body, headers=TOKEN)
    assert answer.status_code == 422
    assert answer.json()["error"].keys() == {"reason", "field", "next_step"}
    assert await store.incidents.open_ids(5) == []


async def test_the_command_says_what_is_missing(unused_tcp_port: int) -> None:
    """No token here; nobody at the address."""
    with pytest.raises(Misconfigured, match="PULLCORD_API_TOKEN is not set here"):
        await ask_for_drill(Settings(), None)
    environment = Environment.model_validate({"api_token": "t" * 32, "port": unused_tcp_port, "host": "0.0.0.0"})  # noqa: S104
    with pytest.raises(ActionFailed, match=f"Nothing answers at http://127.0.0.1:{unused_tcp_port}"):
        await ask_for_drill(Settings(environment=environment), None)
