"""Posting, editing and deleting messages (https://docs.slack.dev/reference/methods?family=chat)."""

import re
from typing import Any

from sandbox.slack import blockkit
from sandbox.slack.backend import Backend
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Channel, Json, Message
from sandbox.slack.normal import normalised
from sandbox.slack.people import BOT_USER
from sandbox.slack.webapi.registry import Args, channel_of, message_of, method, need, person_of

MOST_TEXT = 40_000
"""Above this chat.postMessage cuts the text and warns."""
MOST_UPDATE_TEXT = 4_000
"""Above this chat.update refuses with `msg_too_long`."""
MOST_ATTACHMENTS = 100
TS = re.compile(r"\d{10}\.\d{6}")


def _metadata(args: Args) -> Json | None:
    metadata = args.json("metadata", "invalid_metadata_format")
    if not metadata:
        return None
    fits = isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)
    if not fits or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}


def _content(args: Args) -> tuple[str, list[Json] | None, list[Json] | None]:
    blocks: Any = args.json("blocks", "invalid_blocks_format")
    attachments: Any = args.json("attachments", "invalid_attachments_format")
    text = args.text("text")
    if blocks:
        blockkit.refuse_message(blocks)
        blocks = normalised(blocks)
    if attachments:
        if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
            raise SlackError("invalid_attachments_format")
        if len(attachments) > MOST_ATTACHMENTS:
            raise SlackError("too_many_attachments")
        for one in attachments:
            if one.get("blocks"):
                blockkit.refuse_message(one["blocks"])
                one["blocks"] = normalised(one["blocks"])
    if not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    return text, blocks or None, attachments or None


def _destination(slack: Backend, args: Args) -> Channel:
    target = args.text("channel")
    person = slack.workspace.people.get(target)
    if person is not None:
        if person.deleted or person.is_bot:
            raise SlackError("channel_not_found" if person.deleted else "cannot_dm_bot")
        return slack.workspace.direct([person.id, BOT_USER])
    channel = channel_of(slack, args, open_=True)
    if BOT_USER not in channel.members and "chat:write.public" not in slack.registration.scopes:
        raise SlackError("not_in_channel")
    return channel


def _thread(channel: Channel, args: Args) -> str | None:
    thread = args.text("thread_ts")
    if not args.has("thread_ts"):
        return None
    if not TS.fullmatch(thread):
        raise SlackError(
            "invalid_thread_ts", response_metadata={"messages": [f"[ERROR] {thread} is not a valid thread_ts"]}
        )
    # Slack says ok here and the message is seen by nobody (python-slack-sdk#840); refusing shows the caller's mistake.
    parent = message_of(channel, thread, "thread_not_found")
    return parent.thread_ts or parent.ts


def _cut(text: str) -> tuple[str, Json]:
    if len(text) <= MOST_TEXT:
        return text, {}
    return text[:MOST_TEXT], {
        "warning": "message_truncated",
        "response_metadata": {"warnings": ["message_truncated"]},
    }


@method("chat.postMessage")
async def post_message(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.postMessage."""
    channel = _destination(slack, args)
    text, blocks, attachments = _content(args)
    thread = _thread(channel, args)
    text, warning = _cut(text)
    message = Message(slack.workspace.stamps.next(), channel.id, BOT_USER, text, blocks, attachments, thread)
    message.metadata = _metadata(args)
    if thread and args.flag("reply_broadcast"):
        message.broadcast, message.subtype = True, "thread_broadcast"
    slack.workspace.post(message)
    return {"channel": channel.id, "ts": message.ts, "message": message.wire(metadata=True), **warning}


@method("chat.update")
async def update(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.update."""
    channel = channel_of(slack, args, open_=True)
    message = message_of(channel, args.text("ts"))
    if message.user != BOT_USER or message.subtype == "tombstone":
        raise SlackError("cant_update_message")
    text, blocks, attachments = _content(args)
    if len(text) > MOST_UPDATE_TEXT:
        raise SlackError("msg_too_long")
    previous = message.wire(metadata=True)
    message.former.append(message.blocks or [])
    del message.former[:-20]
    message.text, message.blocks = text, blocks
    if attachments is not None or args.has("attachments") or not blocks:
        message.attachments = attachments
    if args.has("metadata"):
        message.metadata = _metadata(args)
    if not blocks:
        message.edited = {"user": BOT_USER, "ts": slack.workspace.stamps.next()}
    slack.workspace.edited(channel, message, previous)
    return {"channel": channel.id, "ts": message.ts, "text": text, "message": message.wire(metadata=True)}


@method("chat.delete")
async def delete(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.delete."""
    channel = channel_of(slack, args)
    message = message_of(channel, args.text("ts"))
    if message.user != BOT_USER:
        raise SlackError("cant_delete_message")
    slack.workspace.delete(channel, message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.postEphemeral")
async def post_ephemeral(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.postEphemeral."""
    channel = channel_of(slack, args, open_=True)
    if BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    person = person_of(slack, args.text("user"), "user_not_found")
    if person.id not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks, attachments = _content(args)
    thread = _thread(channel, args)
    text, warning = _cut(text)
    message = Message(slack.workspace.stamps.next(), channel.id, BOT_USER, text, blocks, attachments, thread)
    message.ephemeral_to = person.id
    slack.workspace.post(message)
    return {"message_ts": message.ts, **warning}


@method("chat.getPermalink")
async def get_permalink(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.getPermalink."""
    channel = channel_of(slack, args)
    message = message_of(channel, args.text("message_ts"))
    link = f"{slack.origin}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != message.ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


@method("conversations.open")
async def conversations_open(slack: Backend, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.open."""
    if args.text("channel"):
        channel = channel_of(slack, args)
    else:
        users = args.names("users")
        if not users:
            raise SlackError("users_list_not_supplied")
        for user in users:
            person = person_of(slack, user)
            if person.deleted:
                raise SlackError("user_disabled")
            if person.is_bot:
                raise SlackError("cannot_dm_bot")
        need(slack, "im:write" if len(users) == 1 else "mpim:write")
        channel = slack.workspace.direct([*users, BOT_USER])
    return {"channel": channel.wire() if args.flag("return_im") else {"id": channel.id}}
