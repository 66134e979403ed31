"""What an agent sees of the guard while Pullcord answers."""

import asyncio
import threading

import pytest

from examples.guard import AgentPaused, ToolDenied
from sandbox.ofrep_stub import OfrepStub
from tests.examples.conftest import MakeGuard, Ticks


def test_an_unrestrained_agent_proceeds_with_its_own_defaults(make_guard: MakeGuard) -> None:
    """Neutral flags change nothing."""
    guard = make_guard()
    guard.check_not_paused()
    guard.check_tool("issue_refund")
    assert guard.model("gpt-x") == "gpt-x"
    assert guard.fallback_model() == ""
    assert guard.prompt_suffix() == ""
    assert guard.stale_since is None


def test_a_pin_a_fallback_and_a_suffix_are_read(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """The restrained values replace the defaults."""
    stub.restrain("agent.model", "gpt-x-2026-03-12")
    stub.restrain("agent.fallback_model", "mini-y")
    stub.restrain("agent.prompt.suffix", "Refund only what is owed.")
    stub.restrain("agent.validation", {"issue_refund": {"amount_minor": {"maximum": 5000}}})
    restraints = make_guard().restraints()
    assert (restraints.model, restraints.fallback_model) == ("gpt-x-2026-03-12", "mini-y")
    assert restraints.prompt_suffix == "Refund only what is owed."
    assert restraints.validation == {"issue_refund": {"amount_minor": {"maximum": 5000}}}
    assert restraints.revision == 4


def test_a_paused_agent_is_told_who_why_and_until_when(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """``AgentPaused`` carries the restraint and a sentence for the caller."""
    stub.restrain(
        "agent.paused",
        value=True,
        by="@dana",
        why="refunds too high",
        until="2026-06-10T03:09:00+00:00",
        incident="INC-42",
    )
    with pytest.raises(AgentPaused) as caught:
        make_guard().check_not_paused()
    refusal = caught.value
    assert (refusal.by, refusal.why, refusal.incident) == ("@dana", "refunds too high", "INC-42")
    assert refusal.until == "2026-06-10T03:09:00+00:00"
    assert str(refusal) == (
        "refund-bot is paused by @dana in INC-42, until 2026-06-10 03:09 UTC. Reason: refunds too high."
    )


def test_a_denied_tool_is_not_called_and_the_model_can_be_told(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """The decorated function stays uncalled; other tools work."""
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]}, by="@lee", why="double refunds")
    guard = make_guard()
    calls: list[str] = []

    @guard.tool
    def issue_refund(order: str) -> str:
        calls.append(order)
        return "refunded"

    @guard.tool("create_ticket")
    def ticket(subject: str) -> str:
        return subject

    with pytest.raises(ToolDenied) as caught:
        issue_refund("88123")
    assert calls == []
    assert ticket("help") == "help"
    assert ticket.__name__ == "ticket"
    text = caught.value.as_tool_result()
    assert caught.value.tool == "issue_refund"
    assert "denied to refund-bot by @lee, until somebody lifts it. Reason: double refunds." in text
    assert "Do not try it again" in text


def test_each_of_several_denied_tools_keeps_its_own_reason(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """Metadata of flags is flat: ``tool.<name>.by`` wins over ``by`` where it is there."""
    stub.restrain(
        "agent.tools.denied",
        {"tools": ["issue_refund", "send.email", "book_courier"]},
        by="@mo",
        tool__issue_refund__by="@lee",
        tool__issue_refund__why="double refunds",
        tool__send__email__by="@dana",
    )
    denied = make_guard().restraints().denied
    assert (denied["issue_refund"].by, denied["issue_refund"].why) == ("@lee", "double refunds")
    assert (denied["send.email"].by, denied["send.email"].why) == ("@dana", "")
    assert denied["book_courier"].by == "@mo"


async def test_a_coroutine_tool_is_refused_without_blocking_the_loop(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """While Pullcord hangs, other tasks of the loop go on."""
    stub.restrain("agent.tools.denied", {"tools": ["issue_refund"]}, by="@lee")
    warm = make_guard()
    warm.restraints()
    stub.fault = "hang"
    guard = make_guard()

    @guard.tool
    async def issue_refund() -> str:
        return "refunded"

    turns = 0

    async def other_work(until: asyncio.Task[str]) -> None:
        nonlocal turns
        while not until.done():
            turns += 1
            await asyncio.sleep(0.01)

    call = asyncio.create_task(issue_refund())
    await other_work(call)
    assert turns > 5
    with pytest.raises(ToolDenied):
        call.result()
    with pytest.raises(ToolDenied):
        await guard.check_tool_async("issue_refund")
    await guard.check_not_paused_async()


def test_hostile_words_are_made_harmless_before_a_model_reads_them(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """Control characters go, long text is cut, and metadata that is not a scalar is dropped."""
    stub.restrain("agent.paused", value=True, why="a\u202e\x1b[31mb\n" + "x" * 9_000, by=["not", "a", "scalar"])
    restraint = make_guard().restraints().paused
    assert restraint is not None
    assert restraint.why.startswith("a  [31mb x")
    assert len(restraint.why) == 200
    assert restraint.by == ""


def test_an_until_that_is_no_time_is_repeated_as_it_came(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """Unknown is said, not guessed."""
    stub.restrain("agent.paused", value=True, until="tomorrow")
    with pytest.raises(AgentPaused, match=r"is paused until tomorrow\. Reason: not given"):
        make_guard().check_not_paused()


def test_at_most_one_read_per_max_age_and_unchanged_state_is_not_sent_again(
    make_guard: MakeGuard, stub: OfrepStub, ticks: Ticks
) -> None:
    """Many questions make one request; the next read carries the ETag and gets 304."""
    guard = make_guard(max_age=2.0)
    for _ in range(50):
        guard.check_tool("issue_refund")
        guard.model("gpt-x")
    assert stub.requests == [200]
    ticks.advance(1.9)
    guard.restraints()
    assert stub.requests == [200]
    ticks.advance(0.2)
    assert guard.stale_since is None
    assert stub.requests == [200, 304]
    stub.restrain("agent.paused", value=True)
    ticks.advance(2)
    with pytest.raises(AgentPaused):
        guard.check_not_paused()
    stub.lift("agent.paused")
    ticks.advance(2)
    guard.check_not_paused()


def test_many_threads_at_once_make_one_read_and_all_see_its_answer(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """The first read is waited for by everybody."""
    stub.restrain("agent.paused", value=True)
    guard = make_guard()
    paused: list[bool] = []
    barrier = threading.Barrier(16)

    def ask() -> None:
        barrier.wait()
        paused.append(guard.restraints().paused is not None)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paused == [True] * 16
    assert stub.requests == [200]


def test_nothing_is_requested_before_the_first_question_nor_after_close(make_guard: MakeGuard, stub: OfrepStub) -> None:
    """Making a guard costs nothing, and a closed one answers what it last knew."""
    stub.restrain("agent.paused", value=True)
    unused = make_guard()
    with make_guard() as guard:
        assert guard.restraints().paused is not None
    unused.close()
    assert unused.restraints().paused is None
    assert guard.restraints().paused is not None
    assert stub.requests == [200]
