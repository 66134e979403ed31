"""Small pieces of Block Kit for the tests."""

from typing import Any

Json = dict[str, Any]


def plain(text: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    """A mrkdwn object."""
    return {"type": "mrkdwn", "text": text}


def button(action_id: str = "ack", value: str = "INC-42", **more: Any) -> Json:
    """A button."""
    return {"type": "button", "action_id": action_id, "text": plain("Acknowledge"), "value": value, **more}


def actions(*elements: Json, **more: Any) -> Json:
    """An actions block."""
    return {"type": "actions", "elements": list(elements), **more}


def section(text: str = "text", **more: Any) -> Json:
    """A section."""
    return {"type": "section", "text": mrkdwn(text), **more}


def option(value: str = "a", text: str = "A") -> Json:
    """An option."""
    return {"text": plain(text), "value": value}


def select(action_id: str = "pick", *values: str, **more: Any) -> Json:
    """A static select."""
    return {"type": "static_select", "action_id": action_id, "options": [option(one) for one in values or "ab"], **more}


def field(element: Json, block_id: str = "field", **more: Any) -> Json:
    """An input block."""
    return {"type": "input", "block_id": block_id, "label": plain("Field"), "element": element, **more}


def modal(*blocks: Json, **more: Any) -> Json:
    """A modal with a submit button."""
    title = {"type": "modal", "title": plain("Title"), "submit": plain("Go"), "callback_id": "form"}
    return {**title, "blocks": list(blocks), **more}


def text_input(action_id: str = "why", **more: Any) -> Json:
    """A plain text input."""
    return {"type": "plain_text_input", "action_id": action_id, **more}


CONFIRM = {"title": plain("Sure?"), "text": mrkdwn("It *changes* things."), "confirm": plain("Do"), "deny": plain("No")}
CARD: list[Json] = [
    {"type": "header", "text": plain("SEV2 · refund-bot: 2 effects cannot be undone")},
    {"type": "section", "fields": [mrkdwn("*Status*\nFiring · on call <@U0LEE>"), mrkdwn("*Commander*\nnobody yet")]},
    section("🔴 `issue_refund` $420.00 · *no undo* <!date^1795441627^{time}|03:00 UTC>"),
    {"type": "context", "elements": [mrkdwn("⚪ not recorded: seed")]},
    {"type": "divider"},
    actions(button("ack", style="primary"), button("revoke", style="danger", confirm=CONFIRM), block_id="lifecycle"),
    actions(
        select("pick", "a", "b", placeholder=plain("Pick")),
        {"type": "overflow", "action_id": "more", "options": [option("pause", "Pause"), option("eval", "Eval")]},
        block_id="containment",
    ),
    {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "raw: "}]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "<!channel> <b>no</b>"}]},
        ],
    },
]
