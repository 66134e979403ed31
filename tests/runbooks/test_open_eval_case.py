"""The verb ``open_eval_case`` against a real bare git repository."""

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import Verified
from bot.domain.effect import Effect, EffectOutcome, Reversibility
from bot.domain.events import Actor, ActorKind
from bot.domain.incident import AlertState, AttachedRun, Incident, IncidentState
from bot.domain.run import Message, ModelCall, Part, Run, RunSummary, ToolCall
from bot.engine.planning import SILENT
from bot.errors import ActionFailed, OutcomeUnknown, Refused
from bot.plugin import ActionContext, AgentProfile, EvalFormats, EvalPlaces, Hidden, Offered, Once
from bot.ports import DatasetItem, EvalTarget
from runbooks.controls.git import GitRemote, GitSettings
from runbooks.evals.promptfoo import Promptfoo
from runbooks.evals.pydantic_evals import PydanticEvals
from runbooks.open_eval_case import OpenEvalCase, open_eval_case

FORMATS = EvalFormats("pydantic_evals", {"pydantic_evals": PydanticEvals(), "promptfoo": Promptfoo()})
BRANCH = "pullcord/inc-7-eval-issue-refund-f07da6"
NOW = datetime(2026, 6, 9, 3, 3, tzinfo=UTC)
TRACE = "4f1c9e27" * 4
BAD = {"customer": "cus_81", "amount_cents": 42000}


def effect_of(
    effect_id: str = "ef_1",
    *,
    trace: str = TRACE,
    order: int = 1,
    tool: str = "issue_refund",
    arguments: dict[str, Any] = BAD,
) -> Effect:
    """A call that changed something."""
    return Effect(
        id=effect_id,
        trace_id=trace,
        order=order,
        tool=tool,
        arguments=arguments,
        reversibility=Reversibility.IRREVERSIBLE,
        outcome=EffectOutcome.APPLIED,
    )


def _incident(effects: tuple[Effect, ...], traces: tuple[str, ...]) -> Incident:
    runs = tuple(
        AttachedRun(
            summary=RunSummary(trace_id=trace, agent="refund-bot"),
            evidence="e" * 64,
            evidence_bytes=10,
            source="recorder",
            alerted=True,
            catalogue="c",
            attached_at=NOW,
            parts=1,
        )
        for trace in traces
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
        runs=runs,
        effects=effects,
    )


class Evidence:
    """The frozen runs, as the recorder would give them back."""

    def __init__(self, effects: tuple[Effect, ...] = (), notes: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._effects = effects
        self._notes = notes or {}

    async def run(self, incident: Incident, trace_id: str) -> Run:
        """The run with the calls of the incident's effects."""
        asked = Message(role="user", parts=(Part(kind="text", text="Where is my refund?"),))
        return Run(
            trace_id=trace_id,
            agent="refund-bot",
            model_calls=(ModelCall(order=1, span_id="0" * 16, input=(asked,)),),
            tool_calls=tuple(
                ToolCall(order=e.order, name=e.tool, arguments=e.arguments, arguments_recorded=True)
                for e in self._effects or incident.effects
                if e.trace_id == trace_id
            ),
            notes=self._notes.get(trace_id, ()),
        )


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """An empty bare repository."""
    path = tmp_path / "evals.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch", "main", str(path)], check=True)
    return path


def context(
    effects: tuple[Effect, ...], traces: tuple[str, ...], evals: EvalPlaces, execution: str = "ex_1"
) -> ActionContext:
    """What the verb looks at."""
    person = Actor(kind=ActorKind.PERSON, id="U0DANA")
    agent = AgentProfile(name="refund-bot", evals=evals)
    return ActionContext(incident=_incident(effects, traces), agent=agent, by=person, now=NOW, execution_id=execution)


async def _plan(
    remote: Path | None,
    arguments: str = '{"amount_cents": 4200}',
    execution: str = "ex_1",
    *,
    effects: tuple[Effect, ...] | None = None,
    traces: tuple[str, ...] = (TRACE,),
    evidence: Evidence | None = None,
    datasets: "_DataSet | None" = None,
    call: str = "ef_1",
    **chosen: str,
) -> Once:
    ctx = context(effects or (effect_of(),), traces, EvalPlaces("git remote"), execution)
    params = OpenEvalCase(call=call, expected="Refund what is owed, $42.00.", arguments=arguments, **chosen)
    places: dict[str, Any] = {} if datasets is None else {"datasets": datasets}
    if remote is not None:
        target = EvalTarget(remote=str(remote), branch="main", directory="evals/pullcord")
        places["repository"] = GitRemote(GitSettings(), target)
    plan = await open_eval_case.plan(ctx, params, evidence or Evidence(), FORMATS, SILENT, **places)  # type: ignore[misc]
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
    text = _show(remote, f"{BRANCH}:evals/pullcord/inc-7-issue-refund-f07da6.yaml")
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
    """A worker died before it pushed; the branch that another press made meanwhile must not make this one green."""
    second = await _plan(remote, "", execution="ex_2")
    first = await _plan(remote)
    await first.run("ex_1")
    found = await first.probe()
    assert found is not None
    assert found.verified is Verified.IN_FORCE
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
    """Git's own words come back, without a stack trace, when it is planned already."""
    with pytest.raises(OutcomeUnknown, match="git ls-remote failed"):
        await asyncio.wait_for(_plan(tmp_path / "nowhere.git"), 20)


async def test_another_call_of_the_incident_gets_a_branch_of_its_own(remote: Path) -> None:
    """Two wrong calls are two cases; their files do not meet in a merge."""
    await (await _plan(remote)).run("ex_1")
    other = effect_of("ef_2", order=2, tool="send_email", arguments={"to": "a@example.org"})
    plan = await _plan(remote, "", execution="ex_2", effects=(effect_of(), other), call="ef_2")
    result = await plan.run("ex_2")
    assert result.ref.startswith("pullcord/inc-7-eval-send-email-")


async def test_a_second_press_for_the_same_call_is_told_before_anything_is_written(remote: Path) -> None:
    """The preview itself says that there is one already."""
    await (await _plan(remote)).run("ex_1")
    with pytest.raises(Refused, match="has an eval case already") as caught:
        await _plan(remote, execution="ex_2")
    assert caught.value.field == "call"


def _three_runs() -> dict[str, tuple[Effect, ...]]:
    """A run with one such call, one with two, one that was cut, one with none."""
    return {
        TRACE: (effect_of(),),
        "a" * 32: (effect_of("ef_a", trace="a" * 32, arguments={"amount_cents": 9900}),),
        "b" * 32: (effect_of("ef_b", trace="b" * 32), effect_of("ef_c", trace="b" * 32, order=2)),
        "c" * 32: (effect_of("ef_d", trace="c" * 32),),
        "d" * 32: (),
    }


async def test_several_runs_become_several_cases_on_one_branch(remote: Path) -> None:
    """Each other run's case forbids the call that was made there; what has none is said with the reason."""
    runs = _three_runs()
    notes = {"c" * 32: ("3 of its 9 spans were over the cap and left out",)}
    effects = tuple(effect for held in runs.values() for effect in held)
    plan = await _plan(remote, effects=effects, traces=tuple(runs), evidence=Evidence(effects, notes), runs="each")
    assert "run bbbbbbbb called it 2 times" in plan.preview
    assert "run cccccccc: The run was not recorded whole" in plan.preview
    assert "run dddddddd did not call it" in plan.preview
    await plan.run("ex_1")
    names = _show(remote, f"{BRANCH}:evals/pullcord").splitlines()[2:]
    assert len([name for name in names if name.endswith(".yaml")]) == 2
    (other,) = (name for name in names if name.endswith(".yaml") and "f07da6" not in name)
    text = _show(remote, f"{BRANCH}:evals/pullcord/{other}")
    assert "amount_cents: 9900" in text
    assert "must_call: []" in text


async def test_a_run_that_was_cut_makes_no_case(remote: Path) -> None:
    """It would ask another question than the run did, and be green for ever."""
    notes = {TRACE: ("3 of its 9 spans were over the cap and left out",)}
    with pytest.raises(Refused, match="3 of its 9 spans"):
        await _plan(remote, evidence=Evidence((effect_of(),), notes))
    notes = {TRACE: ("2 log records belong to no span that was received",)}
    await _plan(remote, evidence=Evidence((effect_of(),), notes))


async def test_another_format_can_be_chosen(remote: Path) -> None:
    """The configured one is only the default."""
    await (await _plan(remote, format="promptfoo")).run("ex_1")
    text = _show(remote, f"{BRANCH}:evals/pullcord/cases/inc-7-issue-refund-f07da6.yaml")
    assert "javascript" in text
    with pytest.raises(Refused, match="no eval format nothing"):
        await _plan(remote, format="nothing")


class _DataSet:
    """A data set that keeps what it is given."""

    def __init__(self) -> None:
        self.held: dict[str, DatasetItem] = {}
        self.requests = 0

    def names(self) -> Sequence[str]:
        """The one."""
        return ("langfuse",)

    def dataset(self, name: str) -> "_DataSet":
        """It."""
        if name != "langfuse":
            raise Refused(f"{name} is not named in evals.datasets.", field="where")
        return self

    async def add(self, items: Sequence[DatasetItem]) -> str:
        """Keep them by key."""
        self.requests += 1
        self.held |= {item.key: item for item in items}
        return "https://langfuse.example/d/1"

    async def holds(self, keys: Sequence[str]) -> Sequence[str]:
        """Those that are kept."""
        return [key for key in keys if key in self.held]


async def test_cases_go_into_a_data_set_once_per_key(remote: Path) -> None:
    """With question, what is expected and provenance; pressing again replaces them; the remote is left alone."""
    held, runs = _DataSet(), _three_runs()
    effects = tuple(effect for some in runs.values() for effect in some)
    for execution in ("ex_1", "ex_2"):
        plan = await _plan(
            remote, effects=effects, traces=tuple(runs), runs="each", where="langfuse", datasets=held,
            execution=execution, evidence=Evidence(effects, {}),
        )  # fmt: skip
        result = await plan.run(execution)
        assert result.verified is Verified.IN_FORCE
        assert result.url == "https://langfuse.example/d/1"
        assert await plan.probe() is not None
    assert len(held.held) == 3
    item = held.held["pullcord-inc-7-issue-refund-f07da6"]
    assert item.input == {"question": "Where is my refund?", "agent": "refund-bot"}
    assert item.expected["must_not_call"] == [{"tool": "issue_refund", "arguments": BAD}]
    assert item.metadata["evidence_sha256"] == "e" * 64
    assert item.metadata["redacted"] == []
    assert "3 of them are there" in plan.preview
    with pytest.raises(Refused, match="not named"):
        await _plan(remote, where="other", datasets=held)


async def test_a_place_that_is_not_configured_is_said_at_its_field() -> None:
    """A team has a repository, data sets, or both; neither hides the button."""
    with pytest.raises(Refused, match="not configured") as caught:
        await _plan(None)
    assert caught.value.field == "where"
    ctx = context((effect_of(),), (TRACE,), EvalPlaces())
    hidden = open_eval_case.offer(ctx)
    assert isinstance(hidden, Hidden)
    assert "evals.datasets" in hidden.reason
    assert isinstance(open_eval_case.offer(context((effect_of(),), (TRACE,), EvalPlaces(datasets=("x",)))), Offered)
