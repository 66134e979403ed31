"""The page of one incident as values for its template, in DESIGN.md's order. Read-only: verbs live in Slack."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.effect import EffectCounts, counts
from bot.domain.events import Entry
from bot.domain.incident import Incident
from bot.domain.run import Run
from bot.views import words
from bot.views.page_changes import changes_section
from bot.views.page_effects import groups, mitigations, open_items, reads_line
from bot.views.page_head import asides, facts, strips, tags
from bot.views.page_links import LaneView
from bot.views.page_models import IncidentPage
from bot.views.page_people import MOST_ROWS, people_lane
from bot.views.page_runs import captured, evidence, gaps, lane, run_rows, runs_note, shown_run, written_by
from bot.views.page_similar import offered_section, similar_section
from bot.views.page_text import Names, counted, short
from bot.views.page_values import ChainVerdict, Link, when_day
from bot.views.text import number


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
    only: str = "",
    within: str = "",
    stale: str | None = None,
    names: Names | None = None,
) -> IncidentPage:
    """The page's values at ``now``.

    ``runs`` are frozen runs by trace id, as many as could be read; ``entries`` the timeline, oldest first; ``verdict``
    of its chain; ``repeats`` how often each alert (by id) was sent; ``run``, ``rows_from``, ``only`` and ``within``
    choose what the agent's lane shows; ``stale`` a sentence when this is a copy; ``names`` display names by user id.
    """
    known = names or {}
    standing = words.standing(incident, now)
    tally = counts(standing)
    lead, rest = words.blast(incident, tally)
    title = short(words.title(incident, tally), 160)
    still = open_items(incident, standing, now)
    trace = shown_run(incident, run)
    view = LaneView(incident.id, trace or "", only=only, within=within, begin=rows_from)
    shown, absent = lane(incident, runs or {}, standing, view)
    similar = similar_section(incident)
    first_bad = verdict.first_bad if verdict is not None and not verdict.ok else None
    people = people_lane(incident, entries, first_bad, known)
    return IncidentPage(
        id=incident.id,
        head_title=f"{incident.id} · {title} · Pullcord",
        severity=short(incident.severity, 12),
        severe=incident.severity in {"SEV1", "SEV2"},
        tags=tags(incident),
        title=title,
        strips=strips(incident, verdict, stale, known),
        lead=lead,
        counts=counted(tally),
        asides=short(incident.summary, 300) if words.our_own(incident) else asides(tally, rest),
        more_runs=_more_runs(incident, similar.total),
        facts=facts(incident, standing, now, known),
        open_items=still,
        open_note="" if incident.open else "resolved",
        effects_note=_effects_note(tally),
        groups=groups(standing, now),
        no_effects="" if tally.changes or tally.failed else _nothing(incident),
        reads=reads_line(standing),
        mitigations=mitigations(incident, now, known),
        agent=shown,
        agent_absent=absent,
        people=people,
        people_note=_people_note(incident, entries, people),
        chain=_chain(verdict, now),
        chain_ok=verdict.ok if verdict is not None else None,
        changes=changes_section(incident, trace, now),
        similar=similar,
        offered=offered_section(incident),
        captured=captured(incident, trace),
        gaps=gaps(incident),
        gaps_note=written_by(incident),
        runs=run_rows(incident, standing),
        runs_note=runs_note(incident, repeats or {}),
        evidence=evidence(incident),
        as_of=when_day(now),
        slack=Link(_channel(incident), slack_url) if slack_url else None,
    )


def _more_runs(incident: Incident, similar: int) -> tuple[Link, ...]:
    """Runs beyond the first: those that are here, and those that look the same."""
    here = len(incident.runs) - 1
    made = [Link(number(here, "more run"), "#runs")] if here > 0 else []
    if similar:
        made.append(Link(f"{number(similar, 'more run')} {'looks' if similar == 1 else 'look'} the same", "#hit"))
    return tuple(made)


def _channel(incident: Incident) -> str:
    return f"Open #{short(incident.channel_name, 40)}" if incident.channel_name else "Open in Slack"


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
