"""Slack's message timestamps: Unix seconds with six digits, unique in the workspace and always rising."""

import time
from collections.abc import Callable

Now = Callable[[], float]


class Stamps:
    """Gives each message its `ts`, even when two come in the same microsecond or the clock steps back."""

    def __init__(self, now: Now = time.time) -> None:
        self.now = now
        self._last = 0

    def next(self) -> str:
        """The next `ts`, as in `1700000000.000100`."""
        self._last = max(self._last + 1, int(self.now() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"
