"""Slack's rate limits (https://docs.slack.dev/apis/web-api/rate-limits): per method and workspace.

Posts per channel.
"""

import math
from collections import deque
from dataclasses import dataclass, field

from sandbox.slack.model import Json

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls a minute that each tier promises; Slack says "or more", so this is the strict reading."""

POST_BURST = 3
"""Posts to one channel that may come at once before the 1 a second holds.

Slack: "short bursts"; the number is a guess.
"""

TIERS = {
    "apps.connections.open": 3,
    "bookmarks.add": 2,
    "chat.delete": 3,
    "chat.postEphemeral": 4,
    "chat.update": 3,
    "conversations.archive": 2,
    "conversations.create": 2,
    "conversations.history": 3,
    "conversations.info": 3,
    "conversations.invite": 3,
    "conversations.join": 3,
    "conversations.list": 2,
    "conversations.members": 4,
    "conversations.open": 3,
    "conversations.replies": 3,
    "conversations.setTopic": 2,
    "dnd.info": 3,
    "pins.add": 2,
    "reactions.add": 3,
    "reactions.get": 3,
    "reactions.remove": 2,
    "team.info": 3,
    "usergroups.list": 2,
    "usergroups.users.list": 2,
    "users.info": 4,
    "users.list": 2,
    "users.lookupByEmail": 3,
    "views.open": 4,
    "views.publish": 4,
    "views.push": 4,
    "views.update": 4,
}


@dataclass
class Limits:
    """Off unless `on`. `posts_per_second` and `burst` hold per channel, tiers per method over a sliding minute."""

    on: bool = False
    posts_per_second: float = 1.0
    burst: int = POST_BURST
    _calls: dict[str, deque[float]] = field(default_factory=dict)
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def refuse(self, method: str, args: Json, now: float) -> int | None:
        """Seconds for `Retry-After` when this call is too much, else None and it is counted. `now` is monotonic."""
        if not self.on:
            return None
        if method == "chat.postMessage":
            return self._post(str(args.get("channel", "")), now)
        tier = TIERS.get(method)
        return self._tier(method, PER_MINUTE[tier], now) if tier else None

    def _tier(self, method: str, per_minute: int, now: float) -> int | None:
        made = self._calls.setdefault(method, deque())
        while made and made[0] <= now - 60:
            made.popleft()
        if len(made) >= per_minute:
            return max(1, math.ceil(made[0] + 60 - now))
        made.append(now)
        return None

    def _post(self, channel: str, now: float) -> int | None:
        tokens, last = self._buckets.get(channel, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + (now - last) * self.posts_per_second)
        if tokens < 1:
            self._buckets[channel] = (tokens, now)
            return max(1, math.ceil((1 - tokens) / self.posts_per_second))
        self._buckets[channel] = (tokens - 1, now)
        return None
