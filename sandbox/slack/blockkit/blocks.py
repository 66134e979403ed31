"""The blocks and where each may stand (https://docs.slack.dev/reference/block-kit/blocks)."""

from typing import Any

from sandbox.slack.blockkit.elements import ELEMENTS, IN_ACTIONS, IN_INPUT, IN_SECTION
from sandbox.slack.blockkit.richtext import RICH_TEXT_ELEMENTS
from sandbox.slack.blockkit.rules import (
    Check,
    Report,
    array,
    boolean,
    kinds_of,
    one_of,
    shape,
    string,
    text,
    url,
    whole,
)

BLOCK_ID: dict[str, Check] = {"block_id": string(255)}
CONTEXT_TEXT = text("plain_text", "mrkdwn", most=3000)
CONTEXT_ITEMS: dict[str, Check] = {"image": ELEMENTS["image"], "plain_text": CONTEXT_TEXT, "mrkdwn": CONTEXT_TEXT}


def _image_source(report: Report, pointer: str, value: Any) -> None:
    if ("image_url" in value) == ("slack_file" in value):
        report.add(pointer, "must provide exactly one of: image_url, slack_file")


def _section_says_something(report: Report, pointer: str, value: Any) -> None:
    if "text" not in value and "fields" not in value:
        report.add(pointer, "must provide text or fields")


def _same_width(report: Report, pointer: str, value: Any) -> None:
    rows = value.get("rows")
    widths = {len(row) for row in rows if isinstance(row, list)} if isinstance(rows, list) else set()
    if len(widths) > 1:
        report.add(f"{pointer}/rows", "every row must have the same number of cells")


RAW_TEXT = shape({"text": string(10_000)}, {})
CELL = kinds_of(
    {"raw_text": RAW_TEXT, "rich_text": shape({"elements": RICH_TEXT_ELEMENTS}, BLOCK_ID)},
    frozenset({"raw_text", "rich_text"}),
    "a table cell",
)
COLUMN = shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})

BLOCKS: dict[str, Check] = {
    "actions": shape({"elements": array(kinds_of(ELEMENTS, IN_ACTIONS, "an actions block"), 1, 25)}, BLOCK_ID),
    "context": shape(
        {"elements": array(kinds_of(ELEMENTS | CONTEXT_ITEMS, frozenset(CONTEXT_ITEMS), "a context block"), 1, 10)},
        BLOCK_ID,
    ),
    "divider": shape({}, BLOCK_ID),
    "header": shape({"text": text("plain_text", most=150)}, BLOCK_ID | {"level": whole(1, 4)}),
    "image": shape(
        {"alt_text": string(2000, 1)},
        BLOCK_ID
        | {
            "image_url": url(3000),
            "slack_file": shape({}, {"id": string(255, 1), "url": url(3000)}),
            "title": text("plain_text", most=2000),
        },
        _image_source,
    ),
    "input": shape(
        {
            "label": text("plain_text", most=2000),
            "element": kinds_of(ELEMENTS, IN_INPUT, "an input block"),
        },
        BLOCK_ID | {"hint": text("plain_text", most=2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "markdown": shape({"text": string(12_000, 1)}, BLOCK_ID),
    "rich_text": shape({"elements": RICH_TEXT_ELEMENTS}, BLOCK_ID),
    "section": shape(
        {},
        BLOCK_ID
        | {
            "text": text("plain_text", "mrkdwn", most=3000),
            "fields": array(text("plain_text", "mrkdwn", most=2000), 1, 10),
            "accessory": kinds_of(ELEMENTS, IN_SECTION, "a section"),
            "expand": boolean,
        },
        _section_says_something,
    ),
    "table": shape(
        {"rows": array(array(CELL, 1, 20), 1, 100)},
        BLOCK_ID | {"column_settings": array(COLUMN, 0, 20)},
        _same_width,
    ),
    "video": shape(
        {
            "alt_text": string(2000, 1),
            "title": text("plain_text", most=200),
            "thumbnail_url": url(3000),
            "video_url": url(3000),
        },
        BLOCK_ID
        | {
            "author_name": string(50),
            "description": text("plain_text", most=200),
            "provider_icon_url": url(2000),
            "provider_name": string(50),
            "title_url": url(2000),
        },
    ),
}

NOT_MODELLED = frozenset(
    {"alert", "call", "card", "carousel", "container", "context_actions", "data_table", "data_visualization", "file"}
    | {"plan", "task_card"}
)
"""Slack has them; this stand-in cannot check or draw them, and says so instead of waving them through."""

EVERYWHERE = frozenset({"actions", "context", "divider", "header", "image", "input", "rich_text", "section", "video"})
ALLOWED: dict[str, frozenset[str]] = {
    "message": EVERYWHERE | {"markdown", "table"},
    "modal": EVERYWHERE,
    "home": EVERYWHERE | {"table"},
}
MOST = {"message": 50, "modal": 100, "home": 100}
MOST_MARKDOWN = 12_000
