"""The app manifest: exactly what Pullcord uses, computed from the methods it calls and the interactions it answers.

Shape: Slack's "App manifest reference", metadata major version 2. ``pullcord manifest`` prints it.
"""

import json
from typing import Any

from bot.errors import Misconfigured
from bot.plugin import Kind, Registry
from bot.slack.clicks import COMMAND, HOME_OPENED
from bot.slack.methods import METHODS

EVENT_SCOPES: dict[str, tuple[str, ...]] = {
    HOME_OPENED: (),
    "app_mention": ("app_mentions:read",),
    "reaction_added": ("reactions:read",),
}
"""Scope of each event that an interaction may answer. An event that is not here stops the start of the manifest."""

_DESCRIPTION = "Pages people when an AI agent goes wrong and contains it with buttons."
_LONG = (
    "Pullcord opens an incident when an AI agent goes wrong, shows what the agent did and what of it cannot be undone, "
    "lets people contain it with buttons, and keeps every step on a timeline that cannot be edited quietly."
)


def scopes(registry: Registry) -> list[str]:
    """Bot scopes that our calls, events, commands and shortcuts need, sorted. Raises Misconfigured for an odd event."""
    needed = {scope for method in METHODS.values() for scope in method.scopes}
    for kind, name in registry.interactions:
        if kind is Kind.EVENT:
            if name not in EVENT_SCOPES:
                message = f"The scope of the Slack event {name} is not known."
                raise Misconfigured(message, next_step="Answer another event, or add it to bot/slack/manifest.py.")
            needed.update(EVENT_SCOPES[name])
        if kind in {Kind.COMMAND, Kind.SHORTCUT}:
            needed.add("commands")
    return sorted(needed)


def manifest(registry: Registry, *, request_url: str | None = None) -> dict[str, Any]:
    """The manifest. Without ``request_url`` for Socket Mode, with it (``https://…/slack/events``) for HTTP mode."""
    url = {} if request_url is None else {"url": request_url}
    words = sorted(name for kind, name in registry.interactions if kind is Kind.COMMAND)
    events = sorted(name for kind, name in registry.interactions if kind is Kind.EVENT)
    shortcuts = sorted((i for (k, _), i in registry.interactions.items() if k is Kind.SHORTCUT), key=lambda i: i.id)
    interactivity: dict[str, Any] = {"is_enabled": True}
    subscriptions: dict[str, Any] = {"bot_events": events}
    if request_url is not None:
        interactivity["request_url"] = request_url
        subscriptions = {"request_url": request_url, **subscriptions}
    features: dict[str, Any] = {"bot_user": {"display_name": "Pullcord", "always_online": True}}
    if HOME_OPENED in events:
        features["app_home"] = {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        }
    if words:
        features["slash_commands"] = [
            {
                "command": COMMAND,
                **url,
                "description": "Incidents of AI agents: declare, acknowledge, contain",
                "usage_hint": "declare | ack | take | run | note | timeline | status | resolve | help",
                "should_escape": False,
            },
        ]
    if shortcuts:
        features["shortcuts"] = [
            {"name": i.help[:24], "type": "message", "callback_id": i.id, "description": i.help[:150]}
            for i in shortcuts
        ]
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "Pullcord",
            "description": _DESCRIPTION,
            "long_description": _LONG,
            "background_color": "#1b1c1f",
        },
        "features": features,
        "oauth_config": {"scopes": {"bot": scopes(registry)}},
        "settings": {
            "event_subscriptions": subscriptions,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }


def manifest_text(registry: Registry, *, request_url: str | None = None) -> str:
    """The manifest as ``manifest.json`` holds it."""
    return json.dumps(manifest(registry, request_url=request_url), indent=2, ensure_ascii=False) + "\n"
