"""Which bot scopes allow which method (https://docs.slack.dev/reference/methods). One of each tuple is enough."""

from sandbox.slack.model import Channel

METHOD_SCOPES: dict[str, tuple[str, ...]] = {
    "apps.connections.open": ("connections:write",),
    "auth.test": (),
    "bookmarks.add": ("bookmarks:write",),
    "chat.delete": ("chat:write",),
    "chat.getPermalink": (),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.archive": ("channels:manage", "groups:write"),
    "conversations.create": ("channels:manage", "groups:write"),
    "conversations.history": ("channels:history", "groups:history", "im:history", "mpim:history"),
    "conversations.info": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "conversations.invite": ("channels:manage", "channels:write.invites", "groups:write", "groups:write.invites"),
    "conversations.join": ("channels:join",),
    "conversations.list": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "conversations.members": ("channels:read", "groups:read", "im:read", "mpim:read"),
    "conversations.open": ("im:write", "mpim:write"),
    "conversations.replies": ("channels:history", "groups:history", "im:history", "mpim:history"),
    "conversations.setTopic": ("channels:manage", "channels:write.topic", "groups:write", "groups:write.topic"),
    "dnd.info": ("dnd:read",),
    "pins.add": ("pins:write",),
    "reactions.add": ("reactions:write",),
    "reactions.get": ("reactions:read",),
    "reactions.remove": ("reactions:write",),
    "team.info": ("team:read",),
    "usergroups.list": ("usergroups:read",),
    "usergroups.users.list": ("usergroups:read",),
    "users.info": ("users:read",),
    "users.list": ("users:read",),
    "users.lookupByEmail": ("users:read.email",),
    "views.open": (),
    "views.publish": (),
    "views.push": (),
    "views.update": (),
}

EVENT_SCOPES: dict[str, tuple[str, ...]] = {
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
}

APP_TOKEN_METHODS = frozenset({"apps.connections.open"})

ALL_SCOPES: frozenset[str] = frozenset(
    {scope for table in (METHOD_SCOPES, EVENT_SCOPES) for scopes in table.values() for scope in scopes}
    | {"chat:write.public", "commands", "users:read.email"}
) - {"connections:write"}

KIND_PREFIX = {"public": "channels", "private": "groups", "im": "im", "mpim": "mpim"}


def by_kind(channel: Channel, verb: str) -> str:
    """The scope that a channel of this kind needs for `verb`, as in `groups:history`."""
    return f"{KIND_PREFIX[channel.kind]}:{verb}"
