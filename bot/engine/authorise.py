"""Who may do what: the one place that decides. Deny by default, and say who may.

What it takes is in ``deciding``, who holds which role in ``membership``. Asked when a person asks, and again before it
starts: for whoever asked, and for whoever approved. Guests, bots and people of other workspaces may nothing. What Slack
does not tell is taken for a no wherever something is loosened or of high risk, and the refusal says so.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from pydantic import ValidationError

from bot.domain.action import Execution, ExecutionState
from bot.domain.base import Json
from bot.domain.events import Actor, ActorKind
from bot.domain.incident import Incident
from bot.engine.deciding import Asked, Need, need_of, place_of
from bot.engine.membership import (
    ASK_SECONDS,
    RESPONDER,
    WORK_SECONDS,
    Holds,
    Place,
    Standing,
    members_in_words,
    members_of,
    named_by,
)
from bot.engine.parts import Parts, person
from bot.engine.planning import read_params
from bot.engine.seconding import why_no_approver, why_no_glass
from bot.engine.taking_part import FULL_ONLY, named, of_our_workspace
from bot.errors import Refused
from bot.plugin import Action, ActionContext
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Allowed:
    """Alone. ``note`` is what the timeline says of how that is known, empty where there is nothing to say."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class NeedsSecond:
    """Not alone, whoever asks: somebody else who holds ``role`` must approve. ``why`` in words."""

    role: str
    why: str
    glass: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class No:
    """Not at all. ``askable``: the role that may approve it, where asking makes sense; ``glass``: may break glass."""

    message: str
    who_may: str
    next_step: str = ""
    askable: str | None = None
    glass: bool = False

    def refused(self) -> Refused:
        """The same as an error."""
        return Refused(self.message, who_may=self.who_may or None, next_step=self.next_step or None)


Decision = Allowed | NeedsSecond | No
_SOON = 0.05
"""A further question to Slack inside a click, mostly answered already."""


def asked_of(
    parts: Parts, incident: Incident, verb: Action, by: Actor, params: Mapping[str, Json], undo_of: str | None = None
) -> Asked:
    """What a press asks for, as far as who may depends on it. Raises Refused when the verb's own rules break."""
    profile = parts.planes.profile(incident)
    of = incident.execution(undo_of) if undo_of is not None else None
    given = of.params if of is not None else params
    try:
        model = read_params(verb, given)
    except ValidationError:
        model = None  # of an undo, written by another version of the verb: then no bound fits
    values = {} if model is None else {name: getattr(model, name) for name in type(model).model_fields}
    if undo_of is not None:
        group = () if of is None else tuple(e for e in incident.executions if e.lead == of.lead and e.undo_of is None)
        touched = tuple(dict.fromkeys(e.agent or profile.name for e in group))
        return Asked(verb, values, _named(touched), undo=True)
    if model is None:
        raise Refused(f"{verb.title}: its parameters are not acceptable.")
    ctx = ActionContext(incident=incident, agent=profile, by=by, now=parts.now())
    try:
        agents = (profile.name,) if verb.agents is None else tuple(dict.fromkeys(verb.agents(ctx, model)))
        second = verb.second(ctx, model) if verb.second is not None else None
    except Exception as error:  # whatever a pack's rule does: nobody passes it
        raise Refused(f"{verb.title}: its own rule of who may failed ({type(error).__name__}).") from error
    return Asked(verb, values, _named(agents) or _named((profile.name,)), second=second)


def asked_again(parts: Parts, incident: Incident, execution: Execution, by: Actor) -> Asked:
    """What an execution was asked for, with every agent that was asked for together. Raises Refused as ``asked_of``.

    Which agents a verb means may change with what was done meanwhile; what somebody approved does not.
    """
    verb = parts.registry.action(execution.action)
    asked = asked_of(parts, incident, verb, by, execution.params, execution.undo_of)
    together = dict.fromkeys(e.agent for e in incident.executions if e.lead == execution.lead and e.agent)
    return replace(asked, agents=tuple(together)) if len(together) > 1 and not asked.undo else asked


async def decide(
    parts: Parts, incident: Incident, asked: Asked, by: Actor, *, seconds: float = ASK_SECONDS, surely: bool = False
) -> Decision:
    """Whether ``by`` may do this. Never raises for what Slack does; waits at most ``seconds`` for it.

    ``surely``: whether this is a full member is looked up in any case (before something starts).
    """
    try:
        of_our_workspace(parts.settings, by, asked.words)
    except Refused as refused:
        return No(refused.message, refused.who_may or "", refused.next_step or "")
    need, place = need_of(parts.settings, asked), place_of(parts.settings, incident, asked.agents)
    # a restraint asked for by somebody whom the configuration names waits for nobody
    look = surely or need.strict or not _all_named(parts.settings, need, place, by)
    standings, full = await _asked(parts, need, place, by, seconds, look=look)
    holds_all = all(s.holds is Holds.YES for s in standings)
    if full is False:
        return No(f"You may not {asked.words}: {FULL_ONLY}", "full members who hold " + need.role, "Ask a full member.")
    glass = await _may_break_glass(parts, need, place, by)
    by_group = look and not _all_named(parts.settings, need, place, by)
    unsure = full is None and (need.strict or (by_group and not parts.people.lately_full(by)))
    if holds_all and unsure:
        message = f"You may not {asked.words} now: Slack did not say whether you are a full member of this workspace."
        return No(message, _who(parts.settings, need, place), "Press again in a minute.", None, glass)
    if holds_all:
        return NeedsSecond(need.role, need.second, glass) if need.second is not None else Allowed()
    if all(s.holds is not Holds.NO for s in standings):
        return _unread(parts.settings, asked, need, place, standings, glass=glass)
    return _lacking(parts.settings, asked, need, place, by, full=full, glass=glass)


def _unread(
    settings: Settings, asked: Asked, need: Need, place: Place, standings: list[Standing], *, glass: bool
) -> Decision:
    """Slack did not say who is in a user group."""
    groups = ", ".join(dict.fromkeys(group for s in standings for group in s.unread))
    ages = [s.age for s in standings if s.holds is Holds.UNREADABLE]
    known = [age for age in ages if age is not None]
    if not need.strict and len(known) == len(ages):
        minutes = max(1, int(max(known, default=timedelta()).total_seconds()) // 60)
        note = f"Slack did not say who is in user group {groups}: decided by what it said {minutes} min ago"
        if need.second is not None:
            return NeedsSecond(need.role, need.second, glass, note)
        return Allowed(note)
    kind = "this loosens" if asked.loosens else "this is of high risk" if need.strict else "it was not read lately"
    message = (
        f"You may not {asked.words} now: Slack did not say who is in user group {groups}, "
        f"so whether you hold the role {need.role} is not known, and {kind}."
    )
    return No(message, _who(settings, need, place), "Press again in a minute.", None, glass)


def _lacking(
    settings: Settings, asked: Asked, need: Need, place: Place, by: Actor, *, full: bool | None, glass: bool
) -> No:
    """Somebody who is known not to hold a role. Whoever is known to be a full member may ask those who do."""
    empty = next((role for role in need.roles if not members_of(settings.roles, role)), None)
    if empty is not None:
        message = f"Nobody may {asked.words}: the role {empty} is empty."
        return No(message, f"nobody (roles.{empty} is empty)", f"Name people in roles.{empty}.", None, glass)
    who = _who(settings, need, place)
    message = f"You may not {asked.words}: it needs the role {need.role}."
    askable = need.role if full is True or by.id in named(settings) else None
    return No(message, who, f"Ask {who.partition(': ')[2]}.", askable, glass)


async def _asked(
    parts: Parts, need: Need, place: Place, by: Actor, seconds: float, *, look: bool
) -> tuple[list[Standing], bool | None]:
    """Every role and, where it matters, whether it is a full member, all asked at once; None for what is not known."""
    people = parts.people
    if people.known_stranger(by):
        return [], False
    standings = asyncio.gather(*(people.standing(by, role, place, seconds) for role in need.roles))
    if not look:
        return await standings, None
    full = await people.full_member(by, seconds)
    return await standings, full


def _all_named(settings: Settings, need: Need, place: Place, by: Actor) -> bool:
    return all(by.id in named_by(members_of(settings.roles, role), place) for role in need.roles)


async def _may_break_glass(parts: Parts, need: Need, place: Place, by: Actor) -> bool:
    """Whether breaking glass is open to them: a responder, where more than a responder or a second person is needed."""
    if not parts.settings.approvals.break_glass or (need.second is None and need.roles == (RESPONDER,)):
        return False
    return (await parts.people.standing(by, RESPONDER, place, _SOON)).holds is Holds.YES


def _who(settings: Settings, need: Need, place: Place) -> str:
    """``commander: <@U0KIM>, user group S0LEADS``."""
    members = [members_of(settings.roles, role) for role in need.roles]
    both = [member for member in members[0] if all(member in others for others in members[1:])] or list(members[0])
    return f"{need.role}: {members_in_words(both, place)}"


async def decide_again(parts: Parts, incident: Incident, execution: Execution, team: str | None) -> str:
    """A2 once more, before an execution starts: the requester, and whoever approved it, must still be allowed.

    ``team`` is the requester's workspace where it is known. Answers what the timeline should say of how it was decided
    (``ActionStarted.note``), empty where there is nothing to say. Raises Refused with ``who_may``.
    """
    by = person(execution.by, team or execution.team)
    if by.kind is ActorKind.PULLCORD and execution.undo_of is not None:
        return ""  # that is how a temporary mitigation ends
    asked = asked_again(parts, incident, execution, by)
    decision = await decide(parts, incident, asked, by, seconds=WORK_SECONDS, surely=True)
    if execution.broke_glass is not None:
        return await _still_alone(parts, incident, asked, by)
    approval = execution.approval
    if approval is not None and approval.by is not None and execution.state is ExecutionState.APPROVED:
        await _still_approved(parts, incident, asked, person(approval.by, approval.team), execution)
        return await _still_asking(decision, asked, approval_asked=approval.asked)
    if isinstance(decision, No):
        raise decision.refused()
    if isinstance(decision, NeedsSecond):
        message = f"{asked.words[:1].upper()}{asked.words[1:]} needs a second person now ({decision.why})."
        raise Refused(message, who_may=f"{decision.role}, not alone", next_step="Ask for it again.")
    return decision.note


async def _still_asking(decision: Decision, asked: Asked, *, approval_asked: bool) -> str:
    """The requester of something approved: a member still, and in the role still unless they had to ask for lack of it.

    Raises Refused.
    """
    if isinstance(decision, No) and not (approval_asked and decision.askable is not None):
        raise Refused(
            f"It was approved, but whoever asked may not {asked.words} any more. {decision.message}",
            who_may=decision.who_may or None,
        )
    return "" if isinstance(decision, No) else decision.note


async def _still_approved(parts: Parts, incident: Incident, asked: Asked, by: Actor, execution: Execution) -> None:
    """Raise Refused unless whoever approved may still, and is another person than the one who asked."""
    refusal = await why_no_approver(parts, incident, asked, execution, by, seconds=WORK_SECONDS)
    if refusal is not None:
        message = f"<@{by.id}> approved it, but may not approve it any more. {refusal.message}"
        raise Refused(message, who_may=refusal.who_may, next_step="Ask for it again.")


async def _still_alone(parts: Parts, incident: Incident, asked: Asked, by: Actor) -> str:
    refusal = await why_no_glass(parts, incident, asked, by, seconds=WORK_SECONDS)
    if refusal is not None:
        raise refusal
    return ""


def _named(agents: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(agent for agent in agents if agent)
