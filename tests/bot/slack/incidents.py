"""Small alerts, openings and writes for tests of the store."""

from datetime import UTC, datetime

from bot.domain.alert import Alert, AlertStatus
from bot.domain.effect import Effect, EffectOutcome, Reversibility
from bot.domain.events import (
    PULLCORD,
    Acknowledged,
    Actor,
    ActorKind,
    EffectsListed,
    Event,
    IncidentOpened,
    IncidentResolved,
    NoteAdded,
    RunAttached,
)
from bot.domain.run import RunSummary
from bot.timeline.store import Store
from bot.timeline.timeline import OpenResult, Write

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DANA = Actor(kind=ActorKind.PERSON, id="U0DANA")
TRACE = "4f1c" * 8


def an_alert(fingerprint: str = "f1", *, resolved: bool = False, name: str = "RefundTooHigh") -> Alert:
    """An alert of refund-bot that names a run."""
    return Alert(
        source="alertmanager",
        fingerprint=fingerprint,
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=name,
        starts_at=AT,
        agent="refund-bot",
        trace_id=TRACE,
    )


def note(text: str, **more: object) -> Write:
    """A write of one note."""
    return Write.model_validate({"events": (NoteAdded(at=AT, by=DANA, text=text),), **more})


def acknowledge(**more: object) -> Write:
    """A write of one acknowledgement."""
    return Write.model_validate({"events": (Acknowledged(at=AT, by=DANA),), **more})


def resolve() -> Write:
    """A write of a resolution."""
    return Write(events=(IncidentResolved(at=AT, by=DANA, reason="done"),))


def opening(number: int, alert: Alert | None = None, **more: object) -> tuple[IncidentOpened, Write]:
    """What opens an incident."""
    event = IncidentOpened(
        at=AT, by=PULLCORD, number=number, agent="refund-bot", name="RefundTooHigh", severity="SEV2", alert=alert
    )
    return event, Write.model_validate({"events": (), **more})


async def open_one(store: Store, op: str = "open", alert: Alert | None = None, **more: object) -> OpenResult:
    """Open an incident, joined by the alert's group if there is an alert."""
    join = None if alert is None else alert.group
    return await store.incidents.open(op, lambda number: opening(number, alert, **more), join)


def a_run_with(*effects: Effect) -> tuple[Event, ...]:
    """The events by which a run with these effects is attached."""
    run = RunSummary(trace_id=TRACE, agent="refund-bot")
    attached = RunAttached(
        at=AT,
        by=PULLCORD,
        run=run,
        evidence="e" * 64,
        evidence_bytes=1,
        source="recorder",
        alerted=True,
        catalogue="",
        parts=1,
    )
    listed = EffectsListed(at=AT, by=PULLCORD, trace_id=TRACE, evidence="e" * 64, part=1, effects=effects)
    return attached, listed


def an_effect(**more: object) -> Effect:
    """A refund that went out and cannot be undone."""
    fields = {
        "id": "ef1",
        "trace_id": TRACE,
        "order": 1,
        "tool": "issue_refund",
        "reversibility": Reversibility.IRREVERSIBLE,
        "outcome": EffectOutcome.APPLIED,
        **more,
    }
    return Effect.model_validate(fields)
