"""The page of one incident as values for its template, in DESIGN.md's order. Read-only: verbs live in Slack."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.effect import Effect, EffectCounts, counts
from bot.domain.events import Entry
from bot.domain.incident import AlertState, AttachedRun, Incident, IncidentState
from bot.domain.run import Run
from bot.views import words
from bot.views.page_effects import groups, mitigations, open_items, reads_line
from bot.views.page_models import AgentLane, Fact, GapRow, IncidentPage, Link, RunRow, Strip, Tag
from bot.views.page_people import MOST_ROWS, people_lane
from bot.views.page_run import agent_lane
from bot.views.page_text import CHECK, CROSS, Names, counted, said, short, who
from bot.views.page_values import When, when, when_day
from bot.views.text import duration, number


class ChainVerdict(Protocol):
    """What checking the chain found (``bot.timeline`` has it)."""

    @property
    def ok(self) -> bool:
        """Whether every entry fits."""
        ...

    @property
    def entries(self) -> int:
        """How many entries fit."""
        ...

    @property
    def head(self) -> str:
        """The code of the last entry that fits."""
        ...

    @property
    def first_bad(self) -> int | None:
        """The place of the first entry that does not fit."""
        ...

    @property
    def reason(self) -> str:
        """How it does not fit."""
        ...


def incident_page(  # noqa: PLR0913 - what there is to know about an incident, by keyword
    incident: Incident,
    now: datetime,
    *,
    runs: Mapping[str, Run] | None = None,
    entries: Sequence[Entry] = (),
    verdict: ChainVerdict | None = None,
    repeats: Mapping[str, int] | None = None,
    slack_url: str | None = None,
    rows_from: int = 0,
    run: str | None = None,
    stale: str | None = None,
    names: Names | None = None,
) -> IncidentPage:
    """The page's values at ``now``.

    ``runs`` are frozen runs by trace id, as many as could be read; ``entries`` the timeline, oldest first; ``verdict``
    of its chain; ``repeats`` how often each alert (by id) was sent; ``rows_from`` and ``run`` choose what the agent's
    lane shows; ``stale`` a sentence when this is a copy; ``names`` display names by user id.
    """
    known = names or {}
    standing = words.standing(incident, now)
    tally = counts(standing)
    lead, rest = words.blast(incident, tally)
    title = short(words.title(incident, tally), 160)
    still = open_items(incident, standing, now)
    lane, absent = _lane(incident, runs or {}, standing, run, rows_from)
    first_bad = verdict.first_bad if verdict is not None and not verdict.ok else None
    people = people_lane(incident, entries, first_bad, known)
    return IncidentPage(
        id=incident.id,
        head_title=f"{incident.id} · {title} · Pullcord",
        severity=short(incident.severity, 12),
        severe=incident.severity in {"SEV1", "SEV2"},
        tags=_tags(incident),
        title=title,
        strips=_strips(incident, verdict, stale, known),
        lead=lead,
        counts=counted(tally),
        asides=short(incident.summary, 300) if words.our_own(incident) else _asides(tally, rest),
        more_runs=number(len(incident.runs) - 1, "more run") if len(incident.runs) > 1 else "",
        facts=_facts(incident, standing, now, known),
        open_items=still,
        open_note="" if incident.open else "resolved",
        effects_note=_effects_note(tally),
        groups=groups(standing, now),
        no_effects="" if tally.changes or tally.failed else _nothing(incident),
        reads=reads_line(standing),
        mitigations=mitigations(incident, now, known),
        agent=lane,
        agent_absent=absent,
        people=people,
        people_note=_people_note(incident, entries, people),
        chain=_chain(verdict, now),
        chain_ok=verdict.ok if verdict is not None else None,
        gaps=_gaps(incident),
        runs=tuple(_run_row(incident, attached, standing) for attached in incident.runs[:50]),
        runs_note=_runs_note(incident, repeats or {}),
        evidence=_evidence(incident),
        as_of=when_day(now),
        slack=Link(_channel(incident), slack_url) if slack_url else None,
    )


def _channel(incident: Incident) -> str:
    return f"Open #{short(incident.channel_name, 40)}" if incident.channel_name else "Open in Slack"


def _tags(incident: Incident) -> tuple[Tag, ...]:
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


def _strips(incident: Incident, verdict: ChainVerdict | None, stale: str | None, names: Names) -> tuple[Strip, ...]:
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
    made += [Strip("warn", said(text, names)) for text in incident.degraded[-5:]]
    if incident.escalation_ended and incident.acknowledged_by is None:
        made.append(Strip("bad", f"Nobody is left to wake: {short(incident.escalation_ended, 200)}"))
    return tuple(made)


def _asides(tally: EffectCounts, rest: str) -> str:
    """What stands behind the counts. Where nothing changed, the blast sentence has it all."""
    if not tally.changes:
        return rest
    parts = [f"{number(tally.failed, 'attempt')} rejected"] if tally.failed else []
    if tally.unknown:
        parts.append(f"{tally.unknown:,} with an unknown outcome, counted as done")
    return "; ".join(parts)


def _facts(incident: Incident, standing: Sequence[Effect], now: datetime, names: Names) -> tuple[Fact, ...]:
    since = f"since {incident.commander_at:%H:%M}" if incident.commander_at is not None else ""
    facts = [Fact("Commander", who(incident.commander, names), since)]
    if incident.acknowledged_by and incident.acknowledged_at is not None:
        facts.append(
            Fact("Has it", who(incident.acknowledged_by, names), f"acknowledged {incident.acknowledged_at:%H:%M}")
        )
    else:
        woken = [who(user, names) for user in words.said_on_call(incident)[:3]]
        facts.append(Fact("On call", ", ".join(woken) or "nobody was woken", "nobody has it yet"))
    age = duration((incident.resolved_at or now) - incident.opened_at)
    opened = When(iso=when(incident.opened_at).iso, text=f"{incident.opened_at:%H:%M} UTC")
    ended = incident.resolved_at
    facts.append(Fact("Opened", "", f"{age} ago, {incident.opened_at:%-d %B}" if ended is None else "", at=opened))
    if ended is not None:
        at = When(iso=when(ended).iso, text=f"{ended:%H:%M} UTC")
        facts.append(Fact("Resolved", "", f"by {who(incident.resolved_by, names)}, after {age}", at=at))
    lost = [e for e in standing if e.irreversible]
    covered = sum(e.substitute is not None for e in lost)
    cover = f"{covered} of {len(lost)} covered" if covered else ""
    if incident.contained_at is not None:
        facts.append(Fact("Contained", f"{incident.contained_at:%H:%M} UTC", cover))
    elif incident.open:
        facts.append(Fact("Contained", "No", cover))
    if incident.resolution:
        facts.append(Fact("Why", short(incident.resolution, 160)))
    return tuple(facts)


def _effects_note(tally: EffectCounts) -> str:
    attempts = tally.changes + tally.failed
    return f"{number(attempts, 'attempt')}, {tally.changes:,} happened" if attempts else ""


def _nothing(incident: Incident) -> str:
    if not incident.runs:
        missing = words.missing(incident)
        if words.our_own(incident):
            return "No run belongs to this."
        why = short(missing[0], 260) if missing else "No run was read yet."
        return f"{why} Effects are unknown, not zero."
    return "The run changed nothing outside itself." if len(incident.runs) == 1 else "The runs changed nothing outside."


def _lane(
    incident: Incident, runs: Mapping[str, Run], standing: Sequence[Effect], wanted: str | None, rows_from: int
) -> tuple[AgentLane | None, str]:
    worst = words.worst_run(incident)
    if worst is None:
        return None, "No run was read yet, so its steps are not known."
    order = [worst.summary.trace_id, *(r.summary.trace_id for r in incident.runs if r is not worst)]
    trace = wanted if wanted in order else order[0]
    found = runs.get(trace)
    if found is None:
        return (
            None,
            f"The frozen run {words.short_trace(trace)} could not be read; its effects above are from the timeline.",
        )
    own = [e for e in standing if e.trace_id == trace]
    return agent_lane(incident, found, own, order[:20], rows_from=rows_from), ""


def _people_note(incident: Incident, entries: Sequence[Entry], rows: Sequence[object]) -> str:
    newest = entries[-1].seq if entries else 0
    if len(rows) >= MOST_ROWS or newest < incident.seq:
        return f"Not all {incident.seq:,} entries are shown; `pullcord export {incident.id}` has them."
    return f"{entries[0].event.at:%H:%M} to now · oldest first" if entries else "no entries"


def _chain(verdict: ChainVerdict | None, now: datetime) -> str:
    if verdict is None:
        return "The chain was not checked for this page."
    if verdict.ok:
        checked = f"head {verdict.head[:6]}, checked {now:%H:%M:%S}"
        return f"Chain intact: {number(verdict.entries, 'entry', 'entries')}, {checked}."
    place = f"from entry {verdict.first_bad} on" if verdict.first_bad is not None else "as a whole"
    return f"Chain broken {place}: {short(verdict.reason, 200)}"


def _gaps(incident: Incident) -> tuple[GapRow, ...]:
    found = {gap.field: gap.hint for run in incident.runs for gap in run.summary.gaps}
    return tuple(GapRow(short(name, 80), short(hint, 240)) for name, hint in list(found.items())[:30])


def _run_row(incident: Incident, run: AttachedRun, standing: Sequence[Effect]) -> RunRow:
    trace = run.summary.trace_id
    tally = counts(e for e in standing if e.trace_id == trace)
    shown = counted(tally)
    asked, served = run.summary.model_requested, run.summary.model_served
    return RunRow(
        link=Link(words.short_trace(trace), f"/incidents/{incident.id}?run={trace}#timeline"),
        how="alerted" if run.alerted else "found",
        ended=when(run.summary.ended_at) if run.summary.ended_at is not None else None,
        models=f"{short(asked or 'not recorded', 40)} → {short(served or 'not recorded', 40)}",
        spoken=", ".join(count.text for count in shown) or "changed nothing",
        counts=shown,
        evidence=f"{run.evidence[:8]}…",
    )


def _runs_note(incident: Incident, repeats: Mapping[str, int]) -> str:
    sent = sum(repeats.get(alert.id, 1) for alert in incident.alerts)
    parts = [number(len(incident.alerts), "alert")] if incident.alerts else []
    if sent > len(incident.alerts):
        parts.append(f"sent {sent:,} times")
    if len(incident.runs) > 50:
        parts.append(f"50 of {len(incident.runs):,} runs shown")
    return " · ".join(parts)


def _evidence(incident: Incident) -> str:
    run = words.worst_run(incident)
    if run is None:
        return "Nothing is frozen yet."
    return f"Evidence frozen {run.attached_at:%H:%M:%S} UTC, sha256:{run.evidence[:8]}…{run.evidence[-4:]}"
