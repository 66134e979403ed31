"""The people's lane: what people and Pullcord did, oldest first, each with six digits of its code in the chain.

The events of one action are one row with four stages. Events of the machinery that follow each other are one row, so
that people's deeds stay in sight; the codes still name every entry.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain import events as ev
from bot.domain.incident import Incident
from bot.views import words
from bot.views.page_actions import OF_ACTION, action_row
from bot.views.page_models import PersonRow
from bot.views.page_text import CROSS, DOT, PERSON, PIN, Names, short, who
from bot.views.page_values import Glyph, when
from bot.views.text import number

MOST_ROWS = 300
_DIGITS = 6

_MACHINERY = (ev.ChannelReady, ev.CardPosted, ev.Announced, ev.HeadPosted, ev.EffectsListed)


@dataclass(frozen=True, slots=True)
class _Told:
    """One event in words. ``who`` is empty where the words say it."""

    what: str
    note: str = ""
    who: str = ""
    glyph: Glyph = DOT


def people_lane(
    incident: Incident, entries: Sequence[ev.Entry], first_bad: int | None, names: Names
) -> tuple[PersonRow, ...]:
    """The rows; the newest 300 where there are more."""
    rows: list[PersonRow] = []
    told: set[str] = set()
    for group in _grouped(entries):
        event = group[0].event
        if isinstance(event, OF_ACTION):
            if event.execution in told:
                continue
            told.add(event.execution)
            rows.append(action_row(incident, event.execution, group, names, **_codes(group, first_bad)))
        else:
            rows.append(_plain_row(group, first_bad, names))
    return tuple(rows[-MOST_ROWS:])


def _grouped(entries: Sequence[ev.Entry]) -> list[list[ev.Entry]]:
    """Entries that share a row: all of one action, and neighbours of the machinery."""
    groups: list[list[ev.Entry]] = []
    actions: dict[str, list[ev.Entry]] = {}
    for entry in entries:
        event = entry.event
        if isinstance(event, OF_ACTION):
            group = actions.get(event.execution)
            if group is None:
                group = actions[event.execution] = []
                groups.append(group)
            group.append(entry)
        elif isinstance(event, _MACHINERY) and groups and isinstance(groups[-1][-1].event, _MACHINERY):
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return groups


def _codes(group: Sequence[ev.Entry], first_bad: int | None) -> dict[str, Any]:
    places = [entry.seq for entry in group]
    run = len(places) > 2 and places[-1] - places[0] == len(places) - 1
    shown = f"{places[0]} to {places[-1]}" if run else ", ".join(map(str, places[:12]))
    return {
        "hash": group[-1].mac[:_DIGITS],
        "entries": f"{'Entry' if len(places) == 1 else 'Entries'} {shown}",
        "distrusted": first_bad is not None and places[-1] >= first_bad,
    }


def _told(event: ev.Event, names: Names) -> _Told:
    """The event in words; one that this page does not know yet by its name, so that it is never left out."""
    tell = _TOLD.get(type(event))
    return tell(event, names) if tell is not None else _Told(event.type.replace("_", " "))


def _plain_row(group: Sequence[ev.Entry], first_bad: int | None, names: Names) -> PersonRow:
    event = group[0].event
    told = [_told(entry.event, names) for entry in group]
    first = told[0]
    person = event.by.kind is ev.ActorKind.PERSON
    return PersonRow(
        at=when(event.at),
        glyph=first.glyph if first.glyph is not DOT or not person else PERSON,
        machine=not person,
        who=first.who or (who(event.by.id, names) if person else ""),
        what=short(" · ".join(dict.fromkeys(one.what for one in told)), 200),
        note=short(first.note, 300),
        stages=(),
        **_codes(group, first_bad),
    )


def _opened(event: ev.IncidentOpened, _: Names) -> _Told:
    if event.alert is None:
        return _Told(f"declared {event.severity}: {event.name}", event.summary)
    names = f"names {event.agent or 'no agent'}"
    run = f" and run {words.short_trace(event.alert.trace_id)}" if event.alert.trace_id else " and no run"
    return _Told(
        f"Alert {event.name} opened {event.severity}", f"{event.alert.source} · {names}{run} · {event.summary}"
    )


def _run_attached(event: ev.RunAttached, _: Names) -> _Told:
    size = f"{event.evidence_bytes / 1000:,.0f} kB"
    frozen = f"Run {words.short_trace(event.run.trace_id)} frozen as evidence"
    why = f" · {event.source_note}" if event.source_note else ""
    return _Told(
        frozen, f"{number(event.run.steps, 'step')} from {event.source}, {size}, sha256 {event.evidence[:12]}…{why}"
    )


def _compared(event: ev.ChangesFound, _: Names) -> _Told:
    run = words.short_trace(event.trace_id)
    if event.changes:
        against = f"compared with {number(event.compared, 'good run')}"
        return _Told(f"{number(len(event.changes), 'change')} found in run {run}", against)
    if event.compared:
        return _Told(f"Nothing changed in run {run}", f"compared with {number(event.compared, 'good run')}")
    return _Told(f"Run {run} was not compared", event.note)


def _similar(event: ev.SimilarRunsFound, _: Names) -> _Told:
    looked = f"{number(event.searched, 'recorded run')} searched"
    like = f"like run {words.short_trace(event.trace_id)}"
    if not event.runs:
        return _Told(f"No other run found {like}", looked)
    return _Told(f"{number(event.runs, 'more run')} found {like}", looked)


def _offered(event: ev.RunsOffered, _: Names) -> _Told:
    window = f"ended from {event.start:%H:%M} to {event.end:%H:%M}; add the right ones in Slack"
    return _Told(f"{number(event.total, 'run')} offered to choose from", window if event.total else "none ended then")


def _added(event: ev.RunsAdded, _: Names) -> _Told:
    runs = ", ".join(words.short_trace(trace) for trace in event.trace_ids[:12])
    return _Told(f"added {number(len(event.trace_ids), 'run')}", f"{event.why}: {runs}")


def _paged(event: ev.PersonPaged, names: Names) -> _Told:
    how = event.how.replace("_", " ")
    arrived = "delivered" if event.delivered else "not delivered"
    return _Told(
        f"Woke {who(event.user, names)}", f"{how}, {arrived}{': ' + event.detail if event.detail else ''}", glyph=DOT
    )


def _noted(event: ev.NoteAdded, names: Names) -> _Told:
    if not event.pinned:
        return _Told("noted", f"“{event.text}”", glyph=PIN)
    author = who(event.author, names) if event.author else "somebody"
    return _Told(f"pinned what {author} wrote", f"“{event.text}”", glyph=PIN)


_TOLD: dict[type, Callable[[Any, Names], _Told]] = {
    ev.IncidentOpened: _opened,
    ev.AlertJoined: lambda e, _: _Told(f"One more alert joined: {e.alert.name}"),
    ev.AlertResolved: lambda _e, _: _Told("The source says the alert is over", "Effects do not vanish; it stays open."),
    ev.SeveritySet: lambda e, _: _Told(f"Severity is {e.severity}", e.why),
    ev.RunMissing: lambda e, _: _Told(
        f"No run found for {words.short_trace(e.trace_id)}" if e.trace_id else "No run was named", e.reason
    ),
    ev.RunAttached: _run_attached,
    ev.ChangesFound: _compared,
    ev.SimilarRunsFound: _similar,
    ev.RunsOffered: _offered,
    ev.RunsAdded: _added,
    ev.EffectsListed: lambda e, _: _Told(f"{number(len(e.effects), 'tool call')} listed"),
    ev.ChannelReady: lambda e, _: _Told(f"Channel #{e.name} ready"),
    ev.CardPosted: lambda _e, _: _Told("Card posted"),
    ev.Announced: lambda _e, _: _Told("Announced"),
    ev.SlackRefused: lambda e, _: _Told(f"Slack refused {e.method}: {e.error}", e.consequence, glyph=CROSS),
    ev.PersonPaged: _paged,
    ev.EscalationEnded: lambda e, _: _Told("Nobody is left to wake", e.reason, glyph=CROSS),
    ev.Acknowledged: lambda _e, _: _Told("acknowledged"),
    ev.CommandTaken: lambda _e, _: _Told("took command"),
    ev.NoteAdded: _noted,
    ev.IncidentResolved: lambda e, _: _Told("resolved it", e.reason),
    ev.HeadPosted: lambda e, _: _Told(f"Head after entry {e.seq} posted to the thread"),
    ev.WorkDropped: lambda e, _: _Told(f"A step was given up after five tries: {e.work}", e.reason, glyph=CROSS),
}
