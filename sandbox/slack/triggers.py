"""Trigger ids: the short-lived leave to open a modal for the person who just did something."""

import secrets
import time
from dataclasses import dataclass, field

from sandbox.slack.errors import SlackError

LIFETIME = 3.0
"""Seconds (https://docs.slack.dev/interactivity/handling-user-interaction, "trigger IDs")."""


@dataclass
class Triggers:
    """Issues ids and exchanges each once, within 3 s."""

    lifetime: float = LIFETIME
    _issued: dict[str, tuple[str, float]] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    def issue(self, user: str) -> str:
        """A fresh id for this person."""
        trigger = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**11)}.{secrets.token_hex(16)}"
        self._issued[trigger] = (user, time.monotonic() + self.lifetime)
        return trigger

    def exchange(self, trigger: str) -> str:
        """The person who may be shown a modal.

        Raises:
            SlackError: `invalid_trigger_id`, `exchanged_trigger_id` on second use, `expired_trigger_id` after 3 s.
        """
        if trigger not in self._issued:
            raise SlackError("invalid_trigger_id")
        if trigger in self._used:
            raise SlackError("exchanged_trigger_id")
        user, until = self._issued[trigger]
        if time.monotonic() > until:
            raise SlackError("expired_trigger_id")
        self._used.add(trigger)
        return user
