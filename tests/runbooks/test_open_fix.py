"""The verb ``open_fix`` on GitHub and on a git remote."""

import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import Change, Execution, ExecutionState, Target, Verified
from bot.domain.events import Actor, ActorKind
from bot.domain.incident import AlertState, Incident, IncidentState
from bot.errors import ActionFailed, Refused
from bot.plugin import ActionContext, AgentProfile, Hidden, Once
from bot.ports import CodeHost, FilePlace
from runbooks.controls.git_branches import GitHost
from runbooks.open_fix import OpenFix, open_fix
from tests.runbooks.controls.test_github import adapter
from tests.support.clock import ManualClock
from tests.support.github_peer import GitHubPeer
from tests.support.web import listening

NOW = datetime(2026, 6, 9, 3, 3, tzinfo=UTC)
PLACE = FilePlace(
    prompt="prompts/refund.md",
    tools={"issue_refund": "tools/issue_refund.md", "send_email": "tools/all.yaml"},
    config="agent.yaml",
)
FILES = {
    "prompts/refund.md": "You refund.\nBe kind.\n",
    "tools/issue_refund.md": "Refunds an order.\n",
    "tools/all.yaml": "send_email:\n  description: Sends.\n",
    "agent.yaml": "model: gpt-x # ours\ntools:\n  denied: [old]\n",
}


def _kept(setting: str, desired: Any, element: str | None = None) -> Execution:
    target = Target(control="embedded", subject="refund-bot", setting=setting, element=element)
    return Execution(
        id="ex_0",
        action="pin_model",
        title="Pin model",
        state=ExecutionState.SUCCEEDED,
        by="U0DANA",
        at=NOW,
        summary="pinned refund-bot to gpt-x-1",
        change=Change(target=target, desired=desired, summary="pinned", expires_in=timedelta(hours=1)),
    )


def _context(*executions: Execution, place: FilePlace | None = PLACE, execution: str = "ex_1") -> ActionContext:
    incident = Incident(
        id="INC-7",
        number=7,
        seq=3,
        head="h",
        state=IncidentState.OPEN,
        alert_state=AlertState.FIRING,
        severity="SEV2",
        agent="refund-bot",
        name="RefundAmountAnomaly",
        opened_at=NOW,
        opened_by="alertmanager",
        executions=executions,
    )
    return ActionContext(
        incident=incident,
        agent=AgentProfile(name="refund-bot", fixes=place),
        by=Actor(kind=ActorKind.PERSON, id="U0DANA"),
        now=NOW,
        execution_id=execution,
    )


def _run(command: list[str], **how: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(command, check=True, capture_output=True, text=True, **how)
    return done.stdout


async def _plan(host: CodeHost, ctx: ActionContext | None = None, **chosen: str) -> Once:
    plan = await open_fix.plan(ctx or _context(), OpenFix(**chosen), host)  # type: ignore[misc]
    assert isinstance(plan, Once)
    return plan


@pytest.fixture
def peer() -> GitHubPeer:
    """The repository with the agent's files."""
    return GitHubPeer(files=FILES)


@pytest.fixture
async def github(peer: GitHubPeer) -> AsyncIterator[CodeHost]:
    """The adapter for it."""
    async with listening(peer.app()) as url:
        yield adapter(url, ManualClock())


async def test_a_sentence_is_added_to_the_prompt_by_a_pull_request(peer: GitHubPeer, github: CodeHost) -> None:
    """The preview shows the difference and writes nothing; the result was read back from the branch."""
    plan = await _plan(github, text="Never refund more than was paid.")
    assert "+Never refund more than was paid." in plan.preview
    assert peer.writes == []
    result = await plan.run("ex_1")
    assert result.verified is Verified.IN_FORCE
    branch = result.ref.partition("@")[0]
    assert peer.text(branch, "prompts/refund.md") == "You refund.\nBe kind.\n\nNever refund more than was paid.\n"
    assert result.url == "https://github.example/acme/evals/pull/1"
    assert "once it is merged" in result.detail
    assert await plan.probe() is not None
    with pytest.raises(Refused, match="proposed already"):
        await _plan(github, _context(execution="ex_2"), text="Never refund more than was paid.")


async def test_a_passage_of_a_tools_description_is_replaced(peer: GitHubPeer, github: CodeHost) -> None:
    """In a file that holds more than the description; without the passage nobody knows where."""
    chosen: dict[str, Any] = {"kind": "tool description", "tool": "send_email", "text": "Sends to customers only."}
    with pytest.raises(Refused, match="no plain text") as caught:
        await _plan(github, **chosen)
    assert caught.value.field == "passage"
    with pytest.raises(Refused, match="stands 0 times"):
        await _plan(github, **chosen, passage="sends.")
    result = await (await _plan(github, **chosen, passage="Sends.")).run("ex_1")
    text = peer.text(result.ref.partition("@")[0], "tools/all.yaml")
    assert text == "send_email:\n  description: Sends to customers only.\n"


async def test_a_plain_description_is_replaced_whole(peer: GitHubPeer, github: CodeHost) -> None:
    """The file is the description."""
    result = await (await _plan(github, kind="tool description", tool="issue_refund", text="With RMA.")).run("ex_1")
    assert peer.text(result.ref.partition("@")[0], "tools/issue_refund.md") == "With RMA.\n"


@pytest.mark.parametrize(
    ("execution", "path", "text"),
    [
        (_kept("agent.model", "gpt-x-1"), "agent.yaml", "model: gpt-x-1 # ours\ntools:\n  denied: [old]\n"),
        (
            _kept("agent.tools.denied", True, "issue_refund"),
            "agent.yaml",
            "model: gpt-x # ours\ntools:\n  denied: [old, issue_refund]\n",
        ),
        (_kept("agent.tools.denied", None, "old"), "agent.yaml", "model: gpt-x # ours\ntools:\n  denied: []\n"),
        (
            _kept("agent.validation", {"maximum": 50}, "issue_refund#amount"),
            "agent.yaml",
            "model: gpt-x # ours\nvalidation: {issue_refund: {amount: {maximum: 50}}}\ntools:\n  denied: [old]\n",
        ),
    ],
)
async def test_what_a_mitigation_set_is_kept(
    peer: GitHubPeer, github: CodeHost, execution: Execution, path: str, text: str
) -> None:
    """*Make permanent* freezes the execution; its value goes where the agent's configuration holds it."""
    plan = await _plan(github, _context(execution), execution="ex_0")
    result = await plan.run("ex_1")
    assert peer.text(result.ref.partition("@")[0], path) == text


async def test_a_guarding_sentence_goes_into_the_prompt_where_there_is_no_configuration(
    peer: GitHubPeer, github: CodeHost
) -> None:
    """It is what the prompt should have said."""
    place = FilePlace(prompt="prompts/refund.md")
    ctx = _context(_kept("agent.prompt.suffix", "Ask first."), place=place)
    result = await (await _plan(github, ctx, execution="ex_0")).run("ex_1")
    assert peer.text(result.ref.partition("@")[0], "prompts/refund.md") == "You refund.\nBe kind.\n\nAsk first.\n"
    with pytest.raises(Refused, match=r"fixes\.refund-bot\.config"):
        await _plan(github, _context(_kept("agent.model", "x"), place=place), execution="ex_0")


async def test_a_file_that_changed_after_the_preview_is_left_alone(peer: GitHubPeer, github: CodeHost) -> None:
    """The pull request would take the other change out again."""
    plan = await _plan(github, text="More.")
    peer.commit_on("main", "prompts/refund.md", "You refund, Lee says.\n")
    with pytest.raises(ActionFailed, match="changed on main meanwhile"):
        await plan.run("ex_1")
    assert peer.pulls == []


@pytest.mark.parametrize(
    ("chosen", "field"),
    [
        ({}, "text"),
        ({"kind": "configuration"}, "execution"),
        ({"kind": "tool description", "text": "x"}, "tool"),
        ({"execution": "ex_9"}, "execution"),
        ({"text": "x", "passage": "Nothing"}, "passage"),
    ],
)
async def test_what_does_not_fit_is_said_at_its_field(github: CodeHost, chosen: dict[str, Any], field: str) -> None:
    """While the modal is open."""
    with pytest.raises(Refused) as caught:
        await _plan(github, **chosen)
    assert caught.value.field == field


def test_without_a_configured_file_the_button_is_hidden() -> None:
    """And says which setting is missing."""
    hidden = open_fix.offer(_context(place=None))
    assert isinstance(hidden, Hidden)
    assert "fixes.refund-bot.prompt" in hidden.reason


async def test_a_git_remote_gets_a_branch(tmp_path: Path) -> None:
    """Where there is no code host, the branch is pushed and nobody opens a pull request."""
    bare, work = tmp_path / "agent.git", tmp_path / "work"
    who = ("-c", "user.name=Tess", "-c", "user.email=tess@example.org")
    for command in (
        ["init", "--quiet", "--bare", "--initial-branch", "main", str(bare)],
        ["clone", "--quiet", str(bare), str(work)],
    ):
        _run(["git", *command])
    for name, text in FILES.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text(text, encoding="utf-8")
    for command in (["add", "--all"], ["commit", "--quiet", "-m", "ours"], ["push", "--quiet", "origin", "HEAD:main"]):
        _run(["git", *who, *command], cwd=work)
    host = GitHost(str(bare), "the repository of refund-bot", "fixes.refund-bot.remote")
    assert isinstance(host, CodeHost)
    plan = await _plan(host, text="Never refund twice.")
    result = await plan.run("ex_1")
    assert result.verified is Verified.IN_FORCE
    assert (await plan.run("ex_1")).ref == result.ref
    branch = result.ref.partition("@")[0]
    shown = _run(["git", "-C", str(bare), "show", f"{branch}:prompts/refund.md"])
    assert shown.endswith("\n\nNever refund twice.\n")
    assert await host.read_file("nothing.md", "main") is None
    assert await host.read_file("agent.yaml", "nothing") is None
