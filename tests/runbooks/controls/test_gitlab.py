"""GitLab against a project that refuses what GitLab's documentation refuses."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse

from bot.domain.action import Verified
from bot.engine.control_http import ControlClient
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import ControlName
from bot.ports import CodeHost, EvalRepository, EvalTarget
from runbooks.controls import pull_text
from runbooks.controls.gitlab import GitLab, GitLabSettings
from runbooks.controls.gitlab_config import GitLabConfig, GitLabConfigSettings
from tests.support.clock import ManualClock
from tests.support.gitlab_peer import TOKEN, GitLabPeer
from tests.support.web import listening

BRANCH = "pullcord/inc-7-eval-4f1c"
FILES = {"inc-7.yaml": "cases: []\n", "pullcord_evaluators.py": "pass\n"}


@pytest.fixture
def peer() -> GitLabPeer:
    """One project."""
    return GitLabPeer(files={"README.md": "ours\n", "agents.yaml": "model: gpt-x # ours\n"})


@pytest.fixture
async def url(peer: GitLabPeer) -> AsyncIterator[str]:
    """Its API."""
    async with listening(peer.app()) as address:
        yield f"{address}/api/v4"


def adapter(url: str, **changes: Any) -> GitLab:
    """The adapter."""
    given: dict[str, Any] = {"project": "acme/team/evals", "token": SecretStr(TOKEN), "timeout": "1s", **changes}
    settings = GitLabSettings.model_validate({"url": url, **given})
    target = EvalTarget(branch="main", directory="evals")
    return GitLab(settings, ControlClient("gitlab", settings), ControlName("gitlab"), target)


def message(execution: str = "ex_1") -> str:
    """What a verb gives it."""
    return pull_text.marked("Eval case for INC-7 @dana\n\n/merge\nFixes #1", execution)


async def test_one_commit_and_one_merge_request(peer: GitLabPeer, url: str) -> None:
    """The branch and its files come into being in one request, and nothing in its text is acted on."""
    gitlab = adapter(url, labels=["eval"], reviewers=[7])
    assert isinstance(gitlab, CodeHost)
    assert isinstance(gitlab, EvalRepository)
    pushed = await gitlab.push(BRANCH, FILES, message())
    assert peer.writes == ["POST repository/commits", "POST merge_requests"]
    assert peer.text(BRANCH, "evals/inc-7.yaml") == "cases: []\n"
    assert pushed.url == "https://gitlab.example/acme/team/evals/-/merge_requests/1"
    (made,) = peer.requests
    assert (made["labels"], made["reviewer_ids"]) == ("eval", [7])
    assert "\n/merge" not in made["description"]
    assert "@dana" not in made["title"]
    assert made["description"].endswith("<!-- Pullcord-Execution: ex_1 -->\n")
    assert (await gitlab.push(BRANCH, FILES, message())).commit == pushed.commit
    assert len(peer.writes) == 2
    with pytest.raises(Refused, match=r"!1 of .* was opened for this already"):
        await gitlab.push(BRANCH, FILES, message("ex_2"))


async def test_what_a_person_ended_stays_so(peer: GitLabPeer, url: str) -> None:
    """Closed: by whom and when; merged: nothing is left to do."""
    gitlab = adapter(url)
    await gitlab.push(BRANCH, FILES, message())
    peer.end(1, "closed")
    with pytest.raises(Refused, match="closed by dana on 2026-11-23 12:31 UTC"):
        await gitlab.push(BRANCH, FILES, message())
    peer.end(1, "merged")
    assert "is merged" in (await gitlab.push(BRANCH, FILES, message())).note
    with pytest.raises(Refused, match="was merged"):
        await gitlab.push(BRANCH, FILES, message("ex_2"))


@pytest.mark.parametrize("step", ["POST merge_requests", "POST repository/commits"])
async def test_a_lost_answer_is_unknown_and_a_second_run_finishes_it(peer: GitLabPeer, url: str, step: str) -> None:
    """GitLab did it and answered 502; what is there is taken up."""
    gitlab = adapter(url)
    peer.after[step] = [JSONResponse({}, 502)]
    with pytest.raises(OutcomeUnknown):
        await gitlab.push(BRANCH, FILES, message())
    await gitlab.push(BRANCH, FILES, message())
    assert len(peer.requests) == 1
    assert peer.writes.count("POST repository/commits") == 1


async def test_a_branch_that_holds_something_else_is_left_alone(peer: GitLabPeer, url: str) -> None:
    """A person's branch of the same name."""
    peer.commit_on(BRANCH, "mine.md", "mine")
    with pytest.raises(ActionFailed, match="holds something else"):
        await adapter(url).push(BRANCH, FILES, message())
    assert peer.requests == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"token": SecretStr("glpat-wrong")}, "refused our credentials"),
        ({"project": "acme/nothing"}, "shows us no project"),
    ],
)
async def test_a_no_names_the_setting_and_never_the_token(url: str, changes: dict[str, Any], says: str) -> None:
    """For whoever has to correct it."""
    with pytest.raises(ActionFailed, match=says) as caught:
        await adapter(url, **changes).push(BRANCH, FILES, message())
    assert "controls.gitlab" in str(caught.value)
    assert "glpat" not in str(caught.value)


@pytest.mark.parametrize("mode", ["commit", "pull_request"])
async def test_a_value_of_a_configuration_file(peer: GitLabPeer, url: str, mode: str) -> None:
    """By a commit that compares the file's last one, or by a merge request; and back."""
    settings = GitLabConfigSettings.model_validate(
        {"url": url, "project": "acme/team/evals", "token": SecretStr(TOKEN), "file": "agents.yaml", "mode": mode}
    )
    plane = GitLabConfig(settings, ControlClient("config", settings), ControlName("config"), ManualClock())
    change = await plane.pin_model("refund-bot", "gpt-y", None)
    before = await plane.current(change.target)
    applied = await plane.apply(change, "ex_1", None)
    (branch,) = [name for name in peer.refs if (name == "main") is (mode == "commit")]
    assert peer.text(branch, "agents.yaml") == "model: gpt-y # ours\n"
    assert (await plane.verify(change, applied)).verified is Verified.PENDING
    assert (await plane.apply(change, "ex_1", None)).already
    await plane.restore(change, applied, before, "ex_2")
    assert list(peer.refs) == ["main"]
    assert peer.text("main", "agents.yaml") == "model: gpt-x # ours\n"


async def test_a_file_that_changed_meanwhile_is_not_overwritten(peer: GitLabPeer, url: str) -> None:
    """The commit names the one that it is based on."""
    gitlab = adapter(url)
    _, on = await gitlab.read_at("agents.yaml", "main")
    peer.commit_on("main", "agents.yaml", "model: theirs\n")
    with pytest.raises(Refused, match="moved meanwhile"):
        await gitlab.commit_file("agents.yaml", "model: mine\n", "main", on, "m")
    assert peer.text("main", "agents.yaml") == "model: theirs\n"
