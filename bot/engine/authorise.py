"""Who may do what: the one place that decides. Deny by default, and say who may.

Tightening needs the verb's role; loosening and undoing a restraint need ``commander`` (PRODUCT.md, *Verbs*). A
commander is a responder too. An empty role is held by nobody. Asked when a person asks, and again before it starts.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.domain.action import Execution
from bot.domain.events import Actor, ActorKind
from bot.domain.incident import Incident
from bot.engine.parts import Parts, person
from bot.errors import PullcordError, Refused
from bot.plugin import Action
from bot.ports import Chat
from bot.settings import Settings

RESPONDER = "responder"
COMMANDER = "commander"
MEMBER_SECONDS = 3.0
"""How long Slack may take to say whether somebody is a full member."""


def roles_needed(verb: Action, *, undo: bool) -> tuple[str, ...]:
    """The roles that a person must hold, all of them, to run or undo a verb."""
    if undo:
        return tuple(dict.fromkeys([COMMANDER, verb.undo_role] if verb.tightens else [verb.undo_role]))
    return tuple(dict.fromkeys([verb.role] if verb.tightens else [COMMANDER, verb.role]))


def holders(settings: Settings, role: str) -> tuple[str, ...]:
    """Slack user ids that hold a role; a role that the configuration does not know is held by nobody."""
    roles = settings.roles
    if role == RESPONDER:
        return tuple(dict.fromkeys([*roles.responder, *roles.commander]))
    named = getattr(roles, role, ()) if role in type(roles).model_fields else ()
    return tuple(named)


def may_run(settings: Settings, by: Actor, verb: Action, *, undo: bool = False) -> None:
    """Raise Refused with ``who_may`` unless ``by`` may run this verb, or undo it.

    Pullcord itself may only undo: that is how a temporary mitigation ends.
    """
    doing = f"undo {verb.title}" if undo else f"run {verb.title}"
    if by.kind is ActorKind.PULLCORD and undo:
        return
    for role in roles_needed(verb, undo=undo):
        may_act(settings, by, role, doing)


def may_act(settings: Settings, by: Actor, role: str, doing: str) -> None:
    """Raise Refused with ``who_may`` unless ``by`` is a person of our workspace who holds ``role``."""
    of_our_workspace(settings, by, doing)
    held_by = holders(settings, role)
    if by.id in held_by:
        return
    if not held_by:
        message = f"Nobody may {doing}: the role {role} is empty."
        raise Refused(message, who_may=f"nobody (roles.{role} is empty)", next_step=f"Name people in roles.{role}.")
    people = mentions(held_by)
    message = f"You may not {doing}: it needs the role {role}."
    raise Refused(message, who_may=f"{role}: {people}", next_step=f"Ask {people}.")


async def decide_again(parts: Parts, incident: Incident, execution: Execution, team: str | None) -> str:
    """A2 once more, before an execution starts: the requester, and whoever approved it, must still be allowed.

    ``team`` is the requester's workspace where it is known. Answers what the timeline should say of how it was decided
    (``ActionStarted.note``), empty where there is nothing to say. Raises Refused with ``who_may``.
    """
    del incident
    verb = parts.registry.action(execution.action)
    may_run(parts.settings, person(execution.by, team), verb, undo=execution.undo_of is not None)
    return ""


async def may_take_part(settings: Settings, chat: Chat, by: Actor, doing: str) -> None:
    """Raise Refused unless ``by`` is a full member (acknowledge, note, pin, declare).

    People that the configuration names need no look-up, so that an outage of Slack's API cannot keep the pager ringing.
    """
    of_our_workspace(settings, by, doing)
    if by.id in named(settings):
        return
    try:
        async with asyncio.timeout(MEMBER_SECONDS):
            member = await chat.is_full_member(by.id, by.team)
    except (PullcordError, TimeoutError, OSError) as error:
        message = f"You may not {doing} now: Slack did not say whether you are a full member of this workspace."
        raise Refused(
            message,
            next_step="Try again in a minute, or ask somebody whom the configuration names.",
        ) from error
    if not member:
        message = f"You may not {doing}: only full members of this workspace may (no guests, no bots)."
        raise Refused(message, next_step="Ask a full member.")


def named(settings: Settings) -> frozenset[str]:
    """Everybody whom the configuration names as a role, on call or fallback."""
    people = {*settings.roles.responder, *settings.roles.commander}
    for duty in (settings.default_agent, *settings.agents.values()):
        people.update(duty.on_call, duty.fallback)
    return frozenset(people)


@contextmanager
def in_a_sentence() -> Iterator[None]:
    """For a refusal that is told to a person and not recorded: its next step names who may, so it is not said twice."""
    try:
        yield
    except Refused as refused:
        raise Refused(refused.message, field=refused.field, next_step=refused.next_step) from refused


def mentions(users: Sequence[str]) -> str:
    """Up to ten people of the configuration as mentions."""
    return ", ".join(f"<@{user}>" for user in users[:10]) + (" and others" if len(users) > 10 else "")


def of_our_workspace(settings: Settings, by: Actor, doing: str) -> None:
    """Raise Refused unless ``by`` is a person of a workspace that the configuration names (none named: any)."""
    if by.kind is not ActorKind.PERSON:
        message = f"Only a person may {doing}; {by.id} is none."
        raise Refused(message, who_may="a person")
    teams = settings.slack.team_ids
    if teams and by.team not in teams:
        message = f"You may not {doing}: you are not in a workspace that slack.team_ids names."
        raise Refused(message, who_may="people of " + ", ".join(teams), next_step="Ask somebody of that workspace.")
