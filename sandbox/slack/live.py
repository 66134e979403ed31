"""Which parts of a message are live (mentions that notify, links to follow): what checks of escaping look at."""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.slack.model import Json, Message

TOKEN = re.compile(r"<([@#!]?[^<>\s|][^<>|]*)(?:\|([^<>]*))?>")


def markup(message: Message) -> Iterator[str]:
    """Every text in which Slack reads markup: `text`, mrkdwn objects, markdown blocks.

    Not plain_text, not rich text.
    """
    if not message.blocks:
        yield message.text
    for value in (message.blocks, message.attachments):
        yield from _walk(value)


def _walk(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _walk(one)
    elif isinstance(value, dict):
        if value.get("type") in ("mrkdwn", "markdown") and isinstance(value.get("text"), str):
            yield value["text"]
        for one in value.values():
            yield from _walk(one)


def references(message: Message) -> Json:
    """The people, groups, broadcasts, channels and links that are live in the message, each once and sorted."""
    found: dict[str, set[str]] = {name: set() for name in ("users", "groups", "broadcasts", "channels", "links")}
    for text in markup(message):
        for token, _label in TOKEN.findall(text):
            _sort(token, found)
    _rich(message.blocks, found)
    if message.blocks:  # the top-level text is what notifications show; a mention in it notifies all the same
        for token, _label in TOKEN.findall(message.text):
            _sort(token, found)
    return {name: sorted(values) for name, values in found.items()}


def _sort(token: str, found: dict[str, set[str]]) -> None:
    if token.startswith("@"):
        found["users"].add(token[1:])
    elif token.startswith("#"):
        found["channels"].add(token[1:])
    elif token.startswith("!subteam^"):
        found["groups"].add(token.removeprefix("!subteam^"))
    elif token in ("!channel", "!here", "!everyone"):
        found["broadcasts"].add(token[1:])
    elif re.match(r"[a-z][a-z0-9+.-]*:", token, re.IGNORECASE):
        found["links"].add(token)


def _rich(value: Any, found: dict[str, set[str]]) -> None:
    if isinstance(value, list):
        for one in value:
            _rich(one, found)
    elif isinstance(value, dict):
        keys = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range", "channel": "channel_id"}
        places = {"user": "users", "usergroup": "groups", "broadcast": "broadcasts", "channel": "channels"}
        kind = str(value.get("type", ""))
        if kind in keys and isinstance(value.get(keys[kind]), str):
            found[places[kind]].add(value[keys[kind]])
        if kind == "link" or (kind == "button" and "url" in value):
            found["links"].add(str(value.get("url")))
        for one in value.values():
            _rich(one, found)
