"""The payloads of interactions, in Slack's shapes (https://docs.slack.dev/reference/interaction-payloads)."""

from typing import Any

from sandbox.slack.model import Channel, Json, Message, View
from sandbox.slack.people import APP_ID, TEAM, Person

DOMAIN = "sandbox"
TOKEN = "verification-token"  # noqa: S105 - the deprecated field that Slack still sends
ACTION_KEYS = ("text", "value", "style", "placeholder", "url", "initial_option", "initial_date", "initial_user")


def user(person: Person) -> Json:
    """The acting person, as interactions name them."""
    return {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team}


def _frame(kind: str, person: Person) -> Json:
    return {
        "type": kind,
        "user": user(person),
        "api_app_id": APP_ID,
        "token": TOKEN,
        "team": {"id": TEAM, "domain": DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def action(block: Json, element: Json, state: Json, ts: str) -> Json:
    """One entry of `actions`: what was pressed or picked."""
    shown = {key: element[key] for key in ACTION_KEYS if key in element}
    ids = {"action_id": element["action_id"], "block_id": block["block_id"], "action_ts": ts}
    picked = {key: value for key, value in state.items() if key != "value" or element["type"] != "button"}
    return {**shown, **picked, **ids, "type": element["type"]}


def block_actions_on_message(
    person: Person, channel: Channel, message: Message, one: Json, *, values: Json, trigger: str, response_url: str
) -> Json:
    """A press or a pick in a message."""
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": bool(message.ephemeral_to),
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    body = _frame("block_actions", person) | {
        "container": container,
        "trigger_id": trigger,
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "state": {"values": values},
        "response_url": response_url,
        "actions": [one],
    }
    return body if message.ephemeral_to else body | {"message": message.wire()}


def block_actions_on_view(person: Person, view: View, one: Json, *, trigger: str) -> Json:
    """A press or a pick in a modal or home tab; it has no response URL."""
    return _frame("block_actions", person) | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": trigger,
        "view": view.wire(),
        "actions": [one],
    }


def view_submission(person: Person, view: View, *, trigger: str) -> Json:
    """Submit of a modal."""
    return _frame("view_submission", person) | {"trigger_id": trigger, "view": view.wire(), "response_urls": []}


def view_closed(person: Person, view: View, *, cleared: bool) -> Json:
    """Cancel or the cross of a modal that asked to be told."""
    return _frame("view_closed", person) | {"view": view.wire(), "is_cleared": cleared}


def shortcut(person: Person, callback_id: str, *, trigger: str, ts: str) -> Json:
    """A global shortcut."""
    return _frame("shortcut", person) | {"callback_id": callback_id, "trigger_id": trigger, "action_ts": ts}


def message_action(
    person: Person, channel: Channel, message: Message, callback_id: str, *, trigger: str, ts: str, response_url: str
) -> Json:
    """A shortcut in a message's menu."""
    return _frame("message_action", person) | {
        "callback_id": callback_id,
        "trigger_id": trigger,
        "action_ts": ts,
        "response_url": response_url,
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": channel_name(channel)},
        "message": message.wire(),
    }


def command(
    person: Person, channel: Channel, name: str, text: str, *, trigger: str, response_url: str
) -> dict[str, Any]:
    """A slash command; all values are text, since HTTP mode sends a form."""
    return {
        "token": TOKEN,
        "team_id": TEAM,
        "team_domain": DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger,
    }


def channel_name(channel: Channel) -> str:
    """The name that payloads carry: Slack says `directmessage` and `privategroup` where there is none to show."""
    if channel.kind == "im":
        return "directmessage"
    return channel.name if channel.kind == "public" else "privategroup"
