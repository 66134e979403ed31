"""A whole incident on the timeline, made of events: alert, run, effects, an execution with its undo, a channel."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain import events as ev
from bot.domain.action import Change, Target, Verified
from bot.domain.alert import Alert, AlertStatus
from bot.domain.effect import Effect, EffectOutcome, Reversibility, counts
from bot.domain.run import Gap, Run, RunStatus, RunSummary, Step, StepKind, ToolCall
from bot.timeline.store import Store
from bot.timeline.timeline import Write

TRACE = "4f1c9e27" + "0" * 24
AT = datetime(2026, 11, 23, 11, 58, tzinfo=UTC)
DANA = ev.Actor(kind=ev.ActorKind.PERSON, id="U0DANA")


def an_alert(**changes: Any) -> Alert:
    """An alert that names the run."""
    fields: dict[str, Any] = {
        "source": "generic",
        "fingerprint": "f1",
        "status": AlertStatus.FIRING,
        "name": "RefundsHigh",
        "starts_at": AT,
        "agent": "refund-bot",
        "trace_id": TRACE,
        "summary": "too many refunds",
        **changes,
    }
    return Alert(**fields)


def effects_of(trace_id: str = TRACE) -> tuple[Effect, ...]:
    """A read, an irreversible call that happened, and one that failed."""
    return (
        Effect(
            id="e1",
            trace_id=trace_id,
            order=1,
            tool="get_order",
            call_id="c1",
            arguments={"order": "O-1"},
            reversibility=Reversibility.READ_ONLY,
            guessed=True,
            outcome=EffectOutcome.APPLIED,
        ),
        Effect(
            id="e2",
            trace_id=trace_id,
            order=2,
            tool="issue_refund",
            call_id="c2",
            arguments={"order": "O-1", "cents": 42_000},
            reversibility=Reversibility.IRREVERSIBLE,
            outcome=EffectOutcome.APPLIED,
            target="cus_81",
            undo_deadline=AT + timedelta(hours=1),
        ),
        Effect(
            id="e3",
            trace_id=trace_id,
            order=3,
            tool="send_email",
            call_id="c3",
            arguments={"to": "<script>alert(1)</script>@example.com"},
            reversibility=Reversibility.COMPENSABLE,
            outcome=EffectOutcome.FAILED,
        ),
    )


def a_run(trace_id: str = TRACE, steps: int = 3) -> Run:
    """The frozen run of it."""
    kinds = (StepKind.AGENT, StepKind.MODEL, StepKind.TOOL)
    return Run(
        trace_id=trace_id,
        agent="refund-bot",
        started_at=AT,
        ended_at=AT + timedelta(seconds=9),
        status=RunStatus.OK,
        steps=tuple(
            Step(
                span_id=f"{n + 1:016x}",
                parent_id=None if n == 0 else f"{1:016x}",
                kind=kinds[n % 3],
                name=f"step {n}",
                started_at=AT,
                ended_at=AT + timedelta(seconds=1),
            )
            for n in range(steps)
        ),
        tool_calls=(ToolCall(order=1, call_id="c2", name="issue_refund", arguments={"order": "O-1"}),),
    )


async def an_incident(store: Store, *, text: str = "too many refunds", op: str = "open") -> str:
    """Write it and give its id."""

    def make(number: int) -> tuple[ev.IncidentOpened, Write]:
        by = ev.Actor(kind=ev.ActorKind.SOURCE, id="generic")
        opened = ev.IncidentOpened(
            at=AT,
            by=by,
            number=number,
            agent="refund-bot",
            name="RefundsHigh",
            severity="SEV3",
            summary=text,
            alert=an_alert(summary=text, fingerprint=op),
        )
        summary = RunSummary(
            trace_id=TRACE,
            agent="refund-bot",
            model_requested="gpt-x",
            model_served="gpt-x-2026-05-01",
            parameters={"temperature": 0.2},
            gaps=(Gap(field="seed", hint="set gen_ai.request.seed"),),
            counts=counts(effects_of()),
            started_at=AT,
        )
        change = Change(
            target=Target(
                control="embedded", subject="refund-bot", setting="agent.tools.denied", element="issue_refund"
            ),
            desired=True,
            summary="revoked issue_refund from refund-bot",
        )
        return opened, Write(
            events=(
                ev.RunAttached(
                    at=AT,
                    by=ev.PULLCORD,
                    run=summary,
                    evidence="ab" * 32,
                    evidence_bytes=10,
                    source="recorder",
                    alerted=True,
                    catalogue="none",
                    parts=1,
                ),
                ev.EffectsListed(
                    at=AT, by=ev.PULLCORD, trace_id=TRACE, evidence="ab" * 32, part=0, effects=effects_of()
                ),
                ev.ChannelReady(at=AT, by=ev.PULLCORD, channel="C1", name="inc-1", created=True),
                ev.CardPosted(at=AT, by=ev.PULLCORD, channel="C1", ts="1.5"),
                ev.NoteAdded(at=AT, by=DANA, text=f"note: {text}"),
                ev.ActionRequested(
                    at=AT,
                    by=DANA,
                    execution="ex1",
                    action="revoke_tool",
                    title="Revoke tool",
                    params={"tool": "issue_refund"},
                    offer="of1",
                ),
                ev.ActionStarted(at=AT, by=ev.PULLCORD, execution="ex1", key="k", change=change, summary="revoked"),
                ev.ActionSucceeded(
                    at=AT, by=ev.PULLCORD, execution="ex1", verified=Verified.IN_FORCE, detail="read back"
                ),
            )
        )

    return (await store.incidents.open(op, make, None)).incident_id
