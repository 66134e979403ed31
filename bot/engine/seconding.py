"""Who may be the second person, and who may do without one (*break glass*). Fails closed."""

from bot.domain.action import Execution
from bot.domain.events import Actor, ActorKind
from bot.domain.incident import Incident
from bot.engine.deciding import Asked, need_of, place_of
from bot.engine.membership import ASK_SECONDS, RESPONDER, members_of, named_by
from bot.engine.parts import Parts
from bot.engine.taking_part import FULL_ONLY, must_be_full, must_hold, of_our_workspace
from bot.errors import Refused


async def why_no_approver(
    parts: Parts, incident: Incident, asked: Asked, execution: Execution, by: Actor, *, seconds: float = ASK_SECONDS
) -> Refused | None:
    """Why ``by`` may not approve or reject this execution of somebody else, or None. Fails closed."""
    doing = f"approve {asked.words}"
    if by.kind is ActorKind.PERSON and by.id.casefold() == execution.by.casefold():
        return Refused("You asked for this yourself; somebody else must approve it.", who_may="somebody else")
    need, place = need_of(parts.settings, asked), place_of(parts.settings, incident, asked.agents)
    try:
        of_our_workspace(parts.settings, by, doing)
        for role in need.roles:
            await must_hold(parts, by, role, place, doing, seconds)
        await must_be_full(parts, by, doing, seconds)
    except Refused as refused:
        return refused
    return None


async def why_no_glass(
    parts: Parts, incident: Incident, asked: Asked, by: Actor, *, seconds: float = ASK_SECONDS
) -> Refused | None:
    """Why ``by`` may not go alone with a reason, or None."""
    doing = f"break glass to {asked.words}"
    if not parts.settings.approvals.break_glass:
        return Refused(f"You may not {doing}: approvals.break_glass is off.", next_step="Ask for approval.")
    place = place_of(parts.settings, incident, asked.agents)
    try:
        of_our_workspace(parts.settings, by, doing)
        await must_hold(parts, by, RESPONDER, place, doing, seconds)
        if by.id not in named_by(members_of(parts.settings.roles, RESPONDER), place):
            await must_be_full(parts, by, doing, seconds)
        elif (await parts.people.full_member(by, seconds)) is False:
            raise Refused(f"You may not {doing}: {FULL_ONLY}", who_may="full members")
    except Refused as refused:
        return refused
    return None
