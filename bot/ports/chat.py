"""How people are reached, and how long work tells them how far it is."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.domain.base import Json, Utc, Value


class DirectMessage(Value):
    """What a page says: text for the notification and screen readers, Block Kit blocks, and who is mentioned."""

    text: str
    blocks: tuple[dict[str, Json], ...]


class ChatMessage(Value):
    """A message that somebody wrote in Slack. All of ``text`` is foreign. ``author`` is a user or bot id."""

    text: str
    author: str | None
    at: Utc
    permalink: str | None = None


class Chat(Protocol):
    """How people are reached in Slack. Raises ActionFailed (a no), Busy (ask later) or OutcomeUnknown (no answer)."""

    async def direct(self, user: str, message: DirectMessage, dedupe_key: str) -> str:
        """Send one person a direct message, once per ``dedupe_key``; answers its ts."""
        ...

    async def post(self, channel: str, message: DirectMessage, dedupe_key: str, thread_ts: str | None = None) -> str:
        """Post to a channel or thread, once per ``dedupe_key``; answers its ts."""
        ...

    async def ephemeral(self, channel: str, user: str, text: str, blocks: Sequence[Mapping[str, Json]] = ()) -> None:
        """Tell one person something in a channel, visible to that person only; ``blocks`` may hold buttons."""
        ...

    async def group_members(self, group: str) -> frozenset[str]:
        """User ids in a user group (``usergroups.users.list``). Raises when Slack does not say."""
        ...

    async def is_full_member(self, user: str, team: str | None) -> bool:
        """True for an active full member of our workspace: no guest, no bot. Raises when unreadable."""
        ...

    async def message(self, channel: str, ts: str) -> ChatMessage | None:
        """One message of a channel or thread, or None when there is none (any more) or it is not ours to read."""
        ...

    async def react(self, channel: str, ts: str, name: str) -> None:
        """Put a reaction (``white_check_mark``) on a message; having it already or not being allowed to is no error."""
        ...


class Progress(Protocol):
    """How a long action says how far it is. Injected into a verb's plan; bound to its execution."""

    async def step(self, done: int, total: int, words: str = "") -> None:
        """Say how far it is; cheap, at most shown every 5 s. Raises ``Stopped`` when a person asked to stop."""
        ...
