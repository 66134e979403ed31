"""What Slack refuses of blocks and views, compared with slack_sdk's models and slackblocks as second opinions."""

import copy
from typing import Any

import pytest
from slack_sdk.errors import SlackClientError
from slack_sdk.models.blocks import Block
from slackblocks._surfaces import validate_surface_blocks
from slackblocks.errors import InvalidUsageError

from sandbox.slack.blockkit import check_blocks, check_view
from tests.sandbox.slack.shapes import (
    CARD,
    CONFIRM,
    Json,
    actions,
    button,
    field,
    modal,
    mrkdwn,
    option,
    plain,
    section,
    select,
    text_input,
)

BAD: dict[str, tuple[list[Any], str]] = {
    "51 blocks": ([{"type": "divider"}] * 51, "/blocks"),
    "unknown block": ([{"type": "marquee"}], "/blocks/0/type"),
    "block without type": ([{"text": plain("x")}], "/blocks/0/type"),
    "block that is no object": (["hello"], "/blocks/0"),
    "alert in a message": ([{"type": "alert", "text": plain("x")}], "/blocks/0/type"),
    "block that the sandbox does not model": ([{"type": "carousel", "elements": []}], "/blocks/0/type"),
    "header in mrkdwn": ([{"type": "header", "text": mrkdwn("x")}], "/blocks/0/text/type"),
    "header of 151": ([{"type": "header", "text": plain("x" * 151)}], "/blocks/0/text/text"),
    "empty header": ([{"type": "header", "text": plain("")}], "/blocks/0/text/text"),
    "section of 3001": ([section("x" * 3001)], "/blocks/0/text/text"),
    "empty section": ([section("")], "/blocks/0/text/text"),
    "section without anything": ([{"type": "section"}], "/blocks/0"),
    "11 fields": ([{"type": "section", "fields": [mrkdwn("x")] * 11}], "/blocks/0/fields"),
    "field of 2001": ([{"type": "section", "fields": [mrkdwn("x" * 2001)]}], "/blocks/0/fields/0/text"),
    "unknown property": ([{"type": "divider", "colour": "red"}], "/blocks/0"),
    "text object with a stray key": ([section("x") | {"text": mrkdwn("x") | {"emoji": True}}], "/blocks/0/text"),
    "text as a bare string": ([{"type": "section", "text": "x"}], "/blocks/0/text"),
    "11 in context": ([{"type": "context", "elements": [mrkdwn("x")] * 11}], "/blocks/0/elements"),
    "button in context": ([{"type": "context", "elements": [button()]}], "/blocks/0/elements/0/type"),
    "actions without elements": ([actions()], "/blocks/0/elements"),
    "26 in actions": ([actions(*(button(f"b{n}") for n in range(26)))], "/blocks/0/elements"),
    "input in actions": ([actions(text_input())], "/blocks/0/elements/0/type"),
    "multi-select in actions": (
        [actions({"type": "multi_users_select", "action_id": "a"})],
        "/blocks/0/elements/0/type",
    ),
    "unknown element": ([actions({"type": "lever", "action_id": "a"})], "/blocks/0/elements/0/type"),
    "button text in mrkdwn": ([actions(button() | {"text": mrkdwn("x")})], "/blocks/0/elements/0/text/type"),
    "button text of 76": ([actions(button() | {"text": plain("x" * 76)})], "/blocks/0/elements/0/text/text"),
    "button value of 2001": ([actions(button(value="x" * 2001))], "/blocks/0/elements/0/value"),
    "button url of 3001": ([actions(button(url="https://e.io/" + "x" * 3000))], "/blocks/0/elements/0/url"),
    "button url of a script": ([actions(button(url="javascript:alert(1)"))], "/blocks/0/elements/0/url"),
    "button style": ([actions(button(style="warning"))], "/blocks/0/elements/0/style"),
    "action id of 256": ([actions(button("x" * 256))], "/blocks/0/elements/0/action_id"),
    "action id twice": ([actions(button(), button())], "/blocks/0/elements/1/action_id"),
    "block id of 256": ([section(block_id="x" * 256)], "/blocks/0/block_id"),
    "block id twice": ([section(block_id="x"), section(block_id="x")], "/blocks/1/block_id"),
    "confirm title of 101": (
        [actions(button(confirm=CONFIRM | {"title": plain("x" * 101)}))],
        "/blocks/0/elements/0/confirm/title/text",
    ),
    "confirm text of 301": (
        [actions(button(confirm=CONFIRM | {"text": mrkdwn("x" * 301)}))],
        "/blocks/0/elements/0/confirm/text/text",
    ),
    "confirm label of 31": (
        [actions(button(confirm=CONFIRM | {"confirm": plain("x" * 31)}))],
        "/blocks/0/elements/0/confirm/confirm/text",
    ),
    "confirm without deny": (
        [actions(button(confirm={key: CONFIRM[key] for key in ("title", "text", "confirm")}))],
        "/blocks/0/elements/0/confirm",
    ),
    "6 in overflow": (
        [actions({"type": "overflow", "action_id": "a", "options": [option(str(n)) for n in range(6)]})],
        "/blocks/0/elements/0/options",
    ),
    "101 options": ([actions(select("a", *(str(n) for n in range(101))))], "/blocks/0/elements/0/options"),
    "option text of 76": (
        [actions(select() | {"options": [option("a", "x" * 76)]})],
        "/blocks/0/elements/0/options/0/text/text",
    ),
    "option value of 151": ([actions(select("a", "x" * 151))], "/blocks/0/elements/0/options/0/value"),
    "select without options": ([actions({"type": "static_select", "action_id": "a"})], "/blocks/0/elements/0"),
    "initial option not offered": ([actions(select(initial_option=option("z")))], "/blocks/0/elements/0"),
    "11 checkboxes": (
        [actions({"type": "checkboxes", "action_id": "a", "options": [option(str(n)) for n in range(11)]})],
        "/blocks/0/elements/0/options",
    ),
    "date in words": (
        [actions({"type": "datepicker", "action_id": "a", "initial_date": "tomorrow"})],
        "/blocks/0/elements/0/initial_date",
    ),
    "two tables": ([{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}] * 2, "/blocks"),
    "21 columns": (
        [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}],
        "/blocks/0/rows/0",
    ),
    "unknown rich text": (
        [{"type": "rich_text", "elements": [{"type": "rich_text_poem", "elements": []}]}],
        "/blocks/0/elements/0/type",
    ),
    "mention in preformatted": (
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "user", "user_id": "U1"}]}],
            }
        ],
        "/blocks/0/elements/0/elements/0/type",
    ),
    "image without alt text": ([{"type": "image", "image_url": "https://e.io/x.png"}], "/blocks/0"),
    "markdown of 12,001": (
        [{"type": "markdown", "text": "x" * 6001}, {"type": "markdown", "text": "y" * 6001}],
        "/blocks",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_slack_refuses_is_refused_at_its_pointer(name: str) -> None:
    """Each bad case is named with the JSON pointer of the value at fault."""
    blocks, pointer = BAD[name]
    problems = check_blocks(blocks)
    assert problems, "waved through"
    assert any(one.endswith(f"[json-pointer:{pointer}]") for one in problems), problems


GOOD: dict[str, list[Json]] = {
    "card": CARD,
    "50 blocks": [{"type": "divider"}] * 50,
    "section at its limit": [section("x" * 3000)],
    "ten fields at their limit": [{"type": "section", "fields": [mrkdwn("x" * 2000)] * 10}],
    "accessory": [section(accessory=button())],
    "same action id in two blocks": [actions(button()), actions(button())],
    "every picker": [
        actions(
            *({"type": kind, "action_id": kind} for kind in ("datepicker", "timepicker", "users_select")),
            {"type": "channels_select", "action_id": "c"},
            {"type": "radio_buttons", "action_id": "r", "options": [option()]},
        )
    ],
    "table": [{"type": "table", "rows": [[{"type": "raw_text", "text": "a"}, {"type": "raw_text", "text": "b"}]]}],
    "input in a message": [field(text_input())],
}


@pytest.mark.parametrize("name", GOOD)
def test_good_blocks_pass_and_slack_sdk_agrees(name: str) -> None:
    """Fine blocks pass ours, survive slack_sdk's parse and rendering unchanged, and stand on slackblocks' surface."""
    blocks = GOOD[name]
    assert check_blocks(blocks) == []
    for block in blocks:
        parsed = Block.parse(copy.deepcopy(block))
        assert parsed is not None
        assert parsed.to_dict() == block
    validate_surface_blocks(blocks, "message")


def test_what_second_opinions_refuse_we_refuse() -> None:
    """Whatever slack_sdk's models or slackblocks' surfaces reject of the bad cases, ours does too; it rejects more."""
    refused = 0
    for blocks, _pointer in BAD.values():
        try:
            for block in blocks:
                parsed = Block.parse(copy.deepcopy(block))
                if parsed is not None:
                    parsed.to_dict()
            validate_surface_blocks(blocks, "message")
        except (InvalidUsageError, SlackClientError, TypeError, AttributeError):
            refused += 1
            assert check_blocks(blocks)
    assert 15 <= refused < len(BAD)


BAD_VIEWS: dict[str, tuple[Any, str]] = {
    "no title": (modal(section()) | {"title": None}, "/view"),
    "title of 25": (modal(section(), title=plain("x" * 25)), "/view/title/text"),
    "title in mrkdwn": (modal(section(), title=mrkdwn("x")), "/view/title/type"),
    "submit of 25": (modal(section(), submit=plain("x" * 25)), "/view/submit/text"),
    "close of 25": (modal(section(), close=plain("x" * 25)), "/view/close/text"),
    "input without submit": (modal(field(text_input()), submit=None), "/view"),
    "private metadata of 3001": (modal(section(), private_metadata="x" * 3001), "/view/private_metadata"),
    "callback id of 256": (modal(section(), callback_id="x" * 256), "/view/callback_id"),
    "101 blocks": (modal(*[{"type": "divider"}] * 101), "/view/blocks"),
    "table in a modal": (modal({"type": "table", "rows": []}), "/view/blocks/0/type"),
    "button in an input": (modal(field(button())), "/view/blocks/0/element/type"),
    "input without label": (modal({"type": "input", "element": text_input()}), "/view/blocks/0"),
    "max length of 3001": (modal(field(text_input(max_length=3001))), "/view/blocks/0/element/max_length"),
    "lengths crossed": (modal(field(text_input(min_length=9, max_length=3))), "/view/blocks/0/element"),
    "number without decimals flag": (
        modal(field({"type": "number_input", "action_id": "n"})),
        "/view/blocks/0/element",
    ),
    "number as a number": (
        modal(field({"type": "number_input", "action_id": "n", "is_decimal_allowed": False, "min_value": 1})),
        "/view/blocks/0/element/min_value",
    ),
    "unknown key": (modal(section(), colour="red"), "/view"),
    "no blocks": ({"type": "modal", "title": plain("x")}, "/view/blocks"),
    "unknown type": ({"type": "toast", "blocks": []}, "/view/type"),
    "no object": ("modal", "/view"),
}


@pytest.mark.parametrize("name", BAD_VIEWS)
def test_bad_views_are_refused_at_their_pointer(name: str) -> None:
    """Modals are held to their own limits as well as to those of blocks."""
    view, pointer = BAD_VIEWS[name]
    assert any(one.endswith(f"[json-pointer:{pointer}]") for one in check_view(view)), check_view(view)


def test_a_full_modal_passes() -> None:
    """Every input element in one modal is fine."""
    elements = [
        text_input("t", multiline=True, min_length=1, max_length=3000),
        select("s"),
        {"type": "number_input", "action_id": "n", "is_decimal_allowed": True, "min_value": "0.5"},
        {"type": "datepicker", "action_id": "d", "initial_date": "2026-11-23"},
        {"type": "datetimepicker", "action_id": "dt", "initial_date_time": 1795441627},
        {"type": "checkboxes", "action_id": "c", "options": [option()], "initial_options": [option()]},
        {"type": "radio_buttons", "action_id": "r", "options": [option()], "initial_option": option()},
        {"type": "users_select", "action_id": "u"},
        {"type": "multi_users_select", "action_id": "mu"},
        {"type": "email_text_input", "action_id": "e"},
        {"type": "url_text_input", "action_id": "l"},
    ]
    assert check_view(modal(*(field(one, block_id=one["action_id"]) for one in elements))) == []
