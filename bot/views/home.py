"""The Home tab: what waits for this person's approval, their open incidents, and what is in force. Pure.

It is published when somebody opens it or presses something on it, so it says when it was made. Texts are escaped where
they are put in; lists are cut so that the tab stays within Slack's 100 blocks, and say what was left out.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.domain.action import ExecutionState, Verified
from bot.domain.incident import AlertState, IncidentRow, IncidentState
from bot.domain.mitigation import MitigationRow
from bot.domain.waiting import WaitingApproval
from bot.views import blocks as b
from bot.views.approval_blocks import APPROVE, REJECT
from bot.views.blocks import Block
from bot.views.card_buttons import ACK, DECLARE, TRAY
from bot.views.text import duration, foreign, moment, number, person

_SEEN = {
    Verified.IN_FORCE: "🟠 not finished yet",
    Verified.PENDING: "🟠 pending",
    Verified.MISMATCH: "🔴 not in force",
    Verified.UNREACHABLE: "🔴 could not be checked",
    None: "🟠 not checked yet",
}
"""Words for what is not green."""
_WAITING, _MINE, _IN_FORCE = 10, 15, 25
_SEVERITY, _TITLE, _WORDS = 12, 150, 300


def home(
    user: str,
    waiting: Sequence[WaitingApproval],
    mine: Sequence[IncidentRow],
    mitigations: Sequence[MitigationRow],
    now: datetime,
) -> tuple[Block, ...]:
    """The tab of ``user`` at ``now``, at most 71 blocks."""
    made = [b.context(f"As of {moment(now, now)}. Open this tab again for the newest.")]
    made += _approvals(waiting, now)
    made += _incidents(user, mine, now)
    made += _mitigations(mitigations, now)
    made.append(b.actions("home", [b.button(DECLARE, "Declare an incident…", "declare")]))
    return tuple(made)


def closed(reason: str) -> tuple[Block, ...]:
    """The tab of somebody who may not be shown incidents, such as a guest, with the reason."""
    said = "Pullcord shows incidents here to full members of this workspace."
    return (b.section(said), b.plain_context(reason))


def _approvals(waiting: Sequence[WaitingApproval], now: datetime) -> list[Block]:
    made = [b.header(_counted("Waits for your approval", len(waiting)))]
    for place, one in enumerate(waiting[:_WAITING]):
        asked = f"{person(one.by)} asks · {foreign(one.incident, 20)} · until {moment(one.deadline, now)}"
        left = f"{duration(one.deadline - now)} left" if one.deadline > now else "the deadline has passed"
        lines = [f"*{foreign(one.title, _TITLE)}*", f"{asked} ({left})"]
        lines += [foreign(one.preview, _WORDS)] if one.preview else []
        lines += [f"Why a second person: {foreign(one.why, _WORDS)}"] if one.why else []
        made.append(b.section("\n".join(lines)))
        value = f"{one.incident}|{one.execution}"
        question = b.confirm("Approve?", f"{one.title}. {one.preview}".strip(), "Approve", danger=False)
        buttons = [
            b.button(APPROVE, "Approve", value, style="primary", ask=question),
            b.button(REJECT, "Reject…", value, style="danger"),
            b.button(TRAY, "Look at it", one.incident),
        ]
        made.append(b.actions(f"approval-{place}", buttons))
    return made + _rest(len(waiting), _WAITING, "Nothing waits for you.")


def _incidents(user: str, mine: Sequence[IncidentRow], now: datetime) -> list[Block]:
    made = [b.header(_counted("Your open incidents", len(mine)))]
    for row in mine[:_MINE]:
        drill = "DRILL · " if row.drill else ""
        facts = [foreign(row.severity, _SEVERITY), _state(row), f"open for {duration(now - row.opened_at)}"]
        place = [f"<#{row.channel}>"] if row.channel else []
        line = f"{drill}*{foreign(row.id, 20)} · {foreign(row.title or row.name, _TITLE)}*\n"
        section = b.section(line + " · ".join([*facts, _yours(user, row), *place]))
        nobody = row.state is IncidentState.OPEN
        button = b.button(ACK, "Acknowledge", row.id, style="primary") if nobody else b.button(TRAY, "Actions", row.id)
        made.append({**section, "accessory": button})
    return made + _rest(len(mine), _MINE, "None that you lead, have acknowledged or are on call for.")


def _mitigations(rows: Sequence[MitigationRow], now: datetime) -> list[Block]:
    made = [b.header(_counted("Mitigations in force", len(rows)))]
    for row in rows[:_IN_FORCE]:
        until = f"until {moment(row.until, now)}" if row.until is not None else "stays until somebody takes it back"
        where = f"{foreign(row.agent, 60)} · {foreign(row.incident, 20)}"
        drill = "DRILL · " if row.drill else ""
        line = f"{_standing(row)}\n{where} · by {person(row.by)} {moment(row.at, now)} · {until}"
        made.append(b.section(f"{drill}*{foreign(row.summary, _TITLE)}* · {line}"))
    return made + _rest(len(rows), _IN_FORCE, "No agent is restrained.")


def _rest(count: int, shown: int, none: str) -> list[Block]:
    if count > shown:
        return [b.context(f"and {count - shown:,} more")]
    return [] if count else [b.context(none)]


def _counted(title: str, count: int) -> str:
    return f"{title} ({count:,})" if count else title


def _state(row: IncidentRow) -> str:
    if row.state is IncidentState.OPEN:
        fires = row.alerts and row.alert_state is AlertState.FIRING
        return "🔴 nobody has it" + (", the alert fires" if fires else "")
    effects = f", {number(row.irreversible, 'effect')} cannot be undone" if row.irreversible else ""
    return row.state.value + effects


def _yours(user: str, row: IncidentRow) -> str:
    if row.commander == user:
        return "you lead it"
    if row.acknowledged_by == user:
        return "you have it"
    return "you are on call"


def _standing(row: MitigationRow) -> str:
    """What the enforcing side showed, in words that carry the meaning alone. Only what was seen is green."""
    detail = f": {foreign(row.verified_detail, _WORDS)}" if row.verified_detail else ""
    if row.green:
        return "✅ in force"
    if row.drifted:
        return f"🔴 somebody changed it outside{detail}"
    if row.state is ExecutionState.UNKNOWN:
        return f"❓ nobody knows whether it happened{detail}"
    return f"{_SEEN[row.verified]}{detail}"
