"""Pins, bookmarks and reactions."""

import re

from sandbox.slack.backend import Backend
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Json, Message
from sandbox.slack.people import APP_ID, BOT_USER
from sandbox.slack.webapi.registry import Args, channel_of, message_of, method
from sandbox.slack.workspace import new_id

MOST_PINS = 100
MOST_BOOKMARKS = 100


@method("pins.add")
async def pins_add(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/pins.add."""
    channel = channel_of(slack, args, member=True, open_=True)
    if not args.text("timestamp"):
        raise SlackError("no_item_specified")
    message = message_of(channel, args.text("timestamp"))
    if message.pinned_by:
        raise SlackError("already_pinned")
    if sum(1 for one in channel.messages.values() if one.pinned_by) >= MOST_PINS:
        raise SlackError("too_many_pins")
    message.pinned_by = BOT_USER
    slack.feed.changed()
    return {}


@method("bookmarks.add")
async def bookmarks_add(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/bookmarks.add."""
    where = Args({"channel": args.text("channel_id") or args.text("channel")})
    channel = channel_of(slack, where, member=True, open_=True)
    if args.text("type") != "link":
        raise SlackError("invalid_bookmark_type")
    if not re.match(r"https?://", args.text("link")):
        raise SlackError("invalid_link")
    if len(channel.bookmarks) >= MOST_BOOKMARKS:
        raise SlackError("too_many_bookmarks")
    bookmark = {
        "id": new_id("Bk"),
        "channel_id": channel.id,
        "title": args.text("title"),
        "link": args.text("link"),
        "emoji": args.text("emoji"),
        "type": "link",
        "app_id": APP_ID,
        "date_created": int(slack.now()),
        "last_updated_by_user_id": BOT_USER,
    }
    channel.bookmarks.append(bookmark)
    slack.feed.changed()
    return {"bookmark": bookmark}


def _reacted(slack: Backend, args: Args) -> tuple[Message, str]:
    channel = channel_of(slack, args, member=True, open_=True)
    name = args.text("name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'\-]+(::skin-tone-[2-6])?", name):
        raise SlackError("invalid_name")
    return message_of(channel, args.text("timestamp")), name


@method("reactions.add")
async def reactions_add(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/reactions.add."""
    message, name = _reacted(slack, args)
    if BOT_USER in message.reactions.get(name, []):
        raise SlackError("already_reacted")
    slack.workspace.react(message, BOT_USER, name)
    return {}


@method("reactions.remove")
async def reactions_remove(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/reactions.remove."""
    message, name = _reacted(slack, args)
    if BOT_USER not in message.reactions.get(name, []):
        raise SlackError("no_reaction")
    slack.workspace.react(message, BOT_USER, name, added=False)
    return {}


@method("reactions.get")
async def reactions_get(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/reactions.get."""
    channel = channel_of(slack, args)
    message = message_of(channel, args.text("timestamp"))
    return {"type": "message", "channel": channel.id, "message": message.wire()}
