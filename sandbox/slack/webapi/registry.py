"""What a Web API method is here, and how its arguments are read, whether from query, form or JSON body."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.slack.backend import Backend
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Channel, Json, Message
from sandbox.slack.people import BOT_USER, Person

MOST_LIMIT = 1000


class Args:
    """The arguments of one call. Values from forms are strings, from JSON what they are; each reader accepts both."""

    def __init__(self, values: Json) -> None:
        self.values = values

    def has(self, name: str) -> bool:
        """Whether the argument was given at all, also as an empty value."""
        return name in self.values and self.values[name] is not None

    def text(self, name: str, default: str = "") -> str:
        """A string; missing is `default`."""
        value = self.values.get(name)
        return default if value is None else str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean: true, "true", 1 or "1"."""
        value = self.values.get(name)
        return default if value is None else str(value).lower() in ("true", "1")

    def names(self, name: str) -> list[str]:
        """A list, also as comma-separated text."""
        value = self.values.get(name)
        parts = value if isinstance(value, list) else str(value or "").split(",")
        return [str(one).strip() for one in parts if str(one).strip()]

    def json(self, name: str, error: str) -> Any:
        """A structure, also as JSON text.

        Raises:
            SlackError: `error` when the text is no JSON.
        """
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None

    def limit(self, default: int) -> int:
        """`limit`, 1 to 999.

        Raises:
            SlackError: `invalid_limit`.
        """
        try:
            limit = int(self.text("limit") or default)
        except ValueError:
            raise SlackError("invalid_limit") from None
        if not 0 <= limit <= MOST_LIMIT:
            raise SlackError("invalid_limit")
        return limit or default


Method = Callable[[Backend, Args], Awaitable[Json]]
METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Register the implementation of one Web API method."""

    def register(function: Method) -> Method:
        METHODS[name] = function
        return function

    return register


def channel_of(slack: Backend, args: Args, *, member: bool = False, open_: bool = False) -> Channel:
    """The channel of the `channel` argument, as far as the bot may know it.

    Raises:
        SlackError: `channel_not_found`; `not_in_channel` when `member` is asked; `is_archived` when `open_` is.
    """
    channel = slack.workspace.find_channel(args.text("channel"))
    if channel is None or (channel.kind != "public" and BOT_USER not in channel.members):
        raise SlackError("channel_not_found")
    if member and BOT_USER not in channel.members:
        raise SlackError("not_in_channel")
    if open_ and channel.archived:
        raise SlackError("is_archived")
    return channel


def message_of(channel: Channel, ts: str, error: str = "message_not_found") -> Message:
    """The message with this `ts`.

    Raises:
        SlackError: `error`.
    """
    message = channel.messages.get(ts)
    if message is None:
        raise SlackError(error)
    return message


def person_of(slack: Backend, user: str, error: str = "user_not_found") -> Person:
    """The person with this id (names are not accepted, as in Slack).

    Raises:
        SlackError: `error`.
    """
    person = slack.workspace.people.get(user)
    if person is None:
        raise SlackError(error)
    return person


def need(slack: Backend, scope: str) -> None:
    """Raise `missing_scope` unless the app has this one.

    Raises:
        SlackError: `missing_scope` with `needed` and `provided`.
    """
    provided = slack.registration.scopes
    if scope not in provided:
        raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(provided)))


def page(items: list[Any], args: Args, default: int) -> tuple[list[Any], str]:
    """One page of a list and the cursor of the next (empty at the end).

    Raises:
        SlackError: `invalid_cursor`.
    """
    cursor = args.text("cursor")
    if cursor and not cursor.removeprefix("next:").isdigit():
        raise SlackError("invalid_cursor")
    start = int(cursor.removeprefix("next:")) if cursor else 0
    end = start + args.limit(default)
    return items[start:end], f"next:{end}" if end < len(items) else ""
