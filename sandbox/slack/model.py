"""What a workspace holds: channels, messages, views.

Plain mutable records; only `workspace.py` and `views.py` change them.
"""

import copy
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.people import APP_ID, BOT_ID, BOT_USER, TEAM

Json = dict[str, Any]


@dataclass
class Message:
    """One message. `ephemeral_to` names the only person who sees it.

    `former` are the block lists it had before edits.
    """

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] | None = None
    attachments: list[Json] | None = None
    thread_ts: str | None = None
    metadata: Json | None = None
    subtype: str | None = None
    edited: Json | None = None
    broadcast: bool = False
    ephemeral_to: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    pinned_by: str | None = None
    former: list[list[Json]] = field(default_factory=list)
    chosen: dict[tuple[str, str, str], Json] = field(default_factory=dict)

    def wire(self, *, metadata: bool = False) -> Json:
        """The message as `conversations.history` shows it; metadata only when asked for, as Slack does."""
        body: Json = {"type": "message", "ts": self.ts, "user": self.user, "text": self.text, "team": TEAM}
        if self.subtype:
            body["subtype"] = self.subtype
        if self.user == BOT_USER:
            body |= {
                "bot_id": BOT_ID,
                "app_id": APP_ID,
                "bot_profile": {"id": BOT_ID, "app_id": APP_ID, "name": "pullcord", "team_id": TEAM},
            }
        if self.blocks is not None:
            body["blocks"] = copy.deepcopy(self.blocks)
        if self.attachments is not None:
            body["attachments"] = copy.deepcopy(self.attachments)
        if self.thread_ts:
            body["thread_ts"] = self.thread_ts
        if self.edited:
            body["edited"] = dict(self.edited)
        if self.reactions:
            body["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()
            ]
        if self.pinned_by:
            body["pinned_to"] = [self.channel]
        if metadata and self.metadata:
            body["metadata"] = copy.deepcopy(self.metadata)
        return body


@dataclass
class Channel:
    """A channel, a direct message (`kind` im) or a group one (mpim). `messages` are in order of `ts`."""

    id: str
    name: str
    kind: str = "public"
    creator: str = BOT_USER
    members: list[str] = field(default_factory=list)
    topic: str = ""
    purpose: str = ""
    archived: bool = False
    created: int = 1_760_000_000
    messages: dict[str, Message] = field(default_factory=dict)
    ephemerals: list[Message] = field(default_factory=list)
    bookmarks: list[Json] = field(default_factory=list)

    def wire(self, viewer: str = BOT_USER) -> Json:
        """The shape of `conversations.info` (https://docs.slack.dev/reference/objects/conversation-object)."""
        body: Json = {
            "id": self.id,
            "created": self.created,
            "is_archived": self.archived,
            "is_im": self.kind == "im",
            "is_mpim": self.kind == "mpim",
            "is_channel": self.kind in ("public", "private"),
            "is_group": self.kind == "private",
            "is_private": self.kind != "public",
            "context_team_id": TEAM,
        }
        if self.kind == "im":
            other = [one for one in self.members if one != viewer]
            return body | {"user": other[0] if other else viewer, "is_open": True}
        return body | {
            "name": self.name,
            "name_normalized": self.name,
            "creator": self.creator,
            "is_general": self.name == "general",
            "is_member": viewer in self.members,
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": self.purpose, "creator": "", "last_set": 0},
            "num_members": len(self.members),
        }

    def replies(self, ts: str) -> list[Message]:
        """The answers in the thread of `ts`, oldest first, without the parent."""
        return [message for message in self.messages.values() if message.thread_ts == ts and message.ts != ts]


@dataclass
class View:
    """One open modal or a published home tab. `stack` is the id of the lowest view of its modal stack."""

    id: str
    user: str
    body: Json
    hash: str
    stack: str
    previous: str | None = None
    external_id: str = ""
    values: dict[str, dict[str, Json]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def wire(self) -> Json:
        """The view as Slack sends it to the app: what was given, with ids, state and hash."""
        return {
            "id": self.id,
            "team_id": TEAM,
            "private_metadata": "",
            "callback_id": "",
            "clear_on_close": False,
            "notify_on_close": False,
            "close": None,
            "submit": None,
            **copy.deepcopy(self.body),
            "state": {"values": copy.deepcopy(self.values)},
            "hash": self.hash,
            "previous_view_id": self.previous,
            "root_view_id": self.stack,
            "app_id": APP_ID,
            "external_id": self.external_id,
            "app_installed_team_id": TEAM,
            "bot_id": BOT_ID,
        }
