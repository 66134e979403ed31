"""The elements inside blocks and their limits (https://docs.slack.dev/reference/block-kit/block-elements)."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.slack.blockkit.rules import Check, Report, array, boolean, one_of, shape, string, text, url, whole

ACTION_ID = string(255, 1)
PLACEHOLDER = text("plain_text", most=150)
ANY_STRING = string(3000)
ACCESSIBILITY = string(75)


def _matches(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern)

    def check(report: Report, pointer: str, value: Any) -> None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            report.add(pointer, f"must be a valid {what}")

    return check


DATE = _matches(r"\d{4}-\d{2}-\d{2}", "date as YYYY-MM-DD")
TIME = _matches(r"([01]\d|2[0-3]):[0-5]\d", "time as HH:MM")
NUMBER = _matches(r"-?\d+(\.\d+)?", "number, as a string")

CONFIRM = shape(
    {
        "title": text("plain_text", most=100),
        "text": text("plain_text", "mrkdwn", most=300),
        "confirm": text("plain_text", most=30),
        "deny": text("plain_text", most=30),
    },
    {"style": one_of("primary", "danger")},
)


def _option(label: Check, *, with_url: bool = False) -> Check:
    more: dict[str, Check] = {"description": text("plain_text", "mrkdwn", most=75)}
    if with_url:
        more["url"] = url(3000)
    return shape({"text": label, "value": string(150, 1)}, more)


PLAIN_OPTION = _option(text("plain_text", most=75))
RICH_OPTION = _option(text("plain_text", "mrkdwn", most=75))
OPTION_GROUP = shape({"label": text("plain_text", most=75), "options": array(PLAIN_OPTION, 1, 100)}, {})
FOCUS: dict[str, Check] = {"focus_on_load": boolean}
COMMON: dict[str, Check] = {"action_id": ACTION_ID, "confirm": CONFIRM, **FOCUS}
PICKER: dict[str, Check] = {**COMMON, "placeholder": PLACEHOLDER}
IDS = array(string(255, 1), 0, 1000)
FILTER = shape(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public"), 1, 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
DISPATCH = shape({}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 1, 2)})


def _values(options: list[Any]) -> list[Any]:
    return [one.get("value") for one in options if isinstance(one, dict)]


def _options_or_groups(report: Report, pointer: str, value: Any) -> None:
    if ("options" in value) == ("option_groups" in value):
        report.add(pointer, "must provide exactly one of: options, option_groups")
        return
    groups = value.get("option_groups")
    offered: list[Any] = []
    for group in groups if isinstance(groups, list) else [value]:
        options = group.get("options") if isinstance(group, dict) else None
        offered += options if isinstance(options, list) else []
    _initial_is_offered(report, pointer, value, offered)


def _initial_is_offered(report: Report, pointer: str, value: Any, offered: list[Any]) -> None:
    initial = value.get("initial_options") or [value.get("initial_option")]
    for one in initial if isinstance(initial, list) else []:
        if isinstance(one, dict) and one.get("value") not in _values(offered):
            report.add(pointer, "initial option is not one of the options")


def _own_options(report: Report, pointer: str, value: Any) -> None:
    options = value.get("options")
    _initial_is_offered(report, pointer, value, options if isinstance(options, list) else [])


def _lengths_agree(report: Report, pointer: str, value: Any) -> None:
    low, high = value.get("min_length"), value.get("max_length")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        report.add(pointer, "min_length must not be more than max_length")


def _select(more: Mapping[str, Check], also: Check | None = None) -> Check:
    return shape({}, {**PICKER, **more}, also)


MANY: dict[str, Check] = {"max_selected_items": whole(1, 1000)}
OPTIONS: dict[str, Check] = {"options": array(PLAIN_OPTION, 1, 100), "option_groups": array(OPTION_GROUP, 1, 100)}
TYPED: dict[str, Check] = {
    "action_id": ACTION_ID,
    "placeholder": PLACEHOLDER,
    "initial_value": ANY_STRING,
    "dispatch_action_config": DISPATCH,
    **FOCUS,
}
CONVERSATION: dict[str, Check] = {"default_to_current_conversation": boolean, "filter": FILTER}
RESPONDS: dict[str, Check] = {"response_url_enabled": boolean}

ELEMENTS: dict[str, Check] = {
    "button": shape(
        {"text": text("plain_text", most=75)},
        {
            "action_id": ACTION_ID,
            "url": url(3000),
            "value": string(2000),
            "style": one_of("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": ACCESSIBILITY,
        },
    ),
    "overflow": shape(
        {"options": array(_option(text("plain_text", most=75), with_url=True), 1, 5)},
        {"action_id": ACTION_ID, "confirm": CONFIRM},
    ),
    "static_select": _select({**OPTIONS, "initial_option": PLAIN_OPTION}, _options_or_groups),
    "multi_static_select": _select(
        {**OPTIONS, **MANY, "initial_options": array(PLAIN_OPTION, 0, 100)}, _options_or_groups
    ),
    "external_select": _select({"initial_option": PLAIN_OPTION, "min_query_length": whole(0, 1000)}),
    "multi_external_select": _select(
        {"initial_options": array(PLAIN_OPTION, 0, 100), "min_query_length": whole(0, 1000), **MANY}
    ),
    "users_select": _select({"initial_user": string(255, 1)}),
    "multi_users_select": _select({"initial_users": IDS, **MANY}),
    "conversations_select": _select({"initial_conversation": string(255, 1), **CONVERSATION, **RESPONDS}),
    "multi_conversations_select": _select({"initial_conversations": IDS, **CONVERSATION, **MANY}),
    "channels_select": _select({"initial_channel": string(255, 1), **RESPONDS}),
    "multi_channels_select": _select({"initial_channels": IDS, **MANY}),
    "datepicker": _select({"initial_date": DATE}),
    "timepicker": _select({"initial_time": TIME, "timezone": string(100, 1)}),
    "datetimepicker": shape({}, {**COMMON, "initial_date_time": whole(1_000_000_000, 9_999_999_999)}),
    "checkboxes": shape(
        {"options": array(RICH_OPTION, 1, 10)}, {**COMMON, "initial_options": array(RICH_OPTION, 1, 10)}, _own_options
    ),
    "radio_buttons": shape(
        {"options": array(RICH_OPTION, 1, 10)}, {**COMMON, "initial_option": RICH_OPTION}, _own_options
    ),
    "plain_text_input": shape(
        {},
        {**TYPED, "multiline": boolean, "min_length": whole(0, 3000), "max_length": whole(1, 3000)},
        _lengths_agree,
    ),
    "number_input": shape(
        {"is_decimal_allowed": boolean},
        {**TYPED, "initial_value": NUMBER, "min_value": NUMBER, "max_value": NUMBER},
    ),
    "email_text_input": shape({}, TYPED),
    "url_text_input": shape({}, TYPED),
    "rich_text_input": shape({}, {**TYPED, "initial_value": shape({}, {"elements": array(shape({}, {}), 0, 1000)})}),
    "file_input": shape(
        {}, {"action_id": ACTION_ID, "filetypes": array(string(50, 1), 0, 100), "max_files": whole(1, 10)}
    ),
    "image": shape(
        {"alt_text": string(2000, 1)},
        {"image_url": url(3000), "slack_file": shape({}, {"id": string(255, 1), "url": url(3000)})},
    ),
    "workflow_button": shape(
        {"text": text("plain_text", most=75), "workflow": shape({"trigger": shape({"url": url(3000)}, {})}, {})},
        {"action_id": ACTION_ID, "style": one_of("primary", "danger"), "accessibility_label": ACCESSIBILITY},
    ),
}

SELECTS = frozenset({"static_select", "external_select", "users_select", "conversations_select", "channels_select"})
MULTI_SELECTS = frozenset(f"multi_{name}" for name in SELECTS)
PICKED = frozenset({"checkboxes", "radio_buttons", "datepicker", "timepicker"})
IN_ACTIONS = SELECTS | PICKED | {"button", "overflow", "datetimepicker", "workflow_button"}
IN_SECTION = SELECTS | MULTI_SELECTS | PICKED | {"button", "overflow", "image", "workflow_button"}
IN_INPUT = (
    SELECTS
    | MULTI_SELECTS
    | PICKED
    | {"datetimepicker", "plain_text_input", "number_input", "email_text_input", "url_text_input"}
    | {"rich_text_input", "file_input"}
)
