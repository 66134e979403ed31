"""Executions in each state that people must tell apart: in force, pending, drifted, waiting, broken glass, drilled."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain import events as ev
from bot.domain.action import Applied, Approval, Change, Execution, ExecutionState, Snapshot, Target, Verified
from bot.domain.incident import Incident
from tests.support.sample_incident import chain

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


def acted_entries() -> list[ev.Entry]:
    """Their timeline, as far as the page tells it: requests, approvals, read-backs, answers."""
    by = ev.Actor(kind=ev.ActorKind.PERSON, id="U0DANA", team="T1")
    kim, lee = by.model_copy(update={"id": "U0KIM"}), by.model_copy(update={"id": "U0LEE"})
    told: list[ev.Event] = []
    for one in states():
        told.append(
            ev.ActionRequested(
                at=AT, by=by, execution=one.id, action=one.action, title=one.title, params={}, offer=f"of_{one.id}"
            )
        )
        if one.approval is not None:
            asked = one.approval
            told.append(
                ev.ApprovalAsked(
                    at=AT, by=by, execution=one.id, role=asked.role, deadline=asked.deadline, why=asked.why
                )
            )
        if one.approval is not None and one.approval.by is not None:
            told.append(ev.ApprovalGiven(at=AT, by=kim, execution=one.id))
        if one.broke_glass is not None:
            told.append(ev.GlassBroken(at=AT, by=by, execution=one.id, reason=one.broke_glass))
        if one.state is ExecutionState.SUCCEEDED and one.verified is not None:
            first = Verified.IN_FORCE if one.seen_in_force else one.verified
            detail = "refund-bot itself read revision 3"
            told.append(ev.ActionSucceeded(at=AT, by=ev.PULLCORD, execution=one.id, verified=first, detail=detail))
            if one.verified is not first:
                told.append(
                    ev.VerificationChanged(
                        at=AT,
                        by=ev.PULLCORD,
                        execution=one.id,
                        verified=one.verified,
                        detail=one.verified_detail or "",
                    )
                )
        if one.expiry_asked_at is not None:
            told.append(ev.ExpiryAsked(at=AT, by=ev.PULLCORD, execution=one.id))
        if one.extended_by is not None:
            told.append(ev.ExpiryAnswered(at=AT, by=lee, execution=one.id, answer="extend", until=one.expires_at))
        if one.expiry_answer is not None:
            told.append(ev.ExpiryAnswered(at=AT, by=lee, execution=one.id, answer=one.expiry_answer))
    return chain(told)
