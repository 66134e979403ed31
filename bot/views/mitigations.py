"""Mitigations in Slack: the question before the end of a temporary one, and the list of all that is in force.

mrkdwn; foreign words are escaped and cut. Action ids are frozen (``tests/contracts/action_ids.txt``).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.domain.action import Execution, ExecutionState, Verified
from bot.domain.incident import Incident
from bot.domain.mitigation import MitigationRow
from bot.views import blocks as b
from bot.views import limits, words
from bot.views.blocks import Block, Card
from bot.views.text import cut_escaped, foreign, moment, number, person

EXTEND: Final = "pullcord_extend"
PERMANENT: Final = "pullcord_permanent"
LAPSE: Final = "pullcord_lapse"
LENGTHS: Final[dict[str, timedelta]] = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "24h": timedelta(hours=24),
}
"""By how much the end may be moved: the word behind the colon of the button's id, and what it means."""

_ROWS_IN_BLOCK: Final = 3
_ROW: Final = 700
_SHOWN: Final = 12


def question(incident: Incident, group: Sequence[Execution], now: datetime, *, owner: str | None) -> Card:
    """What is to become of it at its end? ``group`` was asked for with one press and is answered with one."""
    first = group[0]
    until = min(e.expires_at for e in group if e.expires_at is not None)
    did = foreign(words.what(first), 200)
    others = f" and {number(len(group) - 1, 'more')} of the same press" if len(group) > 1 else ""
    to = f"{person(owner)} " if owner else ""
    text = f"{to}{did}{others} ends {moment(until, now)}. Extend it, make it permanent, or let it lapse?"
    value = f"{incident.id}|{first.id}"
    buttons = [b.button(f"{EXTEND}:{name}", f"Extend {name[:-1]} h", value) for name in LENGTHS]
    buttons += [
        b.button(PERMANENT, "Make permanent: open PR", value),
        b.button(LAPSE, "Let it lapse", value),
    ]
    drill = words.drill_mark(incident)
    at = "; ".join(foreign(shown, 120) for e in group[:4] if (shown := _where(e)))
    about = f"{drill}{foreign(incident.id, 20)} · {at} · without an answer it ends then, and that is read back"
    return Card(
        cut_escaped(f"{drill}{text}", limits.SENTENCE + 100),
        (b.section(f"⏳ {drill}{text}"), b.actions("expiry", buttons), b.context(about)),
    )


def _where(execution: Execution) -> str:
    return f"{execution.change.target} at {execution.change.target.control}" if execution.change is not None else ""


_VERIFIED: Final[dict[Verified | None, str]] = {
    Verified.IN_FORCE: "in force",
    Verified.PENDING: "pending",
    Verified.MISMATCH: "not in force",
    Verified.UNREACHABLE: "could not be checked",
    None: "marked done, not checked",
}


def state_words(row: MitigationRow) -> str:
    """How it stands, in words: ``in force``, ``no longer in force: …``. Foreign in part."""
    if row.state is not ExecutionState.SUCCEEDED:
        return "outcome unknown, check the target" if row.state is ExecutionState.UNKNOWN else "being set"
    shown = "no longer in force" if row.drifted else _VERIFIED[row.verified]
    detail = row.verified_detail if row.verified not in {Verified.IN_FORCE, None} else None
    return f"{shown}: {detail}" if detail else shown


def end_words(row: MitigationRow, now: datetime) -> str:
    """``until 15:00, @dana is asked at 14:30``; what was said of it already. mrkdwn."""
    if row.until is None:
        return "stays until somebody takes it back"
    until = f"until {moment(row.until, now)}"
    if row.until <= now:
        return f"was to end {moment(row.until, now)}"
    if row.answer == "lapse":
        return f"{until}, then it lapses"
    if row.answer == "permanent":
        return f"{until}, a lasting fix was asked for"
    extended = f", extended by {person(row.extended_by)}" if row.extended_by else ""
    if row.asked_at is not None:
        return f"{until}{extended}, asked what then"
    asks = f", asks {moment(row.ask_at, now)}" if row.ask_at is not None and row.ask_at > now else ""
    return f"{until}{extended}{asks}"


def mark(row: MitigationRow) -> str:
    """The sign before a row."""
    if row.green:
        return "✓"
    return "🔴" if row.needs_somebody else "🟠"


def row_line(row: MitigationRow, now: datetime) -> str:
    """``✓ *refund-bot* pinned refund-bot to gpt-x · embedded · @dana 14:05 · until 15:00 · in force · INC-42``."""
    shown = foreign(state_words(row), 200)
    stands = f"*{shown}*" if row.needs_somebody else shown
    parts = [
        f"{mark(row)} *{foreign(row.agent, 60)}* {foreign(row.summary, 160)}",
        foreign(row.control, 60),
        f"{person(row.by)} {moment(row.at, now)}",
        end_words(row, now),
        stands,
        foreign(row.incident, 20) + ("" if row.open else " (resolved)"),
    ]
    return " · ".join(parts)


def urgent_first(rows: Sequence[MitigationRow]) -> list[MitigationRow]:
    """What needs somebody first, then what is not known, then what ends soonest, then the rest by age."""

    def place(row: MitigationRow) -> tuple[int, bool, float]:
        rank = 0 if row.needs_somebody else 2 if row.green else 1
        return rank, row.until is None, (row.until or row.at).timestamp()

    return sorted(rows, key=place)


def listing(rows: Sequence[MitigationRow], now: datetime, total: int) -> Card:
    """All that is in force, for one person: the most urgent 12, and how many more there are."""
    if not rows:
        text = "Nothing is in force: no agent is restrained by Pullcord."
        return Card(text, (b.section(text),))
    lines = [cut_escaped(row_line(row, now), _ROW) for row in urgent_first(rows)[:_SHOWN]]
    red = sum(row.needs_somebody for row in rows)
    head = f"*{number(total, 'mitigation is', 'mitigations are')} in force or may be*" + (
        f", {red} of them {'needs' if red == 1 else 'need'} somebody" if red else ""
    )
    made: list[Block] = [b.section(head)]
    starts = range(0, len(lines), _ROWS_IN_BLOCK)
    made += [b.section("\n".join(lines[start : start + _ROWS_IN_BLOCK])) for start in starts]
    if total > len(lines):
        made.append(b.context(f"and {total - len(lines):,} more: `pullcord mitigations`, or the page `/mitigations`"))
    return Card(cut_escaped(head.replace("*", ""), limits.SENTENCE), tuple(made))
