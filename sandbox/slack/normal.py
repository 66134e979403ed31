"""Blocks as Slack gives them back: ids that were left out are filled in, text objects carry their defaults."""

import copy
import secrets
from typing import Any

from sandbox.slack.model import Json

ID_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
INTERACTIVE_SUFFIXES = ("_select", "_input", "picker", "_buttons", "button", "checkboxes", "overflow")


def _short_id() -> str:
    return "".join(secrets.choice(ID_LETTERS) for _ in range(5))


def _fill(value: Any) -> None:
    if isinstance(value, list):
        for one in value:
            _fill(one)
    elif isinstance(value, dict):
        kind = str(value.get("type", ""))
        if kind == "plain_text":
            value.setdefault("emoji", True)
        elif kind == "mrkdwn":
            value.setdefault("verbatim", False)
        elif kind.endswith(INTERACTIVE_SUFFIXES):
            value.setdefault("action_id", _short_id())
        for one in value.values():
            _fill(one)


def normalised(blocks: list[Json]) -> list[Json]:
    """A deep copy with every id present and text defaults written out."""
    filled = copy.deepcopy(blocks)
    for block in filled:
        block.setdefault("block_id", _short_id())
        _fill({key: value for key, value in block.items() if key != "type"})
    return filled
