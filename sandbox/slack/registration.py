"""The app as registered: scopes, events, commands and shortcuts; generous unless read from its manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.slack.scopes import ALL_SCOPES

DEFAULT_EVENTS = frozenset(
    {"app_home_opened", "app_mention", "member_joined_channel", "message.channels", "message.groups", "message.im"}
    | {"reaction_added"}
)


@dataclass(frozen=True)
class Shortcut:
    """One shortcut; `type` is `message` (in a message's menu) or `global`."""

    name: str
    callback_id: str
    type: str = "message"


@dataclass(frozen=True)
class Registration:
    """What the workspace granted. `commands` empty means that any slash command is delivered."""

    scopes: frozenset[str] = ALL_SCOPES
    events: frozenset[str] = DEFAULT_EVENTS
    commands: frozenset[str] = frozenset()
    shortcuts: tuple[Shortcut, ...] = ()
    home_tab: bool = True

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> "Registration":
        """Read an app manifest (https://docs.slack.dev/reference/app-manifest).

        What it does not ask for is not granted.
        """
        features = manifest.get("features") or {}
        scopes = ((manifest.get("oauth_config") or {}).get("scopes") or {}).get("bot") or ()
        events = ((manifest.get("settings") or {}).get("event_subscriptions") or {}).get("bot_events") or ()
        return cls(
            scopes=frozenset(scopes),
            events=frozenset(events),
            home_tab=bool((features.get("app_home") or {}).get("home_tab_enabled", False)),
            commands=frozenset(one["command"] for one in features.get("slash_commands") or ()),
            shortcuts=tuple(
                Shortcut(one["name"], one["callback_id"], one["type"]) for one in features.get("shortcuts") or ()
            ),
        )
