"""The incident's channel: made new (``inc-42-refund-bot``) or the fixed one, with people invited and a topic set.

Channel names: Slack's ``conversations.create`` (lower case letters, digits, hyphens, underscores; 80 characters).
Everything but having some channel is optional and degrades with a word on the card.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.incident import Incident
from bot.slack.client import SlackClient
from bot.slack.errors import MissingScope, NameTaken, SlackError
from bot.views.words import declared_by

MAX_NAME = 80
_SUFFIXES = 6
_LIST_PAGES = 5
_HARMLESS = frozenset({"already_in_channel", "cant_invite_self", "already_pinned", "no_user"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """The workspace refused an optional call, and what is missing because of it."""

    method: str
    error: str
    consequence: str


@dataclass(frozen=True, slots=True)
class Channel:
    """Where the card stands. ``refusal`` says why it is not where it should be."""

    id: str
    name: str
    created: bool
    refusal: Refusal | None = None


def channel_name(prefix: str, incident: Incident, attempt: int = 1) -> str:
    """``inc-42-refund-bot``; a foreign agent name is cut down to what Slack allows. ``attempt`` > 1 adds a suffix."""
    ascii_name = unicodedata.normalize("NFKD", _about(incident)).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")
    tail = f"-{attempt}" if attempt > 1 else ""
    stem = f"{prefix}-{incident.number}" + (f"-{slug}" if slug else "")
    return stem[: MAX_NAME - len(tail)].rstrip("-_") + tail


def _about(incident: Incident) -> str:
    return incident.agent or ("declared" if declared_by(incident) is not None else incident.name)


class Channels:
    """Makes, finds and dresses channels. RateLimited and Unreachable are raised: the poster comes back."""

    def __init__(self, client: SlackClient, *, prefix: str, fallback: str | None) -> None:
        """``fallback`` is the announce channel, where the card stands when no channel can be made."""
        self._client = client
        self._prefix = prefix
        self._fallback = fallback

    async def create(self, incident: Incident, *, again: bool, bot_user: str | None) -> Channel | None:
        """A new channel. ``again``: an earlier try may have made it, so a taken name may be our own.

        None when the workspace allows none and there is no fixed channel to fall back to.
        """
        refusal = Refusal("conversations.create", "name_taken", "Every name for a channel of its own is taken.")
        for attempt in range(1, _SUFFIXES + 1):
            name = channel_name(self._prefix, incident, attempt)
            try:
                made = await self._client.call("conversations.create", name=name, is_private=False)
            except NameTaken:
                own = await self._own(name, bot_user) if again and attempt == 1 else None
                if own is not None:
                    return Channel(id=own, name=name, created=True)
                continue
            except SlackError as error:
                consequence = "The incident has no channel of its own; its card stands in the announce channel."
                refusal = Refusal("conversations.create", error.error, consequence)
                break
            channel = made.get("channel") or {}
            return Channel(id=str(channel["id"]), name=str(channel.get("name") or name), created=True)
        if self._fallback is None:
            return None
        return Channel(id=self._fallback, name=await self.name_of(self._fallback), created=False, refusal=refusal)

    async def name_of(self, channel: str) -> str:
        """The name of a channel, its id when Slack will not say."""
        try:
            answer = await self._client.call("conversations.info", channel=channel)
        except SlackError:
            return channel
        return str((answer.get("channel") or {}).get("name") or channel)

    async def dress(self, channel: Channel, people: Sequence[str], topic: str) -> list[Refusal]:
        """Topic and invitations of a new channel; answers what was refused. What is not allowed costs nothing else."""
        refused: list[Refusal | None] = []
        if people:
            shown = ", ".join(f"<@{user}>" for user in people[:10])
            refused.append(
                await self._try(
                    "conversations.invite",
                    f"Not everyone on call was invited to the channel ({shown}); invite them by hand.",
                    channel=channel.id,
                    users=",".join(people[:100]),
                    force=True,
                )
            )
        refused.append(
            await self._try(
                "conversations.setTopic", "The channel has no topic.", channel=channel.id, topic=topic[:250]
            )
        )
        return [refusal for refusal in refused if refusal is not None]

    async def pin(self, channel: str, ts: str) -> Refusal | None:
        """Pin the card in its own channel."""
        return await self._try("pins.add", "The card is not pinned in its channel.", channel=channel, timestamp=ts)

    async def join(self, channel: str) -> bool:
        """Become a member of a public channel; False when that is not allowed."""
        return await self._client.try_call("conversations.join", channel=channel) is None

    async def _try(self, method: str, consequence: str, **arguments: Any) -> Refusal | None:
        error = await self._client.try_call(method, **arguments)
        if error is None or error.error in _HARMLESS:
            return None
        detail = f"{error.error} {error.needed}".strip() if isinstance(error, MissingScope) else error.error
        return Refusal(method, detail, consequence)

    async def _own(self, name: str, bot_user: str | None) -> str | None:
        """A channel of this name that we made and whose id we lost to a crash. Only then is a list asked for."""
        cursor: str | None = None
        for _ in range(_LIST_PAGES):
            try:
                page: Mapping[str, Any] = await self._client.call(
                    "conversations.list", types="public_channel", exclude_archived=True, limit=1000, cursor=cursor
                )
            except SlackError:
                return None
            for channel in page.get("channels") or ():
                if channel.get("name") == name and bot_user is not None and channel.get("creator") == bot_user:
                    return str(channel["id"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                return None
        return None
