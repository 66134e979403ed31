"""The verb ``open_eval_case`` against a real bare git repository."""

import asyncio
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.domain.action import Verified
from bot.domain.effect import Effect, EffectOutcome, Reversibility
from bot.domain.events import Actor, ActorKind
from bot.domain.incident import AlertState, AttachedRun, Incident, IncidentState
from bot.domain.run import Message, ModelCall, Part, Run, RunSummary, ToolCall
from bot.errors import ActionFailed, Refused
from bot.plugin import ActionContext, AgentProfile, Once
from bot.ports import EvalTarget
from runbooks.controls.git import GitRemote, GitSettings
from runbooks.evals.pydantic_evals import PydanticEvals
from runbooks.open_eval_case import OpenEvalCase, open_eval_case

NOW = datetime(2026, 6, 9, 3, 3, tzinfo=UTC)
TRACE = "4f1c9e27" * 4
BAD = {"customer": "cus_81", "amount_cents": 42000}


def _incident() -> Incident:
    effect = Effect(
        id="ef_1",
        trace_id=TRACE,
        order=1,
        tool="issue_refund",
        arguments=BAD,
        reversibility=Reversibility.IRREVERSIBLE,
        outcome=EffectOutcome.APPLIED,
    )
    run = AttachedRun(
        summary=RunSummary(trace_id=TRACE, agent="refund-bot"),
        evidence="e" * 64,
        evidence_bytes=10,
        source="recorder",
        alerted=True,
        catalogue="c",
        attached_at=NOW,
        parts=1,
    )
    return Incident(
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
        runs=(run,),
        effects=(effect,),
    )


class _Evidence:
    """The frozen run, as the recorder would give it back."""

    async def run(self, incident: Incident, trace_id: str) -> Run:
        asked = Message(role="user", parts=(Part(kind="text", text="Where is my refund?"),))
        return Run(
            trace_id=trace_id,
            agent="refund-bot",
            model_calls=(ModelCall(order=1, span_id="0" * 16, input=(asked,)),),
            tool_calls=(ToolCall(order=1, name="issue_refund", arguments=BAD, arguments_recorded=True),),
        )


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """An empty bare repository."""
    path = tmp_path / "evals.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch", "main", str(path)], check=True)
    return path


async def _plan(remote: Path, arguments: str = '{"amount_cents": 4200}', execution: str = "ex_1") -> Once:
    repository = GitRemote(GitSettings(), EvalTarget(remote=str(remote), branch="main", directory="evals/pullcord"))
    person = Actor(kind=ActorKind.PERSON, id="U0DANA")
    ctx = ActionContext(
        incident=_incident(), agent=AgentProfile(name="refund-bot"), by=person, now=NOW, execution_id=execution
    )
    params = OpenEvalCase(call="ef_1", expected="Refund what is owed, $42.00.", arguments=arguments)
    plan = await open_eval_case.plan(ctx, params, _Evidence(), PydanticEvals(), repository)  # type: ignore[misc]
    assert isinstance(plan, Once)
    return plan


def _show(remote: Path, what: str) -> str:
    done = subprocess.run(["git", "-C", str(remote), "show", what], check=True, capture_output=True, text=True)
    return done.stdout


async def test_the_case_lies_on_its_branch_and_was_read_back(remote: Path) -> None:
    """After the run the remote itself shows the branch with one case file that names the wrong and the right call."""
    plan = await _plan(remote)
    assert await plan.probe() is None
    result = await plan.run("ex_1")
    assert result.verified is Verified.IN_FORCE
    text = _show(remote, "pullcord/inc-7-eval:evals/pullcord/inc-7.yaml")
    assert "amount_cents: 42000" in text
    assert "amount_cents: 4200\n" in text
    assert "evidence_sha256: " + "e" * 64 in text


async def test_the_same_key_twice_is_one_push_and_another_commit_is_left_alone(remote: Path) -> None:
    """A redelivery changes nothing; another execution of the same incident is told about the branch."""
    plan = await _plan(remote)
    first = await plan.run("ex_1")
    second = await plan.run("ex_1")
    assert first.ref == second.ref
    with pytest.raises(ActionFailed, match="already holds another commit"):
        await plan.run("ex_2")


async def test_a_branch_of_another_execution_is_no_proof_of_this_one(remote: Path) -> None:
    """A worker died before it pushed; the branch that an earlier press left there must not make this one green."""
    first = await _plan(remote)
    await first.run("ex_1")
    found = await first.probe()
    assert found is not None
    assert found.verified is Verified.IN_FORCE
    second = await _plan(remote, "", execution="ex_2")
    assert await second.probe() is None


async def test_a_case_that_would_forbid_what_it_demands_is_refused(remote: Path) -> None:
    """The recorded arguments are no correction."""
    with pytest.raises(Refused, match="were recorded") as caught:
        await _plan(remote, '{"customer": "cus_81", "amount_cents": 42000}')
    assert caught.value.field == "arguments"


async def test_without_right_arguments_the_call_must_not_be_made(remote: Path) -> None:
    """An empty field forbids the call, which the expected behaviour then does not make."""
    plan = await _plan(remote, "")
    assert "recorded: called issue_refund" in plan.preview
    assert "Expected: passes" in plan.preview


async def test_a_remote_that_is_not_there_is_said_and_nothing_is_half_done(tmp_path: Path) -> None:
    """Git's own words come back, without a stack trace."""
    plan = await _plan(tmp_path / "nowhere.git")
    with pytest.raises(ActionFailed, match="git ls-remote failed"):
        await asyncio.wait_for(plan.run("ex_1"), 20)
