"""Strict Block Kit checks: what Slack refuses of a message or a view, named with its JSON pointer.

The limits are those of https://docs.slack.dev/reference/block-kit. Lengths count code points; how Slack counts
outside the basic plane is not documented. May import nothing but `sandbox.slack.errors`.
"""

import json
from typing import Any

from sandbox.slack.blockkit.blocks import ALLOWED, BLOCKS, MOST, MOST_MARKDOWN, NOT_MODELLED
from sandbox.slack.blockkit.rules import Check, Report, boolean, kinds_of, string, text
from sandbox.slack.errors import SlackError

Json = dict[str, Any]

MOST_MESSAGE_BYTES = 13_000
"""Slack answers `msg_blocks_too_long` somewhere near 13.2 kB of block JSON; the number is not documented."""

VIEW_FIELDS: dict[str, Check] = {
    "title": text("plain_text", most=24),
    "submit": text("plain_text", most=24),
    "close": text("plain_text", most=24),
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
    "clear_on_close": boolean,
    "notify_on_close": boolean,
    "submit_disabled": boolean,
}
HOME_FIELDS = frozenset({"private_metadata", "callback_id", "external_id"})

__all__ = ["check_blocks", "check_view", "refuse_message", "refuse_view"]


def check_blocks(blocks: Any, surface: str = "message", pointer: str = "/blocks") -> list[str]:
    """Everything that Slack would refuse of these blocks on a `message`, `modal` or `home`.

    Empty when they are fine.
    """
    report = Report()
    if not isinstance(blocks, list):
        report.add(pointer, "must provide an array")
        return report.problems
    if len(blocks) > MOST[surface]:
        report.add(pointer, f"no more than {MOST[surface]} items allowed")
    one_block = kinds_of(BLOCKS, ALLOWED[surface], f"a {surface}")
    for index, block in enumerate(blocks):
        at = f"{pointer}/{index}"
        if isinstance(block, dict) and block.get("type") in NOT_MODELLED:
            report.add(f"{at}/type", f"unsupported type: {block['type']} is not modelled by the Slack sandbox")
            continue
        one_block(report, at, block)
    whole_blocks = [(f"{pointer}/{index}", block) for index, block in enumerate(blocks) if isinstance(block, dict)]
    _unique_ids(report, whole_blocks)
    _sums(report, pointer, [block for _, block in whole_blocks])
    return report.problems


def _unique_ids(report: Report, blocks: list[tuple[str, Json]]) -> None:
    seen: set[str] = set()
    for at, block in blocks:
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id:
            if block_id in seen:
                report.add(f"{at}/block_id", f"`block_id` {block_id!r} already exists")
            seen.add(block_id)
        inside = block.get("elements")
        taken: set[str] = set()
        for index, element in enumerate(inside if isinstance(inside, list) else []):
            action_id = element.get("action_id") if isinstance(element, dict) else None
            if isinstance(action_id, str):
                if action_id in taken:
                    report.add(f"{at}/elements/{index}/action_id", f"`action_id` {action_id!r} already exists")
                taken.add(action_id)


def _sums(report: Report, pointer: str, blocks: list[Json]) -> None:
    if sum(block.get("type") == "table" for block in blocks) > 1:
        report.add(pointer, "only one table block is allowed in a message")
    markdown = sum(len(str(block.get("text", ""))) for block in blocks if block.get("type") == "markdown")
    if markdown > MOST_MARKDOWN:
        report.add(pointer, f"markdown blocks must have less than {MOST_MARKDOWN + 1} characters together")


def check_view(view: Any, kinds: tuple[str, ...] = ("modal", "home")) -> list[str]:
    """Everything that Slack would refuse of this modal or home tab."""
    report = Report()
    if not isinstance(view, dict):
        report.add("/view", "must provide an object")
        return report.problems
    kind = view.get("type")
    if kind not in kinds:
        report.add("/view/type", f"must be one of: {', '.join(kinds)}")
        return report.problems
    allowed = set(VIEW_FIELDS) if kind == "modal" else HOME_FIELDS
    for key in sorted(set(view) - {"type", "blocks"}):
        if key not in allowed:
            report.add("/view", f"invalid additional property: {key}")
        elif view[key] is not None:
            VIEW_FIELDS[key](report, f"/view/{key}", view[key])
    if kind == "modal" and not view.get("title"):
        report.add("/view", "missing required field: title")
    report.problems += check_blocks(view.get("blocks"), str(kind), "/view/blocks")
    _inputs_have_submit(report, view)
    return report.problems


def _inputs_have_submit(report: Report, view: Json) -> None:
    blocks = view.get("blocks")
    inputs = [one for one in (blocks if isinstance(blocks, list) else []) if isinstance(one, dict)]
    if view.get("type") == "modal" and not view.get("submit") and any(one.get("type") == "input" for one in inputs):
        report.add("/view", "missing required field: submit (a modal with input blocks needs it)")


def refuse_message(blocks: Any) -> None:
    """Raise what chat.postMessage answers.

    Raises:
        SlackError: `invalid_blocks_format`, `invalid_blocks` with `response_metadata.messages`, `msg_blocks_too_long`.
    """
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = check_blocks(blocks)
    if problems:
        raise SlackError("invalid_blocks", response_metadata={"messages": problems})
    if len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")).encode()) > MOST_MESSAGE_BYTES:
        raise SlackError("msg_blocks_too_long")


def refuse_view(view: Any, kinds: tuple[str, ...]) -> None:
    """Raise what views.open answers.

    Raises:
        SlackError: `invalid_arguments` for the view's own fields or blocks, with `response_metadata.messages`.
    """
    problems = check_view(view, kinds)
    if problems:
        only_blocks = all("[json-pointer:/view/blocks" in one for one in problems)
        error = "invalid_blocks" if only_blocks else "invalid_arguments"
        raise SlackError(error, response_metadata={"messages": problems})
