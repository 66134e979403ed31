"""Making, filling and looking at channels (https://docs.slack.dev/reference/methods?family=conversations)."""

import re

from sandbox.slack.backend import Backend
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Channel, Json, Message
from sandbox.slack.people import BOT_USER, TEAM
from sandbox.slack.scopes import by_kind
from sandbox.slack.webapi.registry import Args, channel_of, method, need, page
from sandbox.slack.workspace import new_id

MOST_NAME = 80
MOST_TOPIC = 250


def name_error(name: str) -> str | None:
    """Slack's word for what is wrong with a channel name, or None."""
    if not name:
        return "invalid_name_required"
    if len(name) > MOST_NAME:
        return "invalid_name_maxlength"
    if not re.search(r"[^\W_]", name):
        return "invalid_name_punctuation"
    if name != name.lower() or re.search(r"[^\w\-]", name):
        return "invalid_name_specials"
    return None


@method("conversations.create")
async def create(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.create."""
    name, private = args.text("name"), args.flag("is_private")
    need(slack, "groups:write" if private else "channels:manage")
    error = name_error(name)
    if error:
        raise SlackError(error)
    if any(one.name == name for one in slack.workspace.channels.values()):
        raise SlackError("name_taken")
    channel = Channel(new_id("C"), name, "private" if private else "public", members=[BOT_USER])
    channel.created = int(slack.now())
    slack.workspace.add(channel)
    return {"channel": channel.wire()}


@method("conversations.invite")
async def invite(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.invite."""
    channel = channel_of(slack, args, member=True, open_=True)
    users = args.names("users")
    if not users:
        raise SlackError("no_user")
    errors = [
        {"user": user, "ok": False, "error": error} for user in users if (error := _uninvitable(slack, channel, user))
    ]
    refused = {one["user"] for one in errors}
    if errors and not args.flag("force"):
        raise SlackError(str(errors[0]["error"]), errors=errors)
    for user in users:
        if user not in refused:
            slack.workspace.join(channel, user, inviter=BOT_USER)
    if errors:
        return {"channel": channel.wire(), "errors": errors}
    return {"channel": channel.wire()}


def _uninvitable(slack: Backend, channel: Channel, user: str) -> str | None:
    person = slack.workspace.people.get(user)
    if user == BOT_USER:
        return "cant_invite_self"
    if person is None:
        return "user_not_found"
    if person.id in channel.members:
        return "already_in_channel"
    return "cant_invite" if person.deleted or person.team != TEAM else None


@method("conversations.join")
async def join(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.join."""
    channel = channel_of(slack, args, open_=True)
    if channel.kind != "public":
        raise SlackError("method_not_supported_for_channel_type")
    if BOT_USER in channel.members:
        already = "already_in_channel"
        return {"channel": channel.wire(), "warning": already, "response_metadata": {"warnings": [already]}}
    slack.workspace.join(channel, BOT_USER)
    return {"channel": channel.wire()}


@method("conversations.setTopic")
async def set_topic(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.setTopic."""
    channel = channel_of(slack, args, member=True, open_=True)
    topic = args.text("topic")
    if len(topic) > MOST_TOPIC:
        raise SlackError("too_long")
    channel.topic = topic
    ts = slack.workspace.stamps.next()
    channel.messages[ts] = Message(ts, channel.id, BOT_USER, f"set the channel topic: {topic}", subtype="channel_topic")
    slack.feed.changed()
    return {"channel": channel.wire()}


@method("conversations.archive")
async def archive(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.archive."""
    channel = channel_of(slack, args, member=True)
    if channel.archived:
        raise SlackError("already_archived")
    if channel.name == "general":
        raise SlackError("cant_archive_general")
    channel.archived = True
    slack.feed.changed()
    return {}


@method("conversations.info")
async def info(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.info."""
    channel = channel_of(slack, args)
    need(slack, by_kind(channel, "read"))
    body = channel.wire()
    if not args.flag("include_num_members"):
        body.pop("num_members", None)
    return {"channel": body}


@method("conversations.list")
async def list_(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.list."""
    wanted = args.names("types") or ["public_channel"]
    names = {"public": "public_channel", "private": "private_channel", "im": "im", "mpim": "mpim"}
    seen = [
        channel.wire()
        for channel in slack.workspace.channels.values()
        if names[channel.kind] in wanted
        and (channel.kind == "public" or BOT_USER in channel.members)
        and not (channel.archived and args.flag("exclude_archived"))
    ]
    channels, cursor = page(seen, args, 100)
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


@method("conversations.members")
async def members(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.members."""
    channel = channel_of(slack, args)
    need(slack, by_kind(channel, "read"))
    ids, cursor = page(channel.members, args, 100)
    return {"members": ids, "response_metadata": {"next_cursor": cursor}}
