"""The head of an incident's page: its labels, what is wrong with what is seen here, and the short facts."""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.effect import Effect, EffectCounts
from bot.domain.incident import AlertState, Incident, IncidentState
from bot.views import words
from bot.views.page_models import Fact, Strip, Tag
from bot.views.page_text import CHECK, CROSS, Names, said, short, who
from bot.views.page_values import ChainVerdict, When, when
from bot.views.text import duration, number


def tags(incident: Incident) -> tuple[Tag, ...]:
    """A drill, state, alert, contained or not."""
    return (*((Tag("DRILL", "comp"),) if incident.drill else ()), *_state_tags(incident))


def _state_tags(incident: Incident) -> tuple[Tag, ...]:
    state = Tag(words.state_words(incident), "irr" if incident.state is IncidentState.OPEN else "")
    match incident.state:
        case IncidentState.CONTAINED:
            return (Tag("Contained", "ok", CHECK),)
        case IncidentState.RESOLVED:
            return (state,)
        case _:
            cleared = incident.state is IncidentState.ACKNOWLEDGED and incident.alert_state is AlertState.CLEARED
            also = (Tag("Alert cleared"),) if cleared and incident.alerts else ()
            return (state, *also, Tag("Not contained", "irr", CROSS))


def strips(incident: Incident, verdict: ChainVerdict | None, stale: str | None, names: Names) -> tuple[Strip, ...]:
    """What is wrong with what is seen here: a copy, a broken chain, a missing, cut or unfinished run, trouble."""
    made = []
    if stale:
        made.append(Strip("warn", short(stale, 240)))
    if verdict is not None and not verdict.ok:
        bad = verdict.first_bad
        text = f"Entry {bad} does not match its hash. Do not rely on entries from {bad} on." if bad else ""
        made.append(Strip("bad", text or f"The timeline is not intact: {short(verdict.reason, 200)}"))
    made += [Strip("warn", short(text, 300)) for text in words.missing(incident)[:5]]
    going = [run for run in incident.runs if words.unfinished(run)]
    made += [
        Strip(
            "info",
            f"Run {words.short_trace(r.summary.trace_id)}: still running, {number(r.summary.steps, 'step')} so far.",
        )
        for r in going[:3]
    ]
    cut = [(r.summary.trace_id, note) for r in incident.runs for note in r.summary.notes]
    made += [Strip("warn", f"Run {words.short_trace(trace)}: {short(note, 240)}") for trace, note in cut[:4]]
    made += [Strip("warn", said(text, names)) for text in incident.degraded[-5:]]
    if incident.escalation_ended and incident.acknowledged_by is None:
        made.append(Strip("bad", f"Nobody is left to wake: {short(incident.escalation_ended, 200)}"))
    return tuple(made)


def asides(tally: EffectCounts, rest: str) -> str:
    """What stands behind the counts. Where nothing changed, the blast sentence has it all."""
    if not tally.changes:
        return rest
    parts = [f"{number(tally.failed, 'attempt')} rejected"] if tally.failed else []
    if tally.unknown:
        parts.append(f"{tally.unknown:,} with an unknown outcome, counted as done")
    return "; ".join(parts)


def facts(incident: Incident, standing: Sequence[Effect], now: datetime, names: Names) -> tuple[Fact, ...]:
    """Who has it, since when it is open, whether it is contained."""
    since = f"since {incident.commander_at:%H:%M}" if incident.commander_at is not None else ""
    made = [Fact("Commander", who(incident.commander, names), since)]
    if incident.acknowledged_by and incident.acknowledged_at is not None:
        made.append(
            Fact("Has it", who(incident.acknowledged_by, names), f"acknowledged {incident.acknowledged_at:%H:%M}")
        )
    else:
        woken = [who(user, names) for user in words.said_on_call(incident)[:3]]
        made.append(Fact("On call", ", ".join(woken) or "nobody was woken", "nobody has it yet"))
    age = duration((incident.resolved_at or now) - incident.opened_at)
    opened = When(iso=when(incident.opened_at).iso, text=f"{incident.opened_at:%H:%M} UTC")
    ended = incident.resolved_at
    made.append(Fact("Opened", "", f"{age} ago, {incident.opened_at:%-d %B}" if ended is None else "", at=opened))
    if ended is not None:
        at = When(iso=when(ended).iso, text=f"{ended:%H:%M} UTC")
        made.append(Fact("Resolved", "", f"by {who(incident.resolved_by, names)}, after {age}", at=at))
    lost = [e for e in standing if e.irreversible]
    covered = sum(e.substitute is not None for e in lost)
    cover = f"{covered} of {len(lost)} covered" if covered else ""
    if incident.contained_at is not None:
        made.append(Fact("Contained", f"{incident.contained_at:%H:%M} UTC", cover))
    elif incident.open:
        made.append(Fact("Contained", "No", cover))
    if incident.resolution:
        made.append(Fact("Why", short(incident.resolution, 160)))
    return tuple(made)
