"""Whom each step of an escalation wakes: pure, from the configuration and what was delivered so far.

Step 0 wakes ``on_call``; step 1, after ``repage_after``, wakes them again; step 2 wakes ``fallback`` and whoever of the
first was never reached; after that nobody is left. Where ``on_call`` is empty, ``fallback`` is woken at once.
"""

from dataclasses import dataclass

from bot.domain.incident import Incident
from bot.settings import OnCall

LAST_STEP = 3
"""The engine clears the due ids of steps 0 to 9 when somebody acknowledges."""


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to wake now and the words for it. ``ended`` says why nobody is left (then nobody is woken)."""

    users: tuple[str, ...]
    reason: str
    ended: str | None = None


def step_of(incident: Incident, policy: OnCall, step: int) -> Step:
    """What step ``step`` does for this incident."""
    agent = incident.agent or "an unknown agent"
    minutes = max(1, round(policy.repage_after.total_seconds() / 60))
    on_call, fallback = tuple(dict.fromkeys(policy.on_call)), tuple(dict.fromkeys(policy.fallback))
    if not on_call and not fallback:
        return Step((), "", ended=f"Nobody is configured to be woken for {agent}: set on_call in pullcord.yaml.")
    if step == 0:
        return Step(on_call or fallback, "You are on call.")
    if step == 1:
        again = on_call or fallback
        return Step(again, f"Nobody has acknowledged for {minutes} min.")
    missed = tuple(u for u in on_call if not any(p.user == u and p.delivered for p in incident.pages))
    last = tuple(dict.fromkeys([*fallback, *missed])) if on_call else ()
    if step == 2 and last:
        return Step(last, f"Those on call have not acknowledged for {minutes * 2} min.")
    woken = len({p.user for p in incident.pages if p.delivered})
    return Step((), "", ended=f"Nobody is left to wake: {woken} people were reached and none acknowledged.")


def waiting(incident: Incident) -> bool:
    """Whether somebody still has to be woken: open, and nobody has it."""
    return incident.open and incident.acknowledged_by is None
