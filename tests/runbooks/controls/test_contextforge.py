"""ContextForge: what only it has. What all control planes must do is in the suite."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.domain.action import Restraint, Verified
from bot.engine.control_http import ControlClient
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import ControlName
from runbooks.controls.contextforge import ContextForge
from runbooks.controls.contextforge_api import ContextForgeSettings
from runbooks.controls.contextforge_server import Notes, read, written
from tests.contracts.planes.contextforge import ContextForgePeer
from tests.contracts.planes.peer import SECRET, Asked, Setup, Told
from tests.support.clock import ManualClock

AGENT = "refund-bot"
WHY = Restraint(incident="INC-1", by="@dana", why="double refunds")
NO_STORE: Any = None


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """What a peer is made from; this one needs no store."""
    return Setup(tmp_path, NO_STORE, ManualClock())


def plane(peer: ContextForgePeer, **options: Any) -> ContextForge:
    """The adapter."""
    settings = ContextForgeSettings(url=peer.url, token=SecretStr(SECRET), **options)
    return ContextForge(settings, ControlClient("forge", settings), ControlName("forge"), peer.setup.clock)


async def test_a_change_of_somebody_else_in_between_is_said(setup: Setup) -> None:
    """The list is written as a whole: when the version jumped, their change may be gone, and nobody calls it done."""

    class Racing(ContextForgePeer):
        def answer(self, asked: Asked) -> Told:
            if asked.method == "PUT":
                self.by_hand("t1")
            return super().answer(asked)

    async with Racing(setup) as peer:
        forge = plane(peer)
        change = await forge.revoke_tool(AGENT, "issue_refund", None)
        with pytest.raises(OutcomeUnknown, match="somebody else at the same moment"):
            await forge.apply(change, "ex_1", WHY)


async def test_many_people_at_once_all_keep_what_they_did(setup: Setup) -> None:
    """Writes of one process wait for each other, and each reads right before it."""
    async with ContextForgePeer(setup) as peer:
        forge = plane(peer)
        changes = [await forge.revoke_tool(AGENT, name, None) for name in ("issue_refund", "send_email", "look_up")]
        await asyncio.gather(*(forge.apply(one, f"ex_{i}", WHY) for i, one in enumerate(changes)))
        assert peer.state["server"]["ids"] == []
        for i, one in enumerate(changes):
            assert (await forge.current(one.target)).owner == f"ex_{i}"


async def test_a_tool_that_pullcord_did_not_take_is_never_given(setup: Setup) -> None:
    """An agent must not get more than it ever had."""
    async with ContextForgePeer(setup) as peer:
        peer.by_hand("t2")
        with pytest.raises(Refused, match="not revoked from refund-bot by Pullcord"):
            await plane(peer).restore_tool(AGENT, "issue_refund")


async def test_what_was_restored_by_hand_is_not_undone_over_it(setup: Setup) -> None:
    """An admin gave it back in ContextForge: the undo says so."""
    async with ContextForgePeer(setup) as peer:
        forge = plane(peer)
        change = await forge.revoke_tool(AGENT, "issue_refund", None)
        before = await forge.current(change.target)
        applied = await forge.apply(change, "ex_1", WHY)
        peer.by_hand("t1", "t2", "t3")
        with pytest.raises(Refused, match="no longer what this action set; it holds None"):
            await forge.restore(change, applied, before, "ex_2")


async def test_a_tool_revoked_during_a_pause_is_refused_and_one_restored_comes_with_resuming(setup: Setup) -> None:
    """Nothing is offered then."""
    async with ContextForgePeer(setup) as peer:
        forge = plane(peer)
        await forge.apply(await forge.revoke_tool(AGENT, "issue_refund", None), "ex_1", WHY)
        await forge.apply(await forge.pause_agent(AGENT, None), "ex_2", WHY)
        with pytest.raises(Refused, match="is paused"):
            await forge.revoke_tool(AGENT, "send_email", None)
        await forge.apply(await forge.restore_tool(AGENT, "issue_refund"), "ex_3", None)
        assert peer.state["server"]["ids"] == []
        await forge.apply(await forge.resume_agent(AGENT), "ex_4", None)
        assert sorted(peer.state["server"]["ids"]) == ["t1", "t2", "t3"]
        assert not peer.state["server"]["description"]


async def test_markup_in_a_description_is_refused_before_it_is_lost(setup: Setup) -> None:
    """ContextForge would take it out, and agents would read something else."""
    async with ContextForgePeer(setup) as peer:
        with pytest.raises(Refused, match="takes markup out") as caught:
            await plane(peer).patch_tool_description(AGENT, "issue_refund", "Only <b>small</b> ones", None)
    assert caught.value.field == "text"


async def test_the_agents_own_token_reads_the_list_also_as_a_stream(setup: Setup) -> None:
    """MCP's Streamable HTTP may answer one event; pages are followed."""
    own = "the-agents-own-token-0123456789"

    class Streaming(ContextForgePeer):
        def answer(self, asked: Asked) -> Told:
            if asked.parts[-1] != "mcp":
                return super().answer(asked)
            if asked.headers["authorization"] != f"Bearer {own}":
                return Told(401)
            second = "cursor" in asked.json["params"]
            tools = '[{"name": "b"}]' if second else '[{"name": "a"}], "nextCursor": "2"'
            body = f'event: message\ndata: {{"jsonrpc": "2.0", "id": 1, "result": {{"tools": {tools}}}}}\n\n'
            return Told(body=body.encode(), headers={"content-type": "text/event-stream"})

    async with Streaming(setup) as peer:
        assert list(await plane(peer, agents={AGENT: {"token": SecretStr(own)}}).tools(AGENT)) == ["a", "b"]
        with pytest.raises(ActionFailed, match="credentials"):
            await plane(peer).tools(AGENT)


async def test_an_endpoint_that_is_no_mcp_is_said(setup: Setup) -> None:
    """Not taken for an empty list, which would look like a pause in force."""

    class Wrong(ContextForgePeer):
        def answer(self, asked: Asked) -> Told:
            return super().answer(asked) if asked.parts[-1] != "mcp" else Told(body={"detail": "hello"})

    async with Wrong(setup) as peer:
        forge = plane(peer)
        change = await forge.pause_agent(AGENT, None)
        applied = await forge.apply(change, "ex_1", WHY)
        with pytest.raises(ActionFailed, match="did not answer tools/list"):
            await forge.verify(change, applied)


async def test_a_tool_off_everywhere_shows_a_restore_that_did_not_help(setup: Setup) -> None:
    """The list has it again, the agent does not see it: red, not green."""
    async with ContextForgePeer(setup) as peer:
        forge = plane(peer)
        await forge.apply(await forge.revoke_tool(AGENT, "issue_refund", None), "ex_1", WHY)
        peer.state["tools"]["t1"]["enabled"] = False
        change = await forge.restore_tool(AGENT, "issue_refund")
        found = await forge.verify(change, await forge.apply(change, "ex_2", None))
    assert found.verified is Verified.MISMATCH


@pytest.mark.parametrize(
    "text", ["", "Ours", "Ours [pullcord ", "Ours\n[pullcord {]", "[pullcord 5]", "a\n[pullcord {}] b"]
)
def test_a_description_of_people_stays_as_they_wrote_it(text: str) -> None:
    """What is no note of ours is text."""
    assert read(text) == (text, Notes())
    assert written(text, Notes()) == text


@pytest.mark.parametrize("told", [{"data": []}, [{"name": "issue_refund"}], [7], None])
async def test_a_list_of_tools_that_cannot_be_read_is_never_written_back(setup: Setup, told: object) -> None:
    """The write is of the whole list: what was not read would be taken from the agent."""

    class Odd(ContextForgePeer):
        odd = False

        def answer(self, asked: Asked) -> Told:
            return Told(body=told) if self.odd and asked.path.endswith("/tools") else super().answer(asked)

    async with Odd(setup) as peer:
        forge = plane(peer)
        change = await forge.revoke_tool(AGENT, "issue_refund", None)
        before = await forge.current(change.target)
        applied = await forge.apply(change, "ex_1", WHY)
        peer.odd, wrote = True, len(peer.written)
        with pytest.raises(ActionFailed, match="did not answer with the virtual server"):
            await forge.restore(change, applied, before, "ex_2")
        assert len(peer.written) == wrote


async def test_a_list_without_an_end_shows_nothing(setup: Setup) -> None:
    """A tool that was not seen on the pages that were read may stand on the next one: that is not green."""

    class Endless(ContextForgePeer):
        def answer(self, asked: Asked) -> Told:
            if asked.path.endswith("/mcp"):
                return Told(body={"jsonrpc": "2.0", "id": 1, "result": {"tools": [], "nextCursor": "on"}})
            return super().answer(asked)

    async with Endless(setup) as peer:
        forge = plane(peer)
        change = await forge.revoke_tool(AGENT, "issue_refund", None)
        applied = await forge.apply(change, "ex_1", WHY)
        with pytest.raises(ActionFailed, match="end of its tools"):
            await forge.verify(change, applied)
