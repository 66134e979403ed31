"""The Home tab after something was pressed on it: made once more, so that the press has a visible outcome there.

Not more often than that: once for each press, a moment later (what was asked for is done by then, mostly), and one for
many presses of one person. A dialog that was opened from the tab counts as a press on it for ten minutes.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.plugin import Kind
from bot.slack.clicks import HOME_OPENED, Incoming

_LATER_SECONDS = 1.0
_REMEMBER_SECONDS = 600.0
_REMEMBERED = 2000


class Homes:
    """Who pressed something on their Home tab, and whose is about to be made again."""

    def __init__(self, show: Callable[[Incoming], Awaitable[object]], *, later: float = _LATER_SECONDS) -> None:
        """``show`` publishes the tab of whoever opened it; ``later`` in seconds."""
        self._show = show
        self._later = later
        self._pressed: OrderedDict[str, float] = OrderedDict()
        self._waiting: set[str] = set()

    def touched(self, incoming: Incoming) -> bool:
        """Whether this was pressed on a Home tab, or submitted in a dialog soon after, and the tab is now to follow."""
        user, now = incoming.click.by.id, time.monotonic()
        if incoming.kind is Kind.BUTTON and incoming.click.surface == "home":
            self._pressed[user] = now
            self._pressed.move_to_end(user)
            if len(self._pressed) > _REMEMBERED:
                self._pressed.popitem(last=False)
        elif incoming.kind is not Kind.VIEW or now - self._pressed.get(user, -_REMEMBER_SECONDS) >= _REMEMBER_SECONDS:
            return False
        if user in self._waiting:
            return False
        self._waiting.add(user)
        return True

    async def follow(self, incoming: Incoming) -> None:
        """Publish the tab a moment later. Only after ``touched`` said so."""
        await asyncio.sleep(self._later)
        self._waiting.discard(incoming.click.by.id)
        click = replace(incoming.click, id=HOME_OPENED, event={"tab": "home"}, value="", values={}, metadata="")
        await self._show(replace(incoming, kind=Kind.EVENT, click=click))
