"""The state of the workspace and the few ways in which it changes.

Each change is announced to `listeners` as a Slack event.
"""

import secrets
from collections.abc import Callable, Iterable

from sandbox.slack.clock import Now, Stamps
from sandbox.slack.feed import Feed
from sandbox.slack.model import Channel, Json, Message
from sandbox.slack.people import BOT_USER, Group, Person

Listener = Callable[[Json, Channel], None]
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


def new_id(prefix: str) -> str:
    """An id in Slack's style: a letter for the kind, then capitals and digits."""
    return prefix + "0" + "".join(secrets.choice(ALPHABET) for _ in range(9))


class Workspace:
    """People, channels and messages of one team, in memory."""

    def __init__(self, people: Iterable[Person], groups: Iterable[Group], feed: Feed, now: Now) -> None:
        self.people = {person.id: person for person in people}
        self.groups = {group.id: group for group in groups}
        self.channels: dict[str, Channel] = {}
        self.feed = feed
        self.stamps = Stamps(now)
        self.listeners: list[Listener] = []
        members = [one.id for one in self.people.values() if not one.deleted and one.id != BOT_USER]
        self.add(Channel("C0INCIDENTS", "incidents", creator="U0DANA", members=[*members, BOT_USER]))
        self.add(Channel("C0GENERAL", "general", creator="U0DANA", members=members))

    # -- looking ------------------------------------------------------------------------------------------------

    def find_channel(self, ref: str) -> Channel | None:
        """By id, `#name` or `name`."""
        if ref in self.channels:
            return self.channels[ref]
        name = ref.removeprefix("#")
        return next(
            (one for one in self.channels.values() if one.name == name and one.kind in ("public", "private")), None
        )

    def find_person(self, ref: str) -> Person | None:
        """By id, `@name` or `name`."""
        name = ref.removeprefix("@")
        return self.people.get(ref) or next((one for one in self.people.values() if one.name == name), None)

    def direct(self, users: Iterable[str]) -> Channel:
        """The direct message among exactly these people, made when there is none."""
        members = list(dict.fromkeys(users))
        kind = "im" if len(members) == 2 else "mpim"
        for channel in self.channels.values():
            if channel.kind == kind and set(channel.members) == set(members):
                return channel
        return self.add(Channel(new_id("D" if kind == "im" else "G"), "", kind=kind, members=members))

    # -- changing -----------------------------------------------------------------------------------------------

    def add(self, channel: Channel) -> Channel:
        """Put a new channel into the workspace."""
        self.channels[channel.id] = channel
        self.feed.changed()
        return channel

    def announce(self, event: Json, channel: Channel) -> None:
        """Show the change to open pages and offer the event to the app."""
        self.feed.changed()
        for listener in self.listeners:
            listener(event, channel)

    def post(self, message: Message) -> Message:
        """Store a message under its `ts`; an ephemeral one is kept apart and makes no event."""
        channel = self.channels[message.channel]
        if message.ephemeral_to:
            channel.ephemerals.append(message)
            self.feed.changed()
            return message
        channel.messages[message.ts] = message
        event = message.wire(metadata=True) | {"channel": channel.id, "event_ts": message.ts}
        self.announce(event | {"channel_type": CHANNEL_TYPE[channel.kind]}, channel)
        if message.user != BOT_USER and f"<@{BOT_USER}>" in message.text:
            self.announce(event | {"type": "app_mention"}, channel)
        return message

    def edited(self, channel: Channel, message: Message, previous: Json) -> None:
        """Announce that `message` was edited; `previous` is how it looked."""
        self._changed(
            channel, "message_changed", {"message": message.wire(metadata=True), "previous_message": previous}
        )

    def delete(self, channel: Channel, message: Message) -> None:
        """Take a message away; one with answers leaves Slack's tombstone."""
        previous = message.wire()
        if channel.replies(message.ts):
            message.text, message.blocks, message.attachments = "This message was deleted.", None, None
            message.subtype, message.metadata = "tombstone", None
        else:
            del channel.messages[message.ts]
        self._changed(channel, "message_deleted", {"deleted_ts": message.ts, "previous_message": previous})

    def _changed(self, channel: Channel, subtype: str, more: Json) -> None:
        ts = self.stamps.next()
        event = {"type": "message", "subtype": subtype, "hidden": True, "channel": channel.id, "ts": ts, "event_ts": ts}
        self.announce(event | {"channel_type": CHANNEL_TYPE[channel.kind]} | more, channel)

    def join(self, channel: Channel, user: str, inviter: str | None = None) -> None:
        """Make `user` a member, with the line that Slack writes into the channel."""
        channel.members.append(user)
        by = f" was added to #{channel.name} by <@{inviter}>" if inviter else " has joined the channel"
        ts = self.stamps.next()
        text = f"<@{user}>{by}"
        channel.messages[ts] = Message(ts, channel.id, user, text, subtype="channel_join")
        event: Json = {
            "type": "member_joined_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "public" else "G",
            "team": self.people[user].team,
            "event_ts": ts,
        }
        self.announce(event | ({"inviter": inviter} if inviter else {}), channel)

    def react(self, message: Message, user: str, name: str, *, added: bool = True) -> None:
        """Add or take away one person's reaction; the caller has checked that this changes something."""
        users = message.reactions.setdefault(name, [])
        if added:
            users.append(user)
        else:
            users.remove(user)
            if not users:
                del message.reactions[name]
        event = {
            "type": "reaction_added" if added else "reaction_removed",
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
            "item_user": message.user,
            "event_ts": self.stamps.next(),
        }
        self.announce(event, self.channels[message.channel])


CHANNEL_TYPE = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}
