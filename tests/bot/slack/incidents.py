"""Runs and effects for tests of Slack; how incidents are opened and written stands in ``tests.support.incidents``."""

from bot.domain.effect import Effect, EffectOutcome, Reversibility
from bot.domain.events import PULLCORD, EffectsListed, Event, RunAttached
from bot.domain.run import RunSummary
from tests.support.incidents import AT, DANA, TRACE, acknowledge, note, open_one, resolve

__all__ = ["AT", "DANA", "a_run_with", "acknowledge", "an_effect", "note", "open_one", "resolve"]


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
