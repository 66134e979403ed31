"""LiteLLM, with our hook and by its admin API: what only they have. What all control planes must do is in the suite."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.domain.action import Applied, Change, Target, Verified
from bot.engine.control_http import ControlClient
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import ControlName
from bot.timeline.store import Store
from runbooks.controls.litellm import LiteLLM, LiteLLMSettings
from runbooks.controls.litellm_canary import hashed
from runbooks.controls.litellm_hook import LiteLLMHook, LiteLLMHookSettings
from tests.contracts.planes.litellm import KEY, LiteLLMPeer
from tests.contracts.planes.litellm_hook import GatewayPeer
from tests.contracts.planes.peer import SECRET, Setup, Told, Trouble
from tests.support.clock import ManualClock
from tests.support.store import clock, connections, raw, store, valkey

__all__ = ["clock", "connections", "raw", "store", "valkey"]

AGENT = "refund-bot"
TOKEN = SecretStr(SECRET)


@pytest.fixture
def setup(tmp_path: Path, store: Store, clock: ManualClock) -> Setup:
    """What peers are made from."""
    return Setup(tmp_path, store, clock)


def hook_plane(peer: GatewayPeer, **options: Any) -> LiteLLMHook:
    """The adapter of a gateway with our hook."""
    agents = options.pop("agents", {AGENT: {"model": "gpt-x"}})
    settings = LiteLLMHookSettings(url=peer.url, key=TOKEN, agents=agents, **options)
    http = ControlClient("gateway", settings)
    return LiteLLMHook(settings, http, ControlName("gateway"), peer.setup.clock, peer.setup.store.desired)


def admin_plane(peer: LiteLLMPeer, **agent: Any) -> LiteLLM:
    """The adapter of the admin API."""
    agents: Any = {AGENT: agent or {"key": TOKEN, "model": "gpt-x"}}
    settings = LiteLLMSettings(url=peer.url, key=TOKEN, agents=agents)
    return LiteLLM(settings, ControlClient("litellm", settings), ControlName("litellm"), peer.setup.clock)


# ------------------------------------------------------------------ with the hook


@pytest.mark.parametrize("trouble", [Trouble.DROP, Trouble.FAIL])
async def test_a_gateway_that_is_away_is_unreachable_and_no_pause(setup: Setup, trouble: Trouble) -> None:
    """A 503 that our hook did not sign says nothing of a pause."""
    async with GatewayPeer(setup) as peer:
        plane = hook_plane(peer)
        change = await plane.pause_agent(AGENT, None)
        applied = await plane.apply(change, "ex_1", None)
        peer.trouble = trouble
        with pytest.raises(OutcomeUnknown):
            await plane.verify(change, applied)


async def test_a_gateway_without_the_hook_is_a_mismatch(setup: Setup) -> None:
    """It answers, and nobody restrains anything there."""

    class Bare(GatewayPeer):
        def answer(self, asked: Any) -> Told:
            told = super().answer(asked)
            headers = {k: v for k, v in told.headers.items() if not k.startswith("x-pullcord")}
            return Told(told.status, told.body, headers)

    async with Bare(setup) as peer:
        plane = hook_plane(peer)
        change = await plane.pin_model(AGENT, "gpt-x-2026-03-12", None)
        applied = await plane.apply(change, "ex_1", None)
        found = await plane.verify(change, applied)
    assert found.verified is Verified.MISMATCH
    assert "see whether its hook is loaded" in found.detail


async def test_every_canary_must_agree(setup: Setup) -> None:
    """A gateway of several workers: one that has not read it yet keeps it amber, and says when to look again."""

    class Workers(GatewayPeer):
        turn = 0

        def answer(self, asked: Any) -> Told:
            told = super().answer(asked)
            self.turn += asked.parts[-1] == "completions"
            late = {"x-pullcord-revision": "0"} if self.turn % 3 == 0 else {}
            return Told(told.status, told.body, {**told.headers, **late})

    async with Workers(setup) as peer:
        plane = hook_plane(peer, canaries=3)
        change = await plane.pause_agent(AGENT, None)
        applied = await plane.apply(change, "ex_1", None)
        await peer.enforce(change.target)
        found = await plane.verify(change, applied)
        assert found.verified is Verified.PENDING
        assert found.known_at is not None
        assert (await hook_plane(peer).verify(change, applied)).verified is Verified.IN_FORCE


async def test_without_the_agents_model_no_canary_can_be_sent(setup: Setup) -> None:
    """It says which setting to write."""
    async with GatewayPeer(setup) as peer:
        plane = hook_plane(peer, agents={})
        change = await plane.pause_agent(AGENT, None)
        found = await plane.verify(change, await plane.apply(change, "ex_1", None))
    assert found.verified is Verified.PENDING
    assert "controls.gateway.agents.refund-bot.model" in found.detail


# ------------------------------------------------------------------ the admin API


async def test_a_key_is_named_by_its_hash(setup: Setup) -> None:
    """As LiteLLM stores it; the key itself stands in no address."""
    assert hashed(TOKEN) == KEY
    async with LiteLLMPeer(setup) as peer:
        plane = admin_plane(peer, key_hash=KEY)
        change = await plane.pause_agent(AGENT, None)
        found = await plane.verify(change, await plane.apply(change, "ex_1", None))
        assert found.verified is Verified.PENDING
        assert "controls.litellm.agents.refund-bot.key" in found.detail
        assert not [asked for asked in peer.asked if SECRET in asked.path + str(asked.query)]
        assert {asked.headers.get("litellm-changed-by") for asked in peer.written} == {"pullcord ex_1"}


async def test_other_aliases_of_the_key_stay(setup: Setup) -> None:
    """The map is read right before it is written."""
    async with LiteLLMPeer(setup) as peer:
        plane = admin_plane(peer)
        change = await plane.pin_model(AGENT, "gpt-x-2026-03-12", None)
        before = await plane.current(change.target)
        peer.state["aliases"] = {"other": "y"}
        applied = await plane.apply(change, "ex_1", None)
        assert peer.state["aliases"] == {"other": "y", "gpt-x": "gpt-x-2026-03-12"}
        await plane.restore(change, applied, before, "ex_2")
        assert peer.state["aliases"] == {"other": "y"}


async def test_a_gateway_that_still_knows_the_old_key_is_amber_until_its_cache_ends(setup: Setup) -> None:
    """The database has it; a process of the gateway may keep a key for a minute."""

    class Caching(LiteLLMPeer):
        def _chat(self, asked: Any) -> Told:
            held, self.state = self.state, {"blocked": None, "aliases": {}, "tools": []}
            told = super()._chat(asked)
            self.state = held
            return told

    async with Caching(setup) as peer:
        plane = admin_plane(peer)
        change = await plane.pause_agent(AGENT, None)
        found = await plane.verify(change, await plane.apply(change, "ex_1", None))
    assert found.verified is Verified.PENDING
    assert found.known_at is not None


async def test_what_is_not_known_is_asked_for_by_its_setting(setup: Setup) -> None:
    """No key, no model, no such model."""
    async with LiteLLMPeer(setup) as peer:
        with pytest.raises(Refused, match=r"agents\.refund-bot\.model"):
            await admin_plane(peer, key=TOKEN).pin_model(AGENT, "gpt-x-2026-03-12", None)
        with pytest.raises(Refused, match=r"agents\.other-bot\.key"):
            await admin_plane(peer).pause_agent("other-bot", None)
        with pytest.raises(Refused, match="offers no model nope"):
            await admin_plane(peer).pin_model(AGENT, "nope", None)


async def test_a_field_that_litellm_does_not_have_is_refused_there(setup: Setup) -> None:
    """The peer holds us to the documented bodies."""
    async with LiteLLMPeer(setup) as peer:
        http = ControlClient("litellm", LiteLLMSettings(url=peer.url, key=TOKEN))
        headers = {"authorization": f"Bearer {SECRET}"}
        with pytest.raises(ActionFailed, match="422"):
            await http.write("POST", "key/block", json={"key_id": KEY}, headers=headers)
        target = Target(control="litellm", subject=AGENT, setting="key.blocked")
        change = Change(target=target, desired=True, summary="paused")
        assert (await admin_plane(peer).verify(change, Applied())).verified is Verified.MISMATCH
