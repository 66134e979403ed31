"""Who takes part at all: people of our workspace, full members, holders of a role. A refusal says who may."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bot.domain.events import Actor, ActorKind
from bot.domain.incident import Incident
from bot.engine.deciding import place_of
from bot.engine.membership import (
    ADMIN,
    ASK_SECONDS,
    COMMANDER,
    RESPONDER,
    VIEWER,
    Holds,
    Place,
    members_in_words,
    members_of,
    named_by,
)
from bot.engine.parts import Parts
from bot.errors import Refused
from bot.settings import Settings

FULL_ONLY: Final = "only full members of this workspace may (no guests, no bots)."
MEMBER_SECONDS: Final = 3.0
"""How long Slack may take to say whether somebody is a full member, where no click waits for it."""
_NOWHERE: Final = Place()


async def may_act(
    parts: Parts,
    by: Actor,
    role: str,
    doing: str,
    incident: Incident | None = None,
    seconds: float = ASK_SECONDS,
    *,
    agents: tuple[str, ...] = (),
) -> None:
    """Raise Refused with ``who_may`` unless ``by`` is a person of our workspace who holds ``role``.

    ``agents``: those that it is about (none: the incident's), where a role is held by whoever is on call for them.
    """
    of_our_workspace(parts.settings, by, doing)
    place = _NOWHERE if incident is None else place_of(parts.settings, incident, agents)
    await must_hold(parts, by, role, place, doing, seconds)
    if parts.people.known_stranger(by):
        raise Refused(f"You may not {doing}: {FULL_ONLY}", who_may="full members", next_step="Ask a full member.")
    if by.id not in named_by(members_of(parts.settings.roles, role), place):
        await must_be_full(parts, by, doing, seconds)  # groups may hold guests


async def may_take_part(parts: Parts, by: Actor, doing: str, seconds: float = MEMBER_SECONDS) -> None:
    """Raise Refused unless ``by`` is a full member (acknowledge, note, pin, declare).

    People that the configuration names need no look-up, so that an outage of Slack's API cannot keep the pager ringing.
    """
    of_our_workspace(parts.settings, by, doing)
    if by.id in named(parts.settings) and not parts.people.known_stranger(by):
        return
    full = await parts.people.full_member(by, seconds)
    if full is None:
        message = f"You may not {doing} now: Slack did not say whether you are a full member of this workspace."
        raise Refused(message, next_step="Try again in a minute, or ask somebody whom the configuration names.")
    if not full:
        message = f"You may not {doing}: only full members of this workspace may (no guests, no bots)."
        raise Refused(message, next_step="Ask a full member.")


async def may_look(parts: Parts, by: Actor, doing: str) -> None:
    """Raise Refused unless ``by`` may be shown incidents: full members, or where ``roles.viewer`` names people, they.

    Guests may run commands too, in any channel of theirs.
    """
    if parts.settings.roles.viewer:
        await may_act(parts, by, VIEWER, doing, seconds=MEMBER_SECONDS)
    else:
        await may_take_part(parts, by, doing)


async def must_hold(parts: Parts, by: Actor, role: str, place: Place, doing: str, seconds: float = ASK_SECONDS) -> None:
    """Raise Refused with ``who_may`` unless ``by`` surely holds the role."""
    standing = await parts.people.standing(by, role, place, seconds)
    if standing.holds is Holds.YES:
        return
    members = members_of(parts.settings.roles, role)
    if not members:
        message = f"Nobody may {doing}: the role {role} is empty."
        raise Refused(message, who_may=f"nobody (roles.{role} is empty)", next_step=f"Name people in roles.{role}.")
    people = members_in_words(members, place)
    if standing.holds is Holds.UNREADABLE:
        groups = ", ".join(standing.unread)
        message = f"You may not {doing} now: Slack did not say who is in user group {groups}."
        raise Refused(message, who_may=f"{role}: {people}", next_step="Press again in a minute.")
    message = f"You may not {doing}: it needs the role {role}."
    raise Refused(message, who_may=f"{role}: {people}", next_step=f"Ask {people}.")


async def must_be_full(parts: Parts, by: Actor, doing: str, seconds: float = ASK_SECONDS) -> None:
    """Raise Refused unless ``by`` surely is a full member of our workspace."""
    full = await parts.people.full_member(by, seconds)
    if full is None:
        message = f"You may not {doing} now: Slack did not say whether you are a full member of this workspace."
        raise Refused(message, who_may="full members", next_step="Press again in a minute.")
    if not full:
        raise Refused(f"You may not {doing}: {FULL_ONLY}", who_may="full members", next_step="Ask a full member.")


def named(settings: Settings) -> frozenset[str]:
    """Everybody whom the configuration names by id: in a role, on call or in reserve."""
    roles = (VIEWER, RESPONDER, COMMANDER, ADMIN, *settings.roles.names)
    people = {user for role in roles for user in named_by(settings.roles.members(role), _NOWHERE)}
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


def of_our_workspace(settings: Settings, by: Actor, doing: str) -> None:
    """Raise Refused unless ``by`` is a person of a workspace that the configuration names (none named: any)."""
    if by.kind is not ActorKind.PERSON:
        message = f"Only a person may {doing}; {by.id} is none."
        raise Refused(message, who_may="a person")
    teams = settings.slack.team_ids
    if teams and by.team not in teams:
        message = f"You may not {doing}: you are not in a workspace that slack.team_ids names."
        raise Refused(message, who_may="people of " + ", ".join(teams), next_step="Ask somebody of that workspace.")
