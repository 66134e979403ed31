"""A strict offline check of what we send to Slack: by two programs nobody here wrote, the sandbox, and our own rules.

``problems(message or view)`` answers one line for each fault: what the SDK's models would drop or refuse (they must
come back unchanged), what slackblocks' validating constructors refuse, what the sandbox workspace refuses, and what is
live in a text that should not be.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from slack_sdk.models.blocks import Block as SdkBlock
from slackblocks import blocks as sb
from slackblocks import elements as se
from slackblocks import objects as so

from bot.views.blocks import Card
from sandbox.slack.blockkit import check_blocks, check_view

_BLOCKS = {
    "actions": sb.ActionsBlock,
    "context": sb.ContextBlock,
    "header": sb.HeaderBlock,
    "input": sb.InputBlock,
    "section": sb.SectionBlock,
}
_ELEMENTS = {
    "button": se.Button,
    "checkboxes": se.CheckboxGroup,
    "datepicker": se.DatePicker,
    "datetimepicker": se.DateTimePicker,
    "multi_static_select": se.StaticMultiSelectMenu,
    "number_input": se.NumberInput,
    "overflow": se.OverflowMenu,
    "plain_text_input": se.PlainTextInput,
    "static_select": se.StaticSelectMenu,
    "timepicker": se.TimePicker,
}
_TOKEN = re.compile(r"<([^<>]*)>")
_ALLOWED = re.compile(
    r"@[UW][A-Z0-9]{1,30}|#C[A-Z0-9]{1,30}|!date\^\d+\^\{[a-z_]+\}(?: \{time\})?\|[\w :]+ UTC|https://[^\s|<>]+\|[\w ]+"
)
"""What may stand between angle brackets in a text of ours: a person, a channel, a date, a link of ours with a label."""


def problems(sent: Card | Mapping[str, Any]) -> list[str]:
    """Every fault of a message (``Card``) or of a view."""
    if isinstance(sent, Card):
        found = list(_message(sent))
        blocks = [dict(block) for block in sent.blocks]
        found += check_blocks(json.loads(json.dumps(blocks)))
    else:
        view = json.loads(json.dumps(sent))
        blocks = view["blocks"]
        found = check_view(view)
    for place, block in enumerate(blocks):
        found += [f"/{place}: {fault}" for fault in _by_sdk(block)]
        found += [f"/{place}: {fault}" for fault in _by_slackblocks(block)]
    return found + list(_live(sent.text if isinstance(sent, Card) else "", blocks))


def _message(card: Card) -> Iterator[str]:
    if not card.text.strip():
        yield "the message has no text"
    if len(card.text) > 3000:
        yield f"text has {len(card.text)} characters"
    if len(card.blocks) > 50:
        yield f"{len(card.blocks)} blocks"


def _by_sdk(block: Mapping[str, Any]) -> list[str]:
    try:
        parsed = SdkBlock.parse(dict(block))
        if parsed is None:
            return [f"slack_sdk does not know {block['type']}"]
        back = parsed.to_dict()
    except Exception as error:  # noqa: BLE001 - whatever the SDK refuses is a fault of the block
        return [f"slack_sdk: {error}"]
    return [] if back == block else [f"slack_sdk changes {sorted(k for k in block if back.get(k) != block[k])}"]


def _by_slackblocks(block: Mapping[str, Any]) -> list[str]:
    try:
        _rebuilt(dict(block), "block")
    except Exception as error:  # noqa: BLE001 - whatever its constructors refuse is a fault of the block
        return [f"slackblocks: {type(error).__name__}: {str(error)[:160]}"]
    return []


def _rebuilt(value: Any, key: str) -> Any:  # noqa: PLR0911 - one return per kind of value
    """The value made anew with slackblocks' classes, which check as they are made."""
    if isinstance(value, list):
        return [_rebuilt(one, key) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    rest = {name: _rebuilt(part, name) for name, part in value.items() if name != "type"}
    if kind in {"plain_text", "mrkdwn"}:
        which = so.TextType.PLAINTEXT if kind == "plain_text" else so.TextType.MARKDOWN
        return so.Text(rest["text"], type_=which, verbatim=rest.get("verbatim", False))
    if key == "confirm":
        return so.ConfirmationDialogue(**rest)
    if key == "option_groups":
        return so.OptionGroup(**rest)
    if key in {"options", "initial_option", "initial_options"}:
        return so.Option(**rest)
    if kind == "multi_static_select" and "option_groups" in rest:  # which its constructor does not take alone
        rest["options"] = _rebuilt(value["option_groups"][0]["options"], "options")
        del rest["option_groups"]
    return (_BLOCKS if key == "block" else _ELEMENTS)[str(kind)](**rest)


def _live(text: str, blocks: list[dict[str, Any]]) -> Iterator[str]:
    """Markup that we did not mean: an unknown token, a bracket left open, a text object that links by itself."""
    for source in (text, *_mrkdwn(blocks)):
        for token in _TOKEN.findall(source):
            if not _ALLOWED.fullmatch(token):
                yield f"live markup <{token[:60]}>"
        if "<" in _TOKEN.sub("", source) or ">" in _TOKEN.sub("", source).replace("\n> ", "").removeprefix("> "):
            yield f"a bare bracket in {source[:80]!r}"


def _mrkdwn(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _mrkdwn(one)
    elif isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield str(value["text"]) if value.get("verbatim") is True else "<not verbatim>"
        for part in value.values():
            yield from _mrkdwn(part)


def action_ids(value: Any) -> set[str]:
    """Every action id in some blocks, without what makes it unique in its row."""
    if isinstance(value, list | tuple):
        return {found for one in value for found in action_ids(one)}
    if not isinstance(value, dict):
        return set()
    own = {str(value["action_id"]).partition(":")[0]} if "action_id" in value else set()
    return own | {found for part in value.values() for found in action_ids(part)}
