"""A value in a configuration file of a repository: on GitHub and behind a git remote, by a commit or a proposal."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.domain.action import Restraint, Verified
from bot.engine.control_http import ControlClient
from bot.errors import ActionFailed, Refused
from bot.plugin import ControlName
from bot.ports import AgentControl, ControlPlane, FallbackControl, ModelControl, PromptControl, ToolControl
from runbooks.controls.config_file import ConfigFile
from runbooks.controls.git_config import GitConfig, GitConfigSettings
from runbooks.controls.github_config import GitHubConfig, GitHubConfigSettings
from tests.support.clock import ManualClock
from tests.support.github_peer import TOKEN, GitHubPeer
from tests.support.web import listening

FILE = "# ours\nagents:\n  refund-bot:\n    model: gpt-x # the model\n    tools: {denied: [old]}\n"
WHY = Restraint(incident="INC-7", by="@dana", why="refunds too much; Fixes #1")
WHO = ("-c", "user.name=Tess", "-c", "user.email=tess@example.org")


class Place:
    """A repository in which the test can look and commit by hand."""

    def __init__(self, kind: str, folder: Path, peer: GitHubPeer, url: str) -> None:
        self.kind, self.folder, self.peer, self.url = kind, folder, peer, url
        self.bare = folder / "config.git"
        if kind == "git":
            self.git("init", "--quiet", "--bare", "--initial-branch", "main", str(self.bare), cwd=folder)
            self.by_hand(FILE)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """What git printed."""
        command = ["git", *WHO, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd or self.bare).stdout

    def by_hand(self, text: str) -> None:
        """A person changes the file."""
        if self.kind == "github":
            self.peer.commit_on("main", "agents.yaml", text)
            return
        work = self.folder / f"work{len(list(self.folder.iterdir()))}"
        self.git("clone", "--quiet", str(self.bare), str(work), cwd=self.folder)
        (work / "agents.yaml").write_text(text, encoding="utf-8")
        self.git("add", "--all", cwd=work)
        self.git("commit", "--quiet", "-m", "by hand", cwd=work)
        self.git("push", "--quiet", "origin", "HEAD:refs/heads/main", cwd=work)

    def branches(self) -> list[str]:
        """All branches but main."""
        names = (
            list(self.peer.refs) if self.kind == "github" else self.git("branch", "--format=%(refname:short)").split()
        )
        return [name for name in names if name != "main"]

    def text(self, branch: str = "main") -> str:
        """The file as it stands there."""
        if self.kind == "github":
            return self.peer.text(branch, "agents.yaml") or ""
        return self.git("show", f"{branch}:agents.yaml")

    def merge(self) -> None:
        """A person merges what is proposed."""
        (branch,) = self.branches()
        if self.kind == "github":
            self.peer.merge(len(self.peer.pulls))
            del self.peer.refs[branch]
        else:
            self.git("update-ref", "refs/heads/main", f"refs/heads/{branch}")
            self.git("branch", "--quiet", "-D", branch)

    def plane(self, **changes: Any) -> ConfigFile:
        """The adapter."""
        given: dict[str, Any] = {"file": "agents.yaml", "below": "agents.{agent}", **changes}
        clock, name = ManualClock(), ControlName("config")
        if self.kind == "git":
            return GitConfig(GitConfigSettings.model_validate({"remote": str(self.bare), **given}), name, clock)
        settings = GitHubConfigSettings.model_validate(
            {"url": self.url, "repository": "acme/evals", "token": SecretStr(TOKEN), "timeout": "1s", **given}
        )
        return GitHubConfig(settings, ControlClient("config", settings), name, clock)


@pytest.fixture(params=["github", "git"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Each kind of repository."""
    peer = GitHubPeer(files={"agents.yaml": FILE})
    async with listening(peer.app()) as url:
        yield Place(request.param, tmp_path, peer, url)


async def test_a_commit_changes_one_value_and_an_undo_takes_it_back(place: Place) -> None:
    """Planning writes nothing, the same key writes once, and it is pending: nobody here sees who reads the file."""
    plane = place.plane(mode="commit")
    for port in (ControlPlane, ModelControl, FallbackControl, ToolControl, AgentControl, PromptControl):
        assert isinstance(plane, port)
    change = await plane.pin_model("refund-bot", "gpt-x-1", None)
    assert (change.before, place.text()) == ("gpt-x", FILE)
    before = await plane.current(change.target)
    applied = await plane.apply(change, "ex_1", WHY)
    assert place.text() == FILE.replace("gpt-x #", "gpt-x-1 #")
    assert (await plane.apply(change, "ex_1", WHY)).already
    seen = await plane.verify(change, applied)
    assert seen.verified is Verified.PENDING
    assert "once that is deployed" in seen.detail
    assert (await place.plane(mode="commit", live=True).verify(change, applied)).verified is Verified.IN_FORCE
    await plane.restore(change, applied, before, "ex_2")
    assert place.text() == FILE
    assert (await plane.verify(change, applied)).verified is Verified.MISMATCH


async def test_the_commit_says_why_and_nothing_in_it_is_acted_on(place: Place) -> None:
    """The incident, who, and the execution; an incident's words close no issue."""
    plane = place.plane(mode="commit")
    await plane.apply(await plane.pause_agent("refund-bot", None), "ex_1", WHY)
    said = (
        place.peer.commits[place.peer.refs["main"]]["message"]
        if place.kind == "github"
        else place.git("log", "-1", "--format=%B", "main")
    )
    assert "INC-7" in said
    assert "#1" not in said
    assert "Pullcord-Execution: ex_1" in said


async def test_somebody_elses_value_is_not_taken_back(place: Place) -> None:
    """The undo says what stands there now."""
    plane = place.plane(mode="commit")
    change = await plane.pin_model("refund-bot", "gpt-x-1", None)
    before = await plane.current(change.target)
    applied = await plane.apply(change, "ex_1", WHY)
    place.by_hand(FILE.replace("gpt-x #", "gpt-y #"))
    assert (await plane.verify(change, applied)).verified is Verified.MISMATCH
    with pytest.raises(Refused, match="no longer what this action set; it holds 'gpt-y'"):
        await plane.restore(change, applied, before, "ex_2")


async def test_two_tools_are_two_elements_of_one_list(place: Place) -> None:
    """Taking one back leaves the other, and what people had in the list."""
    plane = place.plane(mode="commit")
    first = await plane.revoke_tool("refund-bot", "issue_refund", None)
    snapshot = await plane.current(first.target)
    applied = await plane.apply(first, "ex_1", WHY)
    await plane.apply(await plane.revoke_tool("refund-bot", "send_email", None), "ex_2", WHY)
    assert "denied: [old, issue_refund, send_email]" in place.text()
    await plane.restore(first, applied, snapshot, "ex_3")
    assert "denied: [old, send_email]" in place.text()
    with pytest.raises(Refused, match="says so already"):
        await plane.revoke_tool("refund-bot", "old", None)
    with pytest.raises(Refused, match="says so already"):
        await plane.restore_tool("refund-bot", "issue_refund")


async def test_a_proposal_waits_to_be_merged_and_says_so(place: Place) -> None:
    """Nothing changes before; merged it is pending or in force; the undo of an open one closes it."""
    plane = place.plane()
    change = await plane.pin_model("refund-bot", "gpt-x-1", None)
    before = await plane.current(change.target)
    applied = await plane.apply(change, "ex_1", WHY)
    (branch,) = place.branches()
    assert (place.text(), place.text(branch)) == (FILE, FILE.replace("gpt-x #", "gpt-x-1 #"))
    assert (await plane.apply(change, "ex_1", WHY)).already
    assert place.branches() == [branch]
    seen = await plane.verify(change, applied)
    assert seen.verified is Verified.PENDING
    assert "waits to be merged" in seen.detail
    await plane.restore(change, applied, before, "ex_2")
    assert place.branches() == []
    assert (await plane.verify(change, applied)).verified is Verified.MISMATCH


async def test_an_undo_after_the_merge_proposes_the_way_back(place: Place) -> None:
    """A merged one is history: the way back is a proposal of its own."""
    plane = place.plane(live=True)
    change = await plane.pin_model("refund-bot", "gpt-x-1", None)
    before = await plane.current(change.target)
    applied = await plane.apply(change, "ex_1", WHY)
    place.merge()
    assert (await plane.verify(change, applied)).verified is Verified.IN_FORCE
    await plane.restore(change, applied, before, "ex_2")
    (branch,) = place.branches()
    assert place.text(branch) == FILE


@pytest.mark.parametrize("agent", ["a/b", "../x", "..", "", "a\nb"])
async def test_an_agents_name_leads_nowhere_else(place: Place, agent: str) -> None:
    """Neither out of the folder nor into another one."""
    plane = place.plane(file="agents/{agent}.yaml")
    with pytest.raises(Refused):
        await plane.pin_model(agent, "x", None)


async def test_a_branch_or_file_that_is_not_there_is_said(place: Place) -> None:
    """With the setting to correct."""
    with pytest.raises(Refused, match=r"controls\.config\.file"):
        await place.plane(file="nothing.yaml").pin_model("refund-bot", "x", None)
    with pytest.raises(ActionFailed, match="no branch nothing"):
        await place.plane(branch="nothing").pin_model("refund-bot", "x", None)


async def test_a_branch_that_moved_is_not_overwritten(tmp_path: Path) -> None:
    """Somebody committed between reading and writing: the press is refused, and theirs stays."""
    peer = GitHubPeer(files={"agents.yaml": FILE})
    async with listening(peer.app()) as url:
        place = Place("github", tmp_path, peer, url)
        plane = place.plane(mode="commit")
        change = await plane.pin_model("refund-bot", "gpt-x-1", None)
        host = plane._host
        _, on = await host.read_at("agents.yaml", "main")
        peer.commit_on("main", "other.md", "theirs")
        with pytest.raises(Refused, match="moved meanwhile"):
            await host.commit_file("agents.yaml", "mine", "main", on, "m")
        assert peer.text("main", "other.md") == "theirs"
        await plane.apply(change, "ex_1", WHY)
        assert peer.text("main", "other.md") == "theirs"
