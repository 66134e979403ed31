"""Tells open pages and waiting tests that something changed. It says that, not what: readers ask again."""

import asyncio
from contextlib import suppress


class Feed:
    """A counter that one can wait on; many changes between two looks cost one look."""

    def __init__(self) -> None:
        self.revision = 0
        self.closed = False
        self._moved = asyncio.Event()

    def changed(self) -> None:
        """Wake everyone who waits."""
        self.revision += 1
        self._wake()

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def after(self, revision: int, timeout: float) -> int:
        """Wait until there is a revision above `revision`, or `timeout` seconds; returns the current one."""
        if self.revision <= revision and not self.closed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), timeout)
        return self.revision
