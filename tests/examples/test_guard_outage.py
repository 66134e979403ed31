"""What the guard does when Pullcord does not answer, or answers nonsense."""

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from examples.guard import AgentPaused, ArgumentsRefused
from sandbox.ofrep_stub import Fault, OfrepStub
from tests.examples.conftest import MakeGuard, Ticks, wait_for

NOWHERE = "http://127.0.0.1:9"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("fault", [fault for fault in get_args(Fault) if fault != "none"])
def test_a_paused_agent_stays_paused_whatever_pullcord_does(
    make_guard: MakeGuard, stub: OfrepStub, ticks: Ticks, fault: Fault
) -> None:
    """In the same process and in a new one; and it is said since when, and what is wrong."""
    stub.restrain("agent.paused", value=True, by="@dana", why="refunds too high")
    read_at = datetime(2026, 6, 9, 3, 0, tzinfo=UTC)
    guard = make_guard(now=lambda: read_at)
    with pytest.raises(AgentPaused):
        guard.check_not_paused()
    stub.fault = fault
    ticks.advance(10)
    for process in (guard, make_guard()):
        with pytest.raises(AgentPaused, match="by @dana"):
            process.check_not_paused()
        restraints = process.restraints()
        assert restraints.stale_since == read_at
        assert restraints.problem is not None
        assert stub.url in restraints.problem
    stub.fault = "none"
    stub.lift("agent.paused")
    ticks.advance(10)
    guard.check_not_paused()
    assert guard.stale_since is None


@pytest.mark.parametrize(
    ("token", "agent", "says"), [("wrong", "refund-bot", "401"), ("agent-token", "other-bot", "403")]
)
def test_a_refused_token_is_named_and_never_printed(make_guard: MakeGuard, token: str, agent: str, says: str) -> None:
    """An agent that was never restrained goes on; the problem says what to do and hides the token."""
    restraints = make_guard(token=token, agent=agent).restraints()
    assert restraints.paused is None
    assert restraints.problem is not None
    assert says in restraints.problem
    assert "Bearer" not in restraints.problem
    assert token not in restraints.problem


def test_a_wrong_address_is_named(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """A path that is not the control plane answers 404, one that is no address cannot be reached."""
    assert "404" in str(make_guard(f"{stub.url}/elsewhere").restraints().problem)
    assert "cannot be reached" in str(make_guard("http://[").restraints().problem)


def test_a_process_killed_while_paused_starts_paused_when_pullcord_is_gone(stub: OfrepStub, state_file: Path) -> None:
    """Kill -9 of the agent and of Pullcord; a new process with the same state file stays paused."""
    agent = textwrap.dedent("""
        import sys, signal
        from examples.guard import AgentPaused, Guard
        guard = Guard(sys.argv[1], agent="refund-bot", token="agent-token", state_file=sys.argv[2], timeout=0.3)
        try:
            guard.check_not_paused()
            print("ran", flush=True)
        except AgentPaused as refusal:
            print(refusal, flush=True)
        signal.pause()
    """)
    stub.restrain("agent.paused", value=True, by="@dana", why="refunds too high")

    def start_and_kill() -> str:
        command = [sys.executable, "-c", agent, stub.url, str(state_file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        return line

    paused = "refund-bot is paused by @dana, until somebody lifts it. Reason: refunds too high.\n"
    assert start_and_kill() == paused
    stub.close()
    assert start_and_kill() == paused
    state_file.unlink()
    assert start_and_kill() == "ran\n", "without a file nobody ever restrained it"


def test_an_agent_that_never_reached_pullcord_proceeds_and_says_so(make_guard: MakeGuard, state_file: Path) -> None:
    """No file, no answer: nobody ever restrained it. Nothing is written that looks like knowledge."""
    first_try = datetime(2026, 6, 9, 3, 0, tzinfo=UTC)
    guard = make_guard(NOWHERE, now=lambda: first_try)
    guard.check_not_paused()
    assert guard.stale_since == first_try
    assert "cannot be reached" in str(guard.restraints().problem)
    assert not state_file.exists()


def test_the_state_file_is_private_whole_and_without_the_token(
    make_guard: MakeGuard, stub: OfrepStub, state_file: Path
) -> None:
    """Mode 0600, no temporary file left, no secret in it."""
    stub.restrain("agent.paused", value=True)
    make_guard().restraints()
    assert stat.S_IMODE(state_file.stat().st_mode) == 0o600
    assert [path.name for path in state_file.parent.iterdir()] == [state_file.name]
    assert stub.token not in state_file.read_text()
    assert json.loads(state_file.read_text())["flags"]["agent.paused"]["value"] is True


def _without(flag: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        state = json.loads(text)
        del state["flags"][flag]
        return json.dumps(state)

    return change


BROKEN_FILES: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "cut": lambda text: text[: len(text) // 2],
    "not_utf8": lambda _: "\udcff",
    "other_format": lambda text: text.replace('"format":1', '"format":2'),
    "other_agent": lambda text: text.replace("refund-bot", "mail-bot"),
    "flag_of_wrong_type": lambda text: text.replace('"value":true', '"value":"yes"'),
    "flag_missing": _without("agent.paused"),
    "naive_time": lambda text: text.replace("Z", "", 1),
    "huge": lambda text: text + " " * 1_000_001,
}


@pytest.mark.parametrize("how", BROKEN_FILES)
@pytest.mark.parametrize("when_unknown", ["pause", "proceed"])
def test_a_corrupt_state_file_is_said_and_treated_as_unknown(
    make_guard: MakeGuard,
    stub: OfrepStub,
    state_file: Path,
    caplog: pytest.LogCaptureFixture,
    how: str,
    when_unknown: str,
) -> None:
    """With Pullcord away too, ``when_unknown`` decides; as soon as Pullcord answers, its answer counts."""
    stub.restrain("agent.paused", value=True, by="@dana")
    make_guard().restraints()
    state_file.write_bytes(BROKEN_FILES[how](state_file.read_text()).encode(errors="surrogateescape"))
    guard = make_guard(NOWHERE, when_unknown=when_unknown)
    assert (guard.restraints().paused is not None) == (when_unknown == "pause")
    assert guard.stale_since is not None
    assert str(state_file) in caplog.text
    if when_unknown == "pause":
        with pytest.raises(AgentPaused, match=r"by the guard.*last known state is unreadable"):
            guard.check_not_paused()
    stub.lift("agent.paused")
    make_guard(when_unknown=when_unknown).check_not_paused()
    make_guard(NOWHERE).check_not_paused()


def test_a_state_file_that_cannot_be_written_is_said_and_the_restraint_still_holds(
    make_guard: MakeGuard, stub: OfrepStub, state_file: Path, ticks: Ticks
) -> None:
    """A folder stands where the file should be; the state lives in memory, and is written once that works."""
    state_file.mkdir(parents=True)
    stub.restrain("agent.paused", value=True)
    guard = make_guard(when_unknown="proceed")
    restraints = guard.restraints()
    assert restraints.paused is not None
    assert "cannot be written" in str(restraints.problem)
    state_file.rmdir()
    ticks.advance(10)
    assert guard.restraints().problem is None
    assert state_file.is_file()


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {"key": "agent.paused", "errorCode": "GENERAL", "errorDetails": "x"},
        {"key": "agent.paused", "value": "false", "reason": "STATIC", "variant": "x"},
        {"key": "agent.paused", "value": False, "reason": "STATIC"},
        {"key": "agent.paused", "value": False, "variant": "x"},
    ],
    ids=["missing", "error", "wrong_type", "no_variant", "no_reason"],
)
def test_one_unreadable_flag_keeps_its_last_value_and_the_others_are_taken(
    make_guard: MakeGuard, stub: OfrepStub, ticks: Ticks, entry: dict[str, object] | None
) -> None:
    """A new restraint gets through although another flag is broken, and a broken flag never becomes neutral."""
    stub.restrain("agent.paused", value=True, by="@dana")
    guard = make_guard()
    guard.restraints()
    stub.replace["agent.paused"] = entry
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]})
    ticks.advance(10)
    restraints = guard.restraints()
    assert restraints.paused is not None
    assert list(restraints.denied) == ["issue_refund"]
    assert restraints.stale_since is not None
    assert "agent.paused" in str(restraints.problem)
    assert make_guard(NOWHERE).restraints().paused is not None


def test_a_restraint_whose_time_has_passed_stands_until_pullcord_lifts_it(
    make_guard: MakeGuard, stub: OfrepStub, ticks: Ticks
) -> None:
    """Only Pullcord loosens: what happens at the end of a pause is for people to say."""
    clock = [datetime(2026, 6, 9, 3, 0, tzinfo=UTC)]
    stub.restrain("agent.paused", value=True, until=(clock[0] + timedelta(hours=1)).isoformat())
    guard = make_guard(now=lambda: clock[0])
    guard.restraints()
    stub.close()
    clock[0] += timedelta(hours=5)
    ticks.advance(5 * 3600)
    with pytest.raises(AgentPaused):
        guard.check_not_paused()


def test_a_sibling_process_on_the_same_file_learns_the_pause_that_the_other_saw(
    make_guard: MakeGuard, stub: OfrepStub, ticks: Ticks
) -> None:
    """One worker read the pause just before Pullcord died; the other takes it from the file."""
    clock = [datetime(2026, 6, 9, 3, 0, tzinfo=UTC)]
    late, early = make_guard(now=lambda: clock[0]), make_guard(now=lambda: clock[0])
    late.check_not_paused()
    clock[0] += timedelta(seconds=1)
    stub.restrain("agent.paused", value=True)
    assert early.restraints().paused is not None
    stub.close()
    ticks.advance(10)
    with pytest.raises(AgentPaused):
        late.check_not_paused()


def test_what_came_from_a_sibling_is_never_confirmed_by_an_older_answer(
    make_guard: MakeGuard, stub: OfrepStub, ticks: Ticks
) -> None:
    """The other saw the pause lifted; then Pullcord is restored from a backup in which it stands."""
    clock = [datetime(2026, 6, 9, 3, 0, tzinfo=UTC)]
    late, early = make_guard(now=lambda: clock[0]), make_guard(now=lambda: clock[0])
    stub.restrain("agent.paused", value=True)
    assert late.restraints().paused is not None
    clock[0] += timedelta(seconds=1)
    stub.lift("agent.paused")
    assert early.restraints().paused is None
    stub.fault = "error"
    ticks.advance(10)
    assert late.restraints().paused is None
    stub.fault, stub.revision = "none", 0
    stub.restrain("agent.paused", value=True)  # the very answer whose tag the late one had
    ticks.advance(10)
    with pytest.raises(AgentPaused):
        late.check_not_paused()


def test_a_long_quiet_time_keeps_the_file_honest_about_its_age(
    make_guard: MakeGuard, stub: OfrepStub, ticks: Ticks
) -> None:
    """Unchanged state is confirmed on disk each minute, so that a new process says the right ``stale_since``."""
    clock = [datetime(2026, 6, 9, 3, 0, tzinfo=UTC)]
    guard = make_guard(now=lambda: clock[0])
    guard.restraints()
    for _ in range(3):
        clock[0] += timedelta(seconds=40)
        ticks.advance(40)
        guard.restraints()
    assert make_guard(NOWHERE).stale_since == datetime(2026, 6, 9, 3, 1, 20, tzinfo=UTC)


def test_a_revision_that_goes_back_is_obeyed_and_logged(
    make_guard: MakeGuard, stub: OfrepStub, ticks: Ticks, caplog: pytest.LogCaptureFixture
) -> None:
    """A Pullcord restored from a backup is still the one that decides."""
    stub.revision = 7
    guard = make_guard()
    assert guard.restraints().revision == 7
    stub.revision = 2
    ticks.advance(10)
    assert guard.restraints().revision == 2
    assert "went back from 7 to 2" in caplog.text


def test_a_hanging_pullcord_delays_one_caller_per_max_age_and_no_longer_than_the_timeout(
    make_guard: MakeGuard, stub: OfrepStub
) -> None:
    """The second question in the same ``max_age`` makes no request."""
    stub.fault = "hang"
    guard = make_guard()
    assert "did not answer within 0.3 s" in str(guard.restraints().problem)
    before = os.times().elapsed
    guard.check_not_paused()
    assert os.times().elapsed - before < 0.25


@pytest.mark.parametrize("how", ["hang", "error", "not_json", "drip", "killed"])
@pytest.mark.parametrize("restrained", [False, True])
def test_under_load_the_end_of_pullcord_fails_no_agent_and_frees_none(
    make_guard: MakeGuard, stub: OfrepStub, how: str, restrained: bool
) -> None:
    """Eight threads ask all the while: every answer is the one of before, and none waits longer than one read."""
    if restrained:
        stub.restrain("agent.validation", {"issue_refund": {"properties": {"amount": {"maximum": 5}}}}, by="@dana")
    guard = make_guard(max_age=0.05, timeout=0.3, monotonic=time.monotonic)
    guard.restraints()
    ended, answers = threading.Event(), Counter[str]()
    waits: list[float] = []

    def ask() -> None:
        while not ended.is_set():
            before = time.monotonic()
            try:
                guard.check_tool("issue_refund", {"amount": 9})
                answers["let through"] += 1
            except ArgumentsRefused:
                answers["refused"] += 1
            waits.append(time.monotonic() - before)

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask) for _ in range(8)]
        wait_for(lambda: sum(answers.values()) > 200)
        if how == "killed":
            stub.close()
        else:
            stub.fault = how  # type: ignore[assignment]
        wait_for(lambda: guard.stale_since is not None)
        so_far = sum(answers.values())
        wait_for(lambda: sum(answers.values()) > so_far + 200)
        ended.set()
        for one in asking:
            one.result(10)
    assert set(answers) == {"refused" if restrained else "let through"}
    assert max(waits) < 2
    print(f"{how}: {dict(answers)}, longest {max(waits):.2f} s")
