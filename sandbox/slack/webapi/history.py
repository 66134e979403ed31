"""Reading messages back (https://docs.slack.dev/reference/methods/conversations.history and .replies)."""

from collections.abc import Iterable

from sandbox.slack.backend import Backend
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Channel, Json, Message
from sandbox.slack.scopes import by_kind
from sandbox.slack.webapi.registry import Args, channel_of, message_of, method, need, page


def _bound(args: Args, name: str) -> float | None:
    if not args.text(name):
        return None
    try:
        return float(args.text(name))
    except ValueError:
        raise SlackError(f"invalid_ts_{name}") from None


def _between(messages: Iterable[Message], args: Args) -> list[Message]:
    oldest, latest = _bound(args, "oldest"), _bound(args, "latest")
    inclusive = args.flag("inclusive")

    def inside(ts: float) -> bool:
        above = oldest is None or ts > oldest or (inclusive and ts == oldest)
        return above and (latest is None or ts < latest or (inclusive and ts == latest))

    return [one for one in messages if inside(float(one.ts))]


def _shown(channel: Channel, message: Message, *, metadata: bool) -> Json:
    body = message.wire(metadata=metadata)
    replies = channel.replies(message.ts)
    if replies:
        users = list(dict.fromkeys(one.user for one in replies))
        body |= {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users": users,
            "reply_users_count": len(users),
            "latest_reply": replies[-1].ts,
        }
    return body


def _readable(slack: Backend, args: Args) -> Channel:
    channel = channel_of(slack, args, member=True)
    need(slack, by_kind(channel, "history"))
    return channel


@method("conversations.history")
async def history(slack: Backend, args: Args) -> Json:
    """Newest first, without answers in threads; bounds are exclusive unless `inclusive`."""
    channel = _readable(slack, args)
    roots = [one for one in channel.messages.values() if one.thread_ts in (None, one.ts) or one.broadcast]
    found, cursor = page(_between(reversed(roots), args), args, 100)
    metadata = args.flag("include_all_metadata")
    body: Json = {
        "messages": [_shown(channel, one, metadata=metadata) for one in found],
        "has_more": bool(cursor),
        "pin_count": sum(1 for one in channel.messages.values() if one.pinned_by),
    }
    return body | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


@method("conversations.replies")
async def replies(slack: Backend, args: Args) -> Json:
    """Oldest first, the parent always first of the first page."""
    channel = _readable(slack, args)
    asked = message_of(channel, args.text("ts"), "thread_not_found")
    parent = message_of(channel, asked.thread_ts or asked.ts, "thread_not_found")
    found, cursor = page([parent, *_between(channel.replies(parent.ts), args)], args, 1000)
    metadata = args.flag("include_all_metadata")
    body: Json = {"messages": [_shown(channel, one, metadata=metadata) for one in found], "has_more": bool(cursor)}
    return body | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})
