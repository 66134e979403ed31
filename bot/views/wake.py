"""What wakes people: the announcement in the fixed channel, a mention in its thread, a direct message. Pure.

Everything foreign (names of agents and alerts) is escaped and cut; mentions are made from configured ids only.
Escaping: Slack's "Formatting text for app surfaces".
"""

import re
from collections.abc import Sequence

from bot.domain.base import Json
from bot.domain.effect import Reversibility
from bot.domain.incident import Incident
from bot.ports import DirectMessage

_USER = re.compile(r"^[UW][A-Z0-9]{1,30}$")
_MOST_MENTIONS = 20
_NAME = 80


def announcement(incident: Incident, users: Sequence[str]) -> DirectMessage:
    """The message in the fixed channel. It is edited in place as the incident goes on; ``users`` are those on call."""
    text = f"{headline(incident)} {_state(incident)}"
    who = mentions(users)
    lines = [f"*{headline(incident)}*", f"{_state(incident)} · on call {who}" if who else _state(incident)]
    if incident.channel is not None and incident.channel != incident.announced_channel:
        lines.append(f"Card and thread: <#{incident.channel}>")
    if not who and incident.acknowledged_by is None:
        lines.append("Nobody is configured to be woken for this agent (`on_call` in pullcord.yaml).")
    if incident.escalation_ended:
        lines.append(f"⚠ {_calm(incident.escalation_ended, 300)}")
    blocks: list[dict[str, Json]] = [_section("\n".join(lines))]
    if incident.open and incident.acknowledged_by is None:
        blocks.append(_acknowledge(incident))
    return DirectMessage(text=f"{text} {who}".strip(), blocks=tuple(blocks))


def mention(incident: Incident, users: Sequence[str], reason: str) -> DirectMessage:
    """A line in the thread that mentions people again, with why."""
    text = f"{mentions(users)} {_calm(reason, 300)} {headline(incident)}".strip()
    return DirectMessage(text=text, blocks=(_section(text),))


def wake(incident: Incident, reason: str) -> DirectMessage:
    """The direct message to one person, with Acknowledge."""
    where = f"Card: <#{incident.channel}>" if incident.channel else "The card follows."
    text = f"{headline(incident)} {_calm(reason, 300)}"
    blocks: list[dict[str, Json]] = [_section(f"*{headline(incident)}*\n{_calm(reason, 300)}\n{where}")]
    if incident.open and incident.acknowledged_by is None:
        blocks.append(_acknowledge(incident))
    return DirectMessage(text=text, blocks=tuple(blocks))


def headline(incident: Incident) -> str:
    """``INC-42 SEV2 refund-bot: 2 effects cannot be undone.`` What is not known is said, not counted as zero."""
    agent = _calm(incident.agent or "unknown agent", _NAME)
    classes = (Reversibility.IRREVERSIBLE, Reversibility.UNCLASSIFIED)
    bad = sum(1 for e in incident.effects if e.reversibility in classes and e.happened)
    changed = sum(1 for e in incident.effects if e.changes and e.happened)
    if not incident.runs:
        what = f"{_calm(incident.name, _NAME)}; no run was read yet, effects are unknown"
    elif bad:
        what = f"{bad} effect{'s' if bad > 1 else ''} cannot be undone"
    elif changed:
        what = f"{changed} effect{'s' if changed > 1 else ''}, each with a way back"
    else:
        what = f"{_calm(incident.name, _NAME)}; the run changed nothing outside itself"
    return f"{incident.id} {_calm(incident.severity, 10)} {agent}: {what}."


def mentions(users: Sequence[str]) -> str:
    """Live mentions of Slack user ids; anything that is not an id is left out."""
    return " ".join(f"<@{user}>" for user in users[:_MOST_MENTIONS] if _USER.match(user))


def _state(incident: Incident) -> str:
    if not incident.open:
        return f"Resolved by {mentions([incident.resolved_by or ''])}".strip()
    if incident.acknowledged_by is not None:
        return f"Acknowledged by {mentions([incident.acknowledged_by])}".strip()
    return "Nobody has it yet"


def _acknowledge(incident: Incident) -> dict[str, Json]:
    button: dict[str, Json] = {
        "type": "button",
        "action_id": "pullcord_ack",
        "text": {"type": "plain_text", "text": "Acknowledge", "emoji": False},
        "style": "primary",
        "value": incident.id,
    }
    return {"type": "actions", "elements": [button]}


def _section(text: str) -> dict[str, Json]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:2900], "verbatim": True}}


def _calm(text: str, limit: int) -> str:
    line = " ".join(text.split())
    cut = line if len(line) <= limit else line[: limit - 1] + "…"
    cut = cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"[*_~`]", lambda found: "\u200b" + found[0], cut)
