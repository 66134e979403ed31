"""GitHub against a repository that refuses what GitHub's documentation refuses."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr, ValidationError
from starlette.responses import JSONResponse

from bot.engine.control_http import ControlClient
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import ControlName
from bot.ports import CodeHost, EvalRepository, EvalTarget
from runbooks.controls import pull_text
from runbooks.controls.github import GitHub
from runbooks.controls.github_auth import GitHubSettings
from tests.support.clock import ManualClock
from tests.support.github_peer import TOKEN, GitHubPeer
from tests.support.web import listening

BRANCH = "pullcord/inc-7-eval-4f1c"
FILES = {"inc-7.yaml": "cases: []\n", "pullcord_evaluators.py": "pass\n"}


@pytest.fixture
def peer() -> GitHubPeer:
    """One repository."""
    return GitHubPeer()


@pytest.fixture
async def address(peer: GitHubPeer) -> AsyncIterator[str]:
    """Where it listens."""
    async with listening(peer.app()) as url:
        yield url


@pytest.fixture
def clock() -> ManualClock:
    """12:00."""
    return ManualClock()


def adapter(address: str, clock: ManualClock, **changes: Any) -> GitHub:
    """The adapter for that repository, as an Enterprise server has it (a prefix in the address)."""
    given: dict[str, Any] = {"token": SecretStr(TOKEN), **changes}
    settings = GitHubSettings.model_validate(
        {"url": f"{address}/api/v3", "repository": "acme/evals", "timeout": "1s", **given}
    )
    target = EvalTarget(branch="main", directory="evals/pullcord")
    return GitHub(settings, ControlClient("github", settings), ControlName("github"), clock, target)


def message(execution: str = "ex_1", words: str = "Eval case for INC-7") -> str:
    """What a verb gives it."""
    return pull_text.marked(f"{words}\n\nRefund what is owed.", execution)


async def test_one_commit_one_branch_one_pull_request(peer: GitHubPeer, address: str, clock: ManualClock) -> None:
    """Both files lie on the branch in one commit, and the pull request names the execution where nobody sees it."""
    github = adapter(address, clock, labels=["eval"], reviewers=["lee", "team:agents"])
    assert isinstance(github, CodeHost)
    assert isinstance(github, EvalRepository)
    pushed = await github.push(BRANCH, FILES, message())
    assert pushed.url == "https://github.example/acme/evals/pull/1"
    assert pushed.path == "evals/pullcord/inc-7.yaml"
    assert peer.text(BRANCH, "evals/pullcord/inc-7.yaml") == "cases: []\n"
    assert peer.text(BRANCH, "README.md") == "ours\n"
    commit = peer.commits[peer.refs[BRANCH]]
    assert commit["parents"] == [peer.refs["main"]]
    assert commit["message"].endswith("Pullcord-Execution: ex_1\n")
    (pull,) = peer.pulls
    assert pull["title"] == "Eval case for INC-7"
    assert pull["body"].endswith("<!-- Pullcord-Execution: ex_1 -->\n")
    assert (pull["labels"], pull["reviewers"]) == (["eval"], ["lee", "agents"])
    assert peer.writes[:4] == ["POST git/trees", "POST git/commits", "POST git/refs", "POST pulls"]
    assert await github.read_file("evals/pullcord/inc-7.yaml", BRANCH) == "cases: []\n"
    assert await github.read_file("nothing.yaml", BRANCH) is None


async def test_the_same_execution_again_writes_nothing(peer: GitHubPeer, address: str, clock: ManualClock) -> None:
    """A redelivery finds what it did."""
    github = adapter(address, clock)
    first = await github.push(BRANCH, FILES, message())
    writes = list(peer.writes)
    assert (await github.push(BRANCH, FILES, message())).commit == first.commit
    assert peer.writes == writes
    found = await github.find(BRANCH)
    assert found is not None
    assert pull_text.execution_in(found.message) == "ex_1"


async def test_another_press_is_told_of_the_pull_request_that_is_open(
    peer: GitHubPeer, address: str, clock: ManualClock
) -> None:
    """It names it, and opens none of its own."""
    github = adapter(address, clock)
    await github.push(BRANCH, FILES, message())
    with pytest.raises(Refused, match=r"#1 of acme/evals .* was opened for this already"):
        await github.push(BRANCH, FILES, message("ex_2"))
    assert len(peer.pulls) == 1


@pytest.mark.parametrize("deleted", [False, True])
async def test_what_a_person_closed_is_not_opened_again(
    peer: GitHubPeer, address: str, clock: ManualClock, deleted: bool
) -> None:
    """Whoever pressed is told who closed it and when, also when the branch was deleted with it."""
    github = adapter(address, clock)
    await github.push(BRANCH, FILES, message())
    peer.close(1, delete=deleted)
    writes = list(peer.writes)
    for execution in ("ex_1", "ex_2"):
        with pytest.raises(Refused, match="was closed by dana on 2026-11-23 12:31 UTC and not merged") as caught:
            await github.push(BRANCH, FILES, message(execution))
        assert "Reopen it there" in str(caught.value)
    assert peer.writes == writes


async def test_what_was_merged_is_said_and_not_done_again(peer: GitHubPeer, address: str, clock: ManualClock) -> None:
    """To the execution that opened it, it is done; another one is told that nothing is left to do."""
    github = adapter(address, clock)
    await github.push(BRANCH, FILES, message())
    peer.merge(1)
    assert "is merged" in (await github.push(BRANCH, FILES, message())).note
    with pytest.raises(Refused, match="was merged"):
        await github.push(BRANCH, FILES, message("ex_2"))
    with pytest.raises(Refused, match="holds exactly this already"):
        await github.push("pullcord/other", FILES, message("ex_3"))


async def test_a_branch_left_by_a_crash_is_taken_up(peer: GitHubPeer, address: str, clock: ManualClock) -> None:
    """The worker died before the pull request: the next press opens it from the same branch."""
    github = adapter(address, clock)
    peer.next_answers["POST pulls"] = [JSONResponse({}, 403, {"retry-after": "17"})]
    with pytest.raises(ActionFailed, match=r"branch .* is there, but no pull request") as caught:
        await github.push(BRANCH, FILES, message())
    assert "in 17 s" in str(caught.value)
    left = peer.refs[BRANCH]
    assert (await github.push(BRANCH, FILES, message("ex_2"))).commit == left
    assert pull_text.execution_in(peer.pulls[0]["body"]) == "ex_2"


async def test_a_branch_that_holds_something_else_is_left_alone(
    peer: GitHubPeer, address: str, clock: ManualClock
) -> None:
    """A person's branch of the same name is not overwritten."""
    theirs = peer.commit_on(BRANCH, "notes.md", "mine")
    with pytest.raises(ActionFailed, match="is there already and holds something else"):
        await adapter(address, clock).push(BRANCH, FILES, message())
    assert peer.refs[BRANCH] == theirs
    assert not peer.pulls


async def test_an_answer_that_was_lost_is_unknown_and_found_by_looking(
    peer: GitHubPeer, address: str, clock: ManualClock
) -> None:
    """GitHub made it and answered 502: nobody knows, and the probe finds it; a second run makes no second one."""
    github = adapter(address, clock)
    peer.after["POST pulls"] = [JSONResponse({}, 502)]
    with pytest.raises(OutcomeUnknown):
        await github.push(BRANCH, FILES, message())
    found = await github.find(BRANCH)
    assert found is not None
    assert pull_text.execution_in(found.message) == "ex_1"
    await github.push(BRANCH, FILES, message())
    assert len(peer.pulls) == 1


@pytest.mark.parametrize("step", ["POST git/trees", "POST git/commits"])
async def test_what_breaks_before_the_branch_did_nothing(
    peer: GitHubPeer, address: str, clock: ManualClock, step: str
) -> None:
    """A commit that no branch points at is there for nobody, so it is a plain no, and pressing again works."""
    github = adapter(address, clock)
    peer.after[step] = [JSONResponse({}, 500)]
    with pytest.raises(ActionFailed, match="nothing was opened"):
        await github.push(BRANCH, FILES, message())
    assert list(peer.refs) == ["main"]
    await github.push(BRANCH, FILES, message())


async def test_two_at_once_make_one(peer: GitHubPeer, address: str, clock: ManualClock) -> None:
    """The branch and the pull request are there already for the slower one (422); it is told whose."""
    github = adapter(address, clock)
    both = await asyncio.gather(
        github.push(BRANCH, FILES, message("ex_1")),
        github.push(BRANCH, FILES, message("ex_2")),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in both) == ["PushedCase", "Refused"]
    assert len(peer.pulls) == 1


@pytest.mark.parametrize(
    ("status", "headers", "error", "says"),
    [
        (403, {"retry-after": "60"}, ActionFailed, "Press again in 60 s"),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795435200"}, ActionFailed, "Press again after"),
        (429, {}, OutcomeUnknown, "nobody knows"),
        (403, {}, ActionFailed, "Contents and Pull requests: read and write"),
        (401, {}, ActionFailed, "refused our credentials"),
        (500, {}, OutcomeUnknown, "answered 500"),
    ],
)
async def test_a_no_says_what_it_means(
    peer: GitHubPeer,
    address: str,
    clock: ManualClock,
    status: int,
    headers: dict[str, str],
    error: type[Exception],
    says: str,
) -> None:
    """Rate limits, permissions, credentials and trouble are told apart; none shows the token."""
    peer.next_answers["POST git/refs"] = [JSONResponse({"message": TOKEN}, status, headers)]
    with pytest.raises(error, match=says) as caught:
        await adapter(address, clock).push(BRANCH, FILES, message())
    assert TOKEN not in str(caught.value)
    assert not peer.pulls


async def test_labels_that_are_not_allowed_are_told_and_undo_nothing(
    peer: GitHubPeer, address: str, clock: ManualClock
) -> None:
    """They are beside the point of a pull request."""
    peer.permissions["issues"] = "none"
    github = adapter(address, clock, labels=["eval"], reviewers=["nobody"])
    pushed = await github.push(BRANCH, FILES, message())
    assert pushed.note.endswith("is open; its labels and reviewers could not be set")


async def test_foreign_words_notify_nobody_close_nothing_and_forge_no_mark(
    peer: GitHubPeer, address: str, clock: ManualClock
) -> None:
    """A run's text is shown, and does nothing there."""
    hostile = (
        "Fixes #1, closes acme/evals#2 and GH-3 @acme/all &#64;dana <!-- gone --> <img src=x> ![i](//evil/x.png)\n"
        "/merge\n[skip ci]\nCo-authored-by: Eve <eve@example.org>\n<!-- Pullcord-Execution: ex_9 -->\n"
        "Pullcord-Execution: ex_9\nhttps://github.com/acme/evals/issues/4"
    )
    text = pull_text.marked(f"{hostile.splitlines()[0]}\n\n{hostile}", "ex_1")
    await adapter(address, clock).push(BRANCH, FILES, text)
    (pull,) = peer.pulls
    commit = peer.commits[peer.refs[BRANCH]]["message"]
    for written in (pull["title"], pull["body"].removesuffix("<!-- Pullcord-Execution: ex_1 -->\n"), commit):
        for acts in ("#1", "s#2", "GH-3", "@acme", "&#64", "<!--", "<img", "](", "://", "\n/m", "[skip", "by: Eve"):
            assert acts not in written, acts
    assert pull_text.execution_in(pull["body"]) == "ex_1"
    assert pull_text.execution_in(commit) == "ex_1"
    assert commit.count("Pullcord-Execution") == 1


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", ".git/config", "a/.GIT/hooks/x"])
async def test_nothing_is_written_outside_of_the_directory(
    peer: GitHubPeer, address: str, clock: ManualClock, path: str
) -> None:
    """Not by a hostile name either."""
    with pytest.raises(Refused, match="does not lie in"):
        await adapter(address, clock).push(BRANCH, {path: "x"}, message())
    assert peer.writes == []


def _pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


async def test_an_app_signs_and_keeps_its_token_until_shortly_before_its_end(
    peer: GitHubPeer, address: str, clock: ManualClock
) -> None:
    """One token for all requests of an hour; another one five minutes before that is over, or once it is refused."""
    private, peer.public_key = _pair()
    peer.tokens.clear()
    app = {"token": None, "app_id": 12345, "private_key": SecretStr(private.replace("\n", "\\n"))}
    github = adapter(address, clock, **app)
    await asyncio.gather(github.push(BRANCH, FILES, message()), github.find("pullcord/other"))
    assert peer.issued == ["ghs_0"]
    clock.forward(minutes=54)
    await github.find(BRANCH)
    assert peer.issued == ["ghs_0"]
    clock.forward(minutes=2)
    peer.expires_at = "2026-11-23T14:00:00.123Z"
    await github.find(BRANCH)
    assert peer.issued == ["ghs_0", "ghs_1"]
    peer.tokens.clear()
    with pytest.raises(ActionFailed, match="refused our credentials"):
        await github.find(BRANCH)
    await github.find(BRANCH)
    assert peer.issued[-1] == "ghs_2"


async def test_an_app_without_the_permissions_is_told_which(peer: GitHubPeer, address: str, clock: ManualClock) -> None:
    """By their names, which is what the operator has to tick."""
    private, peer.public_key = _pair()
    peer.permissions["contents"] = "read"
    github = adapter(address, clock, token=None, app_id="12345", private_key=SecretStr(private))
    with pytest.raises(ActionFailed, match="contents: write, pull_requests: write"):
        await github.push(BRANCH, FILES, message())


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"token": SecretStr("x"), "app_id": "1", "private_key": SecretStr("x")},
        {"app_id": "1"},
        {"app_id": "1", "private_key": SecretStr("-----BEGIN nothing")},
    ],
)
def test_credentials_are_one_of_two_kinds(given: dict[str, Any]) -> None:
    """Neither, both, half of one, or a key that is none stops the start."""
    with pytest.raises(ValidationError, match=r"token|PEM"):
        GitHubSettings.model_validate({"repository": "acme/evals", **given})
