"""Executions that were asked for together are in force when every enforcement point showed it."""

from datetime import UTC, datetime

from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.incident import AlertState, Incident, IncidentState
from bot.domain.together import together

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _execution(number: int, state: ExecutionState, verified: Verified | None = None, **more: object) -> Execution:
    base = Execution(
        id=f"ex_{number}",
        action="revoke_tool",
        title="Revoke",
        state=state,
        by="U1",
        at=NOW,
        control=("embedded", "contextforge", "litellm")[number - 1],
        leads=None if number == 1 else "ex_1",
        verified=verified,
    )
    return base.model_copy(update=more)


def _incident(*executions: Execution) -> Incident:
    return Incident(
        id="INC-1",
        number=1,
        seq=1,
        head="",
        state=IncidentState.OPEN,
        alert_state=AlertState.FIRING,
        severity="SEV2",
        agent="refund-bot",
        name="x",
        opened_at=NOW,
        opened_by="x",
        executions=executions,
    )


def test_all_points_in_force_is_everywhere() -> None:
    """Two of two."""
    done = ExecutionState.SUCCEEDED
    found = together(_incident(_execution(1, done, Verified.IN_FORCE), _execution(2, done, Verified.IN_FORCE)), "ex_1")
    assert found.everywhere
    assert found.words == "in force everywhere (2 of 2)"


def test_the_points_that_do_not_show_it_are_named() -> None:
    """Pending, unknown, failed, and one that was taken back: each says how it stands."""
    incident = _incident(
        _execution(1, ExecutionState.SUCCEEDED, Verified.IN_FORCE),
        _execution(2, ExecutionState.SUCCEEDED, Verified.PENDING),
        _execution(3, ExecutionState.UNKNOWN),
    )
    found = together(incident, "ex_1")
    assert not found.everywhere
    assert found.words == "in force at 1 of 3: contextforge pending, litellm outcome unknown"
    undone = _incident(
        _execution(1, ExecutionState.SUCCEEDED, Verified.IN_FORCE, undone_by="ex_9"),
        _execution(2, ExecutionState.FAILED),
    )
    assert together(undone, "ex_1").words == "in force at 0 of 2: embedded taken back, contextforge failed"


def test_one_point_has_no_words_of_its_own_and_several_agents_are_named() -> None:
    """A group of one says nothing; a fleet says which agent."""
    alone = together(_incident(_execution(1, ExecutionState.SUCCEEDED, Verified.IN_FORCE)), "ex_1")
    assert (alone.everywhere, alone.words) == (True, "")
    fleet = _incident(
        _execution(1, ExecutionState.SUCCEEDED, Verified.IN_FORCE, agent="refund-bot"),
        _execution(2, ExecutionState.REQUESTED, agent="mail-bot", control="embedded"),
    )
    assert together(fleet, "ex_1").words == "in force at 1 of 2: mail-bot: embedded not done yet"
