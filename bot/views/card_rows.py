"""The card's lines about effects and about what people did. mrkdwn, foreign words escaped and cut."""

from collections.abc import Callable
from datetime import datetime

from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.effect import Effect, EffectCounts, EffectOutcome, Reversibility, counts
from bot.domain.incident import Incident
from bot.views import limits, recorder_words, words
from bot.views.text import clock, clock_seconds, code, foreign, moment, number, person

Width = Callable[[int], int]
"""How much of a text's full width there is room for."""

_MARK = {
    Reversibility.IRREVERSIBLE: "🔴",
    Reversibility.UNCLASSIFIED: "🔴",
    Reversibility.COMPENSABLE: "🟡",
    Reversibility.REVERSIBLE: "🔵",
    Reversibility.READ_ONLY: "▫️",
}


def effect_row(effect: Effect, now: datetime, width: Width) -> str:
    """``🔴 `issue_refund` $420.00 → cus_81… 14:02:09 · *no undo*``."""
    parts = [_MARK[effect.reversibility] if effect.happened else "⚪", code(effect.tool, width(60))]
    if did := foreign(words.effect_words(effect), width(100)):
        parts.append(did)
    if effect.at is not None:
        parts.append(clock_seconds(effect.at))
    back, deadline, rest = words.way_back(effect, now)
    way = f"*{back}{f' {clock(deadline)}' if deadline else ''}*{f' {rest}' if rest else ''}"
    asked = " · *outcome unknown*, counted as done" if effect.outcome is EffectOutcome.UNKNOWN else ""
    hinted = recorder_words.suggestion_words(effect)
    hint = f" · _{foreign(hinted, width(120))}_" if hinted else ""
    came = "".join(f" · ⚠ {foreign(said, width(160))}" for said in recorder_words.origin_words(effect)[:2])
    return f"{' '.join(parts)} · {way}{asked}{hint}{came}"


def effect_rows(incident: Incident, now: datetime, width: Width, tally: EffectCounts | None = None) -> list[str]:
    """The worst five changes, and how many more stand in the thread. ``tally`` are the counts as they stand now."""
    stands = words.standing(incident, now)
    changes = (tally or counts(stands)).changes
    rows = [effect_row(effect, now, width) for effect in stands[: min(changes, limits.EFFECT_ROWS)]]
    if changes > limits.EFFECT_ROWS:
        rows.append(f"and {changes - limits.EFFECT_ROWS:,} more in the thread")
    return rows


def reported(incident: Incident, width: Width) -> str | None:
    """What the alert said, or who declared it, or Pullcord's reason, in one line; None when there is nothing to add."""
    if (by := words.declared_by(incident)) is not None:
        # a short sentence is the title already; the title of a read run says what the run did
        told = not incident.runs and incident.open and len(incident.summary) <= limits.SENTENCE_SHOWN
        said = "" if told else f": {foreign(incident.summary, width(limits.REPORTED * 2))}"
        return f"_declared by_ {person(by)}{said}"
    if words.our_own(incident):
        return f"_reason:_ {foreign(incident.summary, width(limits.REPORTED * 2))}" if incident.summary else None
    if not incident.alerts:
        return None
    first = incident.alerts[0]
    more = len(incident.alerts) - 1
    others = f" _and {number(more, 'more alert')}_" if more else ""
    said = f"{first.name} — {first.summary}" if first.summary else first.name
    return f"_alert:_ {foreign(said, width(limits.REPORTED))}{others}"


def result_row(execution: Execution, now: datetime, width: Width) -> str:
    """``✓ revoked issue_refund from refund-bot · @dana 14:05 · in force``."""
    did = foreign(words.what(execution), width(120))
    by = f"{person(execution.by)} {clock(execution.ended_at or execution.started_at or execution.at)}"
    reason = foreign(execution.reason or "no reason was given", width(140))
    match execution.state:
        case ExecutionState.FAILED:
            return f"✗ failed: {did} · {by} · {reason}"
        case ExecutionState.UNKNOWN:
            return f"❓ *outcome unknown:* {did} · {by} · {reason} · look at the target"
        case ExecutionState.SUCCEEDED:
            return f"{_succeeded(execution, did, by, width)}{_end(execution, now)}"
        case _:
            return f"⏳ running: {did} · {by}"


def _succeeded(execution: Execution, did: str, by: str, width: Width) -> str:
    verified = foreign(words.verified_words(execution), width(140))
    match execution.verified:
        case Verified.IN_FORCE:
            return f"✓ {did} · {by} · {verified}"
        case Verified.PENDING:
            return f"🟠 {did} · {by} · {verified}"
        case None:
            marked = foreign(execution.reason or "", width(140))
            return f"🟠 {did} · {by} · {marked or verified}"
        case _:
            return f"🔴 {did} · {by} · *{verified}*"


def _end(execution: Execution, now: datetime) -> str:
    """When a temporary restraint ends, or where a one-off result is."""
    if execution.result is not None:
        return f" · {code(execution.result.ref, 60)}" if execution.result.ref else ""
    if execution.expires_at is not None and execution.expires_at > now:
        return f" · until {moment(execution.expires_at, now)}"
    return ""


def result_rows(incident: Incident, now: datetime, width: Width) -> list[str]:
    """What people did: the newest four, oldest of them first; an unknown outcome always among them."""
    results = words.shown_results(incident)
    urgent = [e for e in results if e.state is ExecutionState.UNKNOWN][-limits.RESULT_ROWS :]
    room = limits.RESULT_ROWS - len(urgent)
    others = [e for e in results if e.state is not ExecutionState.UNKNOWN]
    kept = {e.id for e in [*urgent, *(others[-room:] if room else [])]}
    rows = [result_row(e, now, width) for e in results if e.id in kept]
    if len(results) > len(rows):
        rows.insert(0, f"{len(results) - len(rows):,} earlier in the thread")
    return rows
