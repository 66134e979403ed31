"""How much may be sent now: one message a second in a channel, and 45 edits a minute in the whole workspace.

Source: Slack's "Rate limits" (messages: one a second and channel; ``chat.update``: tier 3, 50 a minute, shared by all
incidents). Nobody waits here: the answer is how long, and whoever asked comes back then.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

POST_SECONDS = 1.0
UPDATES_A_MINUTE = 45
RESERVED_UPDATES = 15
"""Edits a minute that only unacknowledged incidents may use."""
_CHANNELS = 5000


class Budget:
    """In one process. Several replicas together may go over; then Slack's Retry-After is obeyed."""

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, updates_a_minute: int = UPDATES_A_MINUTE
    ) -> None:
        """``monotonic`` in seconds; tests inject one."""
        self._monotonic = monotonic
        self._most = updates_a_minute
        self._reserved = min(RESERVED_UPDATES, updates_a_minute // 3)
        self._posts: OrderedDict[str, float] = OrderedDict()
        self._updates: deque[float] = deque()

    def post(self, channel: str) -> float:
        """Take a post to the channel: 0 when it may go now, else the seconds to wait (nothing taken)."""
        now = self._monotonic()
        free_at = self._posts.get(channel, 0.0)
        if free_at > now:
            return free_at - now
        self._posts[channel] = now + POST_SECONDS
        self._posts.move_to_end(channel)
        if len(self._posts) > _CHANNELS:
            self._posts.popitem(last=False)
        return 0.0

    def update(self, *, urgent: bool, spare: bool = False) -> float:
        """Take an edit: 0 when it may go now, else the seconds to wait. What is not urgent leaves a reserve.

        ``spare``: of what only says how far something is. It leaves another one, so that no card waits for it.
        """
        now = self._monotonic()
        while self._updates and self._updates[0] <= now - 60:
            self._updates.popleft()
        most = self._most if urgent else self._most - self._reserved
        most -= self._reserved if spare and not urgent else 0
        if len(self._updates) < most:
            self._updates.append(now)
            return 0.0
        # the edit whose leaving makes room
        return max(0.05, self._updates[len(self._updates) - most] + 60 - now)
