"""What a person picked or typed, in the shape of Slack's `state.values`, and where elements sit in blocks."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sandbox.slack.errors import DriveError
from sandbox.slack.model import Json

PLAIN = {
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "rich_text_input": "rich_text_value",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
ONE_OPTION = frozenset({"static_select", "external_select", "radio_buttons", "overflow"})
MANY_OPTIONS = frozenset({"multi_static_select", "multi_external_select", "checkboxes"})
MANY_PLAIN = {
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
}
STATELESS = frozenset({"button", "overflow", "workflow_button", "icon_button", "feedback_buttons"})
INITIAL = {
    "value": "initial_value",
    "rich_text_value": "initial_value",
    "selected_user": "initial_user",
    "selected_conversation": "initial_conversation",
    "selected_channel": "initial_channel",
    "selected_date": "initial_date",
    "selected_time": "initial_time",
    "selected_date_time": "initial_date_time",
    "selected_option": "initial_option",
    "selected_options": "initial_options",
    "selected_users": "initial_users",
    "selected_conversations": "initial_conversations",
    "selected_channels": "initial_channels",
}


def elements(blocks: list[Json] | None) -> Iterator[tuple[Json, Json]]:
    """Each element with an `action_id`, with the block that holds it, top to bottom."""
    for block in blocks or []:
        inside = block.get("elements") or []
        for element in [*inside, block.get("accessory"), block.get("element")]:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def stateful(element: Json) -> bool:
    """Whether Slack reports the element in `state.values`."""
    return element["type"] not in STATELESS


def field_of(element: Json) -> str:
    """The key under which the element's state holds what was chosen."""
    kind = str(element["type"])
    if kind in ONE_OPTION:
        return "selected_option"
    if kind in MANY_OPTIONS:
        return "selected_options"
    return PLAIN.get(kind) or MANY_PLAIN.get(kind) or "value"


def initial(element: Json) -> Json:
    """The state before anyone touched the element."""
    key = field_of(element)
    empty: Any = [] if key in ("selected_options", *MANY_PLAIN.values()) else None
    return {"type": element["type"], key: element.get(INITIAL[key], empty)}


def initial_values(blocks: list[Json] | None) -> dict[str, dict[str, Json]]:
    """`state.values` of blocks that nobody touched yet."""
    values: dict[str, dict[str, Json]] = {}
    for block, element in elements(blocks):
        if stateful(element):
            values.setdefault(block["block_id"], {})[element["action_id"]] = initial(element)
    return values


def _option(element: Json, value: str) -> Json:
    options = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        options += group["options"]
    for option in options:
        if option.get("value") == value:
            return dict(option)
    offered = ", ".join(repr(option.get("value")) for option in options) or "none"
    raise DriveError(f"{element['action_id']!r} has no option with the value {value!r}; it offers {offered}")


def choose(element: Json, value: Any) -> Json:
    """The state of the element after a person chose `value`.

    `value` is a text, an option's value, an id, a date, or a list of them.
    """
    kind = str(element["type"])
    key = field_of(element)
    chosen: Any
    if value is None or value == "":
        chosen = [] if key in ("selected_options", *MANY_PLAIN.values()) else None
    elif kind in ONE_OPTION:
        chosen = _option(element, str(value))
    elif kind in MANY_OPTIONS:
        chosen = [_option(element, str(one)) for one in (value if isinstance(value, list) else [value])]
    elif kind in MANY_PLAIN:
        chosen = value if isinstance(value, list) else [value]
    elif kind == "datetimepicker":
        chosen = int(value)
    elif kind == "rich_text_input":
        chosen = value
    else:
        chosen = str(value)
    return {"type": kind, key: chosen}


def is_empty(state: Json) -> bool:
    """Whether nothing was chosen."""
    return not any(value not in (None, [], "") for key, value in state.items() if key != "type")


def complaint(element: Json, state: Json) -> str | None:
    """What Slack's own client says before it sends a field to the app, or None."""
    kind = element["type"]
    value = state.get(field_of(element))
    if value in (None, "", []):
        return None
    if kind == "plain_text_input":
        low, high = element.get("min_length", 0), element.get("max_length", 3000)
        if len(value) < low:
            return f"Must be at least {low} characters."
        if len(value) > high:
            return f"Must be at most {high} characters."
    if kind == "number_input":
        return _number_complaint(element, str(value))
    if kind == "datepicker":
        try:
            date.fromisoformat(value)
        except ValueError:
            return "Must be a date as YYYY-MM-DD."
    return None


def _number_complaint(element: Json, text: str) -> str | None:
    try:
        number = float(text) if element.get("is_decimal_allowed") else int(text)
    except ValueError:
        return "Must be a number." if element.get("is_decimal_allowed") else "Must be a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Must be {element['min_value']} or more."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Must be {element['max_value']} or less."
    return None
