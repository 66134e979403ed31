"""The Home tab as a pure function: what is on it, what is left out, and that nothing foreign comes alive on it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.action import ExecutionState, Verified
from bot.domain.incident import AlertState, IncidentRow, IncidentState
from bot.domain.mitigation import MitigationRow
from bot.domain.waiting import WaitingApproval
from bot.views.home import closed, home
from sandbox.slack.blockkit import check_view
from sandbox.slack.live import references
from sandbox.slack.model import Message
from tests.support import hostile
from tests.support.blockcheck import problems

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_row(number: int = 42, **more: Any) -> IncidentRow:
    """An open incident that nobody has."""
    fields = {
        "id": f"INC-{number}",
        "number": number,
        "state": IncidentState.OPEN,
        "alert_state": AlertState.FIRING,
        "severity": "SEV2",
        "agent": "refund-bot",
        "name": "refunds",
        "title": "refund-bot: 2 effects cannot be undone",
        "opened_at": NOW - HOUR,
        "alerts": 1,
    }
    return IncidentRow.model_validate(fields | more)


def waiting(**more: Any) -> WaitingApproval:
    """Lee wants to give a tool back."""
    fields = {
        "incident": "INC-42",
        "execution": "ex_1",
        "title": "Restore issue_refund",
        "by": "U0LEE",
        "preview": "refund-bot may use issue_refund again",
        "why": "It loosens what protects customers.",
        "deadline": NOW + HOUR,
    }
    return WaitingApproval.model_validate(fields | more)


def in_force(**more: Any) -> MitigationRow:
    """A revoked tool, seen by the enforcing side."""
    fields = {
        "incident": "INC-42",
        "execution": "ex_2",
        "action": "revoke_tool",
        "agent": "refund-bot",
        "control": "embedded",
        "target": "embedded/refund-bot/tools/issue_refund",
        "summary": "revoked issue_refund from refund-bot",
        "by": "U0DANA",
        "at": NOW - HOUR,
        "until": NOW + 3 * HOUR,
        "state": ExecutionState.SUCCEEDED,
        "verified": Verified.IN_FORCE,
    }
    return MitigationRow.model_validate(fields | more)


def shown(asked: Sequence[WaitingApproval], mine: Sequence[IncidentRow], held: Sequence[MitigationRow]) -> str:
    """All that stands on Dana's tab, which Slack takes."""
    blocks = list(home("U0DANA", asked, mine, held, NOW))
    assert problems({"type": "home", "blocks": blocks}) == []
    return json.dumps(blocks, ensure_ascii=False)


def test_it_shows_what_waits_what_is_mine_and_what_is_in_force() -> None:
    """With buttons that carry an incident and an execution, and nothing else."""
    blocks = home("U0DANA", [waiting()], [a_row(commander="U0DANA", channel="C0INC42")], [in_force()], NOW)
    text = json.dumps(blocks, ensure_ascii=False)
    for words in ("Waits for your approval (1)", "Restore issue_refund", "<@U0LEE> asks", "1 h 00 min left"):
        assert words in text
    for words in (
        "INC-42 · refund-bot: 2 effects cannot be undone",
        "you lead it",
        "<#C0INC42>",
        "open for 1 h 00 min",
    ):
        assert words in text
    for words in ("revoked issue_refund from refund-bot", "✅ in force", "by <@U0DANA>", "until <!date"):
        assert words in text
    buttons = [e for block in blocks for e in [*block.get("elements", []), block.get("accessory", {})]]
    pressed = {one["action_id"]: one["value"] for one in buttons if "action_id" in one}
    assert pressed == {
        "pullcord_approve": "INC-42|ex_1",
        "pullcord_reject": "INC-42|ex_1",
        "pullcord_tray": "INC-42",
        "pullcord_ack": "INC-42",
        "pullcord_declare": "declare",
    }
    assert check_view({"type": "home", "blocks": list(blocks)}) == []


def test_nothing_is_said_as_nothing() -> None:
    """Three sentences, no empty tab."""
    text = shown([], [], [])
    for words in ("Nothing waits for you.", "None that you lead", "No agent is restrained."):
        assert words in text


def test_only_what_the_enforcing_side_showed_is_green() -> None:
    """Each other standing in words of its own, and a colour that is none of good news."""
    for more, words in (
        ({"verified": None}, "not checked yet"),
        ({"verified": Verified.PENDING, "verified_detail": "read at 02:59"}, "pending: read at 02:59"),
        ({"verified": Verified.MISMATCH}, "not in force"),
        ({"verified": Verified.MISMATCH, "drifted": True}, "somebody changed it outside"),
        ({"verified": Verified.UNREACHABLE}, "could not be checked"),
        ({"state": ExecutionState.UNKNOWN, "verified": None}, "nobody knows whether it happened"),
        ({"state": ExecutionState.STARTED}, "not finished yet"),
    ):
        text = shown([], [], [in_force(**more)])
        assert words in text
        assert "✅" not in text
    assert "stays until somebody takes it back" in shown([], [], [in_force(until=None)])


def test_why_an_incident_is_mine() -> None:
    """Leading before having before being on call; a drill is marked as one."""
    assert "you have it" in shown([], [a_row(acknowledged_by="U0DANA", state=IncidentState.ACKNOWLEDGED)], [])
    assert "you are on call" in shown([], [a_row(acknowledged_by="U0LEE", state=IncidentState.ACKNOWLEDGED)], [])
    assert "nobody has it, the alert fires" in shown([], [a_row()], [])
    assert "DRILL · *INC-42" in shown([], [a_row(drill=True)], [])


def test_a_storm_stays_within_slacks_blocks_and_says_what_is_left_out() -> None:
    """A hundred of each."""
    asked = [waiting(execution=f"ex_{n}") for n in range(100)]
    text = shown(asked, [a_row(n) for n in range(100)], [in_force()] * 100)
    assert len(json.loads(text)) <= 100
    for words in ("and 90 more", "and 85 more", "and 75 more", "Mitigations in force (100)"):
        assert words in text


def test_a_guest_reads_why() -> None:
    """And nothing of any incident."""
    text = json.dumps(closed("You are a guest <!channel>."))
    assert "full members" in text
    assert check_view({"type": "home", "blocks": list(closed("x" * 5000))}) == []


@given(text=hostile.text(), other=hostile.text())
def test_hostile_text_never_comes_alive(text: str, other: str) -> None:
    """Titles, previews, reasons, agents, summaries and details are written by anybody."""
    one = waiting(title=text, preview=other, why=text, by=other)
    row = a_row(title=text, name=other, severity=text, agent=other)
    held = in_force(summary=text, agent=other, verified=Verified.MISMATCH, verified_detail=text, by=other)
    blocks = list(home("U0DANA", [one], [row], [held], NOW))
    assert check_view({"type": "home", "blocks": blocks}) == []
    live = references(Message("1.1", "C", "U0BOT", "", blocks))
    assert (live["broadcasts"], live["groups"], live["links"], live["channels"]) == ([], [], [], [])
    assert set(live["users"]) <= {other}


@given(deadline=st.integers(-100, 100_000))
def test_a_deadline_is_told_also_when_it_has_passed(deadline: int) -> None:
    """Nothing counts below nothing."""
    text = shown([waiting(deadline=NOW + timedelta(seconds=deadline))], [], [])
    assert ("left)" in text) is (deadline > 0)
    assert ("has passed" in text) is (deadline <= 0)
