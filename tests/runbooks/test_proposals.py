"""Pull requests of verbs are taken back: closed and read back, never one that a person merged or closed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.domain.action import OnceResult, Verified
from bot.errors import Refused
from bot.ports import CodeHost
from runbooks.open_fix import OpenFix, open_fix
from runbooks.proposals import closed, undo_words
from tests.runbooks.controls.test_github import adapter
from tests.runbooks.test_open_fix import FILES, _context, _plan
from tests.support.clock import ManualClock
from tests.support.github_peer import GitHubPeer
from tests.support.web import listening


@pytest.fixture
def peer() -> GitHubPeer:
    """The repository with the agent's files."""
    return GitHubPeer(files=FILES)


@pytest.fixture
async def github(peer: GitHubPeer) -> AsyncIterator[CodeHost]:
    """The adapter for it."""
    async with listening(peer.app()) as url:
        yield adapter(url, ManualClock())


async def _proposed(github: CodeHost) -> OnceResult:
    return await (await _plan(github, text="Never refund more than was paid.")).run("ex_1")


async def test_a_fix_is_taken_back_by_closing_its_pull_request(peer: GitHubPeer, github: CodeHost) -> None:
    """The plan writes nothing; then it is closed, its branch gone, and that was read back."""
    result = await _proposed(github)
    assert result.undo
    assert open_fix.take_back is not None
    before = len(peer.writes)
    planned: Any = open_fix.take_back(_context(), OpenFix(text="x"), result, github)
    once = await planned
    assert len(peer.writes) == before
    assert "Closes https://github.example/acme/evals/pull/1" in once.preview
    done = await once.run("ex_2")
    assert (done.verified, done.url) == (Verified.IN_FORCE, result.url)
    assert result.ref.partition("@")[0] not in peer.refs
    assert await once.probe() is not None
    with pytest.raises(Refused, match="closed already"):
        await closed(github, result)


async def test_what_a_person_merged_is_not_touched(peer: GitHubPeer, github: CodeHost) -> None:
    """The words say to revert it there."""
    result = await _proposed(github)
    peer.merge(1)
    with pytest.raises(Refused, match="merged already") as refused:
        await closed(github, result)
    assert refused.value.next_step == "Revert it there."


async def test_a_place_that_cannot_close_says_where_it_is() -> None:
    """A git remote has branches, and no pull requests to close."""
    result = OnceResult(summary="pushed", ref="pullcord/inc-1@abc", verified=Verified.IN_FORCE)
    assert undo_words(object()) == ""
    with pytest.raises(Refused, match="cannot close") as refused:
        await closed(object(), result)
    assert "pullcord/inc-1@abc" in str(refused.value)
