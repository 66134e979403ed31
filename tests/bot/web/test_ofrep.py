import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.flag_evaluation import Reason
from redis import Redis

from bot.domain.action import Restraint
from bot.domain.desired import MODEL, NEUTRAL, PAUSED, TOOLS_DENIED
from bot.timeline.store import Store
from tests.support.clock import ManualClock
from tests.support.waiting import wait_until
from tests.support.web import API_TOKEN, bearer

ONE = "/ofrep/v1/evaluate/flags"
MINE = bearer("flags-refund-bot")
OTHER = bearer("flags-mail-bot")


def restraint(clock: ManualClock) -> Restraint:
    """Who restrained, why and until when."""
    return Restraint(incident="INC-1", by="U0DANA", why="refunds too high", until=clock.forward(hours=0))


async def test_every_known_flag_is_answered_whole_when_nothing_is_set(web: httpx.AsyncClient) -> None:
    """Neutral value, reason, variant and revision: without any of them plain providers raise."""
    for key, neutral in NEUTRAL.items():
        reply = await web.post(f"{ONE}/{key}", json={"context": {"targetingKey": "refund-bot"}}, headers=MINE)
        assert reply.status_code == 200
        assert reply.json() == {
            "key": key,
            "value": neutral,
            "reason": "DEFAULT",
            "variant": "neutral",
            "metadata": {"revision": 0},
        }


async def test_a_restraint_tells_who_why_and_until_when(
    web: httpx.AsyncClient, store: Store, clock: ManualClock
) -> None:
    """In flat metadata; for a denied tool also under the tool's own name."""
    why = restraint(clock)
    await store.desired.put("refund-bot", PAUSED, None, True, key="e1", restraint=why)
    await store.desired.put("refund-bot", TOOLS_DENIED, "issue_refund", True, key="e2", restraint=why)
    told = (await web.post(f"{ONE}/{PAUSED}", headers=MINE)).json()
    until = why.until.isoformat() if why.until else ""
    assert (told["value"], told["reason"], told["variant"]) == (True, "STATIC", "restrained")
    assert told["metadata"] == {
        "revision": 2,
        "incident": "INC-1",
        "by": "U0DANA",
        "why": "refunds too high",
        "until": until,
    }
    told = (await web.post(f"{ONE}/{TOOLS_DENIED}", headers=MINE)).json()
    assert told["value"] == {"tools": ["issue_refund"]}
    assert told["metadata"]["tool.issue_refund.why"] == "refunds too high"
    assert all(isinstance(value, str | int | bool) for value in told["metadata"].values())


async def test_bulk_answers_every_flag_and_304_while_nothing_changed(
    web: httpx.AsyncClient, store: Store, clock: ManualClock
) -> None:
    """By the ETag, strong or weak, alone or in a list."""
    first = await web.post(ONE, json={}, headers=MINE)
    assert [flag["key"] for flag in first.json()["flags"]] == list(NEUTRAL)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await web.post(ONE, json={}, headers={**MINE, "if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await store.desired.put("refund-bot", PAUSED, None, True, key="e1", restraint=restraint(clock))
    changed = await web.post(ONE, json={}, headers={**MINE, "if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_the_tag_depends_on_the_content_too(web: httpx.AsyncClient, store: Store, raw: Redis) -> None:
    """A store that was emptied counts up to the same revision again: agents must not hear that nothing changed."""
    await store.desired.put("refund-bot", MODEL, None, "gpt-x-1", key="e1", restraint=None)
    before = (await web.post(ONE, headers=MINE)).headers["etag"]
    raw.flushall()
    await store.start()
    await store.desired.put("refund-bot", MODEL, None, "gpt-x-2", key="e1", restraint=None)
    reply = await web.post(ONE, headers={**MINE, "if-none-match": before})
    assert reply.status_code == 200
    assert reply.headers["etag"].startswith('"r1-')
    assert before.startswith('"r1-')


async def test_an_agent_reads_only_its_own_state(web: httpx.AsyncClient, store: Store, clock: ManualClock) -> None:
    """The token decides; another agent's name as targetingKey is 403; no token or another kind of token is 401."""
    await store.desired.put("mail-bot", PAUSED, None, True, key="e1", restraint=restraint(clock))
    assert (await web.post(f"{ONE}/{PAUSED}", headers=MINE)).json()["value"] is False
    assert (await web.post(f"{ONE}/{PAUSED}", headers=OTHER)).json()["value"] is True
    for path in (ONE, f"{ONE}/{PAUSED}"):
        reply = await web.post(path, json={"context": {"targetingKey": "mail-bot"}}, headers=MINE)
        assert reply.status_code == 403
        assert reply.json()["errorCode"]
        for headers in ({}, bearer("nobody"), bearer(API_TOKEN), bearer("spans-refund-bot")):
            assert (await web.post(path, json={}, headers=headers)).status_code == 401
    assert await store.desired.reads("refund-bot") != {}


async def test_an_unknown_flag_is_404_as_the_protocol_says(web: httpx.AsyncClient) -> None:
    """With the key and the code that clients turn into their default."""
    reply = await web.post(f"{ONE}/agent.nope/../x", json={}, headers=MINE)
    assert reply.status_code == 404
    reply = await web.post(f"{ONE}/agent.nope", json={}, headers=MINE)
    assert (reply.status_code, reply.json()["errorCode"], reply.json()["key"]) == (404, "FLAG_NOT_FOUND", "agent.nope")


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"1", b'{"context":7}', b'{"context":{"targetingKey":7}}', b"\xff", b"[" * 100_000]
)
async def test_a_body_that_is_no_context_is_400(web: httpx.AsyncClient, body: bytes) -> None:
    """With the code of the protocol."""
    reply = await web.post(f"{ONE}/{PAUSED}", content=body, headers=MINE)
    assert reply.status_code in {400, 413}
    assert reply.json().get("errorCode") or reply.json()["error"]["field"]


async def test_reads_are_recorded_per_flag_with_the_revision(
    web: httpx.AsyncClient, store: Store, clock: ManualClock
) -> None:
    """Only what was answered counts as read; a bulk read, also one answered 304, reads all flags."""
    await store.desired.put("refund-bot", PAUSED, None, True, key="e1", restraint=restraint(clock))
    await web.post(f"{ONE}/{PAUSED}", headers=MINE)

    async def read() -> dict[str, int]:
        return {flag: one.revision for flag, one in (await store.desired.reads("refund-bot")).items()}

    async def has_read(wanted: dict[str, int]) -> bool:
        return await read() == wanted

    await wait_until(lambda: has_read({PAUSED: 1}))
    tag = (await web.post(ONE, headers=MINE)).headers["etag"]
    await wait_until(lambda: has_read(dict.fromkeys(NEUTRAL, 1)))
    at = clock.forward(minutes=5)
    assert (await web.post(ONE, headers={**MINE, "if-none-match": tag})).status_code == 304

    async def read_again() -> bool:
        return (await store.desired.reads("refund-bot"))[MODEL].at == at

    await wait_until(read_again)


async def test_refused_reads_are_not_recorded(web: httpx.AsyncClient, store: Store) -> None:
    """What nobody was told verifies nothing."""
    await web.post(ONE, json={"context": {"targetingKey": "mail-bot"}}, headers=MINE)
    await web.post(f"{ONE}/agent.nope", headers=MINE)
    await web.post(ONE, headers=bearer("nobody"))
    assert await store.desired.reads("refund-bot") == {}
    assert await store.desired.reads("mail-bot") == {}


async def test_while_the_store_is_away_agents_are_told_503(web: httpx.AsyncClient, raw: Redis) -> None:
    """So that they keep the last known state, instead of a neutral one that we made up."""
    raw.client_pause(1500, all=True)
    for path in (ONE, f"{ONE}/{PAUSED}"):
        reply = await web.post(path, headers=MINE)
        assert reply.status_code == 503
        assert reply.headers["retry-after"]
    raw.client_unpause()
    assert (await web.post(ONE, headers=MINE)).status_code == 200


async def test_the_plain_provider_reads_every_flag(web: httpx.AsyncClient, store: Store, clock: ManualClock) -> None:
    """A client that nobody here wrote: every value, reason and variant arrives, neutral and restrained."""
    provider = OFREPProvider(str(web.base_url), headers_factory=lambda: MINE, timeout=5)

    def asked(client: OpenFeatureClient) -> dict[str, Any]:
        questions: dict[str, tuple[Callable[..., Any], Any]] = {
            "agent.model": (client.get_string_details, "code default"),
            "agent.fallback_model": (client.get_string_details, "code default"),
            "agent.paused": (client.get_boolean_details, None),
            "agent.tools.denied": (client.get_object_details, {"code": "default"}),
            "agent.validation": (client.get_object_details, {"code": "default"}),
            "agent.prompt.suffix": (client.get_string_details, "code default"),
        }
        return {key: ask(key, default) for key, (ask, default) in questions.items()}

    def connected() -> OpenFeatureClient:
        api.set_provider_and_wait(provider, "web-test")
        return api.get_client("web-test")

    client = await asyncio.to_thread(connected)
    try:
        neutral = await asyncio.to_thread(asked, client)
        assert {key: details.value for key, details in neutral.items()} == NEUTRAL
        assert {details.reason for details in neutral.values()} == {Reason.DEFAULT}
        assert all(details.variant == "neutral" and details.error_code is None for details in neutral.values())
        await store.desired.put("refund-bot", PAUSED, None, True, key="e1", restraint=restraint(clock))
        await store.desired.put("refund-bot", MODEL, None, "gpt-x-1", key="e2", restraint=restraint(clock))
        restrained = await asyncio.to_thread(asked, client)
        assert restrained["agent.paused"].value is True
        assert restrained["agent.model"].value == "gpt-x-1"
        assert restrained["agent.model"].reason == Reason.STATIC
        assert restrained["agent.model"].flag_metadata["by"] == "U0DANA"
    finally:
        api.clear_providers()
        provider.session.close()
