"""Ids that are made, never drawn: the same thing asked twice has the same id, so that nothing can run twice.

Offers, executions, due times and operation ids of the engine, all in one place.
"""

import hashlib
import json
from collections.abc import Mapping

from bot.domain.base import Json

PAGE_STEPS = 10
"""How many escalation steps an acknowledge clears; paging never has more."""


def _digest(*parts: object, length: int) -> str:
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:length]


def offer_id(
    incident: str, action: str, params: Mapping[str, Json], *, undo_of: str | None = None, attempt: int = 1
) -> str:
    """Opaque id of an offer: what it does with which frozen parameters, and the how manieth time."""
    return "of_" + _digest(incident, action, dict(params), undo_of, attempt, length=24)


def execution_id(offer: str) -> str:
    """Id of the one execution that an offer can have: the first click that wins the offer makes it."""
    return "ex_" + _digest(offer, length=12)


def point_id(execution: str, agent: str | None, control: str | None) -> str:
    """Id of a further execution that was asked for together with this one: another agent or enforcement point."""
    return "ex_" + _digest(execution, agent, control, "point", length=12)


def refused_id(offer: str, user: str, params: Mapping[str, Json] | None = None) -> str:
    """Id of the refusal of one person at one offer with these parameters: recorded once, and the offer stays unused."""
    if params:
        return "ex_" + _digest(offer, user, "refused", dict(params), length=12)
    return "ex_" + _digest(offer, user, "refused", length=12)


def expiry_id(execution: str, attempt: int) -> str:
    """Id of the execution by which Pullcord takes back a temporary mitigation at its end, for the how manieth time."""
    return "ex_" + _digest(execution, "expired", attempt, length=12)


def due_expire(execution: str) -> str:
    """Due id of a temporary mitigation's end."""
    return f"expire:{execution}"


def due_approval(execution: str) -> str:
    """Due id of the deadline of an approval."""
    return f"approval:{execution}"


def due_remind(execution: str) -> str:
    """Due id of the reminder of an approval."""
    return f"remind:{execution}"


def due_ask(execution: str) -> str:
    """Due id of the question what is to become of a temporary mitigation."""
    return f"ask:{execution}"


def extension_id(execution: str, until: str) -> str:
    """Idempotency key of writing a temporary mitigation's new end (ISO 8601) at its target."""
    return "ex_" + _digest(execution, until, "extended", length=12)


def due_verify(execution: str) -> str:
    """Due id of the next read-back of an execution."""
    return f"verify:{execution}"


def due_run(incident: str, trace_id: str) -> str:
    """Due id of the next look for a run that has not arrived."""
    return f"run:{incident}:{trace_id}"


def due_again(incident: str) -> str:
    """Due id of the page about new irreversible effects: many of them in a short time are one page."""
    return f"again:{incident}"


def due_pages(incident: str) -> tuple[str, ...]:
    """Every due id that may still page somebody about this incident."""
    steps = tuple(f"page:{incident}:{step}" for step in range(PAGE_STEPS))
    return (*steps, due_again(incident))
