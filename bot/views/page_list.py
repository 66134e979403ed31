"""The list of incidents as values for its template: open before contained before resolved, most urgent first."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.domain.effect import EffectOutcome, Reversibility
from bot.domain.incident import AlertState, IncidentRow, IncidentState
from bot.views.page_models import ListGroup, ListPage, ListRow, Tag
from bot.views.page_text import CHECK, Names, countdown, shape, short, who
from bot.views.page_values import Count, Link, when
from bot.views.text import duration, number

_GROUPS = (
    ("open", "Open", "something can still go wrong", frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED})),
    ("contained", "Contained", "nothing more can go wrong; waits to be resolved", frozenset({IncidentState.CONTAINED})),
    ("resolved", "Resolved", "closed by a person", frozenset({IncidentState.RESOLVED})),
)


def list_page(
    rows: Sequence[IncidentRow],
    now: datetime,
    *,
    next_before: int | None = None,
    undo: Mapping[str, datetime] | None = None,
    names: Names | None = None,
) -> ListPage:
    """The list at ``now``. ``undo`` holds the soonest undo deadline by incident id where one is known."""
    known, deadlines = names or {}, undo or {}
    groups = []
    for key, name, meaning, states in _GROUPS:
        members = [row for row in rows if row.state in states]
        members.sort(key=lambda row: _urgency(row, deadlines, now))
        if members:
            groups.append(ListGroup(key, name, meaning, tuple(_row(row, deadlines, now, known) for row in members)))
    return ListPage(
        total=len(rows),
        summary=_summary(rows),
        groups=tuple(groups),
        agents=tuple(sorted({short(row.agent, 60) for row in rows if row.agent})),
        windows=any(deadline > now for deadline in deadlines.values()),
        as_of=when(now),
        older=None if next_before is None else Link("Older incidents", f"/incidents?before={next_before}"),
    )


def _urgency(row: IncidentRow, deadlines: Mapping[str, datetime], now: datetime) -> tuple[bool, str, float, int]:
    """Nobody has it, then severity, then the soonest undo window, then the newest."""
    deadline = deadlines.get(row.id)
    closes = deadline.timestamp() if deadline is not None and deadline > now else float("inf")
    return row.acknowledged_by is not None, row.severity, closes, -row.number


def _summary(rows: Sequence[IncidentRow]) -> str:
    tally = {key: sum(row.state in states for row in rows) for key, _, _, states in _GROUPS}
    nobody = sum(row.state is IncidentState.OPEN for row in rows)
    alone = f", {nobody} with nobody" if nobody else ""
    return f"{tally['open']} open{alone} · {tally['contained']} contained · {tally['resolved']} resolved"


def _row(row: IncidentRow, deadlines: Mapping[str, datetime], now: datetime, names: Names) -> ListRow:
    deadline = deadlines.get(row.id)
    shown = _counts(row)
    nobody = row.state is IncidentState.OPEN
    note = f"commander {who(row.commander, names)}" if row.commander else ""
    subject = row.agent or row.name
    return ListRow(
        id=row.id,
        href=f"/incidents/{row.id}",
        severity=short(row.severity, 12),
        severe=row.severity in {"SEV1", "SEV2"},
        agent=short(subject, 60),
        title=short(row.title.removeprefix(f"{subject}: "), 120),
        note=f"{row.id} · {number(row.runs, 'run') if row.runs else 'no run read yet'}",
        state=_state(row),
        fires=nobody,
        counts=shown,
        spoken=_spoken(row),
        none="" if shown else ("changed nothing" if row.runs else "not known yet"),
        left=countdown(deadline, now) if deadline is not None else None,
        who="Nobody yet" if nobody else who(row.acknowledged_by, names),
        nobody=nobody,
        who_note=note,
        age=duration(now - row.opened_at),
    )


def _state(row: IncidentRow) -> Tag:
    match row.state:
        case IncidentState.OPEN:
            return Tag("Firing" if row.alerts and row.alert_state is AlertState.FIRING else "Open", "irr")
        case IncidentState.CONTAINED:
            return Tag("Contained", "ok", CHECK)
        case _:
            return Tag(row.state.value.capitalize())


def _counts(row: IncidentRow) -> tuple[Count, ...]:
    if not row.irreversible + row.compensable + row.reversible:
        return ()
    made = [
        Count(shape(Reversibility.IRREVERSIBLE), str(row.irreversible)),
        Count(shape(Reversibility.COMPENSABLE), str(row.compensable)),
        Count(shape(Reversibility.REVERSIBLE), str(row.reversible)),
    ]
    if row.unknown:
        made.append(Count(shape(Reversibility.REVERSIBLE, EffectOutcome.UNKNOWN), str(row.unknown)))
    return tuple(made)


def _spoken(row: IncidentRow) -> str:
    said = f"{row.irreversible} irreversible, {row.compensable} compensable, {row.reversible} reversible"
    return f"{said}, {row.unknown} of them with an unknown outcome" if row.unknown else said
