"""The guard beside the plain OFREP provider, through a real OpenFeature client: the table of the guard's README."""

from collections.abc import Callable, Iterator
from queue import Queue

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.event import EventDetails, ProviderEvent
from openfeature.flag_evaluation import Reason
from openfeature.provider import AbstractProvider

from sandbox.ofrep_stub import OfrepStub
from tests.examples.conftest import MakeGuard, Ticks

Connect = Callable[[AbstractProvider], OpenFeatureClient]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Give a provider, get the client that uses it."""

    def client(provider: AbstractProvider) -> OpenFeatureClient:
        api.set_provider_and_wait(provider, "refund-bot")
        return api.get_client("refund-bot")

    yield client
    api.clear_providers()


def _plain(stub: OfrepStub) -> OFREPProvider:
    return OFREPProvider(stub.url, headers_factory=lambda: {"Authorization": f"Bearer {stub.token}"}, timeout=0.3)


def test_the_plain_provider_un_pauses_the_agent_when_pullcord_is_killed(stub: OfrepStub, connect: Connect) -> None:
    """It has no memory: the client falls back to the code's default."""
    stub.restrain("agent.paused", value=True)
    provider = _plain(stub)
    client = connect(provider)
    assert client.get_boolean_value("agent.paused", default_value=False) is True
    stub.close()
    assert client.get_boolean_value("agent.paused", default_value=False) is False
    provider.session.close()


def test_the_guard_as_a_provider_keeps_it_paused_also_in_a_new_process(
    stub: OfrepStub, connect: Connect, make_guard: MakeGuard, ticks: Ticks
) -> None:
    """Same questions, same client, other provider; the reason says STALE and since when."""
    stub.restrain("agent.paused", value=True, by="@dana")
    stub.restrain("agent.model", "gpt-x-2026-03-12")
    client = connect(make_guard().provider)
    fresh = client.get_boolean_details("agent.paused", default_value=False)
    assert (fresh.value, fresh.reason, fresh.flag_metadata["by"]) == (True, Reason.STATIC, "@dana")
    stub.close()
    ticks.advance(10)
    for again in (client, connect(make_guard().provider)):
        stale = again.get_boolean_details("agent.paused", default_value=False)
        assert (stale.value, stale.reason) == (True, Reason.STALE)
        assert "stale_since" in stale.flag_metadata
        assert again.get_string_value("agent.model", "gpt-x") == "gpt-x-2026-03-12"
        assert again.get_object_value("agent.tools.denied", {}) == {"tools": []}


async def test_all_six_flags_are_answered_and_others_fall_back_to_the_codes_default(
    stub: OfrepStub, connect: Connect, make_guard: MakeGuard
) -> None:
    """Unknown keys are not found and wrong types are mismatches, as OpenFeature has it; one request serves all."""
    client = connect(make_guard().provider)
    assert await client.get_boolean_value_async("agent.paused", default_value=True) is False
    assert await client.get_string_value_async("agent.prompt.suffix", "x") == ""
    assert await client.get_object_value_async("agent.validation", {"x": 1}) == {}
    assert client.get_string_details("no.such.flag", "mine").error_code == "FLAG_NOT_FOUND"
    assert client.get_string_details("agent.paused", "mine").error_code == "TYPE_MISMATCH"
    assert client.get_integer_details("agent.paused", 3).error_code == "TYPE_MISMATCH"
    assert client.get_float_details("agent.model", 3.0).value == 3.0
    assert stub.requests == [200]


def test_the_provider_tells_its_client_of_changes_and_of_staleness(
    stub: OfrepStub, connect: Connect, make_guard: MakeGuard, ticks: Ticks
) -> None:
    """OpenFeature's events, so that an agent can react without asking."""
    client = connect(make_guard().provider)
    seen: Queue[str] = Queue()  # handlers run on threads of the SDK

    def listen(name: str) -> Callable[[EventDetails], None]:
        return lambda _: seen.put(name)

    client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, listen("changed"))
    client.add_handler(ProviderEvent.PROVIDER_STALE, listen("stale"))
    stub.restrain("agent.paused", value=True)
    ticks.advance(10)
    client.get_boolean_value("agent.paused", default_value=False)
    stub.fault = "error"
    ticks.advance(10)
    client.get_boolean_value("agent.paused", default_value=False)
    assert {seen.get(timeout=5), seen.get(timeout=5)} == {"changed", "stale"}
    stub.fault = "none"
    ticks.advance(10)
    client.add_handler(ProviderEvent.PROVIDER_READY, listen("ready"))
    client.get_boolean_value("agent.paused", default_value=False)
    assert seen.get(timeout=5) == "ready"
