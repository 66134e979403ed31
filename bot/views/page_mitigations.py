"""The page of all mitigations in force as values for its template: what needs somebody first, then the soonest end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.mitigation import MitigationRow
from bot.views.mitigations import state_words, urgent_first
from bot.views.page_actions import value_words
from bot.views.page_models import Strip
from bot.views.page_text import CHECK, CROSS, WAIT, Names, countdown, short, who
from bot.views.page_values import Countdown, Glyph, When, when_day
from bot.views.text import duration, number


@dataclass(frozen=True, slots=True)
class MitigationLine:
    """One row. ``tone`` colours how it stands; ``drift`` says that somebody changed it outside."""

    agent: str
    glyph: Glyph
    what: str
    value: str
    control: str
    since: str
    age: str
    ends: str
    left: Countdown | None
    end_note: str
    by: str
    incident: str
    href: str
    closed: bool
    state: str
    detail: str
    tone: str
    drift: bool


@dataclass(frozen=True, slots=True)
class MitigationsPage:
    """All that ``mitigations.html`` shows."""

    total: int
    summary: str
    rows: tuple[MitigationLine, ...]
    more: str
    as_of: When
    strips: tuple[Strip, ...] = ()
    only: str = ""
    """Names the incidents whose mitigations these are, where the viewer may not see all."""


def mitigations_page(
    rows: Sequence[MitigationRow],
    now: datetime,
    *,
    total: int,
    names: Names | None = None,
    only: Sequence[str] = (),
) -> MitigationsPage:
    """The page at ``now``; ``total`` counts those too that are not among ``rows``.

    ``only``: the ids of the incidents that the viewer may see; none: all of them.
    """
    known = names or {}
    left = total - len(rows)
    return MitigationsPage(
        total=total,
        summary=_summary(rows, total),
        rows=tuple(_line(row, now, known) for row in urgent_first(rows)),
        more=f"and {left:,} more, older: the command pullcord mitigations lists them" if left > 0 else "",
        as_of=when_day(now),
        only=", ".join(only[:5]) + (f" and {len(only) - 5:,} more" if len(only) > 5 else ""),
    )


def _summary(rows: Sequence[MitigationRow], total: int) -> str:
    red = sum(row.needs_somebody for row in rows)
    sure = sum(row.green for row in rows)
    parts = [f"{number(total, 'mitigation')}", f"{sure:,} in force"]
    waits = len(rows) - red - sure
    if waits:
        parts.append(f"{waits:,} not seen yet")
    if red:
        parts.append(f"{red:,} {'needs' if red == 1 else 'need'} somebody")
    return " · ".join(parts)


def _line(row: MitigationRow, now: datetime, names: Names) -> MitigationLine:
    state, _, detail = state_words(row).partition(": ")
    if row.green:
        detail = row.verified_detail or ""
    tone = "ok" if row.green else "irr" if row.needs_somebody else "comp"
    return MitigationLine(
        agent=short(row.agent, 60),
        glyph=CHECK if row.green else CROSS if row.needs_somebody else WAIT,
        what=short(row.summary, 140),
        value=f"{short(row.target, 80)}: {value_words(row.before)} → {value_words(row.value)}",
        control=short(row.control, 40),
        since=f"{row.at:%-d %b %H:%M}",
        age=duration(now - row.at),
        ends=f"{row.until:%-d %b %H:%M} UTC" if row.until is not None else "never by itself",
        left=countdown(row.until, now) if row.until is not None else None,
        end_note=_end_note(row, now, names),
        by=who(row.by, names),
        incident=row.incident,
        href=f"/incidents/{row.incident}",
        closed=not row.open,
        state=state,
        detail=short(detail, 200) + (f", known by {row.known_at:%H:%M} UTC" if _known(row, now) else ""),
        tone=tone,
        drift=row.drifted,
    )


def _known(row: MitigationRow, now: datetime) -> bool:
    return not row.green and not row.needs_somebody and row.known_at is not None and row.known_at > now


def _end_note(row: MitigationRow, now: datetime, names: Names) -> str:
    if row.until is None:
        return ""
    if row.until <= now:
        return "its end is being brought about"
    said = [f"extended by {who(row.extended_by, names)}"] if row.extended_by else []
    if row.answer == "lapse":
        said.append("then it lapses")
    elif row.answer == "permanent":
        said.append("a lasting fix was asked for")
    elif row.asked_at is not None:
        said.append("its owner was asked what then")
    elif row.ask_at is not None and row.ask_at > now:
        said.append(f"its owner is asked {row.ask_at:%H:%M}")
    return ", ".join(said)
