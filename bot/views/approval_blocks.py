"""Messages about the second person: a refusal with what one can do, the question with its buttons, broken glass.

The question stands in the incident's thread and in direct messages, and is edited in place once it is decided. Buttons
carry an incident and an execution, never parameters.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bot.domain.action import Approval, Execution, ExecutionState
from bot.domain.incident import Incident
from bot.views import blocks as b
from bot.views import words
from bot.views.blocks import Block, Card
from bot.views.text import cut_escaped, duration, foreign, moment, person

APPROVE: Final = "pullcord_approve"
REJECT: Final = "pullcord_reject"
ASK: Final = "pullcord_ask"
GLASS: Final = "pullcord_glass"

_GROUP = re.compile(r"user group (S[A-Z0-9]{1,30})\b")
_TEXT = 2800


def refusal(text: str, value: str, *, askable: str | None, glass: bool) -> Card:
    """What somebody is told who may not, with "Ask @commander" and "Break glass…" where they make sense.

    ``text`` is ours. A user group in it is shown by its handle: only the asker sees it, so nobody is called by that.
    """
    live = _GROUP.sub(r"<!subteam^\1>", text)
    buttons: list[Block] = []
    if askable is not None:
        buttons.append(b.button(ASK, f"Ask @{askable}", value, style="primary"))
    if glass:
        buttons.append(b.button(GLASS, "Break glass…", value, style="danger"))
    if not buttons:
        return Card(live, ())
    told = cut_escaped(live, _TEXT)
    return Card(live, (b.section(told), b.actions("refusal", buttons)))


def question(
    incident: Incident, execution: Execution, now: datetime, *, calls: str = "", glass: bool = True, again: bool = False
) -> Card | None:
    """What is asked of those who may approve; once it is decided, who decided. None for what nobody was asked.

    ``calls`` mentions them (ours, live); ``glass`` whether breaking it is offered; ``again`` makes it a reminder.
    """
    approval = execution.approval
    if execution.broke_glass is not None:
        return _broken(incident, execution, calls)
    if approval is None:
        return None
    if execution.state is not ExecutionState.AWAITING_APPROVAL:
        told = outcome(execution, now)
        return Card(f"{_drill(incident)}{told}", (b.section(f"{_drill(incident)}{told}"), *_about(execution, approval)))
    if again and approval.reminded_at is None:
        return None
    what, asker = foreign(words.what(execution), 200), person(execution.by)
    left = duration(approval.deadline - now)
    lead = f"⏳ *Still waits, {left} left:* {asker} asks" if again else f"⏳ {asker} asks"
    called = f"{calls}: " if calls else ""
    head = f"{_drill(incident)}{called}{lead} for approval of *{what}*"
    text = f"{head}, until {moment(approval.deadline, now)}."
    value = f"{incident.id}|{execution.id}"
    buttons = [b.button(APPROVE, "Approve", value, style="primary", ask=_confirm(execution)), _reject(value)]
    if glass:
        buttons.append(b.button(GLASS, "Break glass…", value))
    terms = (
        f"{foreign(approval.role, 80)} may approve until {moment(approval.deadline, now)}, but not {asker}, who may "
        "take it back with Reject"
    )
    blocks = (b.section(f"{head}."), *_about(execution, approval), b.actions("approval", buttons), b.context(terms))
    return Card(cut_escaped(text, _TEXT), blocks)


def outcome(execution: Execution, now: datetime) -> str:
    """Who decided about a request, and when; in one sentence."""
    approval, what = execution.approval, f"*{foreign(words.what(execution), 200)}*"
    asker = person(execution.by)
    if approval is not None and approval.by is not None and approval.decided_at is not None:
        when, why = moment(approval.decided_at, now), f" “{foreign(approval.reason or '', 300)}”"
        reason = why if approval.reason else ""
        if execution.state is not ExecutionState.REJECTED:
            return f"✓ {person(approval.by)} approved {what} for {asker} {when}."
        if approval.by == execution.by:
            return f"✗ {asker} took back {what} {when}.{reason}"
        return f"✗ {person(approval.by)} rejected {what} of {asker} {when}.{reason}"
    if execution.state is ExecutionState.EXPIRED:
        return f"✗ Nobody approved {what} of {asker} in time; nothing was done."
    return f"{what} of {asker} waits no more."


def called(members: Sequence[str], incident: Incident, on_call: Sequence[str], without: str) -> str:
    """Members of a role as live mentions, at most ten, without the one who asks. Groups are called as groups."""
    found: list[str] = []
    for member in members:
        if member == "incident:commander":
            found += [incident.commander] if incident.commander is not None else []
        elif member == "agent:on_call":
            found += on_call
        else:
            found.append(member)
    users = [one for one in dict.fromkeys(found) if one != without][:10]
    return " ".join(f"<!subteam^{one}>" if one.startswith("S") else person(one) for one in users)


def _broken(incident: Incident, execution: Execution, calls: str) -> Card:
    what, why = foreign(words.what(execution), 200), foreign(execution.broke_glass or "", 600)
    called_first = f"{calls}: " if calls else ""
    told = f"{_drill(incident)}🚨 {called_first}*BREAK GLASS.* {person(execution.by)} goes alone: *{what}*. “{why}”"
    return Card(told, (b.section(told),))


def _about(execution: Execution, approval: Approval) -> tuple[Block, ...]:
    made = [b.context(f"Why a second person: {foreign(approval.why, 300)}")]
    if approval.preview:
        made.append(b.plain_section(f"Preview, nothing written yet: {approval.preview[:1500]}"))
    if execution.reason and execution.state is ExecutionState.AWAITING_APPROVAL:
        made.append(b.plain_context(f"Reason: {execution.reason[:300]}"))
    return tuple(made)


def _confirm(execution: Execution) -> Block:
    what = words.what(execution)
    return b.confirm("Approve?", f"{what} is done at once, asked for by somebody else.", "Approve", danger=False)


def _reject(value: str) -> Block:
    return b.button(REJECT, "Reject…", value)


def _drill(incident: Incident) -> str:
    return "DRILL · " if incident.drill else ""
