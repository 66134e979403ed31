import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.slack.client import SandboxClient
from tests.peers.agent_run import CALLS, QUESTION, REFUND
from tests.peers.hands import at_the_card
from tests.peers.place import Place, told

pytestmark = [pytest.mark.peers, pytest.mark.timeout(180)]

_RUN_CASE = Path(__file__).with_name("data") / "run_case.py"
RIGHT = {**REFUND, "amount_cents": 4200}


async def test_pydantic_evals_fails_the_recorded_behaviour_and_passes_the_expected_one(
    place: Place, slack: SandboxClient, tmp_path: Path
) -> None:
    """The pushed branch, cloned by git and run by pydantic-evals in a process without any of our code.

    By the task's output and by recorded spans: an evaluator that sees no spans would fail good and bad alike.
    """
    async with at_the_card(place, slack, "eval-bot") as hands:
        expected = "Refund the broken jug only, 42.00."
        await hands.choose("U0LEE", "Open eval case", expected=expected, arguments=json.dumps(RIGHT))
        done = await hands.execution("open_eval_case")
        told("the execution says", done["result"])
        branch = done["result"]["ref"].partition("@")[0]
    clone = tmp_path / "clone"
    name = branch.removeprefix("pullcord/").replace("-eval-", "-", 1)
    await asyncio.to_thread(
        subprocess.run,
        ["git", "clone", "--quiet", "--single-branch", "--branch", branch, str(place.evals), str(clone)],
        check=True,
    )
    folder = clone / "evals" / "pullcord"
    told("pushed", sorted(p.name for p in folder.iterdir()))

    recorded = [{"tool": tool, "arguments": dict(arguments)} for tool, arguments, _ in CALLS]
    corrected = [{**call, "arguments": RIGHT} if call["tool"] == "issue_refund" else call for call in recorded]
    run = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-I", str(_RUN_CASE), str(folder), f"{name}.yaml"],
        input=json.dumps({"bad": recorded, "good": corrected, "idle": []}),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    told("pydantic-evals", said)
    assert said["asked"] == QUESTION
    assert [said["bad"][how][0] for how in ("output", "spans")] == [False, False]
    assert [said["good"][how][0] for how in ("output", "spans")] == [True, True]
    assert [said["idle"][how][0] for how in ("output", "spans")] == [False, False], "doing nothing is not right either"
    assert "8400" in said["bad"]["spans"][1]
