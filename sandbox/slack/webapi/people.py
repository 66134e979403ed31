"""Users, user groups, do-not-disturb."""

from sandbox.slack.backend import Backend
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Json
from sandbox.slack.people import TEAM
from sandbox.slack.webapi.registry import Args, method, page, person_of


@method("users.info")
async def users_info(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/users.info."""
    return {"user": person_of(slack, args.text("user")).wire()}


@method("users.list")
async def users_list(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/users.list."""
    everyone = [one.wire() for one in slack.workspace.people.values() if one.team == TEAM]
    members, cursor = page(everyone, args, 1000)
    return {"members": members, "cache_ts": int(slack.now()), "response_metadata": {"next_cursor": cursor}}


@method("users.lookupByEmail")
async def users_lookup_by_email(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/users.lookupByEmail."""
    email = args.text("email").lower()
    for one in slack.workspace.people.values():
        if email and one.email.lower() == email and not one.deleted and one.team == TEAM:
            return {"user": one.wire()}
    raise SlackError("users_not_found")


@method("usergroups.list")
async def usergroups_list(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/usergroups.list."""
    include, disabled = args.flag("include_users"), args.flag("include_disabled")
    every = slack.workspace.groups.values()
    return {"usergroups": [one.wire(include_users=include) for one in every if disabled or not one.disabled]}


@method("usergroups.users.list")
async def usergroups_users_list(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/usergroups.users.list."""
    group = slack.workspace.groups.get(args.text("usergroup"))
    if group is None or (group.disabled and not args.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    if group.unreadable:
        raise SlackError(group.unreadable)
    return {"users": list(group.users)}


@method("dnd.info")
async def dnd_info(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/dnd.info."""
    person = person_of(slack, args.text("user"))
    now = int(slack.now())
    until = person.snoozed_until if person.snoozed_until and person.snoozed_until > now else None
    return {
        "dnd_enabled": until is not None,
        "next_dnd_start_ts": now if until else 1,
        "next_dnd_end_ts": until or 1,
        "snooze_enabled": until is not None,
        **({"snooze_endtime": until, "snooze_remaining": until - now} if until else {}),
    }
