"""Executions in each state that people must tell apart: in force, pending, drifted, waiting, broken glass, drilled."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.action import Applied, Approval, Change, Execution, ExecutionState, Snapshot, Target, Verified
from bot.domain.incident import Incident

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def execution(name: str, **more: Any) -> Execution:
    """A pin of refund-bot's model in force since 12:00, unless said otherwise."""
    target = Target(control="embedded", subject="refund-bot", setting="agent.model")
    change = Change(
        target=target,
        desired="gpt-x-2026-01-01",
        before="",
        summary="pinned refund-bot to gpt-x-2026-01-01",
        expires_in=timedelta(hours=4),
    )
    values: dict[str, Any] = {
        "id": f"ex_{name}",
        "action": "pin_model",
        "title": "Pin model",
        "state": ExecutionState.SUCCEEDED,
        "by": "U0DANA",
        "at": AT,
        "started_at": AT,
        "ended_at": AT,
        "summary": change.summary,
        "change": change,
        "snapshot": Snapshot(value="", at=AT),
        "applied": Applied(revision=3, value="gpt-x-2026-01-01", key=f"ex_{name}"),
        "verified": Verified.IN_FORCE,
        "seen_in_force": True,
        "expires_at": AT + timedelta(hours=4),
        "ask_at": AT + timedelta(hours=3, minutes=30),
        **more,
    }
    return Execution(**values)


def revocation(name: str, control: str = "embedded", **more: Any) -> Execution:
    """A tool revoked at a control plane."""
    target = Target(control=control, subject="refund-bot", setting="agent.tools.denied", element="issue_refund")
    change = Change(target=target, desired=True, before=None, summary="revoked issue_refund from refund-bot")
    values: dict[str, Any] = {
        "action": "revoke_tool",
        "title": "Revoke issue_refund",
        "change": change,
        "control": control,
        "summary": change.summary,
        "expires_at": None,
        "ask_at": None,
        **more,
    }
    return execution(name, **values)


def states() -> tuple[Execution, ...]:
    """One of each kind that the card and the page must tell apart."""
    approval = Approval(
        at=AT, deadline=AT + timedelta(minutes=15), role="commander", why="it loosens a restraint", by=None
    )
    given = approval.model_copy(update={"by": "U0KIM", "decided_at": AT})
    return (
        execution("pin", extended_by="U0LEE", expires_at=AT + timedelta(hours=8)),
        revocation("led", "embedded"),
        revocation(
            "point",
            "contextforge",
            leads="ex_led",
            verified=Verified.PENDING,
            verified_detail="its cache ends",
            known_at=AT + timedelta(minutes=20),
            seen_in_force=False,
        ),
        revocation("gone", verified=Verified.MISMATCH, verified_detail="it holds nothing; changed outside Pullcord"),
        execution("asked", expiry_asked_at=AT),
        execution("lapses", expiry_answer="lapse"),
        execution("kept", expiry_answer="permanent"),
        execution("glass", broke_glass="customers were charged twice", approval=None),
        execution("two", approval=given),
        execution("waits", state=ExecutionState.AWAITING_APPROVAL, approval=approval, verified=None, summary=None),
        execution("drill", state=ExecutionState.DRILLED, verified=None, summary="would pin refund-bot", drill=True),
        execution("expired", state=ExecutionState.EXPIRED, approval=approval, verified=None),
    )


def restrained(incident: Incident) -> Incident:
    """An incident with a pin that was extended, a tool that waits, and one that somebody gave back outside."""
    some = (states()[0], states()[2].model_copy(update={"leads": None}), states()[3])
    return incident.model_copy(update={"executions": some})


def with_all(incident: Incident) -> Incident:
    """An incident with all of them."""
    return incident.model_copy(update={"executions": states()})
