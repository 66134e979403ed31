"""The card's lines about effects and about what was reported. mrkdwn, foreign words escaped and cut."""

from datetime import datetime

from bot.domain.effect import Effect, EffectCounts, EffectOutcome, Reversibility, counts
from bot.domain.incident import Incident
from bot.views import limits, recorder_words, words
from bot.views.card_results import Width
from bot.views.text import clock, clock_seconds, code, foreign, number, person

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
