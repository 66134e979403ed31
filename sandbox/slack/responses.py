"""Response URLs: five answers within half an hour, without a token (https://docs.slack.dev/interactivity/handling-user-interaction)."""

import secrets
import time
from dataclasses import dataclass, field

from sandbox.slack import blockkit
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Json, Message
from sandbox.slack.normal import normalised
from sandbox.slack.people import BOT_USER
from sandbox.slack.workspace import Workspace

USES = 5
LIFETIME = 1800.0


@dataclass
class ResponseUrl:
    """Where an answer goes: the channel and person of the interaction, and the message it came from, if one."""

    channel: str
    user: str
    message: Message | None
    until: float
    left: int = USES


@dataclass
class Responses:
    """All response URLs given out."""

    workspace: Workspace
    base: str = ""
    _open: dict[str, ResponseUrl] = field(default_factory=dict)

    def issue(self, channel: str, user: str, message: Message | None) -> str:
        """A new URL for this interaction."""
        key = secrets.token_urlsafe(18)
        self._open[key] = ResponseUrl(channel, user, message, time.monotonic() + LIFETIME)
        return f"{self.base}/responses/{key}"

    def take(self, key: str, body: Json) -> None:
        """Apply one answer.

        Without `replace_original` an answer to a click replaces its message, unless it names a `response_type`; that is
        what apps see from Slack, whose pages contradict each other here: say which you want.

        Raises:
            SlackError: `used_url`, `expired_url`, or what chat.postMessage would say about the content.
        """
        url = self._open.get(key)
        if url is None or url.until < time.monotonic():
            raise SlackError("expired_url")
        if url.left <= 0:
            raise SlackError("used_url")
        url.left -= 1
        self.apply(url, body)

    def answer(self, channel: str, user: str, message: Message | None, body: Json) -> None:
        """Apply what came back in the ack itself (slash commands)."""
        self.apply(ResponseUrl(channel, user, message, 0.0), body)

    def apply(self, url: ResponseUrl, body: Json) -> None:
        """Replace, delete or post."""
        message = url.message
        if message is not None and _truth(body.get("delete_original")):
            self._remove(message)
            return
        blocks = body.get("blocks") or None
        text = str(body.get("text") or "")
        if not text and not blocks:
            raise SlackError("no_text")
        if blocks is not None:
            blockkit.refuse_message(blocks)
            blocks = normalised(blocks)
        replace = body.get("replace_original", message is not None and "response_type" not in body)
        if message is not None and _truth(replace):
            self._replace(message, text, blocks)
            return
        in_channel = body.get("response_type") == "in_channel"
        thread = body.get("thread_ts") or (message.thread_ts if message is not None else None)
        ts = self.workspace.stamps.next()
        posted = Message(ts, url.channel, BOT_USER, text, blocks, thread_ts=thread)
        posted.ephemeral_to = None if in_channel else url.user
        self.workspace.post(posted)

    def _replace(self, message: Message, text: str, blocks: list[Json] | None) -> None:
        previous = message.wire()
        message.former.append(message.blocks or [])
        message.text, message.blocks = text, blocks
        if message.ephemeral_to:
            self.workspace.feed.changed()
        else:
            self.workspace.edited(self.workspace.channels[message.channel], message, previous)

    def _remove(self, message: Message) -> None:
        channel = self.workspace.channels[message.channel]
        if message.ephemeral_to:
            channel.ephemerals = [one for one in channel.ephemerals if one is not message]
            self.workspace.feed.changed()
        elif message.ts in channel.messages:
            self.workspace.delete(channel, message)


def _truth(value: object) -> bool:
    return value is True or str(value).lower() == "true"
