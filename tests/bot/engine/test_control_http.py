"""Requests to control planes: what surely did not happen, what nobody knows, and what is never sent."""

import asyncio
import gzip
from datetime import timedelta

import pytest
from pydantic import ByteSize

from bot.engine.control_http import ControlClient
from bot.errors import ActionFailed, OutcomeUnknown
from bot.plugin import ControlHttpSettings
from tests.support.trace_stores import Asked, Told, hanging, loopback_store, peer, read_request, told

SECRET = {"authorization": "Bearer sk-secret-0123456789"}


def client(url: str, *, seconds: float = 5.0, most: int = 8_000_000) -> ControlClient:
    """A client of one control plane called ``gateway``."""
    settings = ControlHttpSettings(url=url, timeout=timedelta(seconds=seconds), max_bytes=ByteSize(most))
    return ControlClient("gateway", settings)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
async def test_a_write_that_is_answered_no_surely_did_nothing(status: int) -> None:
    """A 4xx is a no; the message names the control plane, and neither the answer nor the credential."""
    async with loopback_store(lambda _asked: Told(status, b"sk-secret-0123456789 is wrong")) as store:
        with pytest.raises(ActionFailed) as failed:
            await client(store.url).write("POST", "flags/a", json={"on": True}, headers=SECRET)
    assert "gateway" in str(failed.value)
    assert "sk-secret" not in repr(failed.value) + str(failed.value)
    assert len(store.asked) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_write_that_is_answered_with_trouble_may_have_happened(status: int) -> None:
    """5xx, and the 4xx that do not say that nothing was done, leave the outcome unknown; nothing is sent again."""
    async with loopback_store(lambda _asked: Told(status)) as store:
        with pytest.raises(OutcomeUnknown):
            await client(store.url).write("POST", "flags/a", json={"on": True})
    assert len(store.asked) == 1


async def test_a_write_that_hangs_is_unknown_and_sent_once() -> None:
    """The timeout holds, and the words say what was sent."""
    async with peer(hanging) as url:
        with pytest.raises(OutcomeUnknown, match=r"did not answer within 0\.2 s.*controls\.gateway\.url"):
            await client(url, seconds=0.2).write("POST", "flags/a")


async def test_a_write_to_nobody_was_not_sent() -> None:
    """Where no connection was made nothing can have happened."""
    with pytest.raises(ActionFailed, match="nothing was sent"):
        await client("http://127.0.0.1:9").write("POST", "flags/a")


async def test_a_broken_connection_is_asked_again_for_reads_only() -> None:
    """A read is tried twice, a write once: the first attempt may have been taken."""
    seen: list[str] = []

    async def breaks(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked = await read_request(reader)
        assert asked is not None
        seen.append(asked.method)

    async with peer(breaks) as url:
        with pytest.raises(OutcomeUnknown):
            await client(url).read("GET", "flags/a")
        with pytest.raises(OutcomeUnknown):
            await client(url).write("POST", "flags/a")
    assert seen == ["GET", "GET", "POST"]


async def test_no_redirect_is_followed() -> None:
    """A credential goes to the configured address and nowhere else."""
    async with loopback_store(lambda _asked: told({"stolen": True})) as thief:
        redirect = Told(302, headers={"location": f"{thief.url}/flags/a"})
        async with loopback_store(lambda _asked: redirect) as store:
            with pytest.raises(ActionFailed, match="redirect"):
                await client(store.url).read("GET", "flags/a", headers=SECRET)
    assert thief.asked == []


@pytest.mark.parametrize("path", ["../admin", "a/%2e%2e/b", "a/..%2fb", "a?x=1", "a#b", "a b", "a\\b", "a/\n/b"])
async def test_a_name_cannot_leave_the_base(path: str) -> None:
    """Whatever a tool or agent is called: nothing above or beside the base is asked."""
    async with loopback_store(lambda _asked: told({})) as store:
        with pytest.raises(ActionFailed, match="cannot be asked"):
            await client(f"{store.url}/api").write("DELETE", path)
    assert store.asked == []


async def test_a_large_or_damaged_answer_proves_nothing() -> None:
    """Over the cap before or after inflating, or not JSON: the outcome is unknown, never assumed."""
    bomb = gzip.compress(b"0" * 2_000_000)
    answers = [
        Told(200, b"x" * 2_000),
        Told(200, bomb, {"content-encoding": "gzip"}),
        Told(200, b"\x1f\x8bbroken", {"content-encoding": "gzip"}),
    ]
    for answer in answers:
        async with loopback_store(lambda _asked, answer=answer: answer) as store:  # type: ignore[misc]
            with pytest.raises(OutcomeUnknown):
                await client(store.url, most=1_000).read("GET", "flags/a")
    async with loopback_store(lambda _asked: Told(200, b"<html>")) as store:
        got = await client(store.url).read("GET", "flags/a")
        with pytest.raises(OutcomeUnknown, match="no JSON"):
            got.json()


async def test_what_is_sent_is_what_was_meant() -> None:
    """Query, JSON body and headers arrive; an accepted status is answered, an empty body is None."""

    def answer(asked: Asked) -> Told:
        assert asked.query == {"env": ["production & more"]}
        assert asked.body == b'{"on":true}'
        assert asked.headers["authorization"] == SECRET["authorization"]
        return Told(409)

    async with loopback_store(answer) as store:
        got = await client(f"{store.url}/api").write(
            "PATCH",
            "flags/a",
            params={"env": "production & more"},
            json={"on": True},
            headers=SECRET,
            accept=frozenset({409}),
        )
    assert store.asked[0].path == "/api/flags/a"
    assert (got.status, got.json()) == (409, None)
