"""LaunchDarkly, Unleash and Langfuse prompts: what only they have. What all control planes must do is in the suite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.domain.action import Snapshot, Verified
from bot.engine.control_http import ControlClient
from bot.errors import Refused
from bot.plugin import ControlHttpSettings, ControlName
from runbooks.controls.langfuse_prompts import LangfusePrompts, LangfusePromptsSettings
from runbooks.controls.launchdarkly import LaunchDarkly, LaunchDarklySettings
from runbooks.controls.unleash import Unleash, UnleashSettings
from tests.contracts.planes.langfuse_prompts import LangfusePeer
from tests.contracts.planes.launchdarkly import LaunchDarklyPeer
from tests.contracts.planes.peer import SECRET, HttpPeer, Setup
from tests.contracts.planes.unleash import UnleashPeer
from tests.support.clock import ManualClock

AGENT = "refund-bot"
MODEL = "gpt-x-2026-03-12"
TOKEN = SecretStr(SECRET)


@asynccontextmanager
async def beside(kind: type[HttpPeer], tmp_path: Path) -> AsyncIterator[Any]:
    """A running peer."""
    store: Any = None  # none of these peers needs it
    async with kind(Setup(tmp_path, store, ManualClock())) as peer:
        yield peer


def launchdarkly(peer: HttpPeer) -> LaunchDarkly:
    """The adapter."""
    settings = LaunchDarklySettings(url=peer.url, token=TOKEN)
    return LaunchDarkly(settings, _http(settings), ControlName("ld"), peer.setup.clock)


def unleash(peer: HttpPeer, **options: Any) -> Unleash:
    """The adapter."""
    settings = UnleashSettings(url=peer.url, token=TOKEN, **options)
    return Unleash(settings, _http(settings), ControlName("unleash"), peer.setup.clock)


def langfuse(peer: HttpPeer) -> LangfusePrompts:
    """The adapter."""
    settings = LangfusePromptsSettings(url=peer.url, public_key="pk-1", secret_key=TOKEN)
    return LangfusePrompts(settings, _http(settings), ControlName("prompts"), peer.setup.clock)


def _http(settings: ControlHttpSettings) -> ControlClient:
    return ControlClient("here", settings)


# ---------------------------------------------------------------------- LaunchDarkly


@pytest.mark.parametrize("routing", ["rules", "targets", "prerequisites"])
async def test_a_flag_that_serves_some_people_something_else_is_refused(tmp_path: Path, routing: str) -> None:
    """No one change would decide for everybody, so none is made, and the words say why."""
    async with beside(LaunchDarklyPeer, tmp_path) as peer:
        peer.state[f"{AGENT}-model"]["environments"]["production"][routing] = [{"clauses": []}]
        with pytest.raises(Refused, match=routing):
            await launchdarkly(peer).pin_model(AGENT, MODEL, None)
        assert peer.written == []


async def test_a_flag_that_is_off_stays_off(tmp_path: Path) -> None:
    """What everybody is served is its off variation: that is changed, and its targeting is not turned on."""
    async with beside(LaunchDarklyPeer, tmp_path) as peer:
        here = peer.state[f"{AGENT}-model"]["environments"]["production"]
        here["on"] = False
        plane = launchdarkly(peer)
        change = await plane.pin_model(AGENT, MODEL, None)
        before = await plane.current(change.target)
        applied = await plane.apply(change, "ex_1", None)
        assert (here["on"], here["offVariation"]) == (False, 1)
        assert (await plane.verify(change, applied)).verified is Verified.PENDING
        await plane.restore(change, applied, before, "ex_2")
        assert here["offVariation"] == 0


async def test_a_model_that_is_no_variation_is_refused_with_those_that_are(tmp_path: Path) -> None:
    """The field is named, and what could be chosen."""
    async with beside(LaunchDarklyPeer, tmp_path) as peer:
        with pytest.raises(Refused, match=MODEL) as refused:
            await launchdarkly(peer).pin_model(AGENT, "gpt-y", None)
        assert refused.value.field == "model"
        assert list(await launchdarkly(peer).models(AGENT))[1] == MODEL


async def test_the_comment_says_which_incident_it_was(tmp_path: Path) -> None:
    """Its audit log leads back to the timeline."""
    async with beside(LaunchDarklyPeer, tmp_path) as peer:
        plane = launchdarkly(peer)
        await plane.apply(await plane.pause_agent(AGENT, None), "ex_1", None)
        assert "ex_1" in peer.written[0].json["comment"]


async def test_true_is_not_one(tmp_path: Path) -> None:
    """A numeric flag that serves 1 has not paused anybody, and its variation 1 is not the one of true."""
    async with beside(LaunchDarklyPeer, tmp_path) as peer:
        variations = peer.state[f"{AGENT}-paused"]["variations"]
        variations[0]["value"], variations[1]["value"] = 0, 1
        with pytest.raises(Refused, match="no variation True"):
            await launchdarkly(peer).pause_agent(AGENT, None)


async def test_what_is_written_is_not_what_agents_are_told(tmp_path: Path) -> None:
    """LaunchDarkly's API shows what was set; its SDKs are told from elsewhere, so that it is never green."""
    async with beside(LaunchDarklyPeer, tmp_path) as peer:
        plane = launchdarkly(peer)
        change = await plane.pause_agent(AGENT, None)
        read = await plane.verify(change, await plane.apply(change, "ex_1", None))
        assert read.verified is Verified.PENDING
        assert "not seen from here" in read.detail


# ---------------------------------------------------------------------- Unleash


async def test_names_that_do_not_fit_a_flag_never_meet_in_one(tmp_path: Path) -> None:
    """Two tools whose names differ only in such characters have two flags: one is never revoked for the other."""
    async with beside(UnleashPeer, tmp_path) as peer:
        wanted: list[str] = []
        for tool in ("a/b", "a-b", "a b", "../../b"):
            with pytest.raises(Refused, match="has no flag") as refused:
                await unleash(peer).revoke_tool(AGENT, tool, None)
            wanted.append(refused.value.message)
        assert len(set(wanted)) == 4
        assert peer.strayed == []


async def test_several_variants_are_not_overwritten(tmp_path: Path) -> None:
    """What could not be put back is not taken away."""
    async with beside(UnleashPeer, tmp_path) as peer:
        peer.turn(f"{AGENT}.model", on=True, model="gpt-a")
        peer.state[f"{AGENT}.model"]["variants"] *= 2
        with pytest.raises(Refused, match="could not be put back"):
            await unleash(peer).pin_model(AGENT, MODEL, None)


async def test_without_a_client_token_it_is_never_green(tmp_path: Path) -> None:
    """What the admin API holds is not what agents are told: pending, with the setting that would show it."""
    async with beside(UnleashPeer, tmp_path) as peer:
        plane = unleash(peer)
        change = await plane.pause_agent(AGENT, None)
        read = await plane.verify(change, await plane.apply(change, "ex_1", None))
        assert read.verified is Verified.PENDING
        assert "client_token" in read.detail


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"strategies": [{"name": "flexibleRollout", "parameters": {"rollout": "10"}}]}, "for everybody"),
        ({"strategies": [{"name": "default", "constraints": [{"contextName": "region"}]}]}, "for everybody"),
        ({"strategies": [{"name": "default", "segments": [1]}]}, "for everybody"),
        ({"strategies": [{"name": "userWithId", "parameters": {"userIds": "7"}}]}, "for everybody"),
        ({"strategies": [{"name": "default", "disabled": True}]}, "for everybody"),
        ({"strategies": "?"}, "for everybody"),
        ({"dependencies": [{"feature": "another"}]}, "another flag"),
    ],
)
async def test_a_flag_that_is_on_for_some_is_not_in_force(tmp_path: Path, told: dict[str, Any], says: str) -> None:
    """On, with a strategy for a tenth of the agents: nine of ten run on, so it is no pause, and the words say why."""
    async with beside(UnleashPeer, tmp_path) as peer:
        peer.state[f"{AGENT}.paused"] |= told
        plane = unleash(peer, client_token=TOKEN)
        change = await plane.pause_agent(AGENT, None)
        read = await plane.verify(change, await plane.apply(change, "ex_1", None))
        assert read.verified is Verified.MISMATCH
        assert says in read.detail


@pytest.mark.parametrize(
    "strategies",
    [
        [{"name": "default", "constraints": []}],
        [{"name": "userWithId"}, {"name": "flexibleRollout", "parameters": {"rollout": "100"}}],
        [],
    ],
)
async def test_a_flag_with_one_strategy_for_everybody_is_in_force(tmp_path: Path, strategies: list[Any]) -> None:
    """One that fits everybody is enough, and none at all means on."""
    async with beside(UnleashPeer, tmp_path) as peer:
        peer.state[f"{AGENT}.paused"]["strategies"] = strategies
        plane = unleash(peer, client_token=TOKEN)
        change = await plane.pause_agent(AGENT, None)
        assert (await plane.verify(change, await plane.apply(change, "ex_1", None))).verified is Verified.IN_FORCE


async def test_a_strategys_own_variants_go_before_the_pinned_one(tmp_path: Path) -> None:
    """Agents would be told another model than the flag's one variant."""
    async with beside(UnleashPeer, tmp_path) as peer:
        peer.state[f"{AGENT}.model"]["strategies"] = [{"name": "default", "variants": [{"name": "other"}]}]
        plane = unleash(peer, client_token=TOKEN)
        change = await plane.pin_model(AGENT, MODEL, None)
        read = await plane.verify(change, await plane.apply(change, "ex_1", None))
        assert read.verified is Verified.MISMATCH


async def test_a_tool_whose_flag_is_called_like_a_model_flag_is_a_switch(tmp_path: Path) -> None:
    """A tool ``x.model`` has a flag that ends as the model's do; it is on or off all the same."""
    async with beside(UnleashPeer, tmp_path) as peer:
        peer.state[f"{AGENT}.deny.x.model"] = {"enabled": False, "variants": []}
        plane = unleash(peer, client_token=TOKEN)
        change = await plane.revoke_tool(AGENT, "x.model", None)
        assert (await plane.verify(change, await plane.apply(change, "ex_1", None))).verified is Verified.IN_FORCE


# ---------------------------------------------------------------------- Langfuse prompts


async def test_versions_are_offered_newest_first_with_the_one_in_use_marked(tmp_path: Path) -> None:
    """What a person chooses from."""
    async with beside(LangfusePeer, tmp_path) as peer:
        versions = await langfuse(peer).prompt_versions(AGENT)
        assert [(v.id, v.current, v.beginning) for v in versions] == [
            ("3", False, "You refund."),
            ("2", True, "You refund."),
            ("1", False, "You refund."),
        ]


@pytest.mark.parametrize("version", ["9", "latest", "../2", "", "\uff12"])
async def test_a_version_that_is_not_there_is_refused_at_its_field(tmp_path: Path, version: str) -> None:
    """Nothing is asked for but numbers of versions."""
    async with beside(LangfusePeer, tmp_path) as peer:
        with pytest.raises(Refused) as refused:
            await langfuse(peer).rollback_prompt(AGENT, version, None)
        assert refused.value.field == "version"
        assert peer.strayed == []


async def test_it_says_when_the_last_copy_runs_out(tmp_path: Path) -> None:
    """Amber with the time at which it will be known."""
    async with beside(LangfusePeer, tmp_path) as peer:
        plane = langfuse(peer)
        change = await plane.rollback_prompt(AGENT, "1", None)
        read = await plane.verify(change, await plane.apply(change, "ex_1", None))
        assert read.verified is Verified.PENDING
        assert read.known_at is not None
        assert (read.known_at - peer.setup.clock.now()).total_seconds() == 60


async def test_a_label_that_stood_nowhere_cannot_be_taken_off(tmp_path: Path) -> None:
    """Langfuse has no call for it: the words say so instead of pretending."""
    async with beside(LangfusePeer, tmp_path) as peer:
        plane = langfuse(peer)
        change = await plane.rollback_prompt(AGENT, "1", None)
        applied = await plane.apply(change, "ex_1", None)
        nothing = Snapshot(value=None, anonymous=True, at=peer.setup.clock.now())
        with pytest.raises(Refused, match="cannot take it off"):
            await plane.restore(change, applied, nothing, "ex_2")
