"""``SlackChat``: how the rest of Pullcord reaches people (``bot.ports.Chat``).

A message with a dedupe key is sent once: the intent is stored first, and a retry after a lost answer finds the message
by its metadata before it would send a second one. When the history cannot be read it is sent again: woken twice beats
not woken.
"""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.domain.base import Json
from bot.errors import ActionFailed, StoreUnavailable
from bot.ports import ChatMessage, Clock, DirectMessage
from bot.slack.client import SlackClient
from bot.slack.errors import SlackError, UserUnreachable
from bot.slack.identity import Identity
from bot.timeline.intents import Intents
from bot.timeline.names import Names

MEMBER_SECONDS = 60.0
SKEW_SECONDS = 300.0
"""Slack's clock and ours may differ by so much when a message is looked for."""
_TS = re.compile(r"^\d{1,12}\.\d{1,9}$")
_MOST_MEMBERS = 5000
_MOST_GROUPS = 500


@dataclass(frozen=True, slots=True)
class _Member:
    full: bool
    at: float


class SlackChat:
    """Posts through the Web API; RateLimited (``Busy``) is passed on so that the caller reschedules."""

    def __init__(
        self, client: SlackClient, identity: Identity, intents: Intents, clock: Clock, names: Names | None = None
    ) -> None:
        """``intents`` is ``store.intents``, ``names`` (``store.names``) is told what people are called."""
        self._names = names
        self._client = client
        self._identity = identity
        self._intents = intents
        self._clock = clock
        self._members: dict[str, _Member] = {}
        self._groups: dict[str, tuple[frozenset[str], float]] = {}
        self._direct: dict[str, str] = {}

    async def direct_channel(self, user: str) -> str:
        """The channel of direct messages with this person."""
        known = self._direct.get(user)
        if known is None:
            opened = await self._client.call("conversations.open", users=user)
            known = self._direct[user] = str(opened["channel"]["id"])
        return known

    async def direct(self, user: str, message: DirectMessage, dedupe_key: str) -> str:
        """Send one person a direct message, once per ``dedupe_key``; answers its ts."""
        return await self.post(await self.direct_channel(user), message, dedupe_key)

    async def post(self, channel: str, message: DirectMessage, dedupe_key: str, thread_ts: str | None = None) -> str:
        """Post to a channel or thread, once per ``dedupe_key``; answers its ts."""
        before = await self._intents.intend(dedupe_key)
        if before is not None:
            ts = before.ts or await self._found(channel, dedupe_key, before.at, thread_ts)
            if ts is not None:
                if before.ts is None:
                    await self._intents.posted(dedupe_key, channel, ts)
                return ts
        answer = await self._client.call(
            "chat.postMessage",
            channel=channel,
            thread_ts=thread_ts,
            text=message.text,
            blocks=list(message.blocks) or None,
            metadata={"event_type": "pullcord_message", "event_payload": {"dedupe_key": dedupe_key}},
            unfurl_links=False,
            unfurl_media=False,
        )
        ts = str(answer["ts"])
        await self._intents.posted(dedupe_key, channel, ts)
        return ts

    async def ephemeral(self, channel: str, user: str, text: str, blocks: Sequence[Mapping[str, Json]] = ()) -> None:
        """Tell one person something in a channel, visible to that person only; ``blocks`` may hold buttons."""
        shown: dict[str, Any] = {"blocks": list(blocks)} if blocks else {}
        await self._client.call("chat.postEphemeral", channel=channel, user=user, text=text, **shown)

    async def group_members(self, group: str) -> frozenset[str]:
        """User ids in a user group. Raises when Slack does not say. Kept for 60 s."""
        now = self._clock.now().timestamp()
        known = self._groups.get(group)
        if known is not None and 0 <= now - known[1] <= MEMBER_SECONDS:
            return known[0]
        answer = await self._client.call("usergroups.users.list", usergroup=group)
        users = answer.get("users")
        if not isinstance(users, list):
            message = "Slack did not say who is in a user group."
            raise ActionFailed(message, next_step="Look at the scope usergroups:read.")
        members = frozenset(user for user in users if isinstance(user, str))
        if len(self._groups) >= _MOST_GROUPS:
            self._groups.clear()
        self._groups[group] = (members, now)
        return members

    async def is_full_member(self, user: str, team: str | None) -> bool:
        """True for an active full member of our workspace: no guest, no bot. Raises when unreadable. Kept for 60 s."""
        await self._identity.learn()
        if team is not None and not self._identity.serves(team):
            return False
        now = self._clock.now().timestamp()
        known = self._members.get(user)
        if known is not None and 0 <= now - known.at <= MEMBER_SECONDS:
            return known.full
        try:
            answer = await self._client.call("users.info", user=user)
        except UserUnreachable:
            full = False
        else:
            person = answer.get("user") or {}
            full = self._is_full(person)
            await self._learn(user, person)
        if len(self._members) >= _MOST_MEMBERS:
            self._members.clear()
        self._members[user] = _Member(full=full, at=now)
        return full

    async def _learn(self, user: str, person: Mapping[str, Any]) -> None:
        profile = person.get("profile") or {}
        name = profile.get("display_name") or person.get("name") or ""
        if self._names is not None and isinstance(name, str):
            with contextlib.suppress(StoreUnavailable):  # a name is no reason to keep anybody waiting or out
                await self._names.learn(user, name)

    async def message(self, channel: str, ts: str) -> ChatMessage | None:
        """One message of a channel or thread, or None when there is none (any more) or it is not ours to read."""
        if not _TS.match(ts):
            return None
        try:
            found = await self._one(channel, ts)
            if found is None:
                return None
            link = await self._permalink(channel, ts)
        except SlackError:
            return None
        author = found.get("user") or found.get("bot_id")
        return ChatMessage(
            text=str(found.get("text") or ""),
            author=author if isinstance(author, str) else None,
            at=datetime.fromtimestamp(float(ts), tz=UTC),
            permalink=link,
        )

    async def react(self, channel: str, ts: str, name: str) -> None:
        """Put a reaction on a message; having it already or not being allowed to is no error."""
        await self._client.try_call("reactions.add", channel=channel, timestamp=ts, name=name)

    async def _found(self, channel: str, dedupe_key: str, since: datetime, thread_ts: str | None) -> str | None:
        known = await self._identity.learn()
        oldest = since.timestamp() - SKEW_SECONDS
        try:
            return await self._client.find(channel, dedupe_key, oldest=oldest, thread_ts=thread_ts, author=known.user)
        except SlackError:
            return None

    async def _one(self, channel: str, ts: str) -> dict[str, Any] | None:
        bounds: dict[str, Any] = {"channel": channel, "oldest": ts, "latest": ts, "inclusive": True, "limit": 2}
        page = await self._client.call("conversations.history", **bounds)
        found = _with_ts(page, ts)
        if found is None:  # a reply is in no history, only in its thread (the parent may come first)
            found = _with_ts(await self._client.call("conversations.replies", ts=ts, **bounds), ts)
        return found

    async def _permalink(self, channel: str, ts: str) -> str | None:
        try:
            answer = await self._client.call("chat.getPermalink", channel=channel, message_ts=ts)
        except SlackError:
            return None
        return str(answer.get("permalink") or "") or None

    def _is_full(self, user: dict[str, Any]) -> bool:
        """Fields as in Slack's user object. What is missing is not assumed to be harmless: no team, no member."""
        enterprise = user.get("enterprise_user") or {}
        teams = [user.get("team_id"), *(enterprise.get("teams") or ())]
        ours = any(isinstance(team, str) and self._identity.serves(team) for team in teams)
        barred = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_workflow_bot")
        return ours and user.get("id") != "USLACKBOT" and not any(user.get(flag) for flag in barred)


def _with_ts(page: dict[str, Any], ts: str) -> dict[str, Any] | None:
    return next((m for m in page.get("messages") or () if m.get("ts") == ts), None)
